package stats

import "sync/atomic"

// Counters are the numbers of one broadcast on one side of one tier, or a sum of such.
// All of them only grow. What is open now is a counter minus its Closed: Broadcasts
// minus BroadcastsClosed are the viewers.
type Counters struct {
	Announced           uint64 `json:"announced"`            // announcements of the broadcast that were opened
	AnnouncedClosed     uint64 `json:"announced_closed"`     // and that are over
	AnnouncedBytes      uint64 `json:"announced_bytes"`      // length of its name, for each announcement and withdrawal
	Broadcasts          uint64 `json:"broadcasts"`           // sessions with at least one subscription to it
	BroadcastsClosed    uint64 `json:"broadcasts_closed"`    // and whose last one is over
	Subscriptions       uint64 `json:"subscriptions"`        // subscriptions to its tracks
	SubscriptionsClosed uint64 `json:"subscriptions_closed"` // and that are over
	Bytes               uint64 `json:"bytes"`                // of payload
	Frames              uint64 `json:"frames"`               // including those in datagrams
	Groups              uint64 `json:"groups"`               // including datagrams
	Fetches             uint64 `json:"fetches"`              // fetches of single groups
	Datagrams           uint64 `json:"datagrams"`            // groups that went as one datagram
}

// live reports whether anything is open.
func (c Counters) live() bool {
	return c.Announced != c.AnnouncedClosed || c.Broadcasts != c.BroadcastsClosed || c.Subscriptions != c.SubscriptionsClosed
}

func (c Counters) plus(o Counters) Counters {
	c.Announced += o.Announced
	c.AnnouncedClosed += o.AnnouncedClosed
	c.AnnouncedBytes += o.AnnouncedBytes
	c.Broadcasts += o.Broadcasts
	c.BroadcastsClosed += o.BroadcastsClosed
	c.Subscriptions += o.Subscriptions
	c.SubscriptionsClosed += o.SubscriptionsClosed
	c.Bytes += o.Bytes
	c.Frames += o.Frames
	c.Groups += o.Groups
	c.Fetches += o.Fetches
	c.Datagrams += o.Datagrams
	return c
}

// Presence counts the sessions of one tier that were granted one root, or a sum of such.
// Sessions minus SessionsClosed are connected now.
type Presence struct {
	Sessions       uint64 `json:"sessions"`
	SessionsClosed uint64 `json:"sessions_closed"`
}

func (p Presence) live() bool { return p.Sessions != p.SessionsClosed }

func (p Presence) plus(o Presence) Presence {
	return Presence{p.Sessions + o.Sessions, p.SessionsClosed + o.SessionsClosed}
}

// pair counts what was opened and what of it was closed.
type pair struct{ opened, closed atomic.Uint64 }

// traffic is the live form of Counters.
type traffic struct {
	announced, broadcasts, subscriptions pair
	announcedBytes                       atomic.Uint64
	bytes, frames, groups                atomic.Uint64
	fetches, datagrams                   atomic.Uint64

	told Counters // in the last frame; the registry's lock guards it
}

// snapshot reads what was closed before what was opened: whatever closes in between was
// open before, so that no snapshot has more closed than open.
func (t *traffic) snapshot() (c Counters) {
	c.AnnouncedClosed = t.announced.closed.Load()
	c.BroadcastsClosed = t.broadcasts.closed.Load()
	c.SubscriptionsClosed = t.subscriptions.closed.Load()
	c.Announced = t.announced.opened.Load()
	c.Broadcasts = t.broadcasts.opened.Load()
	c.Subscriptions = t.subscriptions.opened.Load()
	c.AnnouncedBytes = t.announcedBytes.Load()
	c.Bytes = t.bytes.Load()
	c.Frames = t.frames.Load()
	c.Groups = t.groups.Load()
	c.Fetches = t.fetches.Load()
	c.Datagrams = t.datagrams.Load()
	return c
}

// presence is the live form of Presence.
type presence struct {
	sessions pair
	told     Presence // in the last frame; the registry's lock guards it
}

func (p *presence) snapshot() (out Presence) {
	out.SessionsClosed = p.sessions.closed.Load()
	out.Sessions = p.sessions.opened.Load()
	return out
}
