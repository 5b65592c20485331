package session_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
)

// world has servers by URL, on connections in memory. Its zero value has none.
type world struct {
	t  *testing.T
	v  session.Version
	mu sync.Mutex
	// servers answer at their URLs; those that are not there are down.
	servers map[string]*place
	dials   []time.Time // of all attempts
}

// place is a server.
type place struct {
	origin   *model.OriginProducer
	refusal  error // of everybody
	sessions []*session.Session
	conns    []transport.Conn
}

func newWorld(t *testing.T, v session.Version) *world {
	return &world{t: t, v: v, servers: make(map[string]*place)}
}

// open starts a server, in place of what was there.
func (w *world) open(url string, origin *model.OriginProducer) *place {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &place{origin: origin}
	w.servers[url] = p
	return p
}

// down stops a server without a word to anybody.
func (w *world) down(url string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.servers[url]
	delete(w.servers, url)
	p.cut()
}

// first is the oldest session of a server.
func (w *world) first(p *place) *session.Session {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(p.sessions) == 0 {
		w.t.Fatal("the server has no session")
	}
	return p.sessions[0]
}

// refuse makes a server refuse everybody, or nobody.
func (w *world) refuse(p *place, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.refusal = err
}

// attempts is how often the servers were dialed.
func (w *world) attempts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.dials)
}

// cutOff breaks the connections of a server.
func (w *world) cutOff(p *place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.cut()
}

// cut is cutOff under the lock. It goes from the newest connection to the oldest: where those who publish came
// before those who read, a relay has no time to tell the ones that the others are gone.
func (p *place) cut() {
	for _, c := range slices.Backward(p.conns) {
		_ = c.CloseWithError(uint64(model.CodeTransport), "cut")
	}
	p.conns = nil
}

func (w *world) dial(ctx context.Context, url string, opts ...session.Option) (*session.Session, error) {
	a, b := pair(w.t, token(w.v))
	p := w.connected(url, b)
	if p == nil {
		return nil, fmt.Errorf("nobody answers at %s", url)
	}
	only := session.WithVersions(session.Versions{w.v})
	go func() {
		r, err := session.Server(context.Background(), b, session.WithOrigin(p.origin), only)
		if err != nil {
			return
		}
		w.mu.Lock()
		refusal := p.refusal
		w.mu.Unlock()
		if refusal != nil {
			_ = r.Reject(refusal)
			return
		}
		if s, err := r.Accept(); err == nil {
			w.mu.Lock()
			p.sessions = append(p.sessions, s)
			w.mu.Unlock()
		}
	}()
	return session.Client(ctx, a, append(opts, only)...)
}

// connected notes a connection to a server, or returns nil when it is down.
func (w *world) connected(url string, conn transport.Conn) *place {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials = append(w.dials, time.Now())
	p := w.servers[url]
	if p != nil {
		p.conns = append(p.conns, conn)
	}
	return p
}

// reconnecting runs Reconnect until the test ends, and returns what becomes of it.
type reconnecting struct {
	cancel context.CancelFunc
	done   chan error
	mu     sync.Mutex
	states []session.Status
}

func (w *world) reconnect(url string, opts ...session.Option) *reconnecting {
	ctx, cancel := context.WithCancel(w.t.Context())
	r := &reconnecting{cancel: cancel, done: make(chan error, 1)}
	opts = append([]session.Option{session.WithDialer(w.dial), session.WithStatus(r.note)}, opts...)
	go func() { r.done <- session.Reconnect(ctx, url, opts...) }()
	w.t.Cleanup(func() {
		cancel()
		r.done <- <-r.done
	})
	return r
}

func (r *reconnecting) note(s session.Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, s)
}

// went compares the states so far.
func (r *reconnecting) went(t *testing.T, want ...session.State) {
	t.Helper()
	settle(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	var got []session.State
	for _, s := range r.states {
		got = append(got, s.State)
	}
	if !slices.Equal(got, want) {
		t.Errorf("states %v, want %v", got, want)
	}
}

func (r *reconnecting) last() session.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.states[len(r.states)-1]
}

// ended waits for the end.
func (r *reconnecting) ended() error {
	err := <-r.done
	r.done <- err
	return err
}

const (
	connected = session.Connected
	migrating = session.Migrating
	waiting   = session.Waiting
	home      = "moqt://a.example"
)

func lingering() *model.OriginProducer { return model.NewOrigin(model.WithLinger(time.Minute)) }
