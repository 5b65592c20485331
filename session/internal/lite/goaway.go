package lite

import (
	"context"
	"math"
	"slices"
	"sync"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// goaway is what either side has said about its leave.
type goaway struct {
	asked chan struct{} // closed when the peer has asked us to leave

	mu   sync.Mutex
	sent bool
	uri  string // where the peer wants us to go
}

func newGoaway() *goaway { return &goaway{asked: make(chan struct{})} }

// GoAway asks the peer to end the session soon, and to go on at uri, or where it is now when uri is
// empty. Only the first call sends anything. It returns false when the version has no GOAWAY. A
// peer that gives no credit for a stream is not told: it holds the call up until ctx ends, for
// [Limits].Response at most.
func (e *Engine) GoAway(ctx context.Context, uri string) (bool, error) {
	if !e.dialect.goaway {
		return false, nil
	}
	e.goaway.mu.Lock()
	again := e.goaway.sent
	e.goaway.sent = true
	e.goaway.mu.Unlock()
	if again {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.limits.Response)
	defer cancel()
	s, err := e.ask(ctx, genlite.BidiGoaway, &genlite.Goaway{URI: uri})
	if err != nil {
		return true, err
	}
	e.recordGoaway(ours, uri)
	_ = s.Close() // fails only when the stream is over already
	s.Stop(uint64(model.CodeCancel))
	return true, nil
}

// GoingAway is closed when the peer has asked us to leave.
func (e *Engine) GoingAway() <-chan struct{} { return e.goaway.asked }

// NewURI is where the peer wants us to go on, once GoingAway is closed. Empty means the same
// place.
func (e *Engine) NewURI() string {
	e.goaway.mu.Lock()
	defer e.goaway.mu.Unlock()
	return e.goaway.uri
}

// takeGoaway notes that the peer is about to leave. What it announced becomes the last choice, so
// that tracks go on from other sources, where there are any, before this one is gone.
func (e *Engine) takeGoaway(m *genlite.Goaway) {
	e.goaway.mu.Lock()
	defer e.goaway.mu.Unlock()
	select {
	case <-e.goaway.asked:
		e.log.Debug("the peer says again that it is leaving", "uri", m.URI)
		return
	default:
	}
	e.log.Info("the peer is leaving", "uri", m.URI)
	e.goaway.uri = m.URI
	close(e.goaway.asked)
	e.subscriber.retire()
}

// retire prices everything that the peer announces, now and from now on, above all others.
func (c *subscriber) retire() {
	c.mu.Lock()
	c.retired = true
	listeners := slices.Clone(c.listeners)
	c.mu.Unlock()
	for _, l := range listeners {
		l.mu.Lock()
		for _, b := range l.live {
			if b != nil {
				b.producer.SetRoute(c.demoted(b.producer.Route()))
			}
		}
		l.mu.Unlock()
	}
}

// demoted is a route through the peer as it counts now: as it is, or as the last choice once the peer is leaving.
func (c *subscriber) demoted(r model.Route) model.Route {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retired {
		r.Cost = math.MaxUint64
	}
	return r
}

// enlist makes an ANNOUNCE stream known to retire.
func (c *subscriber) enlist(l *listener) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners = append(c.listeners, l)
}
