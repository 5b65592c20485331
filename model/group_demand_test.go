package model_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

func TestGroupDemand(t *testing.T) {
	bubble := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	bubble("readers come and go", func(t *testing.T) {
		g := newGroup(t)
		wantNil(t, g.Unused(bg))
		used := later(func() { wantNil(t, g.Used(bg)) })
		want(t, "used", used(), false)
		c := g.Consume()
		want(t, "used", used(), true)
		wantNil(t, g.Used(bg))

		second := c.Clone()
		unused := later(func() { wantNil(t, g.Unused(bg)) })
		wantNil(t, c.Close())
		wantNil(t, c.Close())
		_ = c.Clone() // closed as c is, and no reader
		want(t, "unused", unused(), false)
		wantNil(t, second.Close())
		want(t, "unused", unused(), true)
		wantNil(t, g.Finish())
		wantNil(t, g.Unused(bg)) // a finished one has readers too
	})
	bubble("every way to a reader counts", func(t *testing.T) {
		p := newTrack(t)
		g := must(p.AppendGroup())
		for name, read := range map[string]func(*model.TrackConsumer) (*model.GroupConsumer, error){
			"RecvGroup":  func(c *model.TrackConsumer) (*model.GroupConsumer, error) { return c.RecvGroup(bg) },
			"NextGroup":  func(c *model.TrackConsumer) (*model.GroupConsumer, error) { return c.NextGroup(bg) },
			"GetGroup":   func(c *model.TrackConsumer) (*model.GroupConsumer, error) { return c.GetGroup(bg, 0) },
			"FetchGroup": func(c *model.TrackConsumer) (*model.GroupConsumer, error) { return c.FetchGroup(bg, 0, 0) },
		} {
			track := p.Consume(model.Subscription{})
			used := later(func() { wantNil(t, g.Used(bg)) })
			want(t, name+": used before", used(), false)
			c := must(read(track))
			want(t, name+": used", used(), true)
			wantNil(t, c.Close())
			wantNil(t, g.Unused(bg))
			wantNil(t, track.Close())
		}
	})
	bubble("the end", func(t *testing.T) {
		g := newGroup(t)
		used := later(func() { wantErr(t, g.Used(bg), model.ErrTimeout) })
		want(t, "ended", used(), false)
		wantNil(t, g.Err())
		ended := g.Closed()
		g.Abort(model.ErrTimeout)
		<-ended
		<-g.Closed()
		want(t, "ended", used(), true)
		wantErr(t, g.Err(), model.ErrTimeout)
		wantErr(t, g.Unused(bg), model.ErrTimeout)
	})
	bubble("a clean end comes with the last producer", func(t *testing.T) {
		g := newGroup(t)
		second := g.Clone()
		wantNil(t, g.Finish())
		used := later(func() { wantErr(t, g.Used(bg), model.ErrClosed) })
		ended := second.Closed()
		wantNil(t, g.Close())
		want(t, "waiting through a closed handle", used(), true)
		select {
		case <-ended:
			t.Error("closed with a producer left")
		default:
		}
		wantNil(t, second.Close())
		<-ended
		wantErr(t, second.Err(), eof)
		wantErr(t, second.Used(bg), eof)
	})
	bubble("a context ends the wait", func(t *testing.T) {
		ctx, cancel := context.WithCancel(bg)
		g := newGroup(t)
		used := later(func() { wantErr(t, g.Used(ctx), context.Canceled) })
		want(t, "used", used(), false)
		cancel()
		want(t, "used", used(), true)
	})
}
