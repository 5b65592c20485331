package model

import (
	"errors"
	"io"
	"slices"
	"time"
)

// Times of a front (moq-lite has them as constants).
const (
	defaultIdle = 30 * time.Second // see [WithTrackIdle]
	costLinger  = 5 * time.Second  // how long an unused route is told as free
)

// front is the broadcast that an origin shows at one path. Its tracks are filled
// from the sources at the path that carry the same content. The origin's lock
// guards it.
type front struct {
	o         *origin
	e         *entry
	b         *broadcast
	publisher OriginID // whose content it is; 0 when unknown
	sole      *source  // the one source of an unknown publisher

	active   *source // the best one, nil during an outage
	looping  *source // the last one, when it is still there: its route came to loop
	left     error   // how the last active one ended
	visible  bool    // announced
	carrying bool    // somebody reads
	warm     bool    // the route is told as free
	ended    bool

	views map[string]*broadcast // the same for neighbors that some route runs through

	linger *time.Timer // runs during an outage
	cold   *time.Timer // runs while it is warm without readers
}

func newFront(e *entry, lead *source) *front {
	f := &front{o: lead.o, e: e, publisher: lead.publisher}
	if f.publisher == 0 {
		f.sole = lead
	}
	f.b = &broadcast{front: f, route: lead.route.clone(), cache: f.o.cache, settled: true}
	return f
}

// admits reports whether a source carries the content of the front.
func (f *front) admits(s *source) bool {
	return s.usable && s.publisher == f.publisher && (f.publisher != 0 || f.sole == s)
}

// broadcasts returns the front's own and those for peers.
func (f *front) broadcasts() []*broadcast {
	all := []*broadcast{f.b}
	for _, b := range f.views {
		all = append(all, b)
	}
	return all
}

// update takes over which source is the best, and has every track look again.
func (f *front) update(best *source) {
	f.active, f.looping, f.left = best, nil, nil
	f.visible = !best.route.Offline
	stop(&f.linger)
	for _, b := range f.broadcasts() {
		b.mu.Lock()
		if b == f.b {
			f.o.later = append(f.o.later, b.setRoute(best.route)...)
		}
		b.routed.wake()
		f.o.later = append(f.o.later, b.splices()...)
		b.mu.Unlock()
	}
}

// splices returns what fills the tracks; each may ask every source again that is
// not known to refuse.
func (b *broadcast) splices() []broadcastWatcher {
	all := make([]broadcastWatcher, 0, len(b.tracks))
	for _, t := range b.tracks {
		t.mu.Lock()
		t.splice.avoid = nil
		t.mu.Unlock()
		all = append(all, t.splice)
	}
	return all
}

// outage is the loss of the last source. A deliberate end is told at once; after
// any other the front waits for a source to come back, for as long as it may.
// It reports whether the front has ended.
func (f *front) outage() bool {
	if f.left == nil {
		f.left, f.looping = ErrDropped, f.active
	}
	f.active = nil
	if errors.Is(f.left, io.EOF) || f.o.linger <= 0 {
		f.end(f.left, f.looping != nil)
		return true
	}
	if f.linger == nil {
		f.after(f.o.linger, &f.linger, func() {
			f.end(f.left, false)
			f.o.choose(f.e)
		})
	}
	return false
}

// after starts a timer that does something with the origin's lock held, unless it was
// stopped meanwhile: when it fires, another one may run already.
func (f *front) after(d time.Duration, timer **time.Timer, do func()) {
	var own *time.Timer
	own = time.AfterFunc(d, func() {
		f.o.mu.Lock()
		defer f.o.unlock()
		if *timer == own {
			*timer = nil
			do()
		}
	})
	*timer = own
}

// end closes the front. Tracks that a source still feeds, or may still accept, go on
// to their own end, unless they are cut.
func (f *front) end(err error, cut bool) {
	f.ended = true
	f.e.front = nil
	stop(&f.linger)
	stop(&f.cold)
	for _, b := range f.broadcasts() {
		b.mu.Lock()
		tracks := b.tracks
		w := b.end(err, ErrCancel)
		for _, t := range tracks {
			t.mu.Lock()
			if cut {
				t.end(b.failure())
			}
			w = append(w, t.takeDue()...)
			w = append(w, t.splice)
			t.mu.Unlock()
		}
		b.mu.Unlock()
		f.o.later = append(f.o.later, w...)
	}
	f.views = nil
}

// broadcastChanged is called when there is demand for the front, or none any more.
func (f *front) broadcastChanged() {
	f.o.mu.Lock()
	defer f.o.unlock()
	carrying := slices.ContainsFunc(f.broadcasts(), (*broadcast).isUsed)
	if carrying == f.carrying || f.ended {
		return
	}
	f.carrying = carrying
	stop(&f.cold)
	if carrying {
		f.setWarm(true)
		return
	}
	f.after(costLinger, &f.cold, func() { f.setWarm(false) })
	f.o.choose(f.e) // nothing holds back a better source now
}

func (b *broadcast) isUsed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used > 0
}

func (f *front) setWarm(warm bool) {
	if f.warm == warm {
		return
	}
	f.warm = warm
	f.b.mu.Lock()
	f.b.routed.wake()
	f.b.mu.Unlock()
	f.o.announce(f.e)
}

// routeFor is the best route for a peer, or the last one known when there is none.
func (f *front) routeFor(peer *peers, advertised bool) Route {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	best := f.active
	switch {
	case f.ended:
		best = nil // it may serve elsewhere by now, with another route
	case best != nil && peer.taint(best.route.Hops):
		best = nil
		if order := f.e.order(f, peer); len(order) > 0 {
			best = order[0]
		}
	}
	route := f.b.currentRoute() // the last one
	if best != nil {
		route = best.route.clone()
	}
	if advertised && f.warm && (best == f.active || f.ended) {
		route.Cost = 0
	}
	return route
}

// table returns the sources that a track may come from, the best first; whether the
// one it comes from now is none of them any more, though it is there; and whether
// there is none at all, for anybody.
func (f *front) table(peer *peers, now *source) (order []offer, banned, none bool) {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	if f.ended {
		return nil, false, true
	}
	banned = now != nil && slices.Contains(f.e.sources, now)
	for _, src := range f.e.order(f, peer) {
		order = append(order, offer{src, src.route.Hops})
		banned = banned && src != now
	}
	return order, banned, f.active == nil
}

// offered is what a track of the path would be like, as the best source says; false when
// that has none of the name, or does not know yet.
func (f *front) offered(peer *peers, name string) (info TrackInfo, ok bool) {
	order, _, _ := f.table(peer, nil)
	if len(order) == 0 {
		return TrackInfo{}, false
	}
	b := order[0].src.b
	lockAt(name, b.lock)
	t := b.tracks[name]
	b.mu.Unlock()
	if t == nil && b.front != nil {
		info, ok = b.front.offered(b.peer, name)
	} else {
		info, ok = t.known(b.cache)
	}
	if ok {
		info.MaxLatency = f.o.cache.window(info.MaxLatency)
	}
	return info, ok
}

// known is what the publisher's side said about the track, kept within these limits;
// false for no track, one that was not accepted yet, and one that failed.
func (t *track) known(limits cacheLimits) (TrackInfo, bool) {
	if t == nil {
		return TrackInfo{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.accepted || t.err != nil {
		return TrackInfo{}, false
	}
	info := t.info
	info.MaxLatency = limits.window(info.MaxLatency)
	return info, true
}

// offer is a source with the route that it has now.
type offer struct {
	src  *source
	hops OriginList
}
