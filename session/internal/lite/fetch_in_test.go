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

// handle announces a broadcast as the peer and names a track of it at the engine's side.
func (r *rig) handle(path model.Path, track string) *model.BroadcastTrack {
	r.t.Helper()
	r.write(r.listening(), active(r.v, path.String()))
	b, err := r.engine.subscriber.origin.Consume().Announced(r.t.Context(), path)
	must(r.t, err)
	defer b.Close()
	h, err := b.Track(track)
	must(r.t, err)
	return h
}

// fetched is the outcome of a fetch.
type fetched struct {
	group *model.GroupConsumer
	err   error
}

// fetcher fetches groups, each call on its own.
type fetcher func(ctx context.Context, seq uint64, priority uint8) (*model.GroupConsumer, error)

func (f fetcher) start(ctx context.Context, seq uint64, priority uint8) <-chan fetched {
	done := make(chan fetched, 1)
	go func() {
		g, err := f(ctx, seq, priority)
		done <- fetched{g, err}
	}()
	return done
}

// asked accepts the FETCH of the engine.
func (r *rig) asked(seq uint64, priority uint8) (transport.Stream, *reader) {
	r.t.Helper()
	var m genlite.Fetch
	s, in := r.accept(genlite.BidiFetch, &m)
	if want := (genlite.Fetch{Broadcast: "alice", Track: "video", Priority: priority, Group: seq}); m != want {
		r.t.Fatalf("the engine asks for %+v, want %+v", m, want)
	}
	return s, in
}

// noStream checks that the engine has opened no further bidirectional stream.
func (r *rig) noStream() {
	r.t.Helper()
	synctest.Wait()
	ended, end := context.WithCancel(r.t.Context())
	end()
	if _, err := r.peer.AcceptBidi(ended); err == nil {
		r.t.Error("the engine opened a stream")
	}
}

func (f fetched) frames(t *testing.T) (all []model.Frame, end error) {
	t.Helper()
	must(t, f.err)
	for {
		frame, err := f.group.ReadFrame(t.Context())
		if err != nil {
			return all, err
		}
		all = append(all, frame)
	}
}

func TestFetchAsksThePeerWithoutASubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""))
		fetch := fetcher(r.handle("alice", "video").FetchGroup)
		done := fetch.start(t.Context(), 3, 9)
		r.answerTrack()
		s, in := r.asked(3, 9)
		_, err := s.Write(unhex(t, "47d0 026869 | 4042 00 | 19 0200ff"))
		must(t, err)
		must(t, s.Close())
		frames, err := (<-done).frames(t)
		if !errors.Is(err, io.EOF) || len(frames) != 3 || string(frames[0].Payload) != "hi" || string(frames[2].Payload) != "\x00\xff" {
			t.Errorf("fetched %v, %v", frames, err)
		}
		for i, at := range []uint64{1000, 1033, 1020} {
			if frames[i].Timestamp.Value != at {
				t.Errorf("frame %d is at %v, want %d", i, frames[i].Timestamp, at)
			}
		}
		if err := in.fill(1); !errors.Is(err, io.EOF) {
			t.Errorf("our half ended with %v, want a FIN", err)
		}

		again := <-fetch.start(t.Context(), 3, 0) // from the cache
		if frames, err := again.frames(t); len(frames) != 3 {
			t.Errorf("fetched %v, %v again", frames, err)
		}
		empty := fetch.start(t.Context(), 4, 0)
		s, _ = r.asked(4, 0)
		must(t, s.Close())
		if frames, err := (<-empty).frames(t); len(frames) != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("an empty group has %v, %v", frames, err)
		}
		time.Sleep(time.Minute)
		r.noStream() // above all no SUBSCRIBE
		fetch.start(t.Context(), 5, 0)
		r.answerTrack() // nobody was left, so what was known of the track is gone
		r.asked(5, 0)
	})
}

func TestFetchBesideASubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""))
		track, id := r.subscribed("alice", "video")
		must(t, r.group(id, 8, r.frame("live")).Close())
		wantFrames(t, track, 8, "live")
		fetch := fetcher(track.FetchGroup)
		done := fetch.start(t.Context(), 3, 1)
		s, _ := r.asked(3, 1)
		_, err := s.Write(r.frame("one"))
		must(t, err)
		f := <-done
		if _, ok, _ := track.TryRecvGroup(); ok {
			t.Error("the subscription sees what was fetched")
		}
		must(t, track.Close()) // the end of the subscription is not the end of the group
		synctest.Wait()
		_, err = s.Write(r.frame("two"))
		must(t, err)
		must(t, s.Close())
		if frames, err := f.frames(t); len(frames) != 2 || !errors.Is(err, io.EOF) {
			t.Errorf("fetched %v, %v", frames, err)
		}
	})
}

func TestFetchesOfOneGroupAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""), func(c *rigConfig) { c.Limits.Fetches = 1 })
		fetch := fetcher(r.handle("alice", "video").FetchGroup)
		ctx, leave := context.WithCancel(t.Context())
		other := fetch.start(t.Context(), 1, 0)
		r.answerTrack()
		first, _ := r.asked(1, 0) // takes the only place
		a, b := fetch.start(ctx, 3, 2), fetch.start(t.Context(), 3, 7)
		gone := fetch.start(ctx, 4, 0)
		r.noStream()
		leave()
		for _, done := range []<-chan fetched{a, gone} {
			if f := <-done; !errors.Is(f.err, context.Canceled) {
				t.Errorf("one who leaves gets %v", f.err)
			}
		}
		must(t, first.Close())
		must(t, (<-other).err)
		s, _ := r.asked(3, 7)
		must(t, s.Close())
		must(t, (<-b).err)
		r.noStream()
	})
}

func TestFetchThatNobodyWaitsForIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""))
		fetch := fetcher(r.handle("alice", "video").FetchGroup)
		ctx, leave := context.WithCancel(t.Context())
		a, b := fetch.start(ctx, 3, 0), fetch.start(ctx, 3, 0)
		r.answerTrack()
		s, in := r.asked(3, 0)
		leave()
		<-a
		<-b
		wantStop(t, s, 0)
		if err := in.fill(1); !errors.Is(modelError(t.Context(), err), model.ErrCancel) {
			t.Errorf("our half ended with %v", err)
		}
		fetch.start(t.Context(), 3, 0)
		r.asked(3, 0) // as if nothing had been
	})
}

// A group that comes by itself is what was waited for: nothing more is asked of the peer, and
// nothing spins.
func TestFetchedGroupThatComesAnotherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""), func(c *rigConfig) { c.Limits.Fetches = 1 })
		track, id := r.subscribed("alice", "video")
		fetch := fetcher(track.FetchGroup)
		asked := fetch.start(t.Context(), 3, 0)
		s, _ := r.asked(3, 0)
		waiting := fetch.start(t.Context(), 4, 0)
		r.noStream() // there is no place for the other one
		must(t, r.group(id, 4, r.frame("four")).Close())
		must(t, (<-waiting).err)
		time.Sleep(time.Second)
		must(t, r.group(id, 3, r.frame("three")).Close())
		if frames, err := (<-asked).frames(t); len(frames) != 1 {
			t.Errorf("fetched %v, %v", frames, err)
		}
		time.Sleep(time.Second)
		wantStop(t, s, 0)
		r.noStream()
	})
}

func TestFetchOfAFinishedTrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""))
		track, id := r.subscribed("alice", "video")
		must(t, r.group(id, 8, r.frame("last")).Close())
		r.write(r.answers, &genlite.SubscribeStart{Group: 8}, &genlite.SubscribeEnd{Group: 9})
		must(t, r.answers.Close())
		wantFrames(t, track, 8, "last")
		if _, err := track.RecvGroup(t.Context()); !errors.Is(err, io.EOF) {
			t.Fatalf("the track ended with %v", err)
		}
		fetch := fetcher(track.FetchGroup)
		for _, later := range []time.Duration{0, time.Minute} {
			time.Sleep(later)
			seq := uint64(later / time.Minute)
			done := fetch.start(t.Context(), seq, 0)
			s, _ := r.asked(seq, 0)
			must(t, s.Close())
			must(t, (<-done).err)
		}
		if f := <-fetch.start(t.Context(), 9, 0); !errors.Is(f.err, model.ErrNotFound) {
			t.Errorf("the fetch of what is after the end: %v", f.err)
		}
		must(t, track.Close())
		time.Sleep(fetchTime)
		r.noStream()
	})
}

// Nobody finds the track any more when its broadcast has ended, so nothing is kept for fetches of it.
func TestFinishedTrackOfAnEndedBroadcastIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""))
		announcements := r.listening()
		r.write(announcements, active(r.v, "alice"))
		b, err := r.engine.subscriber.origin.Consume().Announced(t.Context(), "alice")
		must(t, err)
		defer b.Close()
		track, err := b.SubscribeTrack("video", model.Subscription{})
		must(t, err)
		r.answerTrack()
		var m genlite.Subscribe
		answers, _ := r.accept(genlite.BidiSubscribe, &m)
		r.write(answers, &genlite.SubscribeEnd{Group: 0})
		must(t, answers.Close())
		if _, err := track.RecvGroup(t.Context()); !errors.Is(err, io.EOF) {
			t.Fatalf("the track ended with %v", err)
		}
		must(t, track.Close())
		served := func() int {
			synctest.Wait()
			r.engine.subscriber.mu.Lock()
			defer r.engine.subscriber.mu.Unlock()
			return r.engine.subscriber.requests
		}
		if n := served(); n != 1 {
			t.Errorf("%d tracks are served, want the one that may still be fetched from", n)
		}
		r.write(announcements, endByName("alice", 0))
		if n := served(); n != 0 {
			t.Errorf("%d tracks are served after the end of the broadcast", n)
		}
		r.alive()
	})
}

func TestFetchBefore05IsRefused(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""))
		track, _ := r.subscribed("alice", "video")
		if v >= genlite.Version05 {
			return
		}
		if _, err := track.FetchGroup(t.Context(), 0, 0); !errors.Is(err, model.ErrVersion) {
			t.Errorf("the fetch ended with %v", err)
		}
		r.noStream()
		r.works()
	})
}

// fetchesFromServer fetches what the recorded client did, before there is a subscription.
func (r *rig) fetchesFromServer(alice *model.BroadcastConsumer) {
	t := r.t
	t.Helper()
	video, err := alice.Track("video")
	must(t, err)
	done := fetcher(video.FetchGroup).start(t.Context(), 0, 3)
	r.server("06110a").play(t)
	fetch := r.server("03")
	fetch.play(t)
	frames, err := (<-done).frames(t)
	if !errors.Is(err, io.EOF) || len(frames) != 3 || string(frames[0].Payload) != "key" || frames[1].Timestamp.Value != 92_970 {
		t.Errorf("fetched %v, %v", frames, err)
	}
	fetch.heard.want(t, "FETCH", fetch.recording, "client")
}
