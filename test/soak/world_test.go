package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

const (
	publishers  = 20
	clients     = 25
	subscribers = 200
)

// A way is how a session reaches the relay.
type way struct {
	version session.Version
	scheme  string
	root    string // what is below "room/" there, without it
}

func (w way) path(id uint32) model.Path {
	return model.NewPath(path(id)[len(w.root):])
}

func (w way) String() string { return fmt.Sprintf("%v, %s, root %q", w.version, w.scheme, w.root) }

// A world is a relay and everybody at it.
type world struct {
	listener *session.Listener
	origin   *model.OriginProducer
	tasks    sync.WaitGroup // of the relay
	stop     context.CancelFunc

	publishers  []*publisher
	clients     []*client
	subscribers []*subscriber

	sessions atomic.Int64 // that the relay has now
	dialed   atomic.Int64
	visits   atomic.Int64
	groups   atomic.Int64
	frames   atomic.Int64
	cuts     atomic.Int64 // groups that did not come whole
	bytes    atomic.Int64
}

func newWorld(t *testing.T, seed uint64) *world {
	listener, err := session.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &world{listener: listener, origin: model.NewOrigin(), stop: stop}
	w.tasks.Go(func() { w.relay(ctx) })
	actor := uint64(0)
	random := func() *rand.Rand {
		actor++
		return rand.New(rand.NewPCG(seed, actor))
	}
	for i := range publishers {
		w.publishers = append(w.publishers, &publisher{w: w, id: uint32(i), steady: i < publishers/2, random: random()})
	}
	for i := range clients {
		w.clients = append(w.clients, &client{w: w, id: i, steady: i < clients/2, random: random(), up: make(chan struct{})})
	}
	for i := range subscribers {
		w.subscribers = append(w.subscribers, &subscriber{w: w, client: w.clients[i%clients], random: random()})
	}
	return w
}

// relay runs sessions that share one origin, each below the path of its URL.
func (w *world) relay(ctx context.Context) {
	for {
		request, err := w.listener.Accept(ctx)
		if err != nil {
			return
		}
		w.tasks.Go(func() {
			w.sessions.Add(1)
			defer w.sessions.Add(-1)
			root, err := w.origin.WithRoot(request.Path())
			if err != nil {
				_ = request.Reject(err)
				return
			}
			defer root.Close()
			if s, err := request.Accept(session.WithOrigin(root)); err == nil {
				_ = s.Wait(context.Background()) // the other end looks at how it ended
			}
		})
	}
}

// way makes sure that every version and transport is there among the steady ones.
func (w *world) way(random *rand.Rand, i int) way {
	versions := session.Versions{session.MoqLite03, session.MoqLite04, session.MoqLite05}
	at := way{version: versions[i%3], scheme: []string{"https", "moqt"}[i/3%2]}
	if random.IntN(2) == 0 && (at.scheme == "https" || at.version == session.MoqLite05) {
		at.root = "room/"
	}
	return at
}

// dial does not end with ctx: a QUIC client that gives up while it dials leaves without a word, and
// the relay would have to wait for the idle timeout. On a busy machine, which loses packets, it takes
// more than one attempt.
func (w *world) dial(ctx context.Context, at way, origin session.Option) (s *session.Session, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	for {
		w.dialed.Add(1)
		s, err = session.Dial(ctx, fmt.Sprintf("%s://%v/%s", at.scheme, w.listener.Addr(), at.root), origin,
			session.WithVersions(session.Versions{at.version}),
			session.WithFingerprint(w.listener.CertificateSHA256()))
		if err == nil || !pause(ctx, 100*time.Millisecond) {
			return s, err
		}
	}
}

// open connects the steady ones.
func (w *world) open(ctx context.Context) error {
	var all together
	for _, p := range w.publishers {
		if p.steady {
			all.do(func() error { return p.open(ctx) })
		}
	}
	for _, c := range w.clients {
		if c.steady {
			all.do(func() error { return c.open(ctx) })
		}
	}
	return all.wait()
}

// load lets everybody do what they do for a while, and returns when they have stopped: the steady
// ones are connected then, and nobody has a subscription.
func (w *world) load(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var all together
	run := func(f func(context.Context) error) {
		all.do(func() error {
			err := f(ctx)
			if err != nil {
				cancel() // the first one is enough
			}
			return err
		})
	}
	for _, p := range w.publishers {
		run(p.run)
	}
	for _, c := range w.clients {
		run(c.run)
	}
	for _, s := range w.subscribers {
		run(s.run)
	}
	return all.wait()
}

// close ends everything.
func (w *world) close() error {
	var all together
	for _, p := range w.publishers {
		if p.session != nil && p.steady {
			all.do(p.close)
		}
	}
	for _, c := range w.clients {
		if c.session != nil && c.steady {
			all.do(c.close)
		}
	}
	err := all.wait()
	w.stop()
	err = errors.Join(err, w.listener.Close())
	w.tasks.Wait()
	return errors.Join(err, w.origin.Close())
}

// together runs functions at the same time and collects their errors.
type together struct {
	tasks sync.WaitGroup
	mu    sync.Mutex
	errs  []error
}

func (a *together) do(f func() error) {
	a.tasks.Go(func() {
		err := f()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.errs = append(a.errs, err)
	})
}

func (a *together) wait() error {
	a.tasks.Wait()
	return errors.Join(a.errs...)
}

// pause waits for d; false when ctx has ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func over(ctx context.Context) bool { return ctx.Err() != nil }

func between(random *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(random.Int64N(int64(high-low)))
}
