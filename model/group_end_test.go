package model_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

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
