package session_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

func TestReconnectGoesOnAfterALoss(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		w := newWorld(t, v)
		near, far := model.NewOrigin(), lingering()
		_, track := publish(t, near, "room/alice", "video")
		p := w.open(home, near)
		r := w.reconnect(home, session.WithConsume(far))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		news := far.Consume().Announcements()
		defer news.Close()
		a := get[model.OriginAnnounce](t)(news.Next(t.Context()))
		_ = a.Broadcast.Close()

		must(t, track.Used(t.Context()))
		group(t, track, "zero")
		wantGroup(t, c, 0, "zero")
		half := get[*model.GroupProducer](t)(track.AppendGroup())
		must(t, half.WriteFrame(model.Frame{Payload: []byte("first half")}))
		g := get[*model.GroupConsumer](t)(c.RecvGroup(t.Context()))
		defer g.Close()
		f := get[model.Frame](t)(g.ReadFrame(t.Context()))
		if string(f.Payload) != "first half" {
			t.Errorf("the first frame is %q", f.Payload)
		}
		w.cutOff(p)
		must(t, half.WriteFrame(model.Frame{Payload: []byte("second half")}))
		must(t, half.Finish())
		must(t, half.Close())
		_, err := g.ReadFrame(t.Context())
		wantErr(t, "a group of a lost session", err, model.ErrTransport)

		time.Sleep(2 * time.Second)
		group(t, track, "two")
		wantGroup(t, c, 2, "two")
		r.went(t, connected, waiting, connected)
		if a, ok, err := news.TryNext(); ok || err != nil {
			t.Errorf("announced %+v, %v", a, err)
		}
	})
}

func TestRelayIsReplacedUnderPublisherAndSubscriber(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		w := newWorld(t, v)
		near, far := model.NewOrigin(), lingering()
		_, track := publish(t, near, "room/alice", "video")
		w.open(home, model.NewOrigin())
		one := w.reconnect(home, session.WithPublish(near.Consume()))
		settle(t) // so that the publisher is cut off last
		two := w.reconnect(home, session.WithConsume(far))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{MaxLatency: time.Minute})
		must(t, track.Used(t.Context()))
		group(t, track, "zero")
		wantGroup(t, c, 0, "zero")
		w.down(home)
		must(t, track.Unused(within(t, time.Second)))
		group(t, track, "nobody")
		time.Sleep(5 * time.Second)
		w.open(home, model.NewOrigin())
		must(t, track.Used(within(t, time.Minute)))
		group(t, track, "two")
		sequence, _ := frames(t, c)
		if sequence == 1 { // it was in the publisher's cache
			sequence, _ = frames(t, c)
		}
		if sequence != 2 {
			t.Errorf("group %d, want 2", sequence)
		}
		settle(t) // a session carries groups before its status is told
		for _, r := range []*reconnecting{one, two} {
			if s := r.last(); s.State != connected {
				t.Errorf("%v", s.State)
			}
		}
	})
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.MoqLite05)
		began := time.Now()
		r := w.reconnect(home, session.WithBackoff(100*time.Millisecond, time.Second), session.WithMaxElapsed(time.Minute))
		err := r.ended()
		if err == nil || err.Error() != "nobody answers at "+home {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took > time.Minute || took < 58*time.Second {
			t.Errorf("it gave up after %v", took)
		}
		want := 100 * time.Millisecond
		for i := range len(w.dials) - 1 {
			if gap := w.dials[i+1].Sub(w.dials[i]); gap < want/2 || gap > want*3/2 {
				t.Errorf("dial %d comes %v after the one before, want about %v", i+1, gap, want)
			}
			want = min(2*want, time.Second)
		}
	})
}

func TestBackoffGrowsWhileSessionsAreShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.MoqLite05)
		p := w.open(home, model.NewOrigin())
		w.refuse(p, model.ErrCancel) // the server closes each session with code 0
		r := w.reconnect(home)
		time.Sleep(time.Minute)
		if n := w.attempts(); n > 20 {
			t.Errorf("%d dials in a minute", n)
		}
		w.refuse(p, nil)
		time.Sleep(time.Minute)
		if s := r.last(); s.State != connected {
			t.Fatalf("%v", s.State)
		}
		w.cutOff(p)
		settle(t)
		if s := r.last(); s.State != waiting || s.Delay > 750*time.Millisecond || s.Err == nil {
			t.Errorf("after a long session: %v, %v, %v", s.State, s.Delay, s.Err)
		}
	})
}

func TestReconnectEndsWhereItCannotHelp(t *testing.T) {
	run := func(name string, f func(t *testing.T, w *world)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, session.MoqLite05)) })
		})
	}
	run("a URL that is none", func(t *testing.T, w *world) {
		err := w.reconnect("ftp://a.example").ended()
		var bad *session.URLError
		if !errors.As(err, &bad) {
			t.Errorf("error %v", err)
		}
	})
	for _, refusal := range []error{model.ErrUnauthorized, model.ErrVersion, &model.Error{Code: model.AppCode(403)}} {
		run(refusal.Error(), func(t *testing.T, w *world) {
			w.refuse(w.open(home, model.NewOrigin()), refusal)
			wantErr(t, "the end", w.reconnect(home).ended(), refusal)
		})
	}
	run("no versions", func(t *testing.T, w *world) {
		if err := w.reconnect(home, session.WithVersions(nil)).ended(); err == nil || w.attempts() > 0 {
			t.Errorf("error %v after %d dials", err, w.attempts())
		}
	})
	run("closed on this side", func(t *testing.T, w *world) {
		w.open(home, model.NewOrigin())
		r := w.reconnect(home)
		r.went(t, connected)
		must(t, r.last().Session.Shutdown(t.Context()))
		must(t, r.ended())
	})
	run("its context", func(t *testing.T, w *world) {
		p := w.open(home, model.NewOrigin())
		r := w.reconnect(home)
		r.went(t, connected)
		began := time.Now()
		r.cancel()
		wantErr(t, "the end", r.ended(), context.Canceled)
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
		must(t, w.first(p).Wait(t.Context()))
	})
	run("its context, while it waits", func(t *testing.T, w *world) {
		r := w.reconnect(home)
		r.went(t, waiting)
		r.cancel()
		wantErr(t, "the end", r.ended(), context.Canceled)
	})
}

func TestAnotherPublisherTakesThePathOver(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		w := newWorld(t, v)
		relay, far := model.NewOrigin(), lingering()
		w.open(home, relay)
		first, second := model.NewOrigin(), model.NewOrigin()
		_, one := publish(t, first, "room/alice", "video")
		w.reconnect(home, session.WithPublish(first.Consume()))
		w.reconnect(home, session.WithConsume(far))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		must(t, one.Used(t.Context()))
		group(t, one, "of the first")
		wantGroup(t, c, 0, "of the first")
		news := far.Consume().Announcements()
		defer news.Close()
		a := get[model.OriginAnnounce](t)(news.Next(t.Context()))
		_ = a.Broadcast.Close()

		_, two := publish(t, second, "room/alice", "video")
		w.reconnect(home, session.WithPublish(second.Consume()))
		_, err := c.RecvGroup(t.Context())
		wantErr(t, "the track of the first", err, model.ErrDropped)
		if a := get[model.OriginAnnounce](t)(news.Next(t.Context())); a.Broadcast != nil {
			t.Errorf("announced %+v, want the end of the first", a)
		}
		c = subscribe(t, far, "room/alice", "video", model.Subscription{})
		must(t, two.Used(within(t, time.Minute)))
		group(t, two, "of the second")
		wantGroup(t, c, 0, "of the second")
	})
}
