package lite

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// asPeer makes the peer known by its id, where the version lets it tell one.
func asPeer(id string) func(*rigConfig) {
	return func(c *rigConfig) { c.setup = "01 05 01 05 02 " + id }
}

// watches opens an announce stream of the peer, which tells its id where the version has it there.
func (r *rig) watches(prefix string) transport.Stream {
	r.t.Helper()
	return r.bidi(genlite.BidiAnnounce, &genlite.AnnounceRequest{Prefix: prefix, ExcludeHop: exclude(r.v)})
}

// silent checks that nothing comes on a stream.
func silent(t *testing.T, s *tape) {
	t.Helper()
	synctest.Wait()
	if data, end := s.said(); data != "" || end != "" {
		t.Errorf("said %s %s, want nothing", data, end)
	}
}

// A route that changes under a live announcement is told in the form that the version has for it.
func TestRouteChangeOnTheWire(t *testing.T) {
	for v, want := range map[genlite.Version]struct{ first, longer, other string }{
		genlite.Version01:    {"03 01 01 61", "", ""},
		genlite.Version02:    {"03 01 01 61", "", ""},
		genlite.Version03:    {"04 01 0161 03", "04 00 0161 00 | 04 01 0161 04", ""},
		genlite.Version04:    {"08 01 0161 03 07 08 6222", "04 00 0161 00 | 09 01 0161 04 07 08 09 6222", "04 00 0161 00 | 09 01 0161 04 07 09 0a 6222"},
		genlite.Version05:    {"03 6222 01 | 06 01 0161 02 07 08", "07 01 0161 03 07 08 09", "07 01 0161 03 07 09 0a"},
		genlite.Version06Wip: {"03 6222 01 | 00 06 0161 02 07 08 00", "02 06 00 03 07 08 09 00", "02 06 00 03 07 09 0a 00"},
	} {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, v)
				b, err := r.origin.CreateBroadcast("a", model.Route{Hops: model.OriginList{7, 8}})
				must(t, err)
				s := r.watches("")
				wantBytes(t, s, want.first)
				b.SetRoute(model.Route{Hops: model.OriginList{7, 8, 9}})
				wantBytes(t, s, want.longer)
				b.SetRoute(model.Route{Hops: model.OriginList{7, 9, 10}})
				wantBytes(t, s, want.other)
				silent(t, record(s))
			})
		})
	}
}

// What changes faster than the peer reads is told once, as it is by then.
func TestRouteChangesAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, func(c *rigConfig) { c.transport.Window = 16 })
		b, err := r.origin.CreateBroadcast("a", model.Route{Hops: model.OriginList{7}})
		must(t, err)
		s := r.watches("")
		synctest.Wait()
		wantBytes(t, s, "03 6222 01 | 05 01 0161 01 07")
		for i := range model.OriginID(20) {
			b.SetRoute(model.Route{Hops: model.OriginList{7, 8 + i}})
			synctest.Wait()
		}
		heard := record(s)
		synctest.Wait()
		data, _ := heard.said()
		if last := "0601016102071b"; !strings.HasSuffix(data, last) || strings.Count(data, "0161") > 4 {
			t.Errorf("said %s, want few messages, the last of them %s", data, last)
		}
	})
}

// What is active is told at once with its number; what changes meanwhile comes after it.
func TestChangeDuringTheFirstAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		alice, _ := r.publish("alice", "video")
		r.publish("bob", "video")
		a := announcer{publisher: r.engine.publisher, active: make(map[model.Path]told), counts: make(tally)}
		changes := a.watch("")
		defer changes.Close()
		first, _, err := changes.TryNext()
		must(t, err)
		a.messages(first)
		must(t, alice.Finish())
		all, err := a.initial(changes)
		must(t, err)
		if got := r.encode(nil, all...); string(got) != string(unhex(t, "03 6222 00 | 08 00 05616c696365 00")) {
			t.Errorf("said %x", got)
		}
		if next, ok, _ := changes.TryNext(); !ok || next.Path != "bob" {
			t.Errorf("after it comes %+v", next)
		}
	})
}

func TestNamesThatDoNotFitIntoTheFirstMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version02)
		const many = 5000
		for i := range many {
			_, err := r.origin.CreateBroadcast(model.NewPath(strings.Repeat(string(rune('a'+i%26)), 20)+time.Duration(i).String()), model.Route{})
			must(t, err)
		}
		in := newReader(r.watches(""), r.v)
		var first genlite.AnnounceInit
		must(t, in.message(&first))
		names := map[string]bool{}
		for _, s := range first.Suffixes {
			names[s] = true
		}
		for range many - len(first.Suffixes) {
			var m genlite.Announce
			must(t, in.message(&m))
			names[m.Suffix] = true
		}
		if len(names) != many || len(first.Suffixes) < 1000 {
			t.Errorf("told of %d broadcasts, %d at first", len(names), len(first.Suffixes))
		}
	})
}

