package model

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// peers is whom a handle is bound to: the identities of one neighbor. nil is nobody.
type peers struct {
	ids OriginList
	key string // the same for the same identities
}

func newPeers(ids []OriginID) *peers {
	set := slices.DeleteFunc(slices.Clone(ids), func(id OriginID) bool { return id == 0 })
	slices.Sort(set)
	set = slices.Compact(set)
	if len(set) == 0 {
		return nil
	}
	var key []byte
	for _, id := range set {
		key = binary.BigEndian.AppendUint64(key, uint64(id))
	}
	return &peers{OriginList(set), string(key)}
}

// taint reports whether a route runs through the neighbor.
func (p *peers) taint(hops OriginList) bool {
	return p != nil && slices.ContainsFunc(p.ids, hops.Contains)
}

// ForPeer returns a handle for what is passed on to a neighbor, given all that it is
// known by in hop chains (0 is left out): what the handle finds never comes through
// the neighbor, for as long as it is read. A broadcast of which every route runs
// through it is not announced, and ErrUnroutable; a reader that no other route is
// left for gets that too, or the error of the source that it read when that was not the
// one that everybody reads. While the handle's cursors are open, or its tracks are
// read, what comes back from the neighbor cannot take the path of what was passed on.
//
// The identities take the place of those that c is bound to; with none, the new handle is
// bound to nobody. A broadcast found through it that is published again is not bound any more.
func (c *OriginConsumer) ForPeer(ids ...OriginID) *OriginConsumer {
	n := c.with(c.scope)
	n.peer = newPeers(ids)
	return n
}

// guest is a neighbor that reads what is shown to everybody, since no route there is
// runs through it.
type guest struct {
	peer    *peers
	readers map[*TrackConsumer]struct{}
}

// welcome registers a reader of a neighbor, under lockLifetime.
func (b *broadcast) welcome(c *TrackConsumer) {
	if c.peer == nil || b.peer != nil {
		return
	}
	if b.guests == nil {
		b.guests = make(map[string]*guest)
	}
	g := b.guests[c.peer.key]
	if g == nil {
		g = &guest{c.peer, make(map[*TrackConsumer]struct{})}
		b.guests[c.peer.key] = g
	}
	g.readers[c] = struct{}{}
}

// farewell is called when the reader leaves, under lockLifetime.
func (b *broadcast) farewell(c *TrackConsumer) {
	if c.peer == nil || b.guests[c.peer.key] == nil {
		return
	}
	g := b.guests[c.peer.key]
	delete(g.readers, c)
	if len(g.readers) == 0 {
		delete(b.guests, c.peer.key)
	}
}

// hosts reports whether one of the guests would have to go for a route.
func (b *broadcast) hosts(hops OriginList) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range b.guests {
		if g.peer.taint(hops) {
			return true
		}
	}
	return false
}

// expel ends the readers of those that a route runs through, under lockLifetime.
func (t *track) expel(hops OriginList) {
	if len(t.owner.guests) == 0 {
		return
	}
	for _, c := range slices.Clone(t.readers) {
		if c.peer.taint(hops) {
			c.cause = ErrUnroutable
			c.leave()
		}
	}
}

// dismiss ends the readers that the route of b runs through, of a broadcast that has
// no other. No lock is held.
func (b *broadcast) dismiss() {
	var tainted []*TrackConsumer
	b.mu.Lock()
	for _, g := range b.guests {
		if g.peer.taint(b.route.Hops) {
			tainted = slices.AppendSeq(tainted, maps.Keys(g.readers))
		}
	}
	b.mu.Unlock()
	for _, c := range tainted {
		c.t.lockLifetime()
		if !c.closed && b.tainted(c.peer) {
			c.cause = ErrUnroutable
			c.leave()
		}
		c.t.unlockLifetime()
	}
}

// tainted reports whether the one route of b runs through the neighbor, under the lock.
// What has several is never asked: its tracks keep to those that may be.
func (b *broadcast) tainted(p *peers) bool { return b.front == nil && p.taint(b.route.Hops) }

// reaches reports whether the neighbor may be served from b. No lock is held.
func (b *broadcast) reaches(p *peers) bool {
	if f := b.front; f != nil {
		f.o.mu.Lock()
		defer f.o.mu.Unlock()
		return f.reaches(p)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.tainted(p)
}

// reaches reports whether some source may serve the neighbor, or may come back. The
// origin's lock is held.
func (f *front) reaches(p *peers) bool {
	return p == nil || f.ended || f.active == nil || len(f.e.order(f, p)) > 0
}

// receive sends a new guest away again when what serves the track, though its source
// has left, runs through the guest.
func (s *splice) receive(p *peers) {
	if f := s.serving(); f != nil && p.taint(f.hops) {
		s.t.expel(f.hops)
	}
}

// gone is the error of a reader that is closed.
func (c *TrackConsumer) gone() error {
	if c.cause != nil {
		return c.cause
	}
	return errReaderClosed
}

// whyClosed is the error of a call that may have found the handle closed.
func (c *TrackConsumer) whyClosed(err error) error {
	if !errors.Is(err, errReaderClosed) {
		return err
	}
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	return c.gone()
}

// lockFor locks and returns the broadcast that a neighbor reads: the front's own as
// long as no route runs through the neighbor, otherwise one that keeps to the others.
func (f *front) lockFor(peer *peers) *broadcast {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	b := f.views[peer.key]
	tainted := func(s *source) bool { return peer.taint(s.route.Hops) }
	switch {
	case f.ended || (b == nil && !slices.ContainsFunc(f.e.sources, tainted)):
		b = f.b
	case b == nil:
		b = &broadcast{front: f, peer: peer, cache: f.o.cache, settled: true}
		if f.views == nil {
			f.views = make(map[string]*broadcast)
		}
		f.views[peer.key] = b
	}
	b.mu.Lock() // before the origin's is let go, so that nobody prunes it meanwhile
	return b
}

// unlockUnread lets go of what lockAt locked, for those who leave no track there.
func (b *broadcast) unlockUnread() {
	b.mu.Unlock()
	if b.front != nil {
		b.front.prune(b)
	}
}

// prune forgets what was made for a neighbor that reads no track any more.
func (f *front) prune(b *broadcast) {
	if b.peer == nil {
		return
	}
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.tracks) == 0 && f.views[b.peer.key] == b {
		delete(f.views, b.peer.key)
	}
}

// exposedTo reports whether a neighbor is served from the front, or told of it.
func (f *front) exposedTo(id OriginID) bool {
	chain := OriginList{id}
	for _, b := range f.views {
		if b.peer.taint(chain) && b.isUsed() {
			return true
		}
	}
	told := false
	if f.e.told.front == f {
		f.o.watching(f.e.path, func(c *cursor) {
			told = told || (c.peer.taint(chain) && f.e.told.to(c.peer) != nil)
		})
	}
	return told || f.b.hosts(chain)
}
