package model

import (
	"context"
	"encoding/binary"
	"slices"
)

// Route is how a broadcast got here and what it costs to fetch it.
type Route struct {
	Hops    OriginList // empty for a local publisher
	Cost    uint64     // lower is better
	Offline bool       // reachable by its exact path, but not announced
	Warm    bool       // the neighbor carries it already: it advertised a cost of 0
}

func (r Route) equal(o Route) bool {
	return r.Cost == o.Cost && r.Offline == o.Offline && r.Warm == o.Warm && slices.Equal(r.Hops, o.Hops)
}

func (r Route) clone() Route {
	r.Hops = r.Hops.Clone()
	return r
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

// RouteConsumer follows the route of a broadcast. It is one cursor: concurrent
// calls share it, clones do not. It needs no closing.
type RouteConsumer struct {
	c          *BroadcastConsumer
	advertised bool
	seen       bool
	last       Route
}

// Routes returns a cursor over the routes of the broadcast, the current one first. For a
// handle bound to a peer they are those that do not run through the peer. From a closed
// handle comes a closed cursor; closing the handle later changes nothing.
func (c *BroadcastConsumer) Routes() *RouteConsumer { return &RouteConsumer{c: c.Clone()} }

// AdvertisedRoutes is Routes with what is to be told to others; see
// [BroadcastConsumer.AdvertisedRoute].
func (c *BroadcastConsumer) AdvertisedRoutes() *RouteConsumer {
	return &RouteConsumer{c: c.Clone(), advertised: true}
}

// Next returns the route: the current one at first, and then every time that it
// is another than the one returned last. It blocks until then. Routes that came
// and went meanwhile are left out. After the last route, the broadcast's error at its
// end: io.EOF when it was finished. ErrClosed when the cursor came from a closed handle.
func (r *RouteConsumer) Next(ctx context.Context) (Route, error) {
	return await(ctx, r, (*RouteConsumer).next)
}

// TryNext is Next without waiting: false and no error when the route is the same.
func (r *RouteConsumer) TryNext() (Route, bool, error) {
	route, ok, _, err := r.next(false)
	return route, ok, err
}

// Wait returns a channel that closes at the next change that could let TryNext
// succeed. Take it before TryNext, and no change is missed.
func (r *RouteConsumer) Wait() <-chan struct{} {
	b := r.c.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil || r.c.closed.Load() {
		return fired
	}
	return b.routed.wait()
}

func (r *RouteConsumer) next(bool) (Route, bool, <-chan struct{}, error) {
	if r.c.closed.Load() {
		return Route{}, false, nil, errReaderClosed
	}
	b := r.c.b
	b.mu.Lock()
	err, wait := b.err, b.routed.wait() // before the route, which is the last one if this is the end
	b.mu.Unlock()
	route := r.c.route(r.advertised) // takes the origin's lock
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.c.peer.taint(route.Hops), r.seen && route.equal(r.last):
		return Route{}, false, wait, err
	}
	r.seen, r.last = true, route
	return route.clone(), true, nil, nil
}

// Clone returns a cursor that begins with the current route.
func (r *RouteConsumer) Clone() *RouteConsumer {
	return &RouteConsumer{c: r.c, advertised: r.advertised}
}
