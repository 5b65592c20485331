package quicdec

import "time"

// Limits of what waits for secrets.
const (
	maxPending    = 4 << 20  // bytes of one connection
	maxPendingAll = 64 << 20 // bytes of all
	maxOpenWait   = time.Second
)

// Sizes that datagrams of a super-datagram can have (segmentation offload cuts at a path's MTU).
const (
	minSegment = 1100
	maxSegment = 1500
	// maxMisses is how many times in a row no size may fit, until none is looked for any more:
	// the packets are damaged, and the search costs a thousand times what a packet does.
	maxMisses = 64
)

// unknownOffset stands for the place of the packet number behind a connection id never seen before.
const unknownOffset = 0

// pending is a packet whose keys are not there yet.
type pending struct {
	t     time.Time
	dir   Dir
	level level
	pnOff int
	raw   []byte
}

// ready reports whether a packet can be opened now.
func (c *Conn) ready(dir Dir, lvl level) bool {
	st := &c.dirs[dir]
	switch lvl {
	case levelApp:
		return st.app != nil && c.opened
	case levelEarly:
		return st.keys[levelEarly] != nil && c.opened
	}
	return st.keys[lvl] != nil
}

// packet takes one packet, or for levelApp the rest of a datagram that starts with one. It reports
// whether the packet proved to belong to the connection.
func (c *Conn) packet(t time.Time, dir Dir, lvl level, raw []byte, pnOff int) bool {
	c.last = t
	if !c.ready(dir, lvl) {
		c.keep(pending{t: t, dir: dir, level: lvl, pnOff: pnOff, raw: raw})
		c.waitForALPN(t, dir, lvl)
		c.drain()
		return false
	}
	ok := c.process(t, dir, lvl, raw, pnOff)
	c.drain()
	c.sweep(t)
	return ok
}

// waitForALPN ends the wait for a server's answer that must have been lost.
func (c *Conn) waitForALPN(t time.Time, dir Dir, lvl level) {
	if lvl != levelApp || c.dirs[dir].app == nil {
		return
	}
	if c.appSince.IsZero() {
		c.appSince = t
	}
	if t.Sub(c.appSince) > maxOpenWait {
		c.announceGuess()
	}
}

func (c *Conn) keep(p pending) {
	if c.pendingBytes+len(p.raw) > maxPending || c.d.pendingBytes+len(p.raw) > maxPendingAll {
		c.stats.dropped++
		return
	}
	p.raw = append([]byte(nil), p.raw...)
	c.pending = append(c.pending, p)
	c.pendingBytes += len(p.raw)
	c.d.pendingBytes += len(p.raw)
}

// drain opens what waited for the keys that came, in the order of the capture.
func (c *Conn) drain() {
	if c.draining {
		return
	}
	c.draining = true
	defer func() { c.draining = false }()
	for c.dirty {
		c.dirty = false
		waiting := c.pending
		c.pending = nil
		for _, p := range waiting {
			if !c.ready(p.dir, p.level) {
				c.pending = append(c.pending, p)
				continue
			}
			c.pendingBytes -= len(p.raw)
			c.d.pendingBytes -= len(p.raw)
			c.process(p.t, p.dir, p.level, p.raw, p.pnOff)
		}
	}
}

// process opens a packet and goes through its frames.
func (c *Conn) process(t time.Time, dir Dir, lvl level, raw []byte, pnOff int) bool {
	if lvl == levelApp {
		return c.processShort(t, dir, raw, pnOff)
	}
	st := &c.dirs[dir]
	k := st.keys[lvl]
	h, ok := unmask(k.hp, c.d.header, raw, pnOff, st.next[lvl.space()])
	if !ok {
		return c.fail()
	}
	payload, ok := k.open(c.d.plain, raw, h)
	if !ok {
		return c.fail()
	}
	c.accept(t, dir, lvl, h.pn, payload)
	return true
}

// processShort opens the 1-RTT packets of a datagram: one, or several where segmentation offload
// put many datagrams into one record.
func (c *Conn) processShort(t time.Time, dir Dir, raw []byte, pnOff int) bool {
	st := &c.dirs[dir]
	offsets := []int{pnOff}
	if pnOff == unknownOffset {
		offsets = nil
		for _, n := range st.lengths {
			offsets = append(offsets, 1+n)
		}
	}
	for len(raw) > 0 {
		n := 0
		for _, off := range offsets {
			if n = c.oneShort(t, dir, raw, off); n > 0 {
				offsets = []int{off}
				break
			}
		}
		if n == 0 {
			return c.fail()
		}
		raw = raw[n:]
	}
	return true
}

// oneShort opens the packet at the start of raw and returns its size, 0 if it does not open.
func (c *Conn) oneShort(t time.Time, dir Dir, raw []byte, pnOff int) int {
	st := &c.dirs[dir]
	h, ok := unmask(st.app.hp, c.d.header, raw, pnOff, st.next[levelApp.space()])
	if !ok {
		return 0
	}
	payload, n := c.openShort(st, raw, h)
	if n > 0 {
		c.accept(t, dir, levelApp, h.pn, payload)
	}
	return n
}

// openShort finds out where the packet ends and returns its content and its size, 0 for none.
// Only the authentication tag can tell.
func (c *Conn) openShort(st *dirState, raw []byte, h header) ([]byte, int) {
	try := func(n int) []byte {
		if n >= len(h.bytes)+16 && n <= len(raw) {
			if out, ok := st.app.open(c.d.plain, raw[:n], h); ok {
				return out
			}
		}
		return nil
	}
	if st.segment > 0 && len(raw) > st.segment {
		if out := try(st.segment); out != nil {
			return out, st.segment
		}
	}
	if out := try(len(raw)); out != nil {
		if len(raw) <= maxSegment {
			st.segment = max(st.segment, len(raw)) // the likeliest size of what comes bundled
		}
		return out, len(raw)
	}
	if st.misses >= maxMisses {
		return nil, 0
	}
	for n := minSegment; n <= maxSegment && n < len(raw); n++ {
		if out := try(n); out != nil {
			st.segment, st.misses = n, 0
			return out, n
		}
	}
	if len(raw) > minSegment {
		st.misses++
	}
	return nil, 0
}

func (c *Conn) fail() bool {
	c.stats.failed++
	return false
}

// accept takes the content of an authentic packet, unless the capture has the packet twice.
func (c *Conn) accept(t time.Time, dir Dir, lvl level, pn uint64, payload []byte) {
	st := &c.dirs[dir]
	space := lvl.space()
	c.stats.opened++
	if !st.numbers[space].add(pn) {
		return
	}
	if pn >= st.next[space] {
		st.next[space] = pn + 1
	}
	c.payload(t, dir, lvl, payload)
}
