package lite

import (
	"strings"
	"testing"
	"testing/synctest"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// publish makes a broadcast with one track in what the engine serves.
func (r *rig) publish(path model.Path, track string) (*model.BroadcastProducer, *model.TrackProducer) {
	r.t.Helper()
	b, err := r.origin.CreateBroadcast(path, model.Route{})
	must(r.t, err)
	p, err := b.CreateTrack(track, model.TrackInfo{})
	must(r.t, err)
	return b, p
}

// active is an announcement by a publisher without relays.
func active(v genlite.Version, suffix string) genlite.Message {
	return dialectOf(v).start(suffix, model.Route{}, serverOrigin)
}

// listening accepts the announce stream of the engine and starts to answer it.
func (r *rig) listening() transport.Stream {
	r.t.Helper()
	var m genlite.AnnounceRequest
	s, _ := r.accept(genlite.BidiAnnounce, &m)
	r.write(s, dialectOf(r.v).begin(serverOrigin, nil)...)
	return s
}

// request announces a broadcast as the peer and subscribes to a track of it at the engine's side.
func (r *rig) request(path model.Path, track string) *model.TrackConsumer {
	r.t.Helper()
	r.write(r.listening(), active(r.v, path.String()))
	b, err := r.engine.subscriber.origin.Consume().Announced(r.t.Context(), path)
	must(r.t, err)
	defer b.Close()
	c, err := b.SubscribeTrack(track, model.Subscription{})
	must(r.t, err)
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

// answerTrack answers the engine's TRACK stream.
func (r *rig) answerTrack() {
	r.t.Helper()
	var m genlite.Track
	s, _ := r.accept(genlite.BidiTrack, &m)
	r.write(s, &genlite.TrackInfo{MaxLatency: 5000, Timescale: 1000})
	_ = s.Close() // fails when the engine has stopped reading already
}

// subscribed is request with everything answered. The subscription has the id.
func (r *rig) subscribed(path model.Path, track string) (c *model.TrackConsumer, id uint64) {
	r.t.Helper()
	c = r.request(path, track)
	if r.v >= genlite.Version05 {
		r.answerTrack()
	}
	var m genlite.Subscribe
	s, _ := r.accept(genlite.BidiSubscribe, &m)
	if r.v < genlite.Version05 {
		r.write(s, &genlite.SubscribeOK{})
	}
	r.answers = s
	synctest.Wait()
	return c, m.ID
}

func TestAnnouncementsOnTheWire(t *testing.T) {
	names := [4]string{"07 01 05616c696365", "05 01 03626f62", "05 00 03626f62", "07 00 05616c696365"}
	for v, want := range map[genlite.Version][4]string{
		genlite.Version01: names, genlite.Version02: names, // the first of them in ANNOUNCE_INIT
		genlite.Version03:    {"08 01 05616c696365 01", "06 01 03626f62 01", "06 00 03626f62 00", "08 00 05616c696365 00"},
		genlite.Version04:    {"0a 01 05616c696365 01 6222", "08 01 03626f62 01 6222", "06 00 03626f62 00", "08 00 05616c696365 00"},
		genlite.Version05:    {"03 6222 01 08 01 05616c696365 00", "06 01 03626f62 00", "06 00 03626f62 00", "08 00 05616c696365 00"},
		genlite.Version06Wip: {"03 6222 01 00 08 05616c696365 00 00", "00 06 03626f62 00 00", "01 01 01", "01 01 00"},
	} {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, v)
				alice, _ := r.publish("room/alice", "video")
				r.publish("elsewhere", "video")
				s := r.bidi(genlite.BidiAnnounce, &genlite.AnnounceRequest{Prefix: "room", ExcludeHop: exclude(v)})
				wantBytes(t, s, want[0])
				bob, _ := r.publish("room/bob", "video")
				wantBytes(t, s, want[1])
				must(t, bob.Finish())
				wantBytes(t, s, want[2])
				must(t, alice.Finish())
				wantBytes(t, s, want[3])
				must(t, r.origin.Close())
				wantEnd(t, s, -1)
				must(t, s.Close())
			})
		})
	}
}

// exclude is what a client with an id of its own asks to leave out.
func exclude(v genlite.Version) uint64 {
	if v == genlite.Version04 || v == genlite.Version05 {
		return uint64(clientOrigin)
	}
	return 0
}

