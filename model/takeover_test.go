package model_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

func TestTakeover(t *testing.T) {
	inBubble(t, "16.5/96 a displaced publisher gets the path back", func(t *testing.T, o *model.OriginProducer) {
		old := publish(t, o, "a", hops(1))
		watch := o.Consume().Announcements()
		wantEvents(t, watch, "+a")
		newer := publish(t, o, "a", hops(2))
		wantEvents(t, watch, "-a", "+a")
		wantNil(t, newer.Close())
		wantEvents(t, watch, "-a", "+a")
		want(t, "reclaimed", serving(o, "a", old), true)
	})
	inBubble(t, "16.5/100 a reconnect is used at once, also by who reads the stale route", func(t *testing.T, o *model.OriginProducer) {
		stale := upstreamOf(t, o, "a", at(1), 0)
		c := readerOf(t, o, model.Subscription{})
		again := upstreamOf(t, o, "b", at(1))
		stale.write(t, 1)
		again.write(t, 1)
		wantGroups(t, c, "a0", "b1")
	})
	inBubble(t, "16.5/103 publishers of one identity are one", func(t *testing.T, o *model.OriginProducer) {
		watch := o.Consume().Announcements()
		upstreamOf(t, o, "a", hops(1, 5), 0)
		c := readerOf(t, o, model.Subscription{})
		wantEvents(t, watch, "+a")
		b := upstreamOf(t, o, "b", hops(1))
		b.write(t, 1)
		wantGroups(t, c, "a0", "b1")
		wantEvents(t, watch)
	})
	inBubble(t, "16.5/104 a local standby for what a neighbor feeds leaves readers alone", func(t *testing.T, o *model.OriginProducer) {
		fed := upstreamOf(t, o, "fed", hops(1, 7), 0)
		c := readerOf(t, o, model.Subscription{})
		local := upstreamOf(t, o, "local", model.Route{Hops: model.OriginList{1}, Cost: 9})
		fed.write(t, 1)
		wantGroups(t, c, "fed0", "fed1")
		fed.lose(t)
		local.write(t, 2)
		wantGroups(t, c, "local2")
	})
	inBubble(t, "16.5/119 our own broadcast cannot come back and take its path", func(t *testing.T, o *model.OriginProducer) {
		local := upstreamOf(t, o, "local", model.Route{}, 0)
		told := o.Consume().ForPeer(7).Routes() // the neighbor is told of it
		defer told.Close()
		watch := o.Consume().Announcements()
		wantEvents(t, watch, "+a")
		c := readerOf(t, o, model.Subscription{})
		upstreamOf(t, o, "reflection", hops(99, 7), 0, 1) // by a publisher that the neighbor made up
		wantEvents(t, watch)
		want(t, "ours", serving(o, "a", local.b), true)
		local.write(t, 1)
		wantGroups(t, c, "local0", "local1")
	})
	inBubble(t, "16.5/120 a rival that comes another way can", func(t *testing.T, o *model.OriginProducer) {
		upstreamOf(t, o, "local", model.Route{}, 0)
		told := o.Consume().ForPeer(7).Routes()
		defer told.Close()
		rival := upstreamOf(t, o, "rival", hops(99, 8), 0)
		want(t, "the rival", serving(o, "a", rival.b), true)
	})
	inBubble(t, "16.5/121 a source that is about to go is not taken", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(2), 0)
		c := readerOf(t, o, model.Subscription{})
		dying := upstreamOf(t, o, "dying", at(1))
		third := upstreamOf(t, o, "c", at(3), 0, 1, 2)
		done := later(func() { dying.lose(t) })
		a.lose(t)
		want(t, "gone", done(), true)
		wantGroups(t, c, "a0", "c1", "c2")
		third.write(t, 3)
		wantGroups(t, c, "c3")
	})
	inBubble(t, "16.5/122 nothing gets stuck whatever comes and goes", func(t *testing.T, o *model.OriginProducer) {
		rnd := rand.New(rand.NewPCG(1, 22))
		var sources []*upstream
		var readers []*model.TrackConsumer
		edge := uint64(0)
		for range 2000 {
			switch rnd.IntN(6) {
			case 0:
				sources = append(sources, upstreamOf(t, o, "s", at(uint64(rnd.IntN(5))), edge))
			case 1:
				if len(sources) > 0 {
					i := rnd.IntN(len(sources))
					sources[i].lose(t)
					sources = append(sources[:i], sources[i+1:]...)
				}
			case 2:
				if b, err := o.Consume().Request(bg, "a"); err == nil {
					if c, err := b.SubscribeTrack("t", model.Subscription{}); err == nil {
						readers = append(readers, c)
					}
				}
			case 3:
				if len(readers) > 0 {
					i := rnd.IntN(len(readers))
					wantNil(t, readers[i].Close())
					readers = append(readers[:i], readers[i+1:]...)
				}
			case 4:
				edge++
				for _, s := range sources {
					if g, err := s.t.CreateGroup(edge); err == nil {
						wantNil(t, g.Finish())
					}
				}
			default:
				for _, s := range sources {
					s.b.SetRoute(at(uint64(rnd.IntN(5))))
				}
				time.Sleep(time.Duration(rnd.IntN(40)) * time.Second)
			}
			if len(sources) == 0 {
				continue
			}
			// Whoever comes now gets the newest group of the best source, and what comes next.
			c := readerOf(t, o, model.Subscription{})
			edge++
			for _, s := range sources {
				g := must(s.t.CreateGroup(edge))
				wantNil(t, g.Finish())
			}
			seqs, err := recvAll(c.TryRecvGroup)
			if len(seqs) == 0 || seqs[len(seqs)-1] != edge || err != nil {
				t.Fatalf("groups %v, want %d: %v", seqs, edge, err)
			}
			wantNil(t, c.Close())
		}
	})
}

