package session

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/moqrx/moqrx/model"
)

// ShutdownOption changes what Shutdown tells the peer.
type ShutdownOption func(*farewell)

// farewell is what a GOAWAY says.
type farewell struct {
	uri   string
	moves bool // the peer is to go on elsewhere
}

// WithNewURI asks the peer to go on at uri, which may be relative to the URL of the session, or at the
// same URL when it is empty, and gives it 5 s for that, also when nothing is on its way. What the
// peer makes of it is its own decision.
func WithNewURI(uri string) ShutdownOption { return func(f *farewell) { *f = farewell{uri, true} } }

func newFarewell(opts []ShutdownOption) (f farewell) {
	for _, opt := range opts {
		opt(&f)
	}
	return f
}

// GoingAway is closed when the peer has announced with a GOAWAY that it will end the session soon
// (moq-lite-04 and later): see [Session.NewURI]. The session goes on meanwhile, and what the peer
// published becomes the last choice in the origin. [Reconnect] moves to another session by itself.
func (s *Session) GoingAway() <-chan struct{} { return s.engine.GoingAway() }

// NewURI is where the peer said that the session should go on, once GoingAway is closed. Empty means
// at the same URL. It comes from the peer as it is: look at it before you dial it.
func (s *Session) NewURI() string { return s.engine.NewURI() }

// Shutdown ends the session as Close does, but first tells the peer so with a GOAWAY (moq-lite-04 and
// later), and waits until the peer has everything that it subscribed to: for each of its
// subscriptions, all groups and the end of the track were sent and the peer has ended the subscription
// in turn, as it does when it has taken them or gets them elsewhere.
//
// Finish the tracks before: a subscription to one that goes on keeps Shutdown waiting, unless the peer
// moves elsewhere. Close them, and their broadcasts, after it: a peer that is about to subscribe finds
// them until then. A subscriber that leaves early gets no more, and one that never ends a
// subscription is not waited for longer than 10 s after the end of the track.
//
// When ctx ends first, the session is closed all the same and the error is that of ctx. When the
// session failed meanwhile, it is an *[Error]. Else it is nil.
func (s *Session) Shutdown(ctx context.Context, opts ...ShutdownOption) error {
	s.goAway(ctx, newFarewell(opts))
	late := s.engine.Drain(ctx)
	_ = s.Close() // never fails
	if late != nil {
		return late
	}
	// Streams may fail before the session does: the connection knows who ended it.
	if err := ended(context.Cause(s.conn.Context())); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// moving is how long a peer that is to go on elsewhere has at least, though nothing is on its way.
const moving = 5 * time.Second

// goAway tells the peer and, when it is to go on elsewhere, gives it the time. A peer that gives no
// credit for a stream is not told.
func (s *Session) goAway(ctx context.Context, f farewell) {
	told, err := s.engine.GoAway(ctx, f.uri)
	if !told || err != nil || !f.moves {
		return
	}
	timer := time.NewTimer(moving)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.done:
	case <-ctx.Done():
	}
}

// errLeaving refuses who comes too late.
var errLeaving = &model.Error{Code: model.CodeClosed, Reason: "the server is shutting down"}

// Shutdown closes the listener gracefully. It refuses clients from now on (Accept fails as after
// Close), tells those that it has with a GOAWAY to go elsewhere, and ends each session when nothing
// is on its way any more in either direction: for a peer that understands GOAWAY, not before it has
// left or had 5 s for that. moq-lite-03 and earlier have none, and who does not act on it
// stays as long as there are subscriptions. Then it closes the listener.
//
// When ctx ends first, what is left is closed at once, and the error is that of ctx.
func (l *Listener) Shutdown(ctx context.Context, opts ...ShutdownOption) error {
	l.mu.Lock()
	if !l.leaving() {
		close(l.left)
	}
	sessions := slices.Collect(maps.Keys(l.sessions))
	l.mu.Unlock()
	f := newFarewell(opts)
	f.moves = true
	var all sync.WaitGroup
	for _, s := range sessions {
		all.Go(func() {
			s.goAway(ctx, f)
			_ = s.engine.Settle(ctx) // either way this is the end
			_ = s.Close()            // never fails
		})
	}
	all.Wait()
	late := ctx.Err()
	return errors.Join(late, l.Close())
}

// leaving reports whether Shutdown was called.
func (l *Listener) leaving() bool {
	select {
	case <-l.left:
		return true
	default:
		return false
	}
}
