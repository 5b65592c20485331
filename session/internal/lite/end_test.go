package lite

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/session/transport"
)

// finished subscribes to a track whose groups, and with them the track, are over at once.
func (r *rig) finished(groups int) transport.Stream {
	r.t.Helper()
	_, track := r.publish("alice", "video")
	for range groups {
		write(r.t, track, []uint64{0}, "frame")
	}
	must(r.t, track.Finish())
	m := &genlite.Subscribe{Broadcast: "alice", Track: "video"}
	s := r.bidi(genlite.BidiSubscribe, m)
	if r.v < genlite.Version05 {
		answer := r.encode(nil, &genlite.SubscribeOK{})
		_, err := io.ReadFull(s, answer)
		must(r.t, err)
	} else {
		wantBytes(r.t, s, "00 01 00 | 01 01 01") // where it begins and ends is told at once
	}
	return s
}

// What subscribers of other makes have not read of a group when they see the end is lost.
func TestTheEndStaysBehindTheLastGroup(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		began := time.Now()
		s := r.finished(1)
		if took := time.Since(began); took > 0 {
			t.Errorf("the answers took %v", took)
		}
		wantEnd(t, s, -1)
		if took := time.Since(began); took != endGrace {
			t.Errorf("the end came %v after the last group, want %v", took, endGrace)
		}
	})
}

func TestTheEndWaitsForNobody(t *testing.T) {
	for name, leave := range map[string]func(r *rig, s transport.Stream){
		"the subscriber leaves": func(_ *rig, s transport.Stream) { _ = s.Close() },
		"the session ends":      func(r *rig, _ transport.Stream) { r.cancel(context.Canceled); _ = r.ended() },
	} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				r := newRig(t, v)
				s := r.finished(1)
				synctest.Wait()
				began := time.Now()
				leave(r, s)
				_, _ = io.ReadAll(s)
				if took := time.Since(began); took > 0 {
					t.Errorf("the end came after %v", took)
				}
			})
		})
	}
}

func TestTheEndThatIsToldEndsTheTrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""))
		began := time.Now()
		track := r.request("alice", "video")
		r.answerTrack()
		s, in := r.accept(genlite.BidiSubscribe, new(genlite.Subscribe))
		r.write(s, &genlite.SubscribeStart{Group: 0})
		must(t, r.group(0, 0, r.frame("zero")).Close())
		wantFrames(t, track, 0, "zero")
		one := r.group(0, 1, r.frame("one"))
		synctest.Wait()
		r.write(s, &genlite.SubscribeEnd{Group: 2})

		// All that comes has started, but as long as it has not come the subscription stays.
		left := make(chan error, 1)
		go func() { left <- in.fill(1) }()
		synctest.Wait()
		select {
		case err := <-left:
			t.Fatalf("the subscriber left a group behind: %v", err)
		default:
		}
		_, err := one.Write(r.frame("more"))
		must(t, err)
		must(t, one.Close())
		wantFrames(t, track, 1, "one", "more")
		if _, err := track.RecvGroup(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("the track ended with %v", err)
		}
		if err := <-left; !errors.Is(err, io.EOF) {
			t.Errorf("the subscriber left with %v, want a FIN", err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// The end of our half tells the publisher that nothing more is on its way to us.
func TestTheSubscriptionEndsBehindItsGroups(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""))
		track, id := r.subscribed("alice", "video")
		group := r.group(id, 0, r.frame("one"))
		synctest.Wait()
		must(t, r.answers.Close())
		time.Sleep(time.Minute)
		left := make(chan error, 1)
		go func() { left <- newReader(r.answers, v).fill(1) }()
		synctest.Wait()
		if len(left) > 0 {
			t.Errorf("the subscriber left a group behind: %v", <-left)
		}
		must(t, group.Close())
		wantFrames(t, track, 0, "one")
		if err := <-left; !errors.Is(err, io.EOF) {
			t.Errorf("the subscriber left with %v, want a FIN", err)
		}
	})
}

// A reader of the last group may be done with the track before it is done with the group.
func TestReadersOfTheLastGroupMayLeaveTheTrack(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""))
		track, id := r.subscribed("alice", "video")
		group := r.group(id, 0, r.frame("one"))
		g, err := track.RecvGroup(t.Context())
		must(t, err)
		defer g.Close()
		if v >= genlite.Version05 {
			r.write(r.answers, &genlite.SubscribeStart{Group: 0}, &genlite.SubscribeEnd{Group: 1})
		} else {
			must(t, r.answers.Close())
		}
		if _, err := track.RecvGroup(t.Context()); !errors.Is(err, io.EOF) {
			t.Fatalf("the track ended with %v", err)
		}
		must(t, track.Close())
		synctest.Wait()
		_, err = group.Write(r.frame("two"))
		must(t, err)
		must(t, group.Close())
		for _, want := range []string{"one", "two"} {
			f, err := g.ReadFrame(t.Context())
			must(t, err)
			if string(f.Payload) != want {
				t.Errorf("frame %q, want %q", f.Payload, want)
			}
		}
	})
}
