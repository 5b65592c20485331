package model_test

import (
	"slices"
	"testing"

	"github.com/moqrx/moqrx/model"
)

// serving tells whether b is what a request for path reads.
func serving(o *model.OriginProducer, path string, b *model.BroadcastProducer) bool {
	c, err := o.Consume().Request(bg, model.NewPath(path))
	return err == nil && model.Serving(c, b)
}

func hops(ids ...model.OriginID) model.Route { return model.Route{Hops: ids} }

func TestRoutes(t *testing.T) {
	t.Run("16.2/10 the end of a standby is no event", func(t *testing.T) {
		o := model.NewOrigin()
		a := o.Consume().Announcements()
		one, two, three := publish(t, o, "a", model.Route{}), publish(t, o, "a", model.Route{}), publish(t, o, "a", model.Route{})
		wantEvents(t, a, "+a")
		want(t, "newest", serving(o, "a", three), true)
		_ = two.Close()
		wantEvents(t, a)
		want(t, "newest", serving(o, "a", three), true)
		_ = one.Close()
	})
	t.Run("16.2/24 sources come and go, one announcement and one withdrawal", func(t *testing.T) {
		o := model.NewOrigin()
		a := o.Consume().Announcements()
		one, two := publish(t, o, "a", model.Route{}), publish(t, o, "a", model.Route{})
		wantEvents(t, a, "+a")
		_ = two.Close()
		three := publish(t, o, "a", model.Route{Cost: 3})
		_ = one.Finish()
		wantEvents(t, a)
		want(t, "last", serving(o, "a", three), true)
		_ = three.Close()
		wantEvents(t, a, "-a")
	})
	t.Run("16.2/12 the path stays until the last source goes", func(t *testing.T) {
		o := model.NewOrigin()
		old := publish(t, o, "a", model.Route{})
		a := o.Consume().Announcements()
		newer := publish(t, o, "a", model.Route{})
		wantEvents(t, a, "+a")
		_ = newer.Close()
		wantEvents(t, a)
		want(t, "older", serving(o, "a", old), true)
		_ = old.Close()
		wantEvents(t, a, "-a")
	})
	t.Run("16.2/13 equal lengths: the same one wins in either order", func(t *testing.T) {
		winner := func(first, second model.Route) model.OriginID {
			o := model.NewOrigin(model.WithOriginID(999))
			publish(t, o, "a", first)
			publish(t, o, "a", second)
			return must(o.Consume().Request(bg, "a")).Route().Hops[1]
		}
		x, y := hops(1, 2), hops(1, 3)
		want(t, "winner", winner(x, y), winner(y, x))
	})
	t.Run("16.2/14 the shorter chain wins in either order", func(t *testing.T) {
		for _, order := range [][]model.Route{{hops(1), hops(1, 2)}, {hops(1, 2), hops(1)}} {
			o := model.NewOrigin(model.WithOriginID(999))
			for _, r := range order {
				publish(t, o, "a", r)
			}
			want(t, "hops", len(must(o.Consume().Request(bg, "a")).Route().Hops), 1)
		}
	})
	t.Run("one publisher: announced, then cost, then hops", func(t *testing.T) {
		o := model.NewOrigin(model.WithOriginID(999))
		costly := publish(t, o, "a", model.Route{Hops: model.OriginList{1}, Cost: 5})
		cheap := publish(t, o, "a", model.Route{Hops: model.OriginList{1, 2, 3}, Cost: 1})
		want(t, "cheaper", serving(o, "a", cheap), true)
		publish(t, o, "a", model.Route{Hops: model.OriginList{1}, Offline: true})
		want(t, "not the offline one", serving(o, "a", cheap), true)
		a := o.Consume().Announcements()
		wantEvents(t, a, "+a")
		cheap.SetRoute(model.Route{Hops: model.OriginList{1, 2}, Cost: 2})
		cheap.SetRoute(model.Route{Hops: model.OriginList{1, 2}, Cost: 9})
		wantEvents(t, a) // prices are no events, whoever serves then
		want(t, "the other one", serving(o, "a", costly), true)
	})
	atOnce := func(name string, end func(*model.BroadcastProducer)) {
		t.Run(name, func(t *testing.T) {
			o := model.NewOrigin()
			a := o.Consume().Announcements()
			b := publish(t, o, "a", model.Route{})
			c := must(o.Consume().Request(bg, "a"))
			wantEvents(t, a, "+a")
			end(b)
			wantEvents(t, a, "-a")
			_, err := o.Consume().Request(bg, "a")
			wantErr(t, err, model.ErrUnroutable)
			publish(t, o, "a", model.Route{})
			want(t, "the same", must(o.Consume().Request(bg, "a")).IsClone(c), false)
		})
	}
	atOnce("16.5/82 finished: withdrawn at once, and the next is new", func(b *model.BroadcastProducer) { _ = b.Finish() })
	atOnce("16.5/83 lost: so it is, without linger", func(b *model.BroadcastProducer) { _ = b.Close() })
	t.Run("16.5/92 offline is reachable and not announced", func(t *testing.T) {
		o := model.NewOrigin()
		a := o.Consume().Announcements()
		b := publish(t, o, "a", model.Route{Offline: true})
		wantEvents(t, a)
		want(t, "reachable", serving(o, "a", b), true)
		b.SetRoute(model.Route{})
		b.SetRoute(model.Route{})
		wantEvents(t, a, "+a")
		b.SetRoute(model.Route{Offline: true})
		wantEvents(t, a, "-a")
		want(t, "reachable", serving(o, "a", b), true)
	})
	t.Run("16.5/93 an announced route serves, though an offline one is cheaper", func(t *testing.T) {
		o := model.NewOrigin(model.WithOriginID(999))
		announced := publish(t, o, "a", model.Route{Hops: model.OriginList{1}, Cost: 9})
		publish(t, o, "a", model.Route{Hops: model.OriginList{1}, Offline: true})
		want(t, "announced", serving(o, "a", announced), true)
	})
	t.Run("16.5/96 a displaced publisher gets the path back", func(t *testing.T) {
		o := model.NewOrigin(model.WithOriginID(999))
		a := o.Consume().Announcements()
		old := publish(t, o, "a", hops(1))
		wantEvents(t, a, "+a")
		newer := publish(t, o, "a", hops(2, 3, 4))
		wantEvents(t, a, "-a", "+a")
		want(t, "newer", serving(o, "a", newer), true)
		_ = newer.Close()
		wantEvents(t, a, "-a", "+a")
		want(t, "reclaimed", serving(o, "a", old), true)
	})
	t.Run("16.5/97 a route that moves to a new publisher takes the path again", func(t *testing.T) {
		o := model.NewOrigin(model.WithOriginID(999))
		old := publish(t, o, "a", hops(1))
		newer := publish(t, o, "a", hops(2))
		want(t, "newer", serving(o, "a", newer), true)
		old.SetRoute(hops(3))
		want(t, "moved", serving(o, "a", old), true)
	})
	t.Run("16.5/98 a new price does not", func(t *testing.T) {
		o := model.NewOrigin(model.WithOriginID(999))
		old := publish(t, o, "a", model.Route{Hops: model.OriginList{1}, Cost: 5})
		newer := publish(t, o, "a", model.Route{Hops: model.OriginList{2}, Cost: 9})
		a := o.Consume().Announcements()
		wantEvents(t, a, "+a")
		old.SetRoute(hops(1))
		wantEvents(t, a)
		want(t, "newer", serving(o, "a", newer), true)
		old.SetRoute(model.Route{Hops: model.OriginList{1}, Offline: true})
		old.SetRoute(hops(1)) // nor being announced again
		wantEvents(t, a)
	})
	t.Run("16.5/99 a reconnect wins over what it replaces", func(t *testing.T) {
		o := model.NewOrigin(model.WithOriginID(999))
		publish(t, o, "a", hops(1, 2))
		again := publish(t, o, "a", hops(1, 2))
		want(t, "newest", serving(o, "a", again), true)
	})
	t.Run("16.5/101 an offline source of another publisher waits", func(t *testing.T) {
		o := model.NewOrigin(model.WithOriginID(999))
		live := publish(t, o, "a", hops(1))
		a := o.Consume().Announcements()
		offline := publish(t, o, "a", model.Route{Hops: model.OriginList{2}, Offline: true})
		wantEvents(t, a, "+a")
		want(t, "live", serving(o, "a", live), true)
		_ = live.Close()
		wantEvents(t, a, "-a")
		want(t, "offline", serving(o, "a", offline), true)
		second := publish(t, o, "a", model.Route{Hops: model.OriginList{3}, Offline: true})
		want(t, "who serves goes on", serving(o, "a", offline), true)
		_ = offline.Close()
		want(t, "then the next", serving(o, "a", second), true)
	})
	t.Run("16.5/102 unknown publishers replace each other", func(t *testing.T) {
		o := model.NewOrigin(model.WithOriginID(999))
		publish(t, o, "a", hops(0))
		dear := publish(t, o, "a", model.Route{Hops: model.OriginList{0}, Cost: 9})
		want(t, "newest whatever its cost", serving(o, "a", dear), true)
	})
	t.Run("a route that comes to loop leaves service until it changes", func(t *testing.T) {
		o := model.NewOrigin(model.WithOriginID(999))
		a := o.Consume().Announcements()
		b := publish(t, o, "a", hops(1))
		wantEvents(t, a, "+a")
		b.SetRoute(hops(1, 999))
		wantEvents(t, a, "-a")
		_, err := o.Consume().Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
		b.SetRoute(hops(1))
		wantEvents(t, a, "+a")
	})
	t.Run("a caller's hop list is not shared", func(t *testing.T) {
		o := model.NewOrigin(model.WithOriginID(999))
		r := hops(1, 2)
		b := publish(t, o, "a", r)
		r.Hops[0] = 77
		b.Route().Hops[1] = 77
		want(t, "hops", slices.Equal(b.Route().Hops, model.OriginList{1, 2}), true)
	})
}
