package session_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
	"github.com/moqrx/moqrx/session"
)

// serving runs Serve of a listener. The cancel stops it, and waits until it has returned nil.
func serving(t *testing.T, authorize session.Authorize, opts ...session.Option) (l *session.Listener, stop func()) {
	t.Helper()
	l = get[*session.Listener](t)(session.Listen("127.0.0.1:0", opts...))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx, authorize) }()
	stop = sync.OnceFunc(func() {
		cancel()
		must(t, <-done)
	})
	t.Cleanup(stop)
	return l, stop
}

// dialTo opens a session with a listener, which ends with the test.
func dialTo(t *testing.T, l *session.Listener, request string, opts ...session.Option) *session.Session {
	t.Helper()
	pin := session.WithFingerprint(l.CertificateSHA256())
	s := get[*session.Session](t)(session.Dial(t.Context(), "moqt://"+l.Addr().String()+request, append(opts, pin)...))
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// ending waits for the end of a session.
func ending(t *testing.T, s *session.Session) error {
	t.Helper()
	return s.Wait(within(t, 20*time.Second))
}

func TestServeGrantsWhatAuthorizeSays(t *testing.T) {
	origin := model.NewOrigin()
	counts := newCounts(t)
	over := make(chan error, 1)
	l, stop := serving(t, func(_ context.Context, r *session.Request) (g session.Grant, err error) {
		if r.Path() != "live/room" || r.RawQuery() != "jwt=bob" || r.TLS() == nil || !r.TLS().HandshakeComplete || r.RemoteAddr() == nil {
			t.Errorf("a request for %q, %q from %v", r.Path(), r.RawQuery(), r.RemoteAddr())
		}
		room, err := origin.WithRoot("room")
		if err != nil {
			return g, err
		}
		defer room.Close()
		if g.Consume, err = room.Scope("bob"); err != nil {
			return g, err
		}
		if g.Publish, err = room.Consume().Scope("alice"); err != nil {
			return g, err
		}
		g.Stats = counts.Handle(stats.Internal)
		g.Ended = func(_ *session.Session, err error) { over <- err }
		return g, nil
	})
	_, track := publish(t, origin, "room/alice", "video")
	publish(t, origin, "room/carol", "video")
	publish(t, origin, "secret", "video")
	own := model.NewOrigin()
	s := dialTo(t, l, "/live/room?jwt=bob", session.WithOrigin(own))
	c := subscribe(t, own, "alice", "video", model.Subscription{})
	must(t, track.Used(t.Context()))
	group(t, track, "hello")
	wantGroup(t, c, 0, "hello")

	publish(t, own, "carol", "video") // not permitted
	publish(t, own, "bob", "video")
	b := get[*model.BroadcastConsumer](t)(origin.Consume().Announced(t.Context(), "room/bob"))
	must(t, b.Close())
	if got := seen(own); len(got) != 3 { // alice, and its own two
		t.Errorf("the client sees %q", got)
	}
	if got := seen(origin); len(got) != 4 {
		t.Errorf("the server has %q", got)
	}
	if got := counts.Host().Sessions[stats.Internal].Presence; got != (stats.Presence{Sessions: 1}) {
		t.Errorf("presence %+v", got)
	}
	stop()
	must(t, ending(t, s))
	must(t, <-over)
	if got := counts.Host().Sessions[stats.Internal].Presence; got != (stats.Presence{Sessions: 1, SessionsClosed: 1}) {
		t.Errorf("presence at the end %+v", got)
	}
}

func TestServeRefuses(t *testing.T) {
	entered, left := make(chan struct{}), make(chan struct{})
	l, _ := serving(t, func(ctx context.Context, r *session.Request) (session.Grant, error) {
		switch r.Path() {
		case "expired":
			return session.Grant{}, &model.Error{Code: model.CodeUnauthorized, Reason: "the token has expired"}
		case "teapot":
			return session.Grant{}, &model.Error{Code: model.AppCode(418)}
		case "panic":
			panic("a secret of the server")
		case "slow":
			close(entered)
			<-ctx.Done() // when the client leaves
			close(left)
			return session.Grant{}, ctx.Err()
		default:
			return session.GrantRoot(model.NewOrigin(), r.Path())
		}
	})
	slow := dialTo(t, l, "/slow")
	<-entered
	for path, want := range map[string]session.Error{
		"/expired": {Code: model.CodeUnauthorized, Reason: "unauthorized: the token has expired", Remote: true},
		"/teapot":  {Code: model.AppCode(418), Reason: "app code=418", Remote: true},
		"/panic":   {Code: model.AppCode(500), Reason: "app code=500: internal error", Remote: true},
	} {
		var got *session.Error
		if err := ending(t, dialTo(t, l, path)); !errors.As(err, &got) || *got != want {
			t.Errorf("%s ended with %+v, want %+v", path, got, want)
		}
	}
	own := model.NewOrigin()
	s := dialTo(t, l, "/fine", session.WithOrigin(own)) // nobody waits for the slow one
	publish(t, own, "alice", "video")
	must(t, slow.Close())
	<-left
	must(t, s.Close())
}

func TestServeStops(t *testing.T) {
	t.Parallel()
	origin := model.NewOrigin()
	_, track := publish(t, origin, "alice", "video")
	entered := make(chan struct{})
	var granted session.Grant
	l, stop := serving(t, func(ctx context.Context, r *session.Request) (g session.Grant, err error) {
		if r.Path() == "undecided" {
			close(entered)
			<-ctx.Done()
			return g, ctx.Err()
		}
		granted, err = session.GrantRoot(origin, "")
		return granted, err
	}, session.WithGrace(time.Minute))
	own := model.NewOrigin()
	s := dialTo(t, l, "", session.WithConsume(own))
	c := subscribe(t, own, "alice", "video", model.Subscription{})
	must(t, track.Used(t.Context()))
	undecided := dialTo(t, l, "/undecided")
	<-entered

	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	must(t, ending(t, undecided))
	group(t, track, "the last one") // in the time of grace
	must(t, track.Finish())
	wantGroup(t, c, 0, "the last one")
	_, err := c.RecvGroup(t.Context())
	wantErr(t, "after the end", err, io.EOF)
	must(t, c.Close())
	<-s.GoingAway()
	must(t, s.Close())
	<-stopped
	if _, err := granted.Consume.CreateBroadcast("late", model.Route{}); !errors.Is(err, model.ErrClosed) {
		t.Errorf("a handle that was granted is still open: %v", err)
	}
	_, err = session.Dial(within(t, time.Second/2), "moqt://"+l.Addr().String(), session.WithInsecure())
	if err == nil {
		t.Error("the port is still open")
	}
}

func TestServeEndsWithTheListener(t *testing.T) {
	origin := model.NewOrigin()
	publish(t, origin, "alice", "video")
	l := get[*session.Listener](t)(session.Listen("127.0.0.1:0"))
	over := make(chan *session.Session, 1)
	done := make(chan error, 1)
	go func() {
		done <- l.Serve(context.Background(), func(context.Context, *session.Request) (session.Grant, error) {
			return session.Grant{Publish: origin.Consume(), Ended: func(s *session.Session, _ error) {
				over <- s
				panic("nobody catches this")
			}}, nil
		})
	}()
	own := model.NewOrigin()
	s := dialTo(t, l, "", session.WithConsume(own))
	b := get[*model.BroadcastConsumer](t)(own.Consume().Announced(within(t, 20*time.Second), "alice"))
	must(t, b.Close())
	must(t, l.Close())
	wantErr(t, "Serve", <-done, model.ErrClosed)
	if <-over == nil {
		t.Error("Ended has not got the session")
	}
	must(t, ending(t, s))
}
