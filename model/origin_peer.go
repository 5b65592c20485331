package model

import (
	"encoding/binary"
	"errors"
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
// A broadcast found through it that is published again is not bound any more.
func (c *OriginConsumer) ForPeer(ids ...OriginID) *OriginConsumer {
	n := c.with(c.scope)
	n.peer = newPeers(ids)
	return n
}

// guest is a neighbor that reads what is shown to everybody, since no route there is
// runs through it.
type guest struct {
	peer    *peers
	readers int
}

// welcome counts a reader of a neighbor in (1) or out (-1), under lockLifetime.
func (b *broadcast) welcome(p *peers, n int) {
	if p == nil || b.peer != nil {
		return
	}
	if b.guests == nil {
		b.guests = make(map[string]*guest)
	}
	g := b.guests[p.key]
	if g == nil {
		g = &guest{peer: p}
		b.guests[p.key] = g
	}
	if g.readers += n; g.readers == 0 {
		delete(b.guests, p.key)
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
	if peer == nil {
		f.b.mu.Lock()
		return f.b
	}
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	b := f.views[peer.key]
	tainted := func(s *source) bool { return peer.taint(s.route.Hops) }
	switch {
	case f.ended || (b == nil && !slices.ContainsFunc(f.e.sources, tainted)):
		b = f.b
	case b == nil:
		b = &broadcast{front: f, peer: peer, cache: f.o.cache}
		if f.views == nil {
			f.views = make(map[string]*broadcast)
		}
		f.views[peer.key] = b
	}
	b.mu.Lock() // before the origin's is let go, so that nobody prunes it meanwhile
	return b
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