func TestSplitHorizon(t *testing.T) {
	const peer = 7
	for7 := func(o *model.OriginProducer) *model.OriginConsumer { return o.Consume().ForPeer(peer) }
	readPeer := func(t *testing.T, o *model.OriginProducer) *model.TrackConsumer {
		t.Helper()
		return must(must(for7(o).Request(bg, "a")).SubscribeTrack("t", model.Subscription{}))
	}
	through := func(cost uint64) model.Route { return model.Route{Hops: model.OriginList{1, peer}, Cost: cost} }
	around := func(cost uint64) model.Route { return model.Route{Hops: model.OriginList{1, 8}, Cost: cost} }
	inBubble(t, "16.5/109 who is on the best way is served on another, everybody else on the best", func(t *testing.T, o *model.OriginProducer) {
		upstreamOf(t, o, "best", through(1), 0)
		upstreamOf(t, o, "clean", around(5), 0)
		wantGroups(t, readPeer(t, o), "clean0")
		wantGroups(t, readerOf(t, o, model.Subscription{}), "best0")
	})
	inBubble(t, "16.5/110 or not at all", func(t *testing.T, o *model.OriginProducer) {
		upstreamOf(t, o, "best", through(1), 0)
		_, err := for7(o).Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
		wantEvents(t, for7(o).Announcements())
	})
	inBubble(t, "16.5/111 and no handler is asked", func(t *testing.T, o *model.OriginProducer) {
		d := o.Dynamic()
		upstreamOf(t, o, "best", through(1), 0)
		_, err := for7(o).Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
		noDemand(t, d)
	})
	inBubble(t, "16.5/112 also when the way it was served on is lost", func(t *testing.T, o *model.OriginProducer) {
		upstreamOf(t, o, "best", through(1), 0, 1, 2)
		clean := upstreamOf(t, o, "clean", around(5), 0)
		c := readPeer(t, o)
		wantGroups(t, c, "clean0")
		clean.lose(t)
		_, _, err := c.TryRecvGroup()
		want(t, "ended", err != nil, true)
		_, err = for7(o).Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
	})
	inBubble(t, "16.5/113 and when a cheaper way through it comes later", func(t *testing.T, o *model.OriginProducer) {
		clean := upstreamOf(t, o, "clean", around(5), 0)
		c := readPeer(t, o)
		upstreamOf(t, o, "best", through(1), 0, 1)
		clean.write(t, 1)
		wantGroups(t, c, "clean0", "clean1")
	})
	inBubble(t, "16.5/114 and when the clean way does not have the track", func(t *testing.T, o *model.OriginProducer) {
		upstreamOf(t, o, "best", through(1), 0)
		publish(t, o, "a", around(5))
		_, err := must(for7(o).Request(bg, "a")).SubscribeTrack("t", model.Subscription{})
		wantErr(t, err, model.ErrNotFound)
		wantGroups(t, readerOf(t, o, model.Subscription{}), "best0")
	})
}

