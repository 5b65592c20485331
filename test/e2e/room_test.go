package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// timeout bounds every test, each of which takes a fraction of a second.
const timeout = time.Minute

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// A way is a version and a carrier.
type way struct {
	version session.Version
	scheme  string
}

// Both schemes; moqt is raw QUIC.
const (
	webTransport = "https"
	rawQUIC      = "moqt"
)

// everyWay runs a test for each version over each carrier.
func everyWay(t *testing.T, test func(t *testing.T, w way)) {
	for _, version := range []session.Version{session.MoqLite03, session.MoqLite04, session.MoqLite05} {
		for _, scheme := range []string{webTransport, rawQUIC} {
			t.Run(fmt.Sprintf("%v/%s", version, scheme), func(t *testing.T) {
				t.Parallel()
				test(t, way{version, scheme})
			})
		}
	}
}

// A relay is a server whose sessions share one origin.
type relay struct {
	origin   *model.OriginProducer
	listener *session.Listener
	sessions chan *session.Session // the ones that were accepted, when the test wants them
}

// startRelay serves until the end of the test.
func startRelay(t *testing.T) *relay {
	t.Helper()
	listener, err := session.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{
		origin:   model.NewOrigin(),
		listener: listener,
		sessions: make(chan *session.Session, 64),
	}
	var tasks sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	tasks.Go(func() {
		for {
			request, err := listener.Accept(ctx)
			if err != nil {
				return
			}
			tasks.Go(func() {
				s, err := request.Accept(session.WithOrigin(r.origin))
				if err != nil {
					return // the peer left during the handshake
				}
				r.sessions <- s
				_ = s.Wait(ctx) // the test looks at the ends that it cares about
			})
		}
	})
	t.Cleanup(func() {
		stop()
		if err := listener.Close(); err != nil {
			t.Errorf("close of the listener: %v", err)
		}
		tasks.Wait()
		_ = r.origin.Close()
	})
	return r
}

func (r *relay) address() string {
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(r.listener.Addr().(*net.UDPAddr).Port))
}

// dial connects until the end of the test.
func (r *relay) dial(ctx context.Context, t *testing.T, w way, opts ...session.Option) *session.Session {
	t.Helper()
	opts = append([]session.Option{
		session.WithVersions(session.Versions{w.version}),
		session.WithFingerprint(r.listener.CertificateSHA256()),
	}, opts...)
	s, err := session.Dial(ctx, w.scheme+"://"+r.address()+"/", opts...)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	closeAtEnd(t, s)
	if s.Version() != w.version {
		t.Fatalf("negotiated %v, want %v", s.Version(), w.version)
	}
	return s
}

// publisher connects an origin that the test publishes into.
func (r *relay) publisher(ctx context.Context, t *testing.T, w way) (*model.OriginProducer, *session.Session) {
	t.Helper()
	origin := newOrigin(t)
	consumer := origin.Consume()
	closeAtEnd(t, consumer)
	return origin, r.dial(ctx, t, w, session.WithPublish(consumer))
}

// subscriber connects an origin that the test consumes from.
func (r *relay) subscriber(ctx context.Context, t *testing.T, w way) (*model.OriginConsumer, *session.Session) {
	t.Helper()
	origin := newOrigin(t)
	s := r.dial(ctx, t, w, session.WithConsume(origin))
	consumer := origin.Consume()
	closeAtEnd(t, consumer)
	return consumer, s
}

func closeAtEnd(t *testing.T, c io.Closer) {
	t.Helper()
	t.Cleanup(func() { _ = c.Close() })
}

func newOrigin(t *testing.T) *model.OriginProducer {
	t.Helper()
	origin := model.NewOrigin()
	closeAtEnd(t, origin)
	return origin
}

// createTrack publishes a broadcast with one track.
func createTrack(t *testing.T, origin *model.OriginProducer, path, name string, info model.TrackInfo) (*model.BroadcastProducer, *model.TrackProducer) {
	t.Helper()
	broadcast, err := origin.CreateBroadcast(model.NewPath(path), model.Route{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, broadcast)
	track, err := broadcast.CreateTrack(name, info)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, track)
	return broadcast, track
}

// announced waits until a broadcast is there.
func announced(ctx context.Context, t *testing.T, origin *model.OriginConsumer, path string) *model.BroadcastConsumer {
	t.Helper()
	broadcast, err := origin.Announced(ctx, model.NewPath(path))
	if err != nil {
		t.Fatalf("announcement of %s: %v", path, err)
	}
	closeAtEnd(t, broadcast)
	return broadcast
}

// subscribe waits until a broadcast is there and subscribes to its track.
func subscribe(ctx context.Context, t *testing.T, origin *model.OriginConsumer, path, name string, s model.Subscription) *model.TrackConsumer {
	t.Helper()
	track, err := announced(ctx, t, origin, path).SubscribeTrack(name, s)
	if err != nil {
		t.Fatalf("subscription to %s of %s: %v", name, path, err)
	}
	closeAtEnd(t, track)
	return track
}
