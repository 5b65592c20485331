package lite

import (
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
)

// counts is what the session counts with. The zero value counts nothing. The statistics have the
// paths of the host; those on the wire are relative to the roots of what was granted.
type counts struct {
	handle  stats.Handle
	session stats.SessionStats
}

// Count makes the session count with h, from Run to its end. Call it before Run.
func (e *Engine) Count(h stats.Handle) { e.counts.handle = h }

// present counts the session itself, below the root that it was granted, until done.
func (e *Engine) present() (done func()) {
	var root model.Path
	switch {
	case e.publisher.origin != nil:
		root = e.publisher.origin.Root()
	case e.subscriber.origin != nil:
		root = e.subscriber.origin.Root()
	}
	e.counts.session = e.counts.handle.Session(root)
	return e.counts.session.Close
}

// counted is what counts for a broadcast that is served to the peer.
func (p *publisher) counted(path model.Path) stats.BroadcastStats {
	if p.origin == nil {
		return stats.BroadcastStats{}
	}
	return p.counts.handle.Broadcast(p.origin.Root().Join(path))
}

// viewed counts the peer as a viewer of a broadcast, until the result is closed.
func (p *publisher) viewed(path model.Path) stats.BroadcastSubscription {
	return p.counts.session.Broadcasts().Publisher(p.origin.Root().Join(path))
}

// counted is what counts for a broadcast of the peer.
func (c *subscriber) counted(path model.Path) stats.BroadcastStats {
	return c.counts.handle.Broadcast(c.origin.Root().Join(path))
}

// viewed counts this side as a viewer of a broadcast of the peer, until the result is closed.
func (c *subscriber) viewed(path model.Path) stats.BroadcastSubscription {
	return c.counts.session.Broadcasts().Subscriber(c.origin.Root().Join(path))
}

// tally counts the broadcasts that one ANNOUNCE stream told the peer of.
type tally map[model.Path]stats.PublisherStats

// tell counts an announcement that is sent, or a withdrawal. One that replaces another is no
// further broadcast.
func (a tally) tell(path model.Path, b stats.BroadcastStats, active bool) {
	b.PublisherAnnounceBytes()
	guard, open := a[path]
	switch {
	case active && !open:
		a[path] = b.Publisher()
	case !active && open:
		guard.Close()
		delete(a, path)
	}
}

// close counts what was still announced as withdrawn.
func (a tally) close() {
	for _, guard := range a {
		guard.Close()
	}
}
