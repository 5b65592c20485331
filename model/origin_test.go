package model_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

// events takes everything pending: "+path" came, "-path" went, "EOF" the end.
func events(a *model.AnnounceConsumer) []string {
	var out []string
	for {
		ev, ok, err := a.TryNext()
		switch {
		case err != nil:
			return append(out, err.Error())
		case !ok:
			return out
		case ev.Broadcast == nil:
			out = append(out, "-"+ev.Path.String())
		default:
			out = append(out, "+"+ev.Path.String())
			_ = ev.Broadcast.Close()
		}
	}
}

func wantEvents(t *testing.T, a *model.AnnounceConsumer, expect ...string) {
	t.Helper()
	if got := events(a); !slices.Equal(got, expect) {
		t.Errorf("events %q, want %q", got, expect)
	}
}

// publish makes a broadcast at path from a route.
func publish(t *testing.T, o *model.OriginProducer, path string, r model.Route) *model.BroadcastProducer {
	t.Helper()
	return must(o.CreateBroadcast(model.NewPath(path), r))
}

func TestAnnounce(t *testing.T) {
	t.Run("16.2/6 one announce, then nothing", func(t *testing.T) {
		o := model.NewOrigin()
		a := o.Consume().Announcements()
		wantEvents(t, a)
		publish(t, o, "a", model.Route{})
		wantEvents(t, a, "+a")
		wantEvents(t, a)
	})
	t.Run("16.2/7 a new cursor begins with what is active", func(t *testing.T) {
		o := model.NewOrigin()
		publish(t, o, "b", model.Route{})
		publish(t, o, "a", model.Route{})
		wantEvents(t, o.Consume().Announcements(), "+a", "+b")
	})
	t.Run("16.2/8 the end of a broadcast is told to everybody once", func(t *testing.T) {
		for _, end := range []func(*model.BroadcastProducer){
			func(b *model.BroadcastProducer) { _ = b.Close() },
			func(b *model.BroadcastProducer) { wantNil(t, b.Finish()) },
			func(b *model.BroadcastProducer) { b.Abort(model.ErrTimeout) },
		} {
			o := model.NewOrigin()
			b := publish(t, o, "a", model.Route{})
			one, two := o.Consume().Announcements(), o.Consume().Announcements()
			wantEvents(t, one, "+a")
			wantEvents(t, two, "+a")
			end(b)
			wantEvents(t, one, "-a")
			wantEvents(t, two, "-a")
			wantEvents(t, o.Consume().Announcements())
		}
	})
	t.Run("16.2/15 one instance published twice", func(t *testing.T) {
		o := model.NewOrigin()
		a := o.Consume().Announcements()
		b := publish(t, o, "a", model.Route{})
		wantNil(t, o.PublishBroadcast("a", b.Consume()))
		standby := publish(t, o, "a", model.Route{Cost: 9})
		wantEvents(t, a, "+a")
		wantNil(t, o.PublishBroadcast("a", standby.Consume()))
		wantNil(t, b.Close())
		wantEvents(t, a)
		wantNil(t, standby.Close())
		wantEvents(t, a, "-a")
	})
	t.Run("one instance at two paths", func(t *testing.T) {
		o := model.NewOrigin()
		b := publish(t, o, "a", model.Route{})
		wantNil(t, o.PublishBroadcast("z", b.Consume()))
		a := o.Consume().Announcements()
		wantEvents(t, a, "+a", "+z")
		wantNil(t, b.Close())
		wantEvents(t, a, "-a", "-z")
	})
	t.Run("16.2/16 256 broadcasts, blocking", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := model.NewOrigin()
			seen := map[model.Path]bool{}
			a := o.Consume().Announcements()
			done := later(func() {
				for len(seen) < 256 {
					seen[must(a.Next(bg)).Path] = true
				}
			})
			for i := range 256 {
				publish(t, o, fmt.Sprint(i), model.Route{})
			}
			want(t, "all seen", done(), true)
		})
	})
	t.Run("16.2/17 256 broadcasts, trying", func(t *testing.T) {
		o := model.NewOrigin()
		a := o.Consume().Announcements()
		var expect []string
		for i := range 256 {
			publish(t, o, fmt.Sprint(i), model.Route{})
			expect = append(expect, fmt.Sprintf("+%d", i))
		}
		slices.Sort(expect) // by path, not by time
		wantEvents(t, a, expect...)
	})
	t.Run("16.2/18 come and gone unseen", func(t *testing.T) {
		o := model.NewOrigin()
		a := o.Consume().Announcements()
		_ = publish(t, o, "a", model.Route{}).Close()
		wantEvents(t, a)
	})
	t.Run("16.2/19 come, gone and come unseen is the newest once", func(t *testing.T) {
		o := model.NewOrigin()
		a := o.Consume().Announcements()
		_ = publish(t, o, "a", model.Route{}).Close()
		b := publish(t, o, "a", model.Route{})
		ev, ok, _ := a.TryNext()
		want(t, "event", ok, true)
		want(t, "newest", model.Serving(ev.Broadcast, b), true)
		wantEvents(t, a)
	})
	t.Run("16.2/20 a replacement of something seen is two events", func(t *testing.T) {
		o := model.NewOrigin()
		b := publish(t, o, "a", model.Route{})
		a := o.Consume().Announcements()
		wantEvents(t, a, "+a")
		_ = b.Close()
		_ = publish(t, o, "a", model.Route{}).Close()
		publish(t, o, "a", model.Route{})
		wantEvents(t, a, "-a", "+a")
	})
	t.Run("16.2/20 withdrawn between its two halves", func(t *testing.T) {
		o := model.NewOrigin()
		b := publish(t, o, "a", model.Route{})
		a := o.Consume().Announcements()
		wantEvents(t, a, "+a")
		_ = b.Close()
		b = publish(t, o, "a", model.Route{})
		ev, _, _ := a.TryNext()
		want(t, "first half", ev.Broadcast == nil, true)
		_ = b.Close()
		wantEvents(t, a)
	})
	t.Run("16.2/21 seen, gone, come and gone is one withdrawal", func(t *testing.T) {
		o := model.NewOrigin()
		b := publish(t, o, "a", model.Route{})
		a := o.Consume().Announcements()
		wantEvents(t, a, "+a")
		_ = b.Close()
		_ = publish(t, o, "a", model.Route{}).Close()
		wantEvents(t, a, "-a")
	})
	t.Run("16.2/22 1000 rounds leave at most one update", func(t *testing.T) {
		o := model.NewOrigin()
		b := publish(t, o, "a", model.Route{})
		seen, unseen := o.Consume().Announcements(), o.Consume().Announcements()
		wantEvents(t, seen, "+a")
		for range 1000 {
			_ = b.Close()
			b = publish(t, o, "a", model.Route{})
		}
		wantEvents(t, unseen, "+a")
		wantEvents(t, seen, "-a", "+a")
	})
	t.Run("16.2/23 other handles take nothing from a cursor", func(t *testing.T) {
		o := model.NewOrigin()
		c := o.Consume()
		a := c.Announcements()
		publish(t, o, "a", model.Route{})
		_ = must(c.Clone().Request(bg, "a"))
		_ = must(c.Clone().Announced(bg, "a"))
		wantEvents(t, c.Clone().Announcements(), "+a")
		wantEvents(t, a, "+a")
	})
	t.Run("the order is by path, across prefixes and arrivals", func(t *testing.T) {
		o := model.NewOrigin()
		a := o.Consume().Announcements()
		for _, p := range []string{"b", "a/b", "a", "a-b", "ab"} {
			publish(t, o, p, model.Route{})
		}
		wantEvents(t, a, "+a", "+a-b", "+a/b", "+ab", "+b")
	})
	t.Run("the end of the origin", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := model.NewOrigin()
			second := o.Clone()
			a, b := o.Consume().Announcements(), o.Consume().Announcements()
			wantNil(t, o.Close())
			wantNil(t, o.Close())
			_, err := o.CreateBroadcast("x", model.Route{})
			wantErr(t, err, model.ErrClosed)
			live := publish(t, second, "a", model.Route{})
			next := later(func() {
				_, err := b.Next(bg)
				wantNil(t, err)
				_, err = b.Next(bg)
				wantErr(t, err, eof)
			})
			want(t, "returned early", next(), false)
			wait := a.Wait()
			wantNil(t, second.Close())
			<-wait
			want(t, "returned", next(), true)
			wantEvents(t, a, "+a", "EOF")
			_ = live.Close()
			wantEvents(t, a, "EOF")
			<-a.Wait()
			for ev, err := range o.Consume().Announcements().All(bg) {
				t.Errorf("event %v %v from a new cursor", ev, err)
			}
		})
	})
	t.Run("a blocked cursor ends with close and with its context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := model.NewOrigin()
			ctx, cancel := context.WithCancel(t.Context())
			a, b := o.Consume().Announcements(), o.Consume().Announcements()
			closed := later(func() { _, err := a.Next(bg); wantErr(t, err, model.ErrClosed) })
			ended := later(func() { _, err := b.Next(ctx); wantErr(t, err, context.Canceled) })
			want(t, "returned early", closed() || ended(), false)
			wantNil(t, a.Close())
			wantNil(t, a.Close())
			cancel()
			want(t, "returned", closed() && ended(), true)
			c := o.Consume()
			wantNil(t, c.Close())
			_, err := c.Clone().Announcements().Next(bg)
			wantErr(t, err, model.ErrClosed)
			_, err = c.Request(bg, "a")
			wantErr(t, err, model.ErrClosed)
			_, err = c.Announced(bg, "a")
			wantErr(t, err, model.ErrClosed)
		})
	})
	t.Run("publishing through what is closed", func(t *testing.T) {
		o := model.NewOrigin()
		b := model.NewBroadcast(model.Route{})
		c := b.Consume()
		wantNil(t, c.Close())
		wantErr(t, o.PublishBroadcast("a", c), model.ErrClosed)
		wantNil(t, b.Finish())
		wantErr(t, o.PublishBroadcast("a", b.Consume()), model.ErrDropped)
		_, err := o.Consume().Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
	})
}
