package lite

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
)

func TestBadSetup(t *testing.T) {
	for name, c := range map[string]struct {
		bytes string
		want  error
	}{
		"garbage":          {"01 04 01 01 01 ff", model.ErrDecode},
		"repeated":         {"01 07 02 05 01 2a 05 01 2a", model.ErrDecode},
		"FIN in the midst": {"01 0b 02", model.ErrDecode},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				peer, own := memory.Pair("moq-lite-05")
				r := &rig{t: t, v: genlite.Version05, peer: peer}
				must(t, r.uni(unhex(t, c.bytes)).Close())
				_, err := New(Config{Conn: own, Version: genlite.Version05}).AwaitSetup(t.Context())
				if !errors.Is(err, c.want) {
					t.Errorf("error %v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestProbeAndGoawayAreAnsweredAndEndNothing(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		if v > genlite.Version02 {
			probe := r.bidi(genlite.BidiProbe)
			wantEnd(t, probe, -1)
			wantStop(t, probe, 0)
		}
		if v > genlite.Version03 {
			goaway := r.bidi(genlite.BidiGoaway, &genlite.Goaway{URI: "https://elsewhere.example/"})
			wantEnd(t, goaway, -1)
			wantStop(t, goaway, 0)
		}
		r.works()
	})
}

func TestFetchTakesWhatIsInTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		_, track := r.publish("alice", "video")
		write(t, track, []uint64{1000, 1033, 1020}, "hi", "", "\x00\xff")
		fetch := func(broadcast, track string, group uint64) transport.Stream {
			return r.bidi(genlite.BidiFetch, &genlite.Fetch{Broadcast: broadcast, Track: track, Group: group})
		}
		s := fetch("alice", "video", 0)
		wantBytes(t, s, "47d0 026869 | 4042 00 | 19 0200ff")
		wantEnd(t, s, -1)
		wantEnd(t, fetch("alice", "video", 1), int(model.CodeNotFound))
		wantEnd(t, fetch("alice", "audio", 0), int(model.CodeNotFound))
		wantEnd(t, fetch("nobody", "video", 0), int(model.CodeUnroutable))
		synctest.Wait()
		if _, used := track.Subscription(); used {
			t.Error("a fetch has left a subscription behind")
		}
		r.works()
	})
}

func TestUnannouncedBroadcastIsReachedOverTheWire(t *testing.T) {
	t.Run("16.23/396 a SUBSCRIBE reaches the handler for what is not announced", func(t *testing.T) {
		forEachVersion(t, testUnannounced)
	})
}

func testUnannounced(t *testing.T, v genlite.Version) {
	r := newRig(t, v)
	d := r.origin.Dynamic()
	defer d.Close()
	s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "made/to/order", Track: "video"})
	req, err := d.RequestedBroadcast(t.Context())
	must(t, err)
	if req.Path() != "made/to/order" {
		t.Errorf("asked for %q", req.Path())
	}
	req.Reject(&model.Error{Code: model.AppCode(402)})
	wantEnd(t, s, int(model.AppCode(402)))
}

// A relay on moq-lite-05 is asked what a track is like before it is subscribed to. It asks its own
// publisher once, and subscribes once, with what the reader wants.
func TestTrackThenSubscribeIsOneSubscriptionUpstream(t *testing.T) {
	t.Run("16.22/361 a relay subscribes once", trackThenSubscribeIsOneSubscriptionUpstream)
}

func trackThenSubscribeIsOneSubscriptionUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := newRig(t, genlite.Version05, consuming(""))
		down := newRig(t, genlite.Version05, func(c *rigConfig) { c.publish = up.engine.subscriber.origin.Consume() })
		up.write(up.listening(), active(up.v, "alice"))
		synctest.Wait()
		track := down.bidi(genlite.BidiTrack, &genlite.Track{Broadcast: "alice", Track: "video"})
		up.answerTrack()
		wantBytes(t, track, "06 00 00 5388 43e8")
		wantEnd(t, track, -1)
		time.Sleep(time.Second)
		want := genlite.Subscribe{Broadcast: "alice", Track: "video", Priority: 3, MaxLatency: 250, StartGroup: wire.Some[uint64](7)}
		s := down.bidi(genlite.BidiSubscribe, &want)
		var got genlite.Subscribe
		upstream, in := up.accept(genlite.BidiSubscribe, &got)
		if got != want {
			t.Errorf("upstream %+v, want %+v", got, want)
		}
		must(t, s.Close())
		if err := in.message(new(genlite.SubscribeUpdate)); !errors.Is(err, io.EOF) {
			t.Errorf("upstream got %v, want FIN at once", err)
		}
		wantStop(t, upstream, 0)
	})
}