func TestGate(t *testing.T) {
	// Two relays of which each may take the broadcast from the other, as it carries it
	// already.
	const one, two = 101, 202
	warm := func(sibling model.OriginID) model.Route {
		return model.Route{Hops: model.OriginList{1, sibling}, Warm: true}
	}
	// moves tells whether a relay that carries the broadcast goes over to another source.
	moves := func(t *testing.T, self model.OriginID, incumbent, candidate model.Route, reading bool) bool {
		t.Helper()
		o := model.NewOrigin(model.WithOriginID(self))
		upstreamOf(t, o, "a", incumbent, 0)
		front := must(o.Consume().Request(bg, "a"))
		if reading {
			must(front.SubscribeTrack("t", model.Subscription{}))
		}
		b := upstreamOf(t, o, "b", candidate)
		return model.Serving(front, b.b)
	}
	costly := model.Route{Hops: model.OriginList{1, 50}, Cost: 5}
	lower, higher := model.OriginID(one), model.OriginID(two)
	if model.RouteHash("a", two) < model.RouteHash("a", one) {
		lower, higher = two, one
	}
	t.Run("16.5/115 while carrying, only towards a warm sibling that hashes lower", func(t *testing.T) {
		want(t, "towards the lower", moves(t, higher, costly, warm(lower), true), true)
		want(t, "towards the higher", moves(t, lower, costly, warm(higher), true), false)
		want(t, "towards the higher, idle", moves(t, lower, costly, warm(higher), false), true)
	})
	t.Run("16.5/116 of two relays that both pulled one moves", func(t *testing.T) {
		moved := 0
		for self, sibling := range map[model.OriginID]model.OriginID{one: two, two: one} {
			if moves(t, self, costly, warm(sibling), true) {
				moved++
			}
		}
		want(t, "relays that move", moved, 1)
	})
	t.Run("16.5/117 what is no sibling is taken at once", func(t *testing.T) {
		cold := warm(higher)
		cold.Warm = false
		want(t, "not warm", moves(t, lower, costly, cold, true), true)
		direct := model.Route{Hops: model.OriginList{1}, Warm: true}
		want(t, "one hop", moves(t, lower, costly, direct, true), true)
	})
	t.Run("16.5/118 an incumbent that is not announced any more is left", func(t *testing.T) {
		offline := costly
		offline.Offline = true
		want(t, "moved", moves(t, lower, offline, warm(higher), true), true)
		o := model.NewOrigin(model.WithOriginID(lower))
		a := upstreamOf(t, o, "a", costly, 0)
		front := must(o.Consume().Request(bg, "a"))
		must(front.SubscribeTrack("t", model.Subscription{}))
		b := upstreamOf(t, o, "b", warm(higher))
		want(t, "kept", model.Serving(front, a.b), true)
		a.b.SetRoute(offline)
		want(t, "left", model.Serving(front, b.b), true)
	})
}

// Demand is told to others as a route that costs nothing, for a while longer than it lasts.
func TestAdvertisedRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := model.NewOrigin()
		upstreamOf(t, o, "a", at(5))
		front := must(o.Consume().Request(bg, "a"))
		want(t, "idle", front.AdvertisedRoute().Cost, 5)
		c := must(front.SubscribeTrack("t", model.Subscription{}))
		want(t, "in use", front.AdvertisedRoute().Cost, 0)
		want(t, "what it costs", front.Route().Cost, 5)
		wantNil(t, c.Close())
		time.Sleep(4 * time.Second)
		want(t, "just now", front.AdvertisedRoute().Cost, 0)
		time.Sleep(2 * time.Second)
		want(t, "idle again", front.AdvertisedRoute().Cost, 5)
	})
}
