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

// finished subscribes to a track of one group that is over at once.
func (r *rig) finished(id uint64, path model.Path) transport.Stream {
	r.t.Helper()
	_, track := r.publish(path, "video")
	write(r.t, track, []uint64{0}, "frame")
	must(r.t, track.Finish())
	s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: id, Broadcast: path.String(), Track: "video"})
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
		s := r.finished(0, "alice")
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
				s := r.finished(0, "alice")
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

// drained calls Drain and returns when, after now, it was done.
func (r *rig) drained() <-chan time.Duration {
	done, began := make(chan time.Duration, 1), time.Now()
	go func() {
		if err := r.engine.Drain(context.Background()); err != nil {
			r.t.Error(err)
		}
		done <- time.Since(began)
	}()
	return done
}

func TestDrainWaitsForTheSubscriber(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		s := r.finished(0, "alice")
		done := r.drained()
		wantEnd(t, s, -1)
		time.Sleep(time.Second)
		if len(done) > 0 {
			t.Errorf("drained after %v, before the subscriber had everything", <-done)
		}
		must(t, s.Close())
		if took := <-done; took != endGrace+time.Second {
			t.Errorf("drained after %v", took)
		}
	})
}

func TestDrainDoesNotWaitForever(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		s := r.finished(0, "alice")
		if took, want := <-r.drained(), endGrace+DefaultLimits().Response; took != want {
			t.Errorf("drained after %v, want %v", took, want)
		}
		wantEnd(t, s, -1)
		wantStop(t, s, uint64(model.CodeCancel))

		r.finished(1, "bob")
		synctest.Wait()
		done := r.drained()
		r.cancel(context.Canceled)
		if took := <-done; took > 0 {
			t.Errorf("drained %v after the end of the session", took)
		}
	})
}

func TestDrainWaitsForWhoHasAskedAboutATrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		_, track := r.publish("alice", "video")
		must(t, track.Finish())
		s := r.bidi(genlite.BidiTrack, &genlite.Track{Broadcast: "alice", Track: "video"})
		_, err := io.ReadAll(s)
		must(t, err)
		if took := <-r.drained(); took != holdTime {
			t.Errorf("drained after %v, want %v", took, holdTime)
		}
	})
}
