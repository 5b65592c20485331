package model

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// source is one broadcast attached at one path of an origin. The origin's lock
// guards it.
type source struct {
	o    *origin
	path Path
	b    *broadcast

	route     Route
	hash      uint64
	publisher OriginID // first hop, 0 when unknown
	usable    bool     // the route neither loops nor is too long
	attached  uint64   // when it came, in stamps

	// When it last took the path for its publisher. A publisher earns that once per
	// source, by being announced; a new price alone does not earn it again.
	claim     uint64
	claimedBy OriginID
}

// broadcastChanged is called when the broadcast has another route or has ended.
func (s *source) broadcastChanged() {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	e := s.o.root.find(s.path).entryOrNil()
	if e != nil && slices.Contains(e.sources, s) {
		s.o.refresh(e, s)
	}
}

// update takes over the broadcast's current route.
func (s *source) update(r Route) {
	s.route = r
	s.hash = routeHash(s.path, r.Hops)
	s.usable = len(r.Hops) <= MaxHops && !r.Hops.Contains(s.o.id)
	s.publisher = s.o.id // a local publisher
	if len(r.Hops) > 0 {
		s.publisher = r.Hops[0]
	}
	if s.usable && !r.Offline && (s.claim == 0 || s.claimedBy != s.publisher) {
		s.o.stamp++
		s.claim, s.claimedBy = s.o.stamp, s.publisher
	}
}

// routeHash spreads equal routes over different upstreams, the same way on every
// node: FNV-1a with its own start value over the path and the hops as 8 bytes
// little-endian each (moq-lite).
func routeHash(path Path, hops OriginList) uint64 {
	const prime = 0x100000001b3
	h := uint64(0x420C0DECB00B)
	for i := range len(path) {
		h = (h ^ uint64(path[i])) * prime
	}
	var b [8]byte
	for _, id := range hops {
		binary.LittleEndian.PutUint64(b[:], uint64(id))
		for _, c := range b {
			h = (h ^ uint64(c)) * prime
		}
	}
	return h
}

// samePublisher reports whether two sources carry the same content: the same
// known first hop.
func (s *source) samePublisher(o *source) bool {
	return s == o || (s.publisher != 0 && s.publisher == o.publisher)
}

// better orders the sources of one publisher: announced, cheapest, fewest hops,
// lowest hash, newest.
func (s *source) better(o *source) bool {
	if s.route.Offline != o.route.Offline {
		return o.route.Offline
	}
	return cmp.Or(
		cmp.Compare(s.route.Cost, o.route.Cost),
		cmp.Compare(len(s.route.Hops), len(o.route.Hops)),
		cmp.Compare(s.hash, o.hash),
		cmp.Compare(o.attached, s.attached),
	) < 0
}

// choose returns the source that serves the path. The publisher with the newest
// claim holds it; the displaced ones stand by and get it back in turn. While
// nobody announces, whoever serves goes on, then the newest comes.
func (e *entry) choose() *source {
	var lead *source
	for _, s := range e.sources {
		if s.usable && !s.route.Offline && (lead == nil || s.claim > lead.claim) {
			lead = s
		}
	}
	if lead == nil && e.active != nil && e.active.usable && slices.Contains(e.sources, e.active) {
		lead = e.active
	}
	if lead == nil {
		for _, s := range e.sources {
			if s.usable {
				lead = s // sources are in order of attachment
			}
		}
	}
	best := lead
	for _, s := range e.sources {
		if s.usable && s.samePublisher(lead) && s.better(best) {
			best = s
		}
	}
	return best
}
