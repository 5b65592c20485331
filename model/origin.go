package model

import (
	"fmt"
	"sync"
	"time"
)

// origin is the state behind every handle of one origin.
type origin struct {
	id     OriginID
	linger time.Duration // how long a broadcast survives the loss of its sources
	idle   time.Duration // how long a track's copy is kept that nobody reads
	cache  cacheLimits

	mu        sync.Mutex
	later     []broadcastWatcher // to be told after unlocking
	root      node
	producers int
	closed    bool   // the last producer is gone
	stamp     uint64 // orders attachments and claims

	handlers []*OriginDynamic
	requests map[Path]*onDemand // waiting for an answer, or served and open
	queue    []*onDemand        // not picked up yet, oldest first
	queued   signal             // the queue, the handlers, or the end
}

// node is one component of the path tree.
type node struct {
	children map[string]*node
	entry    *entry
	cursors  map[*cursor]struct{}
}

func (n *node) empty() bool {
	return len(n.children) == 0 && n.entry == nil && len(n.cursors) == 0
}

// find returns the node at path, or nil.
func (n *node) find(path Path) *node {
	for n != nil {
		part, rest, ok := path.NextPart()
		if !ok {
			return n
		}
		n, path = n.children[part], rest
	}
	return nil
}

// make returns the node at path, new if need be.
func (n *node) make(path Path) *node {
	for {
		part, rest, ok := path.NextPart()
		if !ok {
			return n
		}
		child := n.children[part]
		if child == nil {
			if n.children == nil {
				n.children = make(map[string]*node)
			}
			child = &node{}
			n.children[part] = child
		}
		n, path = child, rest
	}
}

// prune removes the nodes on the way to path that hold nothing any more.
func (n *node) prune(path Path) {
	part, rest, ok := path.NextPart()
	if !ok {
		return
	}
	if child := n.children[part]; child != nil {
		child.prune(rest)
		if child.empty() {
			delete(n.children, part)
		}
	}
}

// walk calls visit for every node at and below n.
func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, child := range n.children {
		child.walk(visit)
	}
}

func (n *node) entryOrNil() *entry {
	if n == nil {
		return nil
	}
	return n.entry
}

// notify tells every cursor on the way to path what has changed there.
func (o *origin) notify(path Path, old, now shown) {
	o.watching(path, func(c *cursor) {
		before, after := old.to(c.peer), now.to(c.peer)
		switch {
		case before != after:
			c.push(path, before != nil, after)
		case after != nil && c.routes:
			c.update(path, after)
		}
	})
}

// watching calls visit for every cursor that sees path.
func (o *origin) watching(path Path, visit func(*cursor)) {
	n := &o.root
	rest := path
	for {
		part, tail, more := rest.NextPart()
		for c := range n.cursors {
			if !more || !c.exact {
				visit(c)
			}
		}
		if !more {
			return
		}
		if n = n.children[part]; n == nil {
			return
		}
		rest = tail
	}
}

// lookup returns what is shown at exactly this path, announced or not: nil when
// nothing is, ErrUnroutable when all of it would come through peer.
func (o *origin) lookup(path Path, peer *peers) (*broadcast, error) {
	e := o.root.find(path).entryOrNil()
	if e == nil || e.front == nil {
		return nil, nil
	}
	f := e.front
	if s := f.active; s != nil {
		if _, open := s.b.look(); !open {
			o.refresh(e, s) // it has ended and is about to leave
			return o.lookup(path, peer)
		}
	}
	if !f.reaches(peer) {
		return nil, ErrUnroutable
	}
	return f.b, nil
}

// unlock lets the lock go and then does what waited for that.
func (o *origin) unlock() {
	later := o.later
	o.later = nil
	o.mu.Unlock()
	tell(later)
}

// release gives up one producer handle. With the last one nothing more can be
// published: what is there stays, and cursors end once they have told it.
func (o *origin) release() {
	o.producers--
	if o.producers > 0 {
		return
	}
	o.closed = true
	for _, r := range o.queue {
		o.settle(r, nil, ErrDropped)
	}
	o.queue = nil
	o.queued.wake()
	o.root.walk(func(n *node) {
		for c := range n.cursors {
			c.changed.wake()
		}
	})
}

// scope is the part of an origin that a handle may see or touch: paths relative
// to root, under the allowed prefixes (absolute).
type scope struct {
	root    Path
	allowed PathPrefixes
}

// resolve returns the absolute path, or why it is out of reach.
func (s scope) resolve(path Path) (Path, error) {
	abs := s.root.Join(path)
	if !s.allowed.Covers(abs) {
		return "", fmt.Errorf("path %q is outside the permitted prefixes: %w", path, ErrUnauthorized)
	}
	return abs, nil
}

// prefixes returns the permitted prefixes as the handle's user writes them.
func (s scope) prefixes() []Path {
	out := make([]Path, 0, len(s.allowed))
	for _, p := range s.allowed {
		rel, _ := p.StripPrefix(s.root)
		out = append(out, rel)
	}
	return out
}

// narrow keeps what lies under the given prefixes; a wider wish than the
// permission keeps the permission.
func (s scope) narrow(prefixes []Path) (scope, error) {
	var kept []Path
	for _, have := range s.allowed {
		for _, p := range NewPathPrefixes(prefixes...) {
			want := s.root.Join(p)
			if have.HasPrefix(want) {
				kept = append(kept, have)
			} else if want.HasPrefix(have) {
				kept = append(kept, want)
			}
		}
	}
	if len(kept) == 0 {
		return scope{}, fmt.Errorf("scope to %q: nothing of it is permitted: %w", prefixes, ErrUnauthorized)
	}
	return scope{s.root, NewPathPrefixes(kept...)}, nil
}

// under moves the root.
func (s scope) under(prefix Path) (scope, error) {
	n, err := s.narrow([]Path{prefix})
	if err != nil {
		return scope{}, err
	}
	n.root = s.root.Join(prefix)
	return n, nil
}