// On 06 the peer is known by its SETUP, which may come after it has asked.
func TestAnnouncementsWaitForWhoThePeerIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version06Wip, func(c *rigConfig) { c.setup = "" })
		_, err := r.origin.CreateBroadcast("a", model.Route{Hops: model.OriginList{7, clientOrigin}})
		must(t, err)
		_, err = r.origin.CreateBroadcast("b", model.Route{Hops: model.OriginList{7}})
		must(t, err)
		s := r.watches("")
		heard := record(s)
		silent(t, heard)
		must(t, r.uni(unhex(t, "01 05 01 05 02 5111")).Close())
		synctest.Wait()
		if data, _ := heard.said(); data != "0362220100050162010700" {
			t.Errorf("said %s, want b alone", data)
		}
		r.works()
	})
	synctest.Test(t, func(t *testing.T) { // nobody waits for ever
		r := newRig(t, genlite.Version06Wip, func(c *rigConfig) { c.setup = "" })
		r.publish("a", "video")
		s := r.watches("")
		began := time.Now()
		wantBytes(t, s, "03 6222 01 | 00 04 0161 00 00")
		if took := time.Since(began); took != DefaultLimits().FirstBytes {
			t.Errorf("answered after %v", took)
		}
	})
}

func TestPeerInTheChain(t *testing.T) {
	for v, want := range map[genlite.Version]struct{ standby, none, end, again string }{
		genlite.Version05: {
			"03 6222 01 | 06 01 0161 02 07 09", "03 6222 00", "04 00 0161 00", "06 01 0161 02 07 09",
		},
		genlite.Version06Wip: {
			"03 6222 01 | 00 06 0161 02 07 09 04", "03 6222 00", "01 01 00", "00 06 0161 02 07 09 04",
		},
	} {
		t.Run(v.String(), func(t *testing.T) {
			tainted := model.Route{Hops: model.OriginList{7, clientOrigin}, Cost: 1}
			clean := model.Route{Hops: model.OriginList{7, 9}, Cost: 4}
			create := func(t *testing.T, r *rig, route model.Route) *model.BroadcastProducer {
				b, err := r.origin.CreateBroadcast("a", route)
				must(t, err)
				return b
			}
			t.Run("16.22/367 it is offered the best clean standby, at its own cost", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, v, asPeer("5111"))
					create(t, r, tainted)
					create(t, r, clean)
					wantBytes(t, r.watches(""), want.standby)
				})
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, v, asPeer("5111"))
					create(t, r, tainted)
					s := r.watches("")
					wantBytes(t, s, want.none)
					create(t, r, clean) // a standby that comes later
					wantBytes(t, s, want.again)
				})
			})
			t.Run("16.22/368 a route into the peer takes it back, one out of it tells it again", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, v, asPeer("5111"))
					b := create(t, r, clean)
					s := r.watches("")
					wantBytes(t, s, want.standby)
					b.SetRoute(tainted)
					wantBytes(t, s, want.end)
					b.SetRoute(clean)
					wantBytes(t, s, want.again)
				})
			})
		})
	}
}

