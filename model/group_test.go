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

func TestGroupEnds(t *testing.T) {
	t.Run("16.13/219 a waiter gets the abort", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t)
			read := later(func() {
				_, err := g.Consume().ReadFrame(bg)
				wantErr(t, err, model.ErrTimeout)
			})
			want(t, "returned early", read(), false)
			g.Abort(model.ErrTimeout)
			want(t, "returned", read(), true)
		})
	})
	t.Run("16.13/220 an abort frees the frames under a stale reader", func(t *testing.T) {
		g := newGroup(t)
		wantNil(t, g.WriteFrame(text("x")))
		c := g.Consume()
		held := must(g.Consume().NextFrame(bg))
		g.Abort(model.ErrTimeout)
		g.Abort(model.ErrOld) // the first one counts
		_, end := readFrames(c)
		wantErr(t, end, model.ErrTimeout)
		wantErr(t, c.Err(), model.ErrTimeout)
		want(t, "a frame pulled before", string(must(held.ReadAll(bg))), "x")
		wantErr(t, g.WriteFrame(text("y")), model.ErrTimeout)
		wantErr(t, g.Finish(), model.ErrTimeout)
		<-c.Wait()
	})
	t.Run("16.13/221 dropped unfinished", func(t *testing.T) {
		g := newGroup(t)
		wantNil(t, g.WriteFrame(text("x")))
		c := g.Consume()
		second := g.Clone()
		wantNil(t, g.Close())
		wantNil(t, g.Close())
		wantErr(t, g.WriteFrame(text("y")), model.ErrClosed)
		wantNil(t, second.WriteFrame(text("y")))
		wantNil(t, second.Close())
		_, end := readFrames(c)
		wantErr(t, end, model.ErrDropped)
		wantErr(t, second.WriteFrame(text("z")), model.ErrDropped)
	})
	t.Run("16.13/222 a finished group stays readable", func(t *testing.T) {
		g := newGroup(t)
		wantNil(t, g.WriteFrame(text("x")))
		wantNil(t, g.Finish())
		wantNil(t, g.Close())
		got, end := readFrames(g.Consume())
		want(t, "frames", slices.Equal(got, []string{"x"}), true)
		wantErr(t, end, eof)
	})
	t.Run("16.13/232 after finish and abort a drained reader ends cleanly", func(t *testing.T) {
		g := newGroup(t)
		wantNil(t, g.WriteFrame(text("x")))
		drained, behind := g.Consume(), g.Consume()
		_ = must(drained.ReadFrame(bg))
		wantNil(t, g.Finish())
		g.Abort(model.ErrOld)
		_, err := drained.ReadFrame(bg)
		wantErr(t, err, eof)
		_, err = behind.ReadFrame(bg)
		wantErr(t, err, model.ErrOld)
	})
	t.Run("16.13/233 the total survives an abort", func(t *testing.T) {
		g := newGroup(t)
		wantNil(t, g.WriteFrame(text("x")))
		c := g.Consume()
		_, finished := c.FrameCount()
		want(t, "finished", finished, false)
		wantNil(t, g.Finish())
		g.Abort(model.ErrOld)
		n, finished := c.FrameCount()
		want(t, "finished", finished, true)
		want(t, "frames", n, 1)
	})
	t.Run("16.13/235 a cursor beyond freed frames gets an error", func(t *testing.T) {
		g := newGroup(t)
		c := g.Consume()
		for range 3 {
			wantNil(t, g.WriteFrame(text("x")))
			_ = must(c.NextFrame(bg))
		}
		g.Abort(model.ErrOld)
		_, _, err := c.TryReadFrame()
		wantErr(t, err, model.ErrOld)
		_, _, err = c.TryNextFrame()
		wantErr(t, err, model.ErrOld)
	})
	t.Run("a frame that is given up takes its group along", func(t *testing.T) {
		for _, end := range []struct {
			do   func(*model.FrameProducer)
			want error
		}{
			{func(p *model.FrameProducer) { p.Abort(model.ErrTimeout) }, model.ErrTimeout},
			{func(p *model.FrameProducer) { wantNil(t, p.Close()) }, model.ErrDropped},
		} {
			g := newGroup(t)
			wantNil(t, g.WriteFrame(text("before")))
			p := must(g.CreateFrame(model.FrameInfo{Size: 2}))
			c := g.Consume()
			end.do(p)
			_, err := c.ReadFrame(bg)
			wantErr(t, err, end.want)
			wantErr(t, g.Finish(), end.want)
			wantErr(t, g.WriteFrame(text("after")), end.want)
		}
	})
	t.Run("one frame is in flight at a time", func(t *testing.T) {
		g := newGroup(t)
		p := must(g.CreateFrame(model.FrameInfo{Size: 2}))
		write(t, p, "a")
		_, err := g.CreateFrame(model.FrameInfo{Size: 1})
		wantErr(t, err, model.ErrProtocolViolation)
		wantErr(t, g.WriteFrame(text("x")), model.ErrProtocolViolation)
		wantErr(t, g.Clone().WriteOwnedFrame(text("x")), model.ErrProtocolViolation)
		want(t, "count", g.FrameCount(), 1)
		wantNil(t, g.Finish()) // nothing follows the one in flight
		write(t, p, "b")
		got, end := readFrames(g.Consume())
		want(t, "frames", slices.Equal(got, []string{"ab"}), true)
		wantErr(t, end, eof)
	})
	t.Run("a frame outlives its group for those who hold it", func(t *testing.T) {
		g := newGroup(t)
		p := must(g.CreateFrame(model.FrameInfo{Size: 4}))
		f := must(g.Consume().NextFrame(bg))
		g.Abort(model.ErrTimeout)
		write(t, p, "data")
		want(t, "payload", string(must(f.ReadAll(bg))), "data")
	})
	t.Run("an abort without a cause is a cancel, and never a clean end", func(t *testing.T) {
		for _, cause := range []error{nil, eof} {
			g := newGroup(t)
			g.Abort(cause)
			_, err := g.Consume().ReadFrame(bg)
			wantErr(t, err, model.ErrCancel)
		}
	})
}

