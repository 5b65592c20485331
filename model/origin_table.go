package model

import (
	"cmp"
	"slices"
	"sync"
)

// entry is everything that is attached at one path. The origin's lock guards it.
type entry struct {
	path    Path
	sources []*source // in order of attachment
	front   *front    // what is shown, nil when there is nothing
	told    shown     // as the cursors know it

	upstream []*entry // whose fronts are sources here, guarded by chains
}

// shown is what is announced at a path.
type shown struct {
	front  *front
	routes []Route // of what is announced, the one that serves first
	warm   bool
}

// to returns what a neighbor is shown: nothing when every route runs through it.
func (s shown) to(peer *peers) *front {
	if peer == nil || slices.ContainsFunc(s.routes, func(r Route) bool { return !peer.taint(r.Hops) }) {
		return s.front
	}
	return nil
}

func (s shown) equal(o shown) bool {
	return s.front == o.front && s.warm == o.warm && slices.EqualFunc(s.routes, o.routes, Route.equal)
}

// chains guards who feeds whom through fronts that are published again. No front
// may feed itself.
var chains sync.Mutex

// link notes that the front of up is a source of e; false when that closes a ring.
func (e *entry) link(up *entry) bool {
	chains.Lock()
	defer chains.Unlock()
	if up.under(e) {
		return false
	}
	e.upstream = append(e.upstream, up)
	return true
}

func (e *entry) under(top *entry) bool {
	return e == top || slices.ContainsFunc(e.upstream, func(u *entry) bool { return u.under(top) })
}

func (e *entry) unlink(up *entry) {
	chains.Lock()
	defer chains.Unlock()
	if i := slices.Index(e.upstream, up); i >= 0 {
		e.upstream = slices.Delete(e.upstream, i, i+1)
	}
}

// attach publishes b at path. The origin's lock is held.
func (o *origin) attach(path Path, b *broadcast) error {
	e := o.root.find(path).entryOrNil()
	switch {
	case e != nil && slices.ContainsFunc(e.sources, func(s *source) bool { return s.b == b }):
		return nil // it is here already, as active or standing by
	case e != nil && b.front != nil && b.front.e == e:
		return nil // it is what is shown here
	case e == nil:
		e = &entry{path: path}
	}
	if b.front != nil && !e.link(b.front.e) {
		return ErrLoop
	}
	s := &source{o: o, path: path, b: b}
	if err := b.watch(s); err != nil {
		if b.front != nil {
			e.unlink(b.front.e)
		}
		return err
	}
	b.bind(o.cache)
	o.root.make(path).entry = e
	o.stamp++
	s.attached = o.stamp
	e.sources = append(e.sources, s)
	o.refresh(e, s)
	return nil
}

// refresh looks at a source anew and chooses again. The origin's lock is held.
func (o *origin) refresh(e *entry, s *source) {
	route, open := s.b.look()
	if open {
		s.update(e, route)
	} else {
		e.remove(s)
	}
	o.choose(e)
}

func (e *entry) remove(s *source) {
	i := slices.Index(e.sources, s)
	if i < 0 {
		return
	}
	e.sources = slices.Delete(e.sources, i, i+1)
	if s.b.front != nil {
		e.unlink(s.b.front.e)
	}
	if f := e.front; f != nil && (f.active == s || f.looping == s) {
		f.left, f.looping = s.b.cause(), nil
	}
}

// choose decides what is shown at a path and who serves it. The origin's lock is held.
func (o *origin) choose(e *entry) {
	lead := e.lead()
	if f := e.front; f != nil && (lead == nil || !f.admits(lead)) {
		if lead != nil {
			f.end(ErrDropped, true)
		} else if f.outage() {
			lead = e.lead() // who waited for the end
		}
	}
	if lead != nil {
		if e.front == nil {
			e.front = newFront(e, lead)
		}
		e.front.update(e.order(e.front, nil)[0])
	}
	o.announce(e)
	if len(e.sources) == 0 && e.front == nil {
		if n := o.root.find(e.path); n.entryOrNil() == e {
			n.entry = nil
			o.root.prune(e.path)
		}
	}
}

// lead returns the source whose publisher holds the path. The newest claim does;
// the displaced ones stand by and get it back in turn. While nobody claims it,
// whoever serves goes on, then the newest comes, rather an announced one.
func (e *entry) lead() *source {
	var claimed, incumbent, newest *source
	for _, s := range e.sources {
		if !s.usable {
			continue
		}
		if !s.route.Offline && s.claim > 0 && (claimed == nil || s.claim > claimed.claim) {
			claimed = s
		}
		if e.front != nil && e.front.admits(s) {
			incumbent = s
		}
		if newest == nil || !s.route.Offline || newest.route.Offline {
			newest = s
		}
	}
	switch {
	case claimed != nil:
		return claimed
	case e.front != nil:
		return incumbent // or nobody: it parks until the front has ended
	}
	return newest
}

// order returns the sources of a front that do not run through peer, the best
// first. What the gate holds back comes after the one that serves.
func (e *entry) order(f *front, peer *peers) []*source {
	var all []*source
	for _, s := range e.sources {
		if f.admits(s) && !peer.taint(s.route.Hops) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, (*source).compare)
	if peer == nil {
		all = f.politely(all)
	}
	at := slices.Index(all, f.active)
	if at <= 0 || !f.carrying {
		return all
	}
	open := slices.DeleteFunc(slices.Clone(all[:at]), f.gated)
	held := slices.DeleteFunc(slices.Clone(all[:at]), func(s *source) bool { return !f.gated(s) })
	return slices.Concat(open, all[at:at+1], held, all[at+1:])
}

// politely puts routes last for which a guest would have to go.
func (f *front) politely(all []*source) []*source {
	rude := func(s *source) bool { return f.b.hosts(s.route.Hops) }
	if !slices.ContainsFunc(all, rude) {
		return all
	}
	last := slices.DeleteFunc(slices.Clone(all), func(s *source) bool { return !rude(s) })
	return append(slices.DeleteFunc(all, rude), last...)
}

// gated reports whether a better source has to wait while the front is in use.
// Two relays that carry the same broadcast each see the other as the cheaper
// source; only the one whose neighbor hashes lower moves, or both would and lose
// the publisher.
func (f *front) gated(s *source) bool {
	now, hops := f.active.route, s.route.Hops
	return !now.Offline && s.route.Cost < now.Cost && s.route.Warm && len(hops) >= 2 &&
		routeHash(f.e.path, hops[len(hops)-1:]) >= routeHash(f.e.path, OriginList{f.o.id})
}

// compare orders the sources of one publisher: announced, cheapest, fewest hops,
// lowest hash, newest.
func (s *source) compare(o *source) int {
	if s.route.Offline != o.route.Offline {
		if o.route.Offline {
			return -1
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(s.route.Cost, o.route.Cost),
		cmp.Compare(len(s.route.Hops), len(o.route.Hops)),
		cmp.Compare(s.hash, o.hash),
		cmp.Compare(o.attached, s.attached),
	)
}

// announce tells the cursors what has changed at a path.
func (o *origin) announce(e *entry) {
	old := e.told
	e.told = e.shown()
	if !old.equal(e.told) {
		o.notify(e.path, old, e.told)
	}
}

func (e *entry) shown() shown {
	f := e.front
	switch {
	case f == nil || !f.visible:
		return shown{}
	case f.active == nil:
		return shown{f, e.told.routes, f.warm} // an outage: as before
	}
	var routes []Route
	for _, s := range e.order(f, nil) {
		if !s.route.Offline {
			routes = append(routes, s.route)
		}
	}
	return shown{f, routes, f.warm}
}