// A TRACK stream that is answered makes no demand, unless the track had to be made for it: then it
// is kept for a while, so that it is not made twice.
func TestToAskAboutATrackIsNoDemand(t *testing.T) {
	ask := func(r *rig) transport.Stream {
		return r.bidi(genlite.BidiTrack, &genlite.Track{Broadcast: "alice", Track: "video"})
	}
	t.Run("for one that is there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, genlite.Version05)
			_, track := r.publish("alice", "video")
			changed := track.SubscriptionChanged()
			for range 2 {
				s := ask(r)
				wantBytes(t, s, "06 00 00 5388 43e8")
				wantEnd(t, s, -1)
			}
			synctest.Wait()
			select {
			case <-changed:
				t.Error("there was a reader")
			default:
			}
		})
	})
	t.Run("for one on demand", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, genlite.Version05)
			b, err := r.origin.CreateBroadcast("alice", model.Route{})
			must(t, err)
			defer b.Close()
			d := b.Dynamic()
			defer d.Close()
			s := ask(r)
			req, err := d.RequestedTrack(t.Context())
			must(t, err)
			track, err := req.Accept(model.TrackInfo{})
			must(t, err)
			defer track.Abort(nil)
			wantBytes(t, s, "06 00 00 5388 43e8")
			wantEnd(t, s, -1)
			if wants, used := track.Subscription(); !used || wants != peek {
				t.Errorf("let go at once, or %+v", wants)
			}
			time.Sleep(holdTime)
			synctest.Wait()
			if _, used := track.Subscription(); used {
				t.Error("held on to")
			}
		})
	})
}

// A peer that gives up on the answer makes no demand any more, and keeps nothing here busy.
func TestPeerThatGivesUpOnATrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		b, err := r.origin.CreateBroadcast("alice", model.Route{})
		must(t, err)
		defer b.Close()
		d := b.Dynamic()
		defer d.Close()
		s := r.bidi(genlite.BidiTrack, &genlite.Track{Broadcast: "alice", Track: "video"})
		must(t, s.Close()) // says nothing yet
		req, err := d.RequestedTrack(t.Context())
		must(t, err)
		defer req.Reject(nil)
		synctest.Wait()
		select {
		case <-req.Unused():
			t.Fatal("nobody waits, though the peer does")
		default:
		}
		s.Stop(0)
		began := time.Now()
		<-req.Unused()
		must(t, r.engine.Drain(t.Context()))
		if took := time.Since(began); took > 0 {
			t.Errorf("waited on for %v", took)
		}
		r.works()
	})
}

func TestReaderWhoLeavesBeforeTheAnswer(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""))
		track := r.request("alice", "video")
		kind, m := genlite.BidiSubscribe, genlite.Message(new(genlite.Subscribe))
		if v >= genlite.Version05 {
			kind, m = genlite.BidiTrack, new(genlite.Track)
		}
		s, _ := r.accept(kind, m)
		began := time.Now()
		must(t, track.Close())
		wantStop(t, s, 0)
		if took := time.Since(began); took > 0 {
			t.Errorf("the peer heard of it after %v", took)
		}
		r.works()
	})
}

func TestUpdateThatComesBeforeTheTrackIsThere(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		if v <= genlite.Version02 {
			t.Skip("there are no updates")
		}
		r := newRig(t, v)
		d := r.origin.Dynamic()
		defer d.Close()
		s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "slow", Track: "video", Priority: 1})
		req, err := d.RequestedBroadcast(t.Context())
		must(t, err)
		r.write(s, &genlite.SubscribeUpdate{Priority: 7})
		synctest.Wait()
		b := model.NewBroadcast(model.Route{})
		defer b.Close()
		track, err := b.CreateTrack("video", model.TrackInfo{})
		must(t, err)
		must(t, req.Accept(b.Consume()))
		synctest.Wait()
		if wants, _ := track.Subscription(); wants.Priority != 7 {
			t.Errorf("subscribed with %+v, want priority 7", wants)
		}
	})
}
