package lite

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

const video model.Timescale = 90_000

// source is one more source of "alice", whose track "video" has this timescale.
func (r *rig) source(scale model.Timescale, hops ...model.OriginID) *model.TrackProducer {
	r.t.Helper()
	b, err := r.origin.CreateBroadcast("alice", model.Route{Hops: hops})
	must(r.t, err)
	track, err := b.CreateTrack("video", model.TrackInfo{Timescale: scale})
	must(r.t, err)
	return track
}

// told asks for the timescale of the track, as the peer.
func (r *rig) told() uint64 {
	r.t.Helper()
	var m genlite.TrackInfo
	must(r.t, newReader(r.bidi(genlite.BidiTrack, &genlite.Track{Broadcast: "alice", Track: "video"}), r.v).message(&m))
	return m.Timescale
}

// watch subscribes with id 7, and returns where the groups come from.
func (r *rig) watch() (next func() transport.ReceiveStream) {
	r.t.Helper()
	_, err := r.peer.AcceptUni(r.t.Context()) // SETUP
	must(r.t, err)
	r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 7, Broadcast: "alice", Track: "video"})
	synctest.Wait()
	return func() transport.ReceiveStream {
		r.t.Helper()
		s, err := r.peer.AcceptUni(r.t.Context())
		must(r.t, err)
		return s
	}
}

// switched is a rig whose peer was told milliseconds by TRACK_INFO before another source, which
// counts otherwise, took the place of the first.
func switched(t *testing.T, scale model.Timescale) (*rig, *model.TrackProducer) {
	t.Helper()
	r := newRig(t, genlite.Version05)
	r.source(model.Millis, 1, 2)
	if got := r.told(); got != 1000 {
		t.Fatalf("told %d", got)
	}
	return r, r.source(scale, 1)
}

// What a peer gets is in the timescale that it was told, whatever the track is like by now.
func TestTimesAreInTheTimescaleThatWasTold(t *testing.T) {
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	run("groups", func(t *testing.T) {
		r, track := switched(t, video)
		next := r.watch()
		write(t, track, []uint64{90_089, 180_000}, "x", "y")
		s := next()
		wantBytes(t, s, "00 020700 | 47d0 0178 | 47d0 0179")
		wantEnd(t, s, -1)
	})
	run("datagrams", func(t *testing.T) {
		r, track := switched(t, video)
		r.watch()
		must(t, track.WriteDatagram(model.Datagram{Timestamp: model.Timestamp{Value: 90_089, Scale: video}}))
		r.wantDatagram("07 00 43e8")
	})
	run("fetched groups", func(t *testing.T) {
		r, track := switched(t, video)
		write(t, track, []uint64{90_089, 180_000}, "x", "y")
		s := r.fetch(0)
		wantBytes(t, s, "47d0 0178 | 47d0 0179")
		wantEnd(t, s, -1)
	})
	run("a path that is spelled otherwise", func(t *testing.T) {
		r, track := switched(t, video)
		write(t, track, []uint64{90_089}, "x")
		wantBytes(t, r.bidi(genlite.BidiFetch, &genlite.Fetch{Broadcast: "/alice", Track: "video"}), "47d0 0178")
	})
	run("one who was told again", func(t *testing.T) {
		r, track := switched(t, video)
		if got := r.told(); got != uint64(video) {
			t.Fatalf("told %d", got)
		}
		write(t, track, []uint64{1000}, "x")
		wantBytes(t, r.fetch(0), "47d0 0178")
	})
	run("one who was told nothing", func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		write(t, r.source(video, 1), []uint64{1000}, "x")
		wantBytes(t, r.fetch(0), "47d0 0178")
		next := r.watch()
		wantBytes(t, next(), "00 020700 | 47d0 0178")
	})
	run("a track that moves to another source meanwhile", func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		write(t, r.source(model.Millis, 1, 2), []uint64{1000}, "x")
		next := r.watch()
		wantBytes(t, next(), "00 020700 | 47d0 0178")
		track := r.source(video, 1)
		synctest.Wait()
		write(t, track, []uint64{0}, "not shown")
		write(t, track, []uint64{90_089}, "y")
		wantBytes(t, next(), "00 020701 | 47d0 0179")
		must(t, track.WriteDatagram(model.Datagram{Sequence: 9, Timestamp: model.Timestamp{Value: 90_089, Scale: video}}))
		r.wantDatagram("07 09 43e8")
		wantBytes(t, r.fetch(1), "47d0 0179")
	})
	run("a group from before the track was accepted", func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		b, err := r.origin.CreateBroadcast("alice", model.Route{})
		must(t, err)
		requests := b.Dynamic()
		defer requests.Close()
		reader, err := b.Consume().SubscribeTrack("video", model.Subscription{})
		must(t, err)
		req, err := requests.RequestedTrack(t.Context())
		must(t, err)
		handler := req.Dynamic()
		defer handler.Close()
		go func() { _, _ = reader.FetchGroup(t.Context(), 4, 0) }()
		group, err := handler.RequestedGroup(t.Context())
		must(t, err)
		g, err := group.Accept()
		must(t, err)
		must(t, g.WriteFrame(model.Frame{Timestamp: model.Timestamp{Value: 90_089, Scale: video}, Payload: []byte("x")}))
		must(t, g.Finish())
		_, err = req.Accept(model.TrackInfo{})
		must(t, err)
		s := r.fetch(4)
		wantBytes(t, s, "47d0 0178")
		wantEnd(t, s, -1)
	})
}

