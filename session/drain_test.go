package session_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// follow runs Reconnect on the network until the test ends, and returns what it tells of itself.
func follow(t *testing.T, l *session.Listener, opts ...session.Option) <-chan session.Status {
	t.Helper()
	states := make(chan session.Status, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	opts = append(opts, session.WithInsecure(), session.WithBackoff(10*time.Millisecond, 100*time.Millisecond),
		session.WithStatus(func(s session.Status) { states <- s }))
	go func() { done <- session.Reconnect(ctx, "https://"+l.Addr().String(), opts...) }()
	t.Cleanup(func() {
		cancel()
		wantErr(t, "the end", <-done, context.Canceled)
	})
	return states
}

// awaitState waits for a state.
func awaitState(t *testing.T, states <-chan session.Status, want session.State) session.Status {
	t.Helper()
	for {
		select {
		case s := <-states:
			if s.State == want {
				return s
			}
		case <-within(t, 10*time.Second).Done():
			t.Fatalf("never %v", want)
		}
	}
}

func TestListenerShutdownMovesEverybodyWithoutAGap(t *testing.T) {
	t.Parallel()
	near, far := model.NewOrigin(), model.NewOrigin()
	_, track := publish(t, near, "alice", "video")
	first, second := relayed(t, model.NewOrigin()), relayed(t, model.NewOrigin())
	one := follow(t, first, session.WithPublish(near.Consume()))
	two := follow(t, first, session.WithConsume(far))
	c := subscribe(t, far, "alice", "video", model.Subscription{MaxLatency: time.Minute})
	must(t, track.Used(within(t, 10*time.Second)))
	group(t, track, "zero")
	wantGroup(t, c, 0, "zero")
	news := far.Consume().Announcements()
	defer news.Close()
	a := get[model.OriginAnnounce](t)(news.Next(t.Context()))
	_ = a.Broadcast.Close()
	half := get[*model.GroupProducer](t)(track.AppendGroup())
	must(t, half.WriteFrame(model.Frame{Payload: []byte("first half")}))
	g := get[*model.GroupConsumer](t)(c.RecvGroup(t.Context()))
	defer g.Close()
	get[model.Frame](t)(g.ReadFrame(t.Context()))

	began := time.Now()
	left := make(chan error, 1)
	go func() {
		left <- first.Shutdown(within(t, 20*time.Second), session.WithNewURI("https://"+second.Addr().String()))
	}()
	for _, states := range []<-chan session.Status{one, two} {
		awaitState(t, states, session.Migrating)
		if s := awaitState(t, states, session.Connected); s.URL.Host != second.Addr().String() {
			t.Errorf("it went to %s", s.URL)
		}
	}
	group(t, track, "two")
	wantGroup(t, c, 2, "two")
	must(t, half.WriteFrame(model.Frame{Payload: []byte("second half")}))
	must(t, half.Finish())
	must(t, half.Close())
	if f := get[model.Frame](t)(g.ReadFrame(t.Context())); string(f.Payload) != "second half" {
		t.Errorf("the last frame is %q", f.Payload)
	}
	_, err := g.ReadFrame(t.Context())
	wantErr(t, "the end of the group", err, io.EOF)
	must(t, <-left)
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the first listener took %v", took)
	}
	group(t, track, "three")
	wantGroup(t, c, 3, "three")
	if a, ok, err := news.TryNext(); ok || err != nil {
		t.Errorf("announced %+v, %v", a, err)
	}
}

func TestListenerShutdownRefusesAndEnds(t *testing.T) {
	served := model.NewOrigin()
	publish(t, served, "alice", "video")
	l := relayed(t, served, session.WithVersions(session.Versions{session.MoqLite03, session.MoqLite05}))
	url := "https://" + l.Addr().String()
	dial := func(v session.Version) *session.Session {
		origin := model.NewOrigin()
		s := get[*session.Session](t)(session.Dial(t.Context(), url, session.WithInsecure(),
			session.WithVersions(session.Versions{v}), session.WithConsume(origin)))
		// Then the server has it too.
		b := get[*model.BroadcastConsumer](t)(origin.Consume().Announced(within(t, 5*time.Second), "alice"))
		_ = b.Close()
		return s
	}
	old, deaf := dial(session.MoqLite03), dial(session.MoqLite05) // which does not move
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- l.Shutdown(ctx) }()
	select {
	case <-deaf.GoingAway():
	case <-within(t, 5*time.Second).Done():
		t.Fatal("the client is not told")
	}
	if deaf.NewURI() != "" {
		t.Errorf("it goes to %q", deaf.NewURI())
	}
	must(t, old.Wait(within(t, 5*time.Second))) // has nothing on its way, and no GOAWAY
	_, err := l.Accept(t.Context())
	wantErr(t, "accept", err, model.ErrClosed)
	late, err := session.Dial(t.Context(), url, session.WithInsecure())
	if err == nil {
		err = late.Wait(within(t, 5*time.Second))
	}
	wantErr(t, "a client that comes late", err, model.ErrClosed)
	cancel()
	wantErr(t, "shutdown", <-left, context.Canceled)
	must(t, deaf.Wait(within(t, 5*time.Second)))
}

func TestBandwidthOfASession(t *testing.T) {
	l := relayed(t, model.NewOrigin())
	for _, url := range []string{"https://", "moqt://"} {
		s := get[*session.Session](t)(session.Dial(t.Context(), url+l.Addr().String(), session.WithInsecure()))
		send, recv := s.SendBandwidth(), s.RecvBandwidth()
		for name, c := range map[string]*model.BandwidthConsumer{"send": send, "recv": recv} {
			if v, err := c.Changed(within(t, 5*time.Second)); err != nil || v.BitsPerSecond == 0 {
				t.Errorf("%s %s: %v, %v", url, name, v, err)
			}
		}
		if m := s.Stats(); m.SmoothedRTT == 0 || m.BytesSent == 0 || m.BytesReceived == 0 || !m.SendRateKnown {
			t.Errorf("%s measured %+v", url, m)
		}
		must(t, s.Close())
		if m := s.Stats(); m.BytesSent == 0 {
			t.Errorf("%s measured %+v in the end", url, m)
		}
		for _, c := range []*model.BandwidthConsumer{send, recv} {
			for {
				if _, err := c.Changed(within(t, time.Second)); err != nil {
					wantErr(t, "bandwidth after the end", err, io.EOF)
					break
				}
			}
			must(t, c.Close())
		}
	}
}

func TestPermanentErrors(t *testing.T) {
	l := relayed(t, model.NewOrigin(), session.WithVersions(session.Versions{session.MoqLite05}))
	only := session.WithVersions(session.Versions{session.MoqLite04})
	for _, scheme := range []string{"https://", "moqt://"} {
		err := session.Reconnect(within(t, 10*time.Second), scheme+l.Addr().String(), session.WithInsecure(), only)
		if errors.Is(err, context.DeadlineExceeded) || !session.Permanent(err) {
			t.Errorf("%s without a common version: %v", scheme, err)
		}
	}
}