// A relay tells a price of 0 while it carries a broadcast anyway.
func TestWarmPrice(t *testing.T) {
	const cold, warm = "02 04 00 01 07 05", "02 04 00 01 07 00"
	setup := func(t *testing.T) (*rig, *model.OriginConsumer, transport.Stream) {
		r := newRig(t, genlite.Version06Wip)
		b, err := r.origin.CreateBroadcast("a", model.Route{Hops: model.OriginList{7}, Cost: 5})
		must(t, err)
		_, err = b.CreateTrack("video", model.TrackInfo{})
		must(t, err)
		s := r.watches("")
		wantBytes(t, s, "03 6222 01 | 00 05 0161 01 07 05")
		return r, r.origin.Consume(), s
	}
	read := func(t *testing.T, o *model.OriginConsumer, path model.Path) *model.TrackConsumer {
		b, err := o.Request(t.Context(), path)
		must(t, err)
		defer b.Close()
		c, err := b.SubscribeTrack("video", model.Subscription{})
		must(t, err)
		return c
	}
	t.Run("16.22/366 the warm price is told at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, _, s := setup(t)
			began := time.Now()
			r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "a", Track: "video"})
			wantBytes(t, s, warm)
			if took := time.Since(began); took > 0 {
				t.Errorf("told after %v", took)
			}
		})
	})
	t.Run("16.22/365 the cold price comes back 5 s after the last reader", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, o, s := setup(t)
			b, err := r.origin.CreateBroadcast("b", model.Route{Hops: model.OriginList{7}, Cost: 6})
			must(t, err)
			_, err = b.CreateTrack("video", model.TrackInfo{})
			must(t, err)
			wantBytes(t, s, "00 05 0162 01 07 06")
			one, two := read(t, o, "a"), read(t, o, "b")
			wantBytes(t, s, warm)
			wantBytes(t, s, "02 04 01 01 07 00")
			began := time.Now()
			must(t, one.Close())
			time.Sleep(3 * time.Second)
			must(t, two.Close()) // each broadcast has a time of its own
			wantBytes(t, s, cold)
			if took := time.Since(began); took != 5*time.Second {
				t.Errorf("a is cold after %v", took)
			}
			wantBytes(t, s, "02 04 01 01 07 06")
			if took := time.Since(began); took != 8*time.Second {
				t.Errorf("b is cold after %v", took)
			}
			one = read(t, o, "a")
			wantBytes(t, s, warm)
			must(t, one.Close())
			time.Sleep(4 * time.Second)
			defer read(t, o, "a").Close() // just in time
			heard := record(s)
			time.Sleep(time.Minute)
			silent(t, heard)
		})
	})
}

func TestPriceOfTheLink(t *testing.T) {
	const most = maxCost
	own := func(cost uint64) func(*rigConfig) {
		return func(c *rigConfig) { c.link.Cost = wire.Some[uint64](cost) }
	}
	said := func(hex string) func(*rigConfig) { return func(c *rigConfig) { c.setup = hex } }
	price := func(t *testing.T, v genlite.Version, cost uint64, change ...func(*rigConfig)) model.Route {
		r := newRig(t, v, append(change, consuming(""))...)
		s := r.listening()
		if v == genlite.Version06Wip {
			r.write(s, &genlite.AnnounceStart{Suffix: "a", Hops: []uint64{7}, Cost: cost})
		} else {
			r.write(s, active(v, "a"))
		}
		b, err := r.engine.subscriber.origin.Consume().Announced(t.Context(), "a")
		must(t, err)
		defer b.Close()
		return b.Route()
	}
	for name, c := range map[string]struct {
		cost   uint64
		change func(*rigConfig)
		want   uint64
	}{
		"nobody says one":     {5, said("01 01 00"), 6},
		"the peer says one":   {5, said("01 04 01 04 01 0a"), 15},
		"the peer says none":  {5, said("01 04 01 04 01 00"), 5},
		"ours counts more":    {5, func(c *rigConfig) { own(3)(c); said("01 04 01 04 01 0a")(c) }, 8},
		"ours needs no SETUP": {5, func(c *rigConfig) { own(0)(c); said("")(c) }, 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := price(t, genlite.Version06Wip, c.cost, c.change); got.Cost != c.want || got.Warm {
					t.Errorf("route %+v, want cost %d", got, c.want)
				}
			})
		})
	}
	t.Run("16.22/369 a sum beyond the largest is the largest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if got := price(t, genlite.Version06Wip, most-1, own(5)); got.Cost != most {
				t.Errorf("cost %d, want %d", got.Cost, uint64(most))
			}
			if got := price(t, genlite.Version06Wip, 2, own(1<<64-1)); got.Cost != most {
				t.Errorf("cost %d, want %d", got.Cost, uint64(most))
			}
		})
	})
	t.Run("a price of 0 is a warm one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if got := price(t, genlite.Version06Wip, 0); !got.Warm || got.Cost != 1 {
				t.Errorf("route %+v", got)
			}
		})
	})
	t.Run("without a price on the wire the link's is all", func(t *testing.T) {
		for v := genlite.Version01; v <= genlite.Version05; v++ {
			synctest.Test(t, func(t *testing.T) {
				if got := price(t, v, 0, own(9)); got.Cost != 9 || got.Warm {
					t.Errorf("%v: route %+v", v, got)
				}
				if got := price(t, v, 0); got.Cost != 1 || got.Warm {
					t.Errorf("%v: route %+v", v, got)
				}
			})
		}
	})
}
