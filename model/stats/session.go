package stats

import (
	"sync"
	"sync/atomic"

	"github.com/moqrx/moqrx/model"
)

// Session is called when a session was accepted for what is below root. Close the result
// when the session has ended.
func (h Handle) Session(root model.Path) SessionStats {
	if h.r == nil {
		return SessionStats{}
	}
	p, holders := h.r.holdRoot(model.NewPath(root.String()), h.tier)
	if p == nil {
		return SessionStats{}
	}
	p.sessions.opened.Add(1)
	c := &sessionContext{presence: p, holders: holders, handles: 1, broadcasts: h.SessionBroadcasts()}
	return SessionStats{&sessionHandle{context: c}}
}

// SessionStats is the context of one session: it counts as present until the last handle
// is closed. Copies are the same handle, clones are not; the zero value counts nothing.
type SessionStats struct{ h *sessionHandle }

type sessionHandle struct {
	context *sessionContext
	closed  bool // the context's lock guards it
}

type sessionContext struct {
	presence   *presence
	holders    *atomic.Int64
	broadcasts SessionBroadcasts

	mu      sync.Mutex
	handles int
}

// Broadcasts returns what counts the broadcasts that this session is subscribed to, the
// same for all clones.
func (s SessionStats) Broadcasts() SessionBroadcasts {
	if s.h == nil {
		return SessionBroadcasts{}
	}
	return s.h.context.broadcasts
}

// Clone returns another handle of the same session, to be closed as well. The clone of a
// closed handle is closed.
func (s SessionStats) Clone() SessionStats {
	if s.h == nil {
		return s
	}
	c := s.h.context
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.h.closed {
		c.handles++
	}
	return SessionStats{&sessionHandle{context: c, closed: s.h.closed}}
}

// Close lets go of the handle; with the last one the session counts as closed. Repeating
// it is harmless.
func (s SessionStats) Close() {
	if s.h == nil {
		return
	}
	c := s.h.context
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.h.closed {
		return
	}
	s.h.closed = true
	c.handles--
	if c.handles == 0 {
		c.presence.sessions.closed.Add(1)
		c.holders.Add(-1)
	}
}

// SessionBroadcasts counts the broadcasts that one session is subscribed to, each once for
// any number of subscriptions. Copies are the same session; the zero value counts nothing.
type SessionBroadcasts struct{ s *sessionBroadcasts }

type sessionBroadcasts struct {
	handle Handle

	mu    sync.Mutex
	views map[viewed]*view
}

// viewed is one broadcast on one side.
type viewed struct {
	path model.Path
	role Role
}

// view is all subscriptions of a session to one broadcast.
type view struct {
	guard         *guard
	subscriptions int
}

// SessionBroadcasts returns what counts the broadcasts of one session. [SessionStats] has
// one already.
func (h Handle) SessionBroadcasts() SessionBroadcasts {
	if h.r == nil {
		return SessionBroadcasts{}
	}
	return SessionBroadcasts{&sessionBroadcasts{handle: h, views: make(map[viewed]*view)}}
}

// Publisher is called when a subscription of the peer was found valid. Close the result
// when the subscription is over.
func (s SessionBroadcasts) Publisher(path model.Path) BroadcastSubscription {
	return s.subscribe(path, Publisher)
}

// Subscriber is called when the peer accepted a subscription. Close the result when the
// subscription is over.
func (s SessionBroadcasts) Subscriber(path model.Path) BroadcastSubscription {
	return s.subscribe(path, Subscriber)
}

func (s SessionBroadcasts) subscribe(path model.Path, r Role) BroadcastSubscription {
	if s.s == nil {
		return BroadcastSubscription{}
	}
	b := s.s.handle.Broadcast(path)
	key := viewed{b.path, r}
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	v := s.s.views[key]
	if v == nil {
		g := b.guard(r)
		if g == nil {
			return BroadcastSubscription{}
		}
		g.open(&g.broadcasts)
		v = &view{guard: g}
		s.s.views[key] = v
	}
	v.subscriptions++
	return BroadcastSubscription{&broadcastSubscription{session: s.s, key: key}}
}

// BroadcastSubscription is one subscription of a session, as far as the number of
// broadcasts goes. Copies are the same one; the zero value counts nothing.
type BroadcastSubscription struct{ b *broadcastSubscription }

type broadcastSubscription struct {
	session *sessionBroadcasts
	key     viewed
	closed  bool // the session's lock guards it
}

// Close ends it; with the last one the session has left the broadcast. Repeating it is
// harmless.
func (b BroadcastSubscription) Close() {
	if b.b == nil {
		return
	}
	s := b.b.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.b.closed {
		return
	}
	b.b.closed = true
	v := s.views[b.b.key] // there, while one of its subscriptions is
	v.subscriptions--
	if v.subscriptions == 0 {
		delete(s.views, b.b.key)
		v.guard.close()
	}
}
