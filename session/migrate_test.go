package session_test

import (
	"context"
	"io"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

func withGoaway(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	for _, v := range session.DefaultVersions() {
		if v > session.MoqLite03 {
			t.Run(v.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, v)) })
			})
		}
	}
}

func TestMigrationLeavesNoGap(t *testing.T) {
	withGoaway(t, func(t *testing.T, w *world) {
		near, far := model.NewOrigin(), model.NewOrigin() // which does not linger
		_, track := publish(t, near, "room/alice", "video")
		p := w.open(home, near)
		r := w.reconnect(home, session.WithConsume(far))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{MaxLatency: time.Minute})
		must(t, track.Used(t.Context()))
		news := far.Consume().Announcements()
		defer news.Close()
		a := get[model.OriginAnnounce](t)(news.Next(t.Context()))
		_ = a.Broadcast.Close()
		group(t, track, "zero")
		wantGroup(t, c, 0, "zero")
		time.Sleep(time.Minute) // a session that has lasted is followed at once
		half := get[*model.GroupProducer](t)(track.AppendGroup())
		must(t, half.WriteFrame(model.Frame{Payload: []byte("first half")}))
		g := get[*model.GroupConsumer](t)(c.RecvGroup(t.Context()))
		defer g.Close()
		get[model.Frame](t)(g.ReadFrame(t.Context()))

		left := make(chan error, 1)
		go func() { left <- w.first(p).Shutdown(within(t, time.Hour)) }()
		r.went(t, connected, migrating, connected)
		group(t, track, "two")
		wantGroup(t, c, 2, "two")
		time.Sleep(4 * time.Second)
		select {
		case err := <-left:
			t.Fatalf("the old session has ended with a group on its way: %v", err)
		default:
		}
		must(t, half.WriteFrame(model.Frame{Payload: []byte("second half")}))
		must(t, half.Finish())
		must(t, half.Close())
		f := get[model.Frame](t)(g.ReadFrame(t.Context()))
		if string(f.Payload) != "second half" {
			t.Errorf("the last frame is %q", f.Payload)
		}
		_, err := g.ReadFrame(t.Context())
		wantErr(t, "the end of the group", err, io.EOF)
		must(t, <-left)
		group(t, track, "three")
		wantGroup(t, c, 3, "three")
		if a, ok, err := news.TryNext(); ok || err != nil {
			t.Errorf("announced %+v, %v", a, err)
		}
	})
}

func TestMigrationGoesWhereItMay(t *testing.T) {
	const (
		other    = "moqt://a.example:4444/other"
		stranger = "moqt://b.example"
	)
	anywhere := session.WithRedirect(func(*url.URL) bool { return true })
	for _, c := range []struct {
		name, uri, want string
		opts            []session.Option
	}{
		{"nowhere else", "", home, nil},
		{"another port", other, other, nil},
		{"a relative URI", "//a.example:4444/other", other, nil},
		{"another host", stranger, home, nil},
		{"another host, which is allowed", stranger, stranger, with(anywhere)},
		{"a URI that is none", "gopher://a.example", home, with(anywhere)},
		{"garbage", "%%%", home, with(anywhere)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, session.MoqLite05)
				p := w.open(home, model.NewOrigin())
				w.open(other, model.NewOrigin())
				w.open(stranger, model.NewOrigin())
				r := w.reconnect(home, c.opts...)
				time.Sleep(time.Minute)
				go func() { _ = w.first(p).Shutdown(t.Context(), session.WithNewURI(c.uri)) }()
				r.went(t, connected, migrating, connected)
				if s := r.last(); s.URL.String() != c.want {
					t.Errorf("it went to %s, want %s", s.URL, c.want)
				}
				w.cutOff(w.servers[c.want])
				time.Sleep(time.Minute)
				if s := r.last(); s.State != connected || s.URL.String() != home {
					t.Errorf("after the loss of it: %v at %s", s.State, s.URL)
				}
			})
		})
	}
}

func TestServersThatSendClientsInCircles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.MoqLite05)
		p := w.open(home, model.NewOrigin())
		r := w.reconnect(home)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for seen := 0; ctx.Err() == nil; time.Sleep(time.Millisecond) {
			w.mu.Lock()
			for _, s := range p.sessions[seen:] {
				go func() { _ = s.Shutdown(ctx) }()
			}
			seen = len(p.sessions)
			w.mu.Unlock()
		}
		if n := w.attempts(); n > 25 {
			t.Errorf("%d dials in a minute", n)
		}
		r.cancel()
		_ = r.ended()
	})
}
