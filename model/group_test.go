package model_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

func TestGroupReading(t *testing.T) {
	t.Run("16.13/215 frames in order, then the end", func(t *testing.T) {
		g := newGroup(t)
		for _, s := range []string{"a", "b", "c"} {
			wantNil(t, g.WriteFrame(text(s)))
		}
		c := g.Consume()
		got, end := readFrames(c)
		want(t, "frames", slices.Equal(got, []string{"a", "b", "c"}), true)
		wantNil(t, end)
		wantNil(t, g.Finish())
		wantNil(t, g.Finish())
		_, end = readFrames(c)
		wantErr(t, end, eof)
		wantErr(t, g.WriteFrame(text("late")), model.ErrClosed)
		want(t, "count", g.FrameCount(), 3)
	})
	t.Run("16.13/216 a frame in one piece", func(t *testing.T) {
		g := newGroup(t)
		p := must(g.CreateFrame(model.FrameInfo{Size: 4}))
		write(t, p, "ab")
		write(t, p, "cd")
		want(t, "payload", string(must(g.Consume().ReadFrame(bg)).Payload), "abcd")
	})
	t.Run("16.13/218 past the end of a finished group", func(t *testing.T) {
		g := newGroup(t)
		wantNil(t, g.Finish())
		_, err := g.Consume().NextFrame(bg)
		wantErr(t, err, eof)
		_, err = g.Consume().ReadFrame(bg)
		wantErr(t, err, eof)
	})
	t.Run("16.13/223 a waiter wakes for a frame", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t)
			read := later(func() { want(t, "payload", string(must(g.Consume().ReadFrame(bg)).Payload), "x") })
			want(t, "returned early", read(), false)
			wantNil(t, g.WriteFrame(text("x")))
			want(t, "returned", read(), true)
		})
	})
	t.Run("a waiter wakes when the frame it waits for becomes whole, or fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t)
			one := must(g.CreateFrame(model.FrameInfo{Size: 2}))
			c := g.Consume()
			read := later(func() { want(t, "payload", string(must(c.ReadFrame(bg)).Payload), "ab") })
			write(t, one, "a")
			want(t, "returned early", read(), false)
			write(t, one, "b")
			want(t, "returned", read(), true)
			two := must(g.CreateFrame(model.FrameInfo{Size: 2}))
			read = later(func() {
				_, err := c.ReadFrame(bg)
				wantErr(t, err, model.ErrTimeout)
			})
			want(t, "returned early", read(), false)
			two.Abort(model.ErrTimeout)
			want(t, "returned", read(), true)
		})
	})
	t.Run("16.13/228 frames by number", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t)
			wantNil(t, g.WriteFrame(text("a")))
			wantNil(t, g.WriteFrame(text("b")))
			c := g.Consume()
			want(t, "1", string(must(must(c.GetFrame(bg, 1)).ReadAll(bg))), "b")
			want(t, "0", string(must(must(c.GetFrame(bg, 0)).ReadAll(bg))), "a")
			want(t, "the cursor", string(must(c.ReadFrame(bg)).Payload), "a")
			_, ok, err := c.TryGetFrame(2)
			want(t, "the next one", ok, false)
			wantNil(t, err)
			read := later(func() { want(t, "2", string(must(must(c.GetFrame(bg, 2)).ReadAll(bg))), "cd") })
			want(t, "returned early", read(), false)
			f := must(g.CreateFrame(model.FrameInfo{Size: 2}))
			write(t, f, "c")
			want(t, "returned before it is whole", read(), false)
			write(t, f, "d")
			want(t, "returned", read(), true)
			past := later(func() {
				_, err := c.GetFrame(bg, 3)
				wantErr(t, err, eof)
			})
			want(t, "returned early", past(), false)
			wantNil(t, g.Finish())
			want(t, "returned", past(), true)
			_, err = c.GetFrame(bg, -1)
			wantErr(t, err, model.ErrBoundsExceeded)
			g.Abort(model.ErrOld)
			_, err = c.GetFrame(bg, 0)
			wantErr(t, err, model.ErrOld)
			_, err = c.GetFrame(bg, 3)
			wantErr(t, err, eof)
			wantNil(t, c.Close())
			_, err = c.GetFrame(bg, 0)
			wantErr(t, err, model.ErrClosed)
		})
	})
	t.Run("16.13/229 a clone goes on from the original's position", func(t *testing.T) {
		g := newGroup(t)
		for _, s := range []string{"a", "b", "c"} {
			wantNil(t, g.WriteFrame(text(s)))
		}
		c := g.Consume()
		_ = must(c.ReadFrame(bg))
		d := c.Clone()
		want(t, "clone", d.IsClone(c), true)
		got, _ := readFrames(d)
		want(t, "clone's frames", slices.Equal(got, []string{"b", "c"}), true)
		got, _ = readFrames(c)
		want(t, "original's frames", slices.Equal(got, []string{"b", "c"}), true)
	})
	t.Run("16.13/231 an unfinished frame can be streamed", func(t *testing.T) {
		g := newGroup(t)
		p := must(g.CreateFrame(model.FrameInfo{Size: 4}))
		c := g.Consume()
		f := must(c.NextFrame(bg))
		want(t, "size", f.Info().Size, 4)
		write(t, p, "ab")
		want(t, "bytes", string(must(f.ReadChunk(bg))), "ab")
		_, ok, err := c.TryNextFrame()
		want(t, "another frame", ok, false)
		wantNil(t, err)
	})
	t.Run("16.13/234 next and read mix", func(t *testing.T) {
		g := newGroup(t)
		for _, s := range []string{"a", "b", "c"} {
			wantNil(t, g.WriteFrame(text(s)))
		}
		c := g.Consume()
		want(t, "1", string(must(c.ReadFrame(bg)).Payload), "a")
		want(t, "2", string(must(must(c.NextFrame(bg)).ReadAll(bg))), "b")
		want(t, "3", string(must(c.ReadFrame(bg)).Payload), "c")
	})
	t.Run("a read that is given up loses nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t)
			p := must(g.CreateFrame(model.FrameInfo{Size: 2}))
			c := g.Consume()
			ctx, cancel := context.WithCancel(t.Context())
			read := later(func() {
				_, err := c.ReadFrame(ctx)
				wantErr(t, err, context.Canceled)
			})
			want(t, "returned early", read(), false)
			cancel()
			want(t, "returned", read(), true)
			write(t, p, "ab")
			want(t, "payload", string(must(c.ReadFrame(t.Context())).Payload), "ab")
		})
	})
	t.Run("waiting and trying misses nothing", func(t *testing.T) {
		g := newGroup(t)
		c := g.Consume()
		steps := []func(){
			func() { wantNil(t, g.WriteFrame(text("x"))) },
			func() { write(t, must(g.CreateFrame(model.FrameInfo{Size: 1})), "y") },
			func() { wantNil(t, g.Finish()) },
		}
		for i, step := range steps {
			wait := c.Wait()
			_, ok, err := c.TryReadFrame()
			want(t, "ready", ok || err != nil, false)
			step()
			<-wait
			_, ok, err = c.TryReadFrame()
			want(t, "ready after the change", ok || err != nil, true)
			if i == 2 {
				wantErr(t, err, eof)
			}
		}
	})
	t.Run("reading through a closed handle", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t)
			c := g.Consume()
			read := later(func() {
				_, err := c.ReadFrame(bg)
				wantErr(t, err, model.ErrClosed)
			})
			want(t, "returned early", read(), false)
			wantNil(t, c.Close())
			want(t, "returned", read(), true)
			<-c.Wait()
			_, err := c.Clone().NextFrame(bg)
			wantErr(t, err, model.ErrClosed)
		})
	})
	t.Run("All ends at the end, and when its context does", func(t *testing.T) {
		g := newGroup(t)
		wantNil(t, g.WriteFrame(text("a")))
		wantNil(t, g.WriteFrame(text("b")))
		wantNil(t, g.Finish())
		n := 0
		for _, err := range g.Consume().All(bg) {
			wantNil(t, err)
			n++
		}
		want(t, "frames", n, 2)
		ctx, cancel := context.WithCancel(bg)
		cancel()
		var last error
		for _, err := range g.Consume().All(ctx) {
			last = err
		}
		wantErr(t, last, context.Canceled)
		for _, err := range g.Consume().All(bg) {
			wantNil(t, err)
			break
		}
	})
}
