package stats

import (
	"sync/atomic"

	"github.com/moqrx/moqrx/model"
)

// Handle is what one session counts with: the aggregator and the session's tier. The
// zero Handle counts nothing.
type Handle struct {
	r    *registry
	tier Tier
}

// Broadcast returns what counts for the broadcast at this path of the host. It opens
// nothing and costs nothing. Below an excluded prefix it counts nothing.
func (h Handle) Broadcast(path model.Path) BroadcastStats {
	if h.r == nil {
		return BroadcastStats{}
	}
	path = model.NewPath(path.String())
	if h.r.excluded.Covers(path) {
		return BroadcastStats{}
	}
	return BroadcastStats{h.r, path, h.tier}
}

// BroadcastStats opens guards for one broadcast. The zero value opens none: its guards
// count nothing.
type BroadcastStats struct {
	r    *registry
	path model.Path
	tier Tier
}

// Publisher is called when the broadcast was announced to the peer. Close the guard when
// it is withdrawn.
func (b BroadcastStats) Publisher() PublisherStats {
	return PublisherStats{b, b.announced(Publisher)}
}

// Subscriber is called when the peer announced the broadcast. Close the guard when it is
// withdrawn.
func (b BroadcastStats) Subscriber() SubscriberStats {
	return SubscriberStats{b, b.announced(Subscriber)}
}

// PublisherAnnounceBytes counts the length of the path, once for each announcement and each
// withdrawal that was sent. It needs no guard.
func (b BroadcastStats) PublisherAnnounceBytes() { b.announceBytes(Publisher) }

// SubscriberAnnounceBytes counts the length of the path, once for each announcement and
// each withdrawal that was received, also those that are filtered. It needs no guard.
func (b BroadcastStats) SubscriberAnnounceBytes() { b.announceBytes(Subscriber) }

// PublisherTrack is called when the peer subscribed to a track, whose name is ignored. Close
// the guard when the subscription and the groups sent for it are over.
func (b BroadcastStats) PublisherTrack(name string) PublisherTrack {
	return PublisherTrack{b.subscription(Publisher)}
}

// SubscriberTrack is called when a track of the peer, whose name is ignored, was subscribed
// to. Close the guard when the subscription and the groups received for it are over.
func (b BroadcastStats) SubscriberTrack(name string) SubscriberTrack {
	return SubscriberTrack{b.subscription(Subscriber)}
}

// PublisherFetch is called when the peer fetched a group, whether it is there or not. That
// is no subscription, but what is sent counts through the guard. Close it when the fetch is over.
func (b BroadcastStats) PublisherFetch(name string) PublisherTrack {
	return PublisherTrack{b.fetch(Publisher)}
}

// SubscriberFetch is called when a group was fetched from the peer. Close the guard when
// the fetch is over.
func (b BroadcastStats) SubscriberFetch(name string) SubscriberTrack {
	return SubscriberTrack{b.fetch(Subscriber)}
}

// guard keeps numbers in the registry until it is closed.
type guard struct {
	*traffic
	holders *atomic.Int64
	ends    *atomic.Uint64 // what Close counts; nil is nothing
	closed  atomic.Bool
}

// guard returns nil, which is a no-op, when nothing is counted.
func (b BroadcastStats) guard(r Role) *guard {
	if b.r == nil {
		return nil
	}
	t, holders := b.r.hold(b.path, b.tier, r)
	if t == nil {
		return nil
	}
	return &guard{traffic: t, holders: holders}
}

// open counts one more of p, which Close ends.
func (g *guard) open(p *pair) {
	p.opened.Add(1)
	g.ends = &p.closed
}

func (g *guard) close() {
	if g == nil || g.closed.Swap(true) {
		return
	}
	if g.ends != nil {
		g.ends.Add(1)
	}
	g.holders.Add(-1)
}

func (b BroadcastStats) announced(r Role) *guard {
	g := b.guard(r)
	if g != nil {
		g.open(&g.announced)
	}
	return g
}

func (b BroadcastStats) subscription(r Role) *track {
	g := b.guard(r)
	if g != nil {
		g.open(&g.subscriptions)
	}
	return (*track)(g)
}

func (b BroadcastStats) fetch(r Role) *track {
	g := b.guard(r)
	if g != nil {
		g.fetches.Add(1)
	}
	return (*track)(g)
}

func (b BroadcastStats) announceBytes(r Role) {
	if b.r == nil {
		return
	}
	if t, holders := b.r.hold(b.path, b.tier, r); t != nil {
		t.announcedBytes.Add(uint64(len(b.path)))
		holders.Add(-1)
	}
}

// PublisherStats is open while a broadcast is announced to a peer. Copies are the same
// guard; the zero value counts nothing.
type PublisherStats struct {
	b BroadcastStats
	g *guard
}

// Track is [BroadcastStats.PublisherTrack].
func (p PublisherStats) Track(name string) PublisherTrack { return p.b.PublisherTrack(name) }

// Close counts the withdrawal. Repeating it is harmless.
func (p PublisherStats) Close() { p.g.close() }

// SubscriberStats is open while a peer announces a broadcast. Copies are the same guard;
// the zero value counts nothing.
type SubscriberStats struct {
	b BroadcastStats
	g *guard
}

// Track is [BroadcastStats.SubscriberTrack].
func (s SubscriberStats) Track(name string) SubscriberTrack { return s.b.SubscriberTrack(name) }

// Close counts the withdrawal. Repeating it is harmless.
func (s SubscriberStats) Close() { s.g.close() }

// PublisherTrack is open while a track is served to a peer. Copies are the same guard;
// the zero value counts nothing.
type PublisherTrack struct{ *track }

// SubscriberTrack is open while a track is received from a peer. Copies are the same guard;
// the zero value counts nothing.
type SubscriberTrack struct{ *track }

// track is what both sides count. A nil one is a no-op.
type track guard

// Group counts one group whose stream was opened or received.
func (t *track) Group() {
	if t != nil {
		t.groups.Add(1)
	}
}

// Frame counts one frame, whatever its size.
func (t *track) Frame() {
	if t != nil {
		t.frames.Add(1)
	}
}

// Bytes counts n bytes of payload. Nothing is counted when n is negative.
func (t *track) Bytes(n int) {
	if t != nil && n > 0 {
		t.bytes.Add(uint64(n))
	}
}

// Datagram counts one datagram with n bytes of payload. It is a group of one frame, and
// counts as that too.
func (t *track) Datagram(n int) {
	if t != nil {
		t.datagrams.Add(1)
		t.Group()
		t.Frame()
		t.Bytes(n)
	}
}

// Close counts the end of a subscription; that of a fetch is not counted. Repeating it is harmless.
func (t *track) Close() { (*guard)(t).close() }