func TestGroupLimits(t *testing.T) {
	big := make([]byte, 8<<20)
	t.Run("16.13/224 and 225 beyond 32 MiB the oldest frames leave", func(t *testing.T) {
		g := newGroup(t)
		stale := g.Consume()
		for range 5 {
			wantNil(t, g.WriteFrame(model.Frame{Payload: big}))
		}
		_, err := stale.ReadFrame(bg)
		wantErr(t, err, model.ErrLagged)
		_, err = stale.NextFrame(bg)
		wantErr(t, err, model.ErrLagged)
		_, err = g.Consume().ReadFrame(bg)
		wantErr(t, err, model.ErrLagged)
		want(t, "count", g.FrameCount(), 5)
	})
	t.Run("16.13/225 a reader that keeps up loses nothing", func(t *testing.T) {
		g := newGroup(t)
		c := g.Consume()
		for range 9 {
			wantNil(t, g.WriteFrame(model.Frame{Payload: big}))
			want(t, "size", len(must(c.ReadFrame(bg)).Payload), len(big))
		}
	})
	t.Run("16.13/227 many small frames stay", func(t *testing.T) {
		g := newGroup(t)
		for range 100_000 {
			wantNil(t, g.WriteFrame(text("")))
		}
		got, _ := readFrames(g.Consume())
		want(t, "frames", len(got), 100_000)
	})
	t.Run("16.13/230 a frame above 32 MiB is refused, one of exactly 32 MiB fits", func(t *testing.T) {
		g := newGroup(t)
		_, err := g.CreateFrame(model.FrameInfo{Size: model.MaxFrameSize + 1})
		wantErr(t, err, model.ErrFrameTooLarge)
		wantErr(t, g.WriteFrame(model.Frame{Payload: make([]byte, model.MaxFrameSize+1)}), model.ErrFrameTooLarge)
		want(t, "count", g.FrameCount(), 0)
		wantNil(t, g.WriteFrame(model.Frame{Payload: make([]byte, model.MaxFrameSize)}))
		want(t, "size", len(must(g.Consume().ReadFrame(bg)).Payload), model.MaxFrameSize)
	})
	t.Run("16.13/236 timestamps take the track's timescale", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		track := must(b.CreateTrack("t", model.TrackInfo{Timescale: model.Micros}))
		g := must(track.AppendGroup())
		ms := model.Timestamp{Value: 5, Scale: model.Millis}
		wantNil(t, g.WriteFrame(model.Frame{Timestamp: ms}))
		wantNil(t, must(g.CreateFrame(model.FrameInfo{Timestamp: ms})).Finish())
		wantNil(t, g.WriteFrame(model.Frame{}))
		c := g.Consume()
		want(t, "whole", must(c.ReadFrame(bg)).Timestamp, model.Timestamp{Value: 5000, Scale: model.Micros})
		want(t, "in pieces", must(c.ReadFrame(bg)).Timestamp, model.Timestamp{Value: 5000, Scale: model.Micros})
		want(t, "stamped", must(c.NextFrame(bg)).Info().Timestamp.Scale, model.Micros)
		late := model.Timestamp{Value: 1 << 61, Scale: model.Seconds}
		wantErr(t, g.WriteFrame(model.Frame{Timestamp: late}), model.ErrTimestampMismatch)
		_, err := g.CreateFrame(model.FrameInfo{Timestamp: late})
		wantErr(t, err, model.ErrTimestampMismatch)
	})
	t.Run("a payload is copied, so the writer may use it again", func(t *testing.T) {
		g := newGroup(t)
		b := []byte("abc")
		wantNil(t, g.WriteFrame(model.Frame{Payload: b}))
		b[0] = 'X'
		want(t, "payload", string(must(g.Consume().ReadFrame(bg)).Payload), "abc")
	})
}