// emptyAnswer is how an announce stream begins on which nothing is active.
func emptyAnswer(v genlite.Version) string {
	switch {
	case v <= genlite.Version02:
		return "01 00"
	case v <= genlite.Version04:
		return ""
	default:
		return "03 6222 00"
	}
}

func TestAnnounceInterestOutOfScopeStaysEmptyAndOpen(t *testing.T) {
	t.Run("16.22/386 the answer is empty, and the session goes on", func(t *testing.T) {
		forEachVersion(t, testOutOfScope)
	})
}

func testOutOfScope(t *testing.T, v genlite.Version) {
	r := newRig(t, v, func(c *rigConfig) {
		scoped, err := c.publish.Scope("public")
		must(t, err)
		c.publish = scoped
	})
	r.publish("secret", "video")
	s := r.bidi(genlite.BidiAnnounce, &genlite.AnnounceRequest{Prefix: "secret"})
	wantBytes(t, s, emptyAnswer(v))
	synctest.Wait()
	if err := s.Context().Err(); err != nil {
		t.Fatal("the stream has ended")
	}
	must(t, s.Close()) // the goodbye of the subscriber
	wantEnd(t, s, -1)
	r.alive()
}

func TestAnnounceStreamIsNeverReset(t *testing.T) {
	for name, leave := range map[string]func(s transport.Stream){
		"FIN":        func(s transport.Stream) { _ = s.Close() },
		"reset":      func(s transport.Stream) { s.Reset(9) },
		"extra byte": func(s transport.Stream) { _, _ = s.Write([]byte{0}) },
	} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				r := newRig(t, v)
				s := r.bidi(genlite.BidiAnnounce, &genlite.AnnounceRequest{Prefix: "room"})
				wantBytes(t, s, emptyAnswer(v))
				synctest.Wait() // a reset throws away what has not been read
				leave(s)
				wantEnd(t, s, -1)
				r.works()
			})
		})
	}
}

func TestExcludedHopIsLeftOut(t *testing.T) {
	for _, v := range []genlite.Version{genlite.Version04, genlite.Version05} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, v)
			via := func(path model.Path, hops ...model.OriginID) {
				_, err := r.origin.CreateBroadcast(path, model.Route{Hops: hops})
				must(t, err)
			}
			via("a", 5, clientOrigin)
			via("b", 5)
			if v >= genlite.Version05 { // a peer may be known by another id too
				must(t, r.uni(unhex(t, "01 04 01 05 01 09")).Close())
				synctest.Wait()
				via("c", 9)
			}
			s := r.bidi(genlite.BidiAnnounce, &genlite.AnnounceRequest{ExcludeHop: uint64(clientOrigin)})
			if v == genlite.Version04 {
				wantBytes(t, s, "07 01 0162 02 05 6222")
			} else {
				wantBytes(t, s, "03 6222 01 | 05 01 0162 01 05")
			}
		})
	}
}

func TestEngineAsksForEveryPermittedPrefix(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming("room", "hall/east"))
		var got []string
		for range 2 {
			var m genlite.AnnounceRequest
			s, _ := r.accept(genlite.BidiAnnounce, &m)
			if m.ExcludeHop != exclude(v) {
				t.Errorf("exclude hop %#x", m.ExcludeHop)
			}
			got = append(got, m.Prefix)
			r.write(s, dialectOf(v).begin(serverOrigin, []genlite.Message{active(v, "alice")})...)
		}
		if all := strings.Join(got, " "); all != "room hall/east" && all != "hall/east room" {
			t.Errorf("prefixes %q", all)
		}
		for _, path := range []model.Path{"room/alice", "hall/east/alice"} {
			b, err := r.engine.subscriber.origin.Consume().Announced(t.Context(), path)
			must(t, err)
			if hops := b.Route().Hops; len(hops) != 1 || v > genlite.Version03 && hops[0] != serverOrigin {
				t.Errorf("%s: hops %v", path, hops)
			}
			_ = b.Close()
		}
	})
}

