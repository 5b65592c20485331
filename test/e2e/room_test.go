package e2e

import (
	"context"
	"flag"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

// Most of the time the older versions wait for groups that may still come, so many of them wait together.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// timeout bounds every test, each of which takes a fraction of a second.
const timeout = time.Minute

// patient has groups wait for the readers of a busy machine, also on versions that do not say how long.
var patient = model.WithDefaultRetention(timeout)

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

// versions can all ask for a track from its first group on.
var versions = session.Versions{session.MoqLite06WIP, session.MoqLite05, session.MoqLite04, session.MoqLite03}

// everyWay runs a test for each version over each carrier.
func everyWay(t *testing.T, test func(t *testing.T, w way)) {
	for _, version := range versions {
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
	listener, err := session.Listen("127.0.0.1:0", session.WithVersions(versions))
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{
		origin:   model.NewOrigin(patient),
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
	moqtest.CloseAtEnd(t, s)
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
	moqtest.CloseAtEnd(t, consumer)
	return origin, r.dial(ctx, t, w, session.WithPublish(consumer))
}

// subscriber connects an origin that the test consumes from.
func (r *relay) subscriber(ctx context.Context, t *testing.T, w way) (*model.OriginConsumer, *session.Session) {
	t.Helper()
	origin := newOrigin(t)
	s := r.dial(ctx, t, w, session.WithConsume(origin))
	consumer := origin.Consume()
	moqtest.CloseAtEnd(t, consumer)
	return consumer, s
}

func newOrigin(t *testing.T) *model.OriginProducer {
	t.Helper()
	origin := model.NewOrigin(patient)
	moqtest.CloseAtEnd(t, origin)
	return origin
}

// createTrack publishes a broadcast with one track, until the end of the test.
func createTrack(t *testing.T, origin *model.OriginProducer, path model.Path, name string, info model.TrackInfo) (*model.BroadcastProducer, *model.TrackProducer) {
	t.Helper()
	broadcast, track := moqtest.Publish(t, origin, path, name, info)
	moqtest.CloseAtEnd(t, broadcast, track)
	return broadcast, track
}
