package model

import (
	"cmp"
	"slices"
)

// arrival tells one incarnation of a group without keeping it alive.
type arrival struct{ sequence, number uint64 }

func (c *TrackConsumer) recvGroup(block bool) (*GroupConsumer, bool, <-chan struct{}, error) {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	if c.closed {
		return nil, false, nil, c.gone()
	}
	g := c.takeParked(nil)
	if g == nil {
		g = c.takeArrival()
	}
	if g != nil {
		return c.t.read(g), true, nil, nil
	}
	wait, err := c.nothing(block, c.cursor >= c.t.shown && len(c.parked) == 0)
	return nil, false, wait, err
}

// nothing is how a read goes on that found nothing.
func (c *TrackConsumer) nothing(block, drained bool) (<-chan struct{}, error) {
	if err := c.t.outcome(drained); err != nil || !block {
		return nil, err
	}
	return c.t.changed.wait(), nil
}

// takeArrival moves the cursor to just past the next group inside the bounds, and
// parks those beyond End on the way.
func (c *TrackConsumer) takeArrival() *group {
	for _, g := range c.ahead() {
		c.cursor = g.number + 1
		after, before := c.sub.admits(g.sequence)
		if g.refill {
			continue
		}
		if after && before {
			return g.group
		}
		if after {
			c.park(g)
		}
	}
	if c.t.err == nil {
		c.cursor = c.t.arrived // the rest has been evicted
	}
	return nil
}

// ahead returns the cached groups that the arrival cursor has not passed.
func (c *TrackConsumer) ahead() []cached {
	all := c.t.arrivals
	return all[c.t.position(c.cursor):]
}

func (c *TrackConsumer) park(g cached) {
	a := arrival{g.sequence, g.number}
	i, _ := slices.BinarySearchFunc(c.parked, a, compareArrivals)
	c.parked = slices.Insert(c.parked, i, a)
}

func compareArrivals(a, b arrival) int {
	return cmp.Or(cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.number, b.number))
}

// takeParked returns the lowest parked group that has come inside the bounds and is
// acceptable. It forgets those that are gone from the cache, below Start, or inside the
// bounds and can never become acceptable.
func (c *TrackConsumer) takeParked(accept func(*group) (ok, later bool)) *group {
	if len(c.parked) == 0 || c.t.err != nil {
		return nil // what an abort took counts as missed
	}
	var found *group
	c.parked = slices.DeleteFunc(c.parked, func(a arrival) bool {
		g := c.t.find(a.sequence)
		after, before := c.sub.admits(a.sequence)
		switch {
		case g.group == nil || g.number != a.number || !after:
			return true
		case found != nil || !before:
			return false
		}
		ok, later := true, false
		if accept != nil {
			ok, later = accept(g.group)
		}
		if ok {
			found = g.group
		}
		return !later
	})
	return found
}

func (c *TrackConsumer) nextGroup(block bool) (*GroupConsumer, bool, <-chan struct{}, error) {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	if c.closed {
		return nil, false, nil, c.gone()
	}
	low := uint64(0)
	if c.last.Set {
		low = c.last.Sequence + 1
	}
	if c.sub.Start.Set {
		low = max(low, c.sub.Start.Sequence)
	}
	t := c.t
	i := t.search(low)
	for i < len(t.sorted) && t.sorted[i].refill {
		i++
	}
	if i == len(t.sorted) {
		// After an abort nothing is cached: what counts is what this reader missed.
		wait, err := c.nothing(block, t.err == nil || t.edge() <= low)
		return nil, false, wait, err
	}
	g := t.sorted[i]
	if _, before := c.sub.admits(g.sequence); !before {
		wait, err := c.nothing(block, false)
		return nil, false, wait, err
	}
	c.last = At(g.sequence)
	return t.read(g.group), true, nil, nil
}

func (c *TrackConsumer) readFrame(block bool) (Frame, bool, <-chan struct{}, error) {
	t := c.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.closed {
		return Frame{}, false, nil, c.gone()
	}
	t.frameReaders.Store(true) // before the look, see wakeFrameReaders
	f, ok, pending := c.takeFrame()
	if ok {
		return f, true, nil, nil
	}
	wait, err := c.nothing(block, !pending && (t.err == nil || c.cursor >= t.shown))
	return Frame{}, false, wait, err
}

// takeFrame looks for the frame that ReadFrame returns; pending tells that a
// group which has none yet may still bring one.
func (c *TrackConsumer) takeFrame() (f Frame, ok, pending bool) {
	ready := func(g *group) (whole, open bool) {
		if c.last.Set && g.sequence <= c.last.Sequence {
			return false, false
		}
		f, whole, open = g.firstWhole(c.t.info.Timescale)
		pending = pending || open
		return whole, open && !whole
	}
	if g := c.takeParked(ready); g != nil {
		c.last = At(g.sequence)
		return f, true, false
	}
	pending = pending || len(c.parked) > 0
	var held []cached
	for _, g := range c.ahead() {
		after, before := c.sub.admits(g.sequence)
		if g.refill {
			continue
		}
		if after && !before {
			held, pending = append(held, g), true
			continue
		}
		whole := false
		if after {
			whole, _ = ready(g.group)
		}
		if whole {
			for _, h := range held {
				c.park(h)
			}
			c.cursor, c.last = g.number+1, At(g.sequence)
			return f, true, false
		}
		if !pending {
			c.cursor = g.number + 1 // nothing can come of it any more
		}
	}
	if !pending && c.t.err == nil {
		c.cursor = c.t.arrived // the rest has been evicted
	}
	return Frame{}, false, pending
}