// A time that the timescale cannot tell is never sent as another: its group is reset.
func TestTimesThatTheTimescaleCannotTell(t *testing.T) {
	const beyond = 1 << 61 // seconds, that is too many milliseconds
	// What comes before the time that cannot be told may be on its way already.
	mismatch := func(t *testing.T, s io.Reader) {
		t.Helper()
		_, err := io.Copy(io.Discard, s)
		var reset *transport.StreamError
		if !errors.As(err, &reset) || !reset.Remote || reset.Code != uint64(model.CodeTimestampMismatch) {
			t.Errorf("the stream ended with %v", err)
		}
	}
	check := func(t *testing.T, r *rig, next func() transport.ReceiveStream, track *model.TrackProducer) {
		first, _ := track.Latest()
		write(t, track, []uint64{1, beyond, 2}, "x", "y", "z")
		mismatch(t, next())
		mismatch(t, r.fetch(first+1))
		write(t, track, []uint64{1}, "x")
		wantBytes(t, next(), fmt.Sprintf("00 0207%02x | 47d0 0178", first+2))
		for i, s := range []uint64{beyond, 1} {
			must(t, track.WriteDatagram(model.Datagram{
				Sequence: 9 + uint64(i), Timestamp: model.Timestamp{Value: s, Scale: model.Seconds},
			}))
		}
		r.wantDatagram("07 0a 43e8")
		r.works()
	}
	t.Run("after TRACK_INFO", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, track := switched(t, model.Seconds)
			next := r.watch()
			write(t, track, []uint64{0}, "")
			wantBytes(t, next(), "00 020700 | 00 00")
			check(t, r, next, track)
			if n := r.engine.publisher.unsent.count.Load(); n != 1 {
				t.Errorf("%d datagrams are counted as dropped, want 1", n)
			}
		})
	})
	t.Run("after a track has moved", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, genlite.Version05)
			write(t, r.source(model.Millis, 1, 2), []uint64{1000}, "x")
			next := r.watch()
			next()
			track := r.source(model.Seconds, 1)
			synctest.Wait()
			write(t, track, []uint64{0}, "not shown")
			check(t, r, next, track)
		})
	})
	t.Run("in a frame that is on its way", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, track := switched(t, model.Seconds)
			next := r.watch()
			g, err := track.AppendGroup()
			must(t, err)
			_, err = g.CreateFrame(model.FrameInfo{Size: 3, Timestamp: model.Timestamp{Value: beyond, Scale: model.Seconds}})
			must(t, err)
			mismatch(t, next())
		})
	})
}

// A peer that asks about ever more tracks does not make the session remember them all.
func TestTimescalesAreForgottenInTheEnd(t *testing.T) {
	s := timescales{limit: 3}
	name := func(i uint64) trackName { return trackName{"alice", fmt.Sprint(i)} }
	for i := range uint64(100) {
		s.tell(name(i), model.Timescale(i+1))
		for back := range min(i+1, 3) {
			if got := s.told(name(i - back)); got != model.Timescale(i-back+1) {
				t.Fatalf("after %d tracks, %d back: %d", i, back, got)
			}
		}
	}
	if n := len(s.newer) + len(s.older); n > 6 {
		t.Errorf("%d are remembered", n)
	}
	if got := s.told(name(3)); got != 0 {
		t.Errorf("an old one is %d", got)
	}
}
