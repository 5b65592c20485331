package lite

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// into makes the engine put everything into an origin that it also serves from.
func into(origin *model.OriginProducer) func(*rigConfig) {
	return func(c *rigConfig) { c.publish, c.consume = origin.Consume(), origin }
}

// found waits for a broadcast in an origin.
func found(t *testing.T, origin *model.OriginProducer, path model.Path) *model.BroadcastConsumer {
	t.Helper()
	b, err := origin.Consume().Announced(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestRestartOfAPublisher(t *testing.T) {
	t.Run("16.22/363 one that is unknown is replaced, one that is known goes on", func(t *testing.T) {
		for name, c := range map[string]struct {
			v            genlite.Version
			ok           uint64 // of ANNOUNCE_OK
			peer         model.OriginID
			first, again []uint64
			same         bool
		}{
			"05: no id at all":         {genlite.Version05, 0, 0, nil, nil, false},
			"05: explicitly unknown":   {genlite.Version05, 8, 0, []uint64{0}, []uint64{0, 9}, false},
			"05: the peer is assigned": {genlite.Version05, 0, 77, nil, nil, true},
			"05: the peer itself":      {genlite.Version05, 8, 0, nil, nil, true},
			"05: by another way":       {genlite.Version05, 8, 0, []uint64{7}, []uint64{7, 9}, true},
			"05: another":              {genlite.Version05, 8, 0, []uint64{7}, []uint64{9}, false},
			"06: no id at all":         {genlite.Version06Wip, 0, 0, nil, nil, false},
			"06: by another way":       {genlite.Version06Wip, 8, 0, []uint64{7}, []uint64{7, 9}, true},
			"06: another":              {genlite.Version06Wip, 8, 0, []uint64{7}, []uint64{9}, false},
		} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c.v, consuming(""), func(rc *rigConfig) { rc.link.Peer = c.peer })
				var request genlite.AnnounceRequest
				s, _ := r.accept(genlite.BidiAnnounce, &request)
				r.write(s, &genlite.AnnounceOK{Origin: c.ok, Active: 1})
				route := func(ids []uint64) model.Route { return model.Route{Hops: originList(ids)} }
				d := dialectOf(c.v)
				r.write(s, d.start("alice", route(c.first), 0))
				first := found(t, r.engine.subscriber.origin, "alice")
				r.write(s, d.update("alice", 0, route(c.again)))
				synctest.Wait()
				again := found(t, r.engine.subscriber.origin, "alice")
				if got := again.IsClone(first); got != c.same {
					t.Errorf("%s: the same %v, want %v", name, got, c.same)
				}
				r.alive()
			})
		}
	})
}

func TestAssignedIdentity(t *testing.T) {
	const assigned = 77
	t.Run("16.22/364 announcements carry it, and none of them goes back", func(t *testing.T) {
		for _, v := range genlite.Versions() {
			if v == genlite.Version04 {
				continue // every announcement has the id of the peer
			}
			synctest.Test(t, func(t *testing.T) {
				origin := model.NewOrigin(model.WithOriginID(serverOrigin))
				r := newRig(t, v, into(origin), func(c *rigConfig) { c.link.Peer = assigned })
				var request genlite.AnnounceRequest
				s, _ := r.accept(genlite.BidiAnnounce, &request)
				d := dialectOf(v)
				if d.opening != nil && v >= genlite.Version05 {
					r.write(s, &genlite.AnnounceOK{Active: 1})
				} else {
					r.write(s, d.begin(0, nil)...)
				}
				r.write(s, d.start("theirs", model.Route{}, 0))
				if hops := found(t, origin, "theirs").Route().Hops; !equal(hops, []model.OriginID{assigned}) {
					t.Errorf("%v: hops %v", v, hops)
				}
				_, err := origin.CreateBroadcast("ours", model.Route{})
				must(t, err)
				in := newReader(r.bidi(genlite.BidiAnnounce, &genlite.AnnounceRequest{}), v)
				var told []string
				if d.opening != nil {
					m := d.opening()
					must(t, in.message(m))
					if names, ok := m.(*genlite.AnnounceInit); ok {
						told = names.Suffixes
					}
				}
				if len(told) == 0 {
					m, err := d.next(in)
					must(t, err)
					if start, ok := m.(*genlite.AnnounceStart); ok {
						told = append(told, start.Suffix)
					} else {
						told = append(told, m.(*genlite.Announce).Suffix)
					}
				}
				if len(told) != 1 || told[0] != "ours" {
					t.Errorf("%v: told of %q, want ours", v, told)
				}
				synctest.Wait()
				if rest := in.unread(); len(rest) > 0 {
					t.Errorf("%v: and told %x", v, rest)
				}
			})
		}
	})
}