func TestHopsAsReceived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := func(n int) []uint64 {
			ids := make([]uint64, n)
			for i := range ids {
				ids[i] = uint64(i + 1)
			}
			return ids
		}
		for _, c := range []struct {
			v    genlite.Version
			m    genlite.Announce
			ok   uint64 // of ANNOUNCE_OK
			want []model.OriginID
		}{
			{genlite.Version01, genlite.Announce{}, 0, []model.OriginID{99}},
			{genlite.Version02, genlite.Announce{}, 0, []model.OriginID{99}},
			{genlite.Version03, genlite.Announce{HopCount: 0}, 0, []model.OriginID{99}},
			{genlite.Version03, genlite.Announce{HopCount: 3}, 0, []model.OriginID{99, 0, 0}},
			{genlite.Version03, genlite.Announce{HopCount: 33}, 0, nil},
			{genlite.Version04, genlite.Announce{Hops: nil}, 0, []model.OriginID{99}},
			{genlite.Version04, genlite.Announce{Hops: []uint64{7, 0, 8}}, 0, []model.OriginID{7, 0, 8}},
			{genlite.Version05, genlite.Announce{Hops: nil}, 8, []model.OriginID{8}},
			{genlite.Version05, genlite.Announce{Hops: nil}, 0, []model.OriginID{99}},
			{genlite.Version05, genlite.Announce{Hops: []uint64{7}}, 8, []model.OriginID{7, 8}},
			{genlite.Version05, genlite.Announce{Hops: long(32)}, 8, nil},
			{genlite.Version06Wip, genlite.Announce{Hops: []uint64{7}}, 8, []model.OriginID{7, 8}},
		} {
			publisher := model.OriginID(99)
			if c.ok != 0 {
				publisher = model.OriginID(c.ok)
			}
			got, ok := dialectOf(c.v).takeHops(&c.m, publisher)
			if ok != (c.want != nil) || ok && !equal(got, c.want) {
				t.Errorf("%v %+v: hops %v, %v; want %v", c.v, c.m, got, ok, c.want)
			}
		}
	})
}

func equal(a model.OriginList, b []model.OriginID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestFilteredAnnouncementsAreIgnoredQuietly(t *testing.T) {
	t.Run("16.22/387 the end of what was filtered is ignored", func(t *testing.T) {
		forEachVersion(t, testFiltered)
	})
}

func testFiltered(t *testing.T, v genlite.Version) {
	r := newRig(t, v, consuming(""))
	s := r.listening()
	d := dialectOf(v)
	if v < genlite.Version06Wip { // where nothing ends that has not started
		r.write(s, d.end("never heard of", 0))
	}
	r.write(s,
		d.start("loop", model.Route{Hops: model.OriginList{clientOrigin}}, serverOrigin), d.end("loop", 0),
		active(v, strings.Repeat("deep/", 32)), active(v, "alice"))
	news := r.engine.subscriber.origin.Consume().Announcements()
	defer news.Close()
	for {
		a, err := news.Next(t.Context())
		must(t, err)
		if a.Broadcast != nil {
			_ = a.Broadcast.Close()
		}
		if a.Path == "alice" {
			break
		}
		if v >= genlite.Version04 && a.Path == "loop" { // elsewhere no ids tell that it is one
			t.Error("told of a loop")
		}
	}
	r.works()
}

func TestRestartOn05(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""))
		s := r.listening()
		announce := func(hops ...uint64) {
			r.write(s, &genlite.Announce{Status: genlite.AnnounceStatusActive, Suffix: "alice", Hops: hops})
			synctest.Wait()
		}
		origin := r.engine.subscriber.origin.Consume()
		announce(7)
		first, err := origin.Announced(t.Context(), "alice")
		must(t, err)
		defer first.Close()
		announce(7, 9) // the same publisher by another way
		second, err := origin.Announced(t.Context(), "alice")
		must(t, err)
		defer second.Close()
		if !second.IsClone(first) || !equal(second.Route().Hops, []model.OriginID{7, 9, serverOrigin}) {
			t.Errorf("a new way made another broadcast: hops %v", second.Route().Hops)
		}
		announce(8) // another publisher
		third, err := origin.Announced(t.Context(), "alice")
		must(t, err)
		defer third.Close()
		if third.IsClone(first) {
			t.Error("another publisher took over the broadcast of the first")
		}
		r.alive()
	})
}
