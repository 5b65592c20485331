package model

import (
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
	defer s.o.unlock()
	e := s.o.root.find(s.path).entryOrNil()
	if e != nil && slices.Contains(e.sources, s) {
		s.o.refresh(e, s)
	}
}

// update takes over the broadcast's current route.
func (s *source) update(e *entry, r Route) {
	s.route = r
	s.hash = routeHash(s.path, r.Hops)
	s.usable = len(r.Hops) <= MaxHops && !r.Hops.Contains(s.o.id)
	s.publisher = s.o.id // a local publisher
	if len(r.Hops) > 0 {
		s.publisher = r.Hops[0]
	}
	if s.usable && !s.reflects(e) {
		s.earn()
	}
}

// earn claims the path, once for each publisher.
func (s *source) earn() {
	if !s.route.Offline && (s.claim == 0 || s.claimedBy != s.publisher) {
		s.o.stamp++
		s.claim, s.claimedBy = s.o.stamp, s.publisher
	}
}

// reflects reports whether the source may be what the path shows already, coming
// back through a peer that is shown it: it seems to be of another publisher when
// that peer keeps no hops.
func (s *source) reflects(e *entry) bool {
	f := e.front
	return f != nil && !f.admits(s) && slices.ContainsFunc(s.route.Hops, func(id OriginID) bool {
		return id != 0 && f.exposedTo(id)
	})
}