func TestLostAnnounceStream(t *testing.T) {
	ends := map[string]func(r *rig, s transport.Stream){
		"FIN":     func(_ *rig, s transport.Stream) { _ = s.Close() },
		"reset":   func(_ *rig, s transport.Stream) { s.Reset(3) },
		"session": func(r *rig, _ transport.Stream) { _ = r.peer.CloseWithError(4, "gone") },
	}
	announced := func(t *testing.T, v genlite.Version) (*rig, *model.OriginProducer, transport.Stream, *model.AnnounceConsumer) {
		origin := model.NewOrigin(model.WithOriginID(clientOrigin), model.WithLinger(time.Minute))
		r := newRig(t, v, func(c *rigConfig) { c.consume = origin })
		s := r.listening()
		news := origin.Consume().Announcements()
		t.Cleanup(func() { _ = news.Close() })
		r.write(s, active(v, "alice"))
		a, err := news.Next(t.Context())
		must(t, err)
		_ = a.Broadcast.Close()
		return r, origin, s, news
	}
	t.Run("16.22/362 without a retraction the linger applies", func(t *testing.T) {
		for name, end := range ends {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				r, _, s, news := announced(t, v)
				lost := time.Now()
				end(r, s)
				a, err := news.Next(t.Context())
				must(t, err)
				if took := time.Since(lost); a.Broadcast != nil || took != time.Minute {
					t.Errorf("%s: %+v after %v, want the end after the linger", name, a, took)
				}
			})
		}
	})
	t.Run("a retraction is an end at once", func(t *testing.T) {
		forEachVersion(t, func(t *testing.T, v genlite.Version) {
			r, _, s, news := announced(t, v)
			began := time.Now()
			r.write(s, dialectOf(v).end("alice", 0))
			a, err := news.Next(t.Context())
			must(t, err)
			if took := time.Since(began); a.Broadcast != nil || took != 0 {
				t.Errorf("%+v after %v, want the end at once", a, took)
			}
		})
	})
	t.Run("one that comes back within the linger is the same", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, origin, s, news := announced(t, genlite.Version05)
			_, track := r.publish("unrelated", "video")
			defer track.Close()
			before := found(t, origin, "alice")
			end := ends["session"]
			end(r, s)
			_ = r.ended()
			time.Sleep(time.Second)
			back := newRig(t, genlite.Version05, func(c *rigConfig) { c.consume = origin })
			back.write(back.listening(), active(back.v, "alice"))
			synctest.Wait()
			if !found(t, origin, "alice").IsClone(before) {
				t.Error("it is another broadcast")
			}
			if a, ok, _ := news.TryNext(); ok {
				t.Errorf("told %+v of what readers must not notice", a)
			}
		})
	})
}

func TestRootedSubscriber(t *testing.T) {
	t.Run("16.22/376 it asks for its scope, and mounts what it gets under its root once", func(t *testing.T) {
		forEachVersion(t, func(t *testing.T, v genlite.Version) {
			origin := model.NewOrigin(model.WithOriginID(clientOrigin))
			rooted, err := origin.WithRoot("tenant/room")
			must(t, err)
			rooted, err = rooted.Scope("stage")
			must(t, err)
			r := newRig(t, v, func(c *rigConfig) { c.consume = rooted })
			var request genlite.AnnounceRequest
			s, _ := r.accept(genlite.BidiAnnounce, &request)
			if request.Prefix != "stage" {
				t.Errorf("asked for %q", request.Prefix)
			}
			r.write(s, dialectOf(v).begin(serverOrigin, []genlite.Message{active(v, "alice")})...)
			b := found(t, origin, "tenant/room/stage/alice")
			c, err := b.SubscribeTrack("video", model.Subscription{})
			must(t, err)
			defer c.Close()
			if v >= genlite.Version05 {
				var m genlite.Track
				r.accept(genlite.BidiTrack, &m)
				if m.Broadcast != "stage/alice" {
					t.Errorf("asked about %q", m.Broadcast)
				}
			} else {
				var m genlite.Subscribe
				r.accept(genlite.BidiSubscribe, &m)
				if m.Broadcast != "stage/alice" {
					t.Errorf("subscribed to %q", m.Broadcast)
				}
			}
		})
	})
}

// A loop that comes by another route of what is held takes it out, and the next route puts it back.
func TestRouteThatComesToLoop(t *testing.T) {
	for _, v := range []genlite.Version{genlite.Version05, genlite.Version06Wip} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, v, consuming(""))
			s := r.listening()
			d := dialectOf(v)
			route := func(ids ...model.OriginID) model.Route { return model.Route{Hops: ids} }
			r.write(s, d.start("alice", route(7), 0))
			_ = found(t, r.engine.subscriber.origin, "alice").Close()
			r.write(s, d.update("alice", 0, route(7, clientOrigin)))
			synctest.Wait()
			ctx, end := context.WithTimeout(t.Context(), time.Second)
			defer end()
			if _, err := r.engine.subscriber.origin.Consume().Announced(ctx, "alice"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v: a loop is announced: %v", v, err)
			}
			r.write(s, d.update("alice", 0, route(7, 9)))
			if hops := found(t, r.engine.subscriber.origin, "alice").Route().Hops; !equal(hops, []model.OriginID{7, 9, serverOrigin}) {
				t.Errorf("%v: hops %v", v, hops)
			}
			must(t, s.Close())
			_, _ = io.ReadAll(s)
		})
	}
}
