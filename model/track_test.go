package model_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

// create opens groups in this order and leaves them open.
func create(t *testing.T, p *model.TrackProducer, seqs ...uint64) {
	t.Helper()
	for _, s := range seqs {
		_, err := p.CreateGroup(s)
		wantNil(t, err)
	}
}

func wantSeqs(t *testing.T, what string, got []uint64, expect ...uint64) {
	t.Helper()
	if !slices.Equal(got, expect) {
		t.Errorf("%s: got groups %v, want %v", what, got, expect)
	}
}

func TestTrackEnds(t *testing.T) {
	t.Run("16.7/138 nothing comes after the highest sequence", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, model.MaxSequence)
		_, err := p.AppendGroup()
		wantErr(t, err, model.ErrBoundsExceeded)
		_, err = newTrack(t).CreateGroup(model.MaxSequence + 1)
		wantErr(t, err, model.ErrBoundsExceeded)
		wantErr(t, p.WriteFrame(text("x")), model.ErrBoundsExceeded)
		wantErr(t, p.FinishAt(model.MaxSequence+2), model.ErrBoundsExceeded)
		wantErr(t, p.FinishAt(math.MaxUint64), model.ErrBoundsExceeded)
		wantNil(t, p.Finish())
		final, _ := p.Consume(model.Subscription{}).FinalSequence()
		want(t, "end", final, 1<<62-1)
	})
	t.Run("16.7/139 a finish is final", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 0)
		wantNil(t, p.Finish())
		wantErr(t, p.Finish(), model.ErrClosed)
		wantErr(t, p.FinishAt(9), model.ErrClosed)
		_, err := p.AppendGroup()
		wantErr(t, err, model.ErrClosed)
		wantErr(t, p.WriteFrame(text("x")), model.ErrClosed)
	})
	t.Run("16.7/140 an empty track finishes at 0", func(t *testing.T) {
		p := newTrack(t)
		c := p.Consume(model.Subscription{})
		wantNil(t, p.Finish())
		final, ok := c.FinalSequence()
		want(t, "declared", ok, true)
		want(t, "total", final, 0)
		_, err := c.RecvGroup(bg)
		wantErr(t, err, eof)
	})
	t.Run("16.7/141 finish after groups", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 0, 1)
		wantNil(t, p.Finish())
		wantErr(t, p.Finish(), model.ErrClosed)
		got, end := recvAll(p.Consume(model.Subscription{}).TryRecvGroup)
		wantSeqs(t, "received", got, 0, 1)
		wantErr(t, end, eof)
	})
	t.Run("16.7/143 an end at or below the live edge is refused", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 5)
		wantErr(t, p.FinishAt(4), model.ErrProtocolViolation)
		wantErr(t, p.FinishAt(5), model.ErrProtocolViolation)
		wantNil(t, p.FinishAt(6))
		wantErr(t, p.FinishAt(6), model.ErrClosed)
		create(t, p, 4)
		_, err := p.CreateGroup(6)
		wantErr(t, err, model.ErrClosed)
	})
	t.Run("16.7/144 readers wait for an end in the future", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 5)
		wantNil(t, p.FinishAt(7))
		c := p.Consume(model.Subscription{})
		final, _ := c.FinalSequence()
		want(t, "end", final, 7)
		got, end := recvAll(c.TryRecvGroup)
		wantSeqs(t, "before", got, 5)
		wantNil(t, end)
		create(t, p, 6)
		got, end = recvAll(c.TryRecvGroup)
		wantSeqs(t, "after", got, 6)
		wantErr(t, end, eof)
	})
	t.Run("16.7/144 and no longer than there is somebody to write it", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 5)
		wantNil(t, p.FinishAt(7))
		c := p.Consume(model.Subscription{})
		wantNil(t, p.Close())
		_, end := recvAll(c.TryRecvGroup)
		wantErr(t, end, eof)
	})
	t.Run("16.7/145 the end can be asked for", func(t *testing.T) {
		p := newTrack(t)
		c := p.Consume(model.Subscription{})
		_, ok := c.FinalSequence()
		want(t, "declared", ok, false)
		create(t, p, 3)
		wantNil(t, p.Finish())
		final, _ := c.FinalSequence()
		want(t, "end", final, 4)
	})
	t.Run("16.7/146 gaps are not waited for", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 1, 4)
		wantNil(t, p.Finish())
		c := p.Consume(model.Subscription{})
		for _, try := range []func() (*model.GroupConsumer, bool, error){c.TryRecvGroup, c.TryNextGroup} {
			got, end := recvAll(try)
			wantSeqs(t, "groups", got, 1, 4)
			wantErr(t, end, eof)
		}
	})
	t.Run("16.7/147 getting a group by number", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newTrack(t)
			create(t, p, 1)
			wantNil(t, p.Finish())
			c := p.Consume(model.Subscription{})
			want(t, "cached", must(c.GetGroup(bg, 1)).Sequence(), 1)
			_, err := c.GetGroup(bg, 2)
			wantErr(t, err, eof)
			got := later(func() { want(t, "gap", must(c.GetGroup(bg, 0)).Sequence(), 0) })
			want(t, "returned early", got(), false)
			create(t, p, 0)
			want(t, "returned", got(), true)
			wantNil(t, p.Close())
			_, err = p.Consume(model.Subscription{}).GetGroup(bg, 0)
			wantNil(t, err)
		})
	})
	t.Run("16.7/147 a gap in a track that nobody writes is not found", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 1)
		wantNil(t, p.Finish())
		c := p.Consume(model.Subscription{})
		wantNil(t, p.Close())
		_, err := c.GetGroup(bg, 0)
		wantErr(t, err, model.ErrNotFound)
	})
	t.Run("16.7/148 an abort clears the cache", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 0, 1)
		c := p.Consume(model.Subscription{})
		p.Abort(model.ErrTimeout)
		p.Abort(model.ErrOld) // the first one counts
		for _, try := range []func() (*model.GroupConsumer, bool, error){c.TryRecvGroup, c.TryNextGroup} {
			_, end := recvAll(try)
			wantErr(t, end, model.ErrTimeout)
		}
		_, err := c.ReadFrame(bg)
		wantErr(t, err, model.ErrTimeout)
		_, err = c.GetGroup(bg, 0)
		wantErr(t, err, model.ErrTimeout)
		_, err = p.AppendGroup()
		wantErr(t, err, model.ErrTimeout)
		wantErr(t, p.Finish(), model.ErrTimeout)
		wantErr(t, p.WriteFrame(text("x")), model.ErrTimeout)
		wantErr(t, p.Err(), model.ErrTimeout)
		wantErr(t, c.Err(), model.ErrTimeout)
		<-p.Closed()
		<-c.Closed()
		<-c.Wait()
	})
	t.Run("16.7/149 dropped unfinished", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 0)
		c := p.Consume(model.Subscription{})
		second := p.Clone()
		wantNil(t, p.Close())
		wantNil(t, p.Close())
		create(t, second, 1)
		_, err := p.AppendGroup()
		wantErr(t, err, model.ErrClosed)
		wantNil(t, second.Close())
		_, end := recvAll(c.TryRecvGroup)
		wantErr(t, end, model.ErrDropped)
	})
	t.Run("16.7/150 a finished track stays readable to the end", func(t *testing.T) {
		p := newTrack(t)
		wantNil(t, p.WriteFrame(text("a")))
		c := p.Consume(model.Subscription{})
		wantNil(t, p.Finish())
		wantNil(t, p.Close())
		f := must(must(c.RecvGroup(bg)).ReadFrame(bg))
		want(t, "payload", string(f.Payload), "a")
		_, err := c.RecvGroup(bg)
		wantErr(t, err, eof)
		wantErr(t, c.Err(), eof)
		<-c.Closed()
	})
	t.Run("an open group goes on after the track's abort", func(t *testing.T) {
		p := newTrack(t)
		g := must(p.AppendGroup())
		c := must(p.Consume(model.Subscription{}).RecvGroup(bg))
		p.Abort(model.ErrTimeout)
		wantNil(t, g.WriteFrame(text("on")))
		wantNil(t, g.Finish())
		got, end := readFrames(c)
		want(t, "frames", slices.Equal(got, []string{"on"}), true)
		wantErr(t, end, eof)
	})
	t.Run("after finish and abort a drained reader ends cleanly", func(t *testing.T) {
		p := newTrack(t)
		wantNil(t, p.WriteFrame(text("a")))
		drained, behind := p.Consume(model.Subscription{}), p.Consume(model.Subscription{})
		_, _ = recvAll(drained.TryRecvGroup)
		_, _ = recvAll(drained.TryNextGroup)
		wantNil(t, p.Finish())
		p.Abort(model.ErrOld)
		_, err := drained.RecvGroup(bg)
		wantErr(t, err, eof)
		_, err = drained.NextGroup(bg)
		wantErr(t, err, eof)
		_, err = drained.ReadFrame(bg)
		wantErr(t, err, eof)
		_, err = behind.RecvGroup(bg)
		wantErr(t, err, model.ErrOld)
		_, err = behind.NextGroup(bg)
		wantErr(t, err, model.ErrOld)
		_, err = behind.ReadFrame(bg)
		wantErr(t, err, model.ErrOld)
	})
	t.Run("a number is taken while its group is cached", func(t *testing.T) {
		p := newTrack(t)
		g := must(p.CreateGroup(7))
		_, err := p.CreateGroup(7)
		wantErr(t, err, model.ErrDuplicate)
		wantNil(t, g.Finish())
		_, err = p.CreateGroup(7)
		wantErr(t, err, model.ErrDuplicate)
		seq, ok := p.Latest()
		want(t, "latest", seq, 7)
		want(t, "any", ok, true)
	})
	t.Run("a blocked read ends with close and with its context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newTrack(t)
			ctx, cancel := context.WithCancel(t.Context())
			for _, read := range []func(context.Context, *model.TrackConsumer) error{
				func(ctx context.Context, c *model.TrackConsumer) error { _, err := c.RecvGroup(ctx); return err },
				func(ctx context.Context, c *model.TrackConsumer) error { _, err := c.NextGroup(ctx); return err },
				func(ctx context.Context, c *model.TrackConsumer) error { _, err := c.ReadFrame(ctx); return err },
				func(ctx context.Context, c *model.TrackConsumer) error { _, err := c.GetGroup(ctx, 3); return err },
			} {
				c := p.Consume(model.Subscription{})
				done := later(func() { wantErr(t, read(bg, c), model.ErrClosed) })
				want(t, "returned early", done(), false)
				wantNil(t, c.Close())
				wantNil(t, c.Close())
				want(t, "returned", done(), true)
				wantErr(t, read(bg, c.Clone()), model.ErrClosed)
				wantErr(t, c.Update(model.Subscription{Priority: 1}), model.ErrClosed)
				<-c.Wait()

				c = p.Consume(model.Subscription{})
				done = later(func() { wantErr(t, read(ctx, c), context.Canceled) })
				want(t, "returned early", done(), false)
				defer func() { want(t, "returned", done(), true) }()
			}
			cancel()
		})
	})
}
