package model_test

import (
	"testing"

	"github.com/moqrx/moqrx/model"
)

func subscribe(t *testing.T, c *model.BroadcastConsumer, name string) *model.TrackConsumer {
	t.Helper()
	return must(c.SubscribeTrack(name, model.Subscription{}))
}

func TestBroadcast(t *testing.T) {
	info, sub := model.TrackInfo{}, model.Subscription{}
	t.Run("16.6/123 what was written before is readable", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		p := must(b.CreateTrack("t", info))
		wantNil(t, p.WriteFrame(text("early")))
		want(t, "payload", string(must(subscribe(t, b.Consume(), "t").ReadFrame(bg)).Payload), "early")
	})
	t.Run("16.6/124 an abort ends what is pending and leaves tracks alone", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		d := b.Dynamic()
		p := must(b.CreateTrack("owned", info))
		c := b.Consume()
		owned, pending := subscribe(t, c, "owned"), subscribe(t, c, "pending")
		b.Abort(model.ErrTimeout)
		_, err := pending.RecvGroup(bg)
		wantErr(t, err, model.ErrTimeout)
		_, err = pending.Info(bg)
		wantErr(t, err, model.ErrTimeout)
		wantNil(t, p.WriteFrame(text("on")))
		want(t, "payload", string(must(owned.ReadFrame(bg)).Payload), "on")
		wantNil(t, owned.Close())
		p.Abort(nil)
		_, err = d.RequestedTrack(bg)
		wantErr(t, err, model.ErrTimeout)
	})
	t.Run("16.23/393 a finished track ends cleanly though its broadcast went", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		p := must(b.CreateTrack("t", info))
		c := subscribe(t, b.Consume(), "t")
		wantNil(t, p.WriteFrame(text("last")))
		wantNil(t, p.Finish())
		b.Abort(model.ErrCancel)
		wantNil(t, p.Close())
		want(t, "payload", string(must(c.ReadFrame(bg)).Payload), "last")
		_, err := c.RecvGroup(bg)
		wantErr(t, err, eof)
	})
	t.Run("16.6/125 the cause of the end", func(t *testing.T) {
		for _, c := range []struct {
			name     string
			end      func(*model.BroadcastProducer)
			err, sub error
		}{
			{"abort", func(b *model.BroadcastProducer) { b.Abort(model.ErrTimeout) }, model.ErrTimeout, model.ErrTimeout},
			{"drop", func(b *model.BroadcastProducer) { _ = b.Close() }, model.ErrDropped, model.ErrDropped},
			{"finish", func(b *model.BroadcastProducer) { wantNil(t, b.Finish()) }, eof, model.ErrDropped},
		} {
			b := model.NewBroadcast(model.Route{})
			cons := b.Consume()
			closed := cons.Closed()
			wantNil(t, cons.Err())
			c.end(b)
			<-closed
			<-cons.Closed()
			wantErr(t, cons.Err(), c.err)
			_, err := cons.SubscribeTrack("t", sub)
			wantErr(t, err, c.sub)
			_, err = b.CreateTrack("t", info)
			wantErr(t, err, c.sub)
			wantErr(t, b.Finish(), c.sub)
			b.Abort(model.ErrOld) // too late to matter
			wantErr(t, cons.Err(), c.err)
		}
	})
	for name, end := range map[string]func(*model.BroadcastProducer){
		"16.6/126 an aborted broadcast has no tracks": func(b *model.BroadcastProducer) { b.Abort(nil) },
		"16.6/127 nor has one that was dropped":       func(b *model.BroadcastProducer) { _ = b.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			b := model.NewBroadcast(model.Route{})
			p := must(b.CreateTrack("t", info))
			stale := b.Consume()
			end(b)
			_, err := stale.SubscribeTrack("t", sub)
			want(t, "found", err == nil, false)
			_, err = stale.Track("t")
			want(t, "named", err == nil, false)
			wantNil(t, p.Close())
		})
	}
	t.Run("16.6/132 an unknown track without a handler", func(t *testing.T) {
		_, err := model.NewBroadcast(model.Route{}).Consume().SubscribeTrack("t", sub)
		wantErr(t, err, model.ErrNotFound)
	})
	t.Run("a name is taken while its track is open", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		p := must(b.CreateTrack("t", info))
		_, err := b.CreateTrack("t", info)
		wantErr(t, err, model.ErrDuplicate)
		p.Abort(nil)
		p = must(b.CreateTrack("t", info))
		wantNil(t, p.Finish())
		_, err = b.CreateTrack("t", info)
		wantErr(t, err, model.ErrDuplicate)
		wantNil(t, subscribe(t, b.Consume(), "t").Close()) // finished, and its producer open
		wantNil(t, p.Close())
		_, err = b.Consume().SubscribeTrack("t", sub)
		wantErr(t, err, model.ErrNotFound)
	})
	t.Run("a removed track goes on for those who have it", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		p := must(b.CreateTrack("t", info))
		c := subscribe(t, b.Consume(), "t")
		wantNil(t, b.RemoveTrack("t"))
		wantErr(t, b.RemoveTrack("t"), model.ErrNotFound)
		closed := b.Clone()
		wantNil(t, closed.Close())
		q := must(b.CreateTrack("t", info))
		p.Abort(nil) // must not take the new one with it
		_, err := c.RecvGroup(bg)
		wantErr(t, err, model.ErrCancel)
		wantNil(t, q.WriteFrame(text("new")))
		want(t, "payload", string(must(subscribe(t, b.Consume(), "t").ReadFrame(bg)).Payload), "new")
		wantErr(t, closed.RemoveTrack("t"), model.ErrClosed)
		wantNil(t, b.Finish())
		wantErr(t, b.RemoveTrack("t"), model.ErrDropped)
	})
	t.Run("the defaults of a track", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		p := must(b.CreateTrack("t", info))
		want(t, "info", p.Info(), model.TrackInfo{Timescale: model.Millis, MaxLatency: model.DefaultMaxLatency})
		want(t, "name", p.Name(), "t")
		c := subscribe(t, b.Consume(), "t")
		want(t, "reader's info", must(c.Info(bg)), p.Info())
		want(t, "reader's name", c.Name(), "t")
		_, ok := c.Latest()
		want(t, "latest", ok, false)
	})
	t.Run("handles are counted", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		c, second, d := b.Consume(), b.Clone(), b.Dynamic()
		wantNil(t, b.Close())
		wantNil(t, b.Close())
		_, err := b.CreateTrack("t", info)
		wantErr(t, err, model.ErrClosed)
		_, err = b.Clone().CreateTrack("t", info)
		wantErr(t, err, model.ErrClosed)
		_, err = b.Dynamic().RequestedTrack(bg)
		wantErr(t, err, model.ErrClosed)
		wantNil(t, second.Close())
		wantNil(t, c.Err()) // the handler keeps it open
		wantNil(t, d.Close())
		wantErr(t, c.Err(), model.ErrDropped)
	})
	t.Run("consumers can be compared, cloned and closed", func(t *testing.T) {
		b, other := model.NewBroadcast(model.Route{Cost: 3}), model.NewBroadcast(model.Route{})
		c := b.Consume()
		d := c.Clone()
		want(t, "clone", c.IsClone(d), true)
		want(t, "another broadcast", c.IsClone(other.Consume()), false)
		wantNil(t, c.Close())
		_, err := c.SubscribeTrack("t", sub)
		wantErr(t, err, model.ErrClosed)
		_, err = c.Clone().SubscribeTrack("t", sub)
		wantErr(t, err, model.ErrClosed)
		want(t, "route", d.Route().Cost, 3)
		b.SetRoute(model.Route{Cost: 4})
		want(t, "route", d.Route().Cost, 4)
		want(t, "producer's route", b.Route().Cost, 4)
	})
}
