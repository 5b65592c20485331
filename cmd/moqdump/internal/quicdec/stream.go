package quicdec

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Limits of one connection.
const (
	maxStreams  = 4096     // open halves in each direction
	maxBuffered = 16 << 20 // bytes of all streams behind gaps
)

// half is one direction of a stream that has not ended.
type half struct {
	reassembler
	id       uint64
	seen     time.Time
	final    uint64 // offset of the FIN
	hasFin   bool
	finished bool   // the FIN was given out
	reset    *frame // a reset whose reliable part is still to come
}

// end is the offset at which nothing more comes, when that is known.
func (h *half) end() (uint64, bool) {
	if h.reset != nil {
		return h.reset.reliable, true
	}
	return h.final, h.hasFin
}

// stuck reports whether something before the end, or before what waits, has not been seen.
func (h *half) stuck() bool {
	end, known := h.end()
	return len(h.segments) > 0 || known && h.next < end
}

// streamSet holds the stream halves of one direction.
type streamSet struct {
	open    map[uint64]*half
	ended   [4]idSet // by the two low bits of the id
	stopped [4]idSet
}

// ids are the open streams in order, so that output does not depend on the order of a map.
func (s *streamSet) ids(want func(*half) bool) []uint64 {
	var out []uint64
	for id, h := range s.open {
		if want(h) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// half is the open half of a stream, or nil when it has ended.
func (c *Conn) half(t time.Time, dir Dir, id uint64) *half {
	s := &c.streams[dir]
	h := s.open[id]
	if h == nil {
		if s.ended[id&3].has(id >> 2) {
			return nil
		}
		if len(s.open) >= maxStreams {
			c.forgetOldest(t, dir)
		}
		if s.open == nil {
			s.open = make(map[uint64]*half)
		}
		h = &half{id: id}
		h.total = &c.buffered
		s.open[id] = h
	}
	h.seen = t
	return h
}

// streamFrame takes a STREAM frame.
func (c *Conn) streamFrame(t time.Time, dir Dir, f *frame) {
	h := c.half(t, dir, f.stream)
	if h == nil {
		return
	}
	if f.fin {
		h.hasFin, h.final = true, f.offset+uint64(len(f.data))
	}
	h.push(t, f.offset, f.data, c.out(t, dir, h))
	c.settle(t, dir, h)
	if c.buffered > maxBuffered {
		c.flushHalf(t, dir, h)
	}
}

// resetFrame takes a RESET_STREAM or RESET_STREAM_AT frame.
func (c *Conn) resetFrame(t time.Time, dir Dir, f *frame) {
	if h := c.half(t, dir, f.stream); h != nil {
		reset := *f
		h.reset = &reset
		c.settle(t, dir, h)
	}
}

func (c *Conn) stopFrame(t time.Time, dir Dir, f *frame) {
	if c.streams[dir].stopped[f.stream&3].add(f.stream >> 2) {
		c.emit(Event{Kind: StopSending, Time: t, Dir: dir, Stream: f.stream, Code: f.code})
	}
}

// out makes the sink of a stream half.
func (c *Conn) out(t time.Time, dir Dir, h *half) sink {
	return func(off uint64, data []byte, gap uint64) {
		switch {
		case h.finished: // beyond the FIN
		case data == nil:
			c.emit(Event{Kind: StreamGap, Time: t, Dir: dir, Stream: h.id, Offset: off, Length: gap})
		default:
			h.finished = h.hasFin && off+uint64(len(data)) >= h.final
			c.emit(Event{Kind: StreamData, Time: t, Dir: dir, Stream: h.id, Offset: off, Data: data, Fin: h.finished})
		}
	}
}

// settle gives the FIN or the reset that everything before it has now reached, and closes the half.
func (c *Conn) settle(t time.Time, dir Dir, h *half) {
	end, known := h.end()
	if !h.finished && (!known || h.next < end) {
		return
	}
	switch {
	case h.finished:
	case h.reset != nil:
		c.emit(Event{
			Kind: StreamReset, Time: t, Dir: dir, Stream: h.id,
			Offset: h.next, Length: h.reset.final, Code: h.reset.code,
		})
	default:
		c.emit(Event{Kind: StreamData, Time: t, Dir: dir, Stream: h.id, Offset: h.next, Fin: true})
	}
	c.closeHalf(dir, h)
}

func (c *Conn) closeHalf(dir Dir, h *half) {
	h.discard()
	s := &c.streams[dir]
	delete(s.open, h.id)
	s.ended[h.id&3].add(h.id >> 2)
}

// flushHalf gives up the gaps of a stream, also the one before its end when that was seen.
func (c *Conn) flushHalf(t time.Time, dir Dir, h *half) {
	h.flush(c.out(t, dir, h))
	if end, known := h.end(); known && !h.finished && h.next < end {
		c.emit(Event{Kind: StreamGap, Time: t, Dir: dir, Stream: h.id, Offset: h.next, Length: end - h.next})
		h.next = end
	}
	c.settle(t, dir, h)
}

// forgetOldest makes room for new streams. It gives up many at once, because it looks at all.
func (c *Conn) forgetOldest(t time.Time, dir Dir) {
	all := slices.SortedFunc(maps.Values(c.streams[dir].open), func(a, b *half) int {
		return cmp.Or(a.seen.Compare(b.seen), cmp.Compare(a.id, b.id))
	})
	for _, h := range all[:maxStreams/8] {
		c.flushHalf(t, dir, h)
		if c.streams[dir].open[h.id] == h {
			c.emit(Event{Kind: StreamForgotten, Time: t, Dir: dir, Stream: h.id, Offset: h.next})
			c.closeHalf(dir, h)
		}
	}
}

// sweep gives up gaps that have been there for too long: what fills them is not in the capture.
func (c *Conn) sweep(t time.Time) {
	if t.Sub(c.swept) < maxGapAge/8 {
		return
	}
	c.swept = t
	for dir := range c.streams {
		c.flushStreams(t, Dir(dir), func(h *half) bool {
			since := h.since
			if len(h.segments) == 0 {
				since = h.seen
			}
			return h.stuck() && t.Sub(since) >= maxGapAge
		})
	}
}

func (c *Conn) flushStreams(t time.Time, dir Dir, want func(*half) bool) {
	for _, id := range c.streams[dir].ids(want) {
		c.flushHalf(t, dir, c.streams[dir].open[id])
	}
}
