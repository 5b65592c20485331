package quicdec

import (
	"slices"
	"time"
)

// Limits of what waits behind a gap.
const (
	maxBehindGap = 1 << 20
	maxSegments  = 1024
	maxGapAge    = 2 * time.Second
)

// reassembler puts the pieces of one half of a stream in order. It copies only pieces that come
// too early.
type reassembler struct {
	next     uint64 // everything below was delivered or given up
	segments []segment
	buffered int
	total    *int      // buffered bytes of all reassemblers of a connection, or nil
	since    time.Time // when the gap in front became the one that holds things up
}

func (r *reassembler) count(n int) {
	r.buffered += n
	if r.total != nil {
		*r.total += n
	}
}

type segment struct {
	off  uint64
	data []byte
}

func (s segment) end() uint64 { return s.off + uint64(len(s.data)) }

// sink takes what a reassembler gives out: bytes in order, or a gap when data is nil.
type sink func(off uint64, data []byte, gap uint64)

// push takes a piece and delivers what is now in order. It gives gaps up when too much waits.
func (r *reassembler) push(t time.Time, off uint64, data []byte, out sink) {
	if off < r.next {
		if r.next-off >= uint64(len(data)) {
			return
		}
		data = data[r.next-off:]
		off = r.next
	}
	if len(data) == 0 {
		return
	}
	if off > r.next {
		if len(r.segments) == 0 {
			r.since = t
		}
		r.insert(off, data)
		for r.buffered > maxBehindGap || len(r.segments) > maxSegments {
			r.giveUp(out)
		}
		return
	}
	r.next += uint64(len(data))
	out(off, data, 0)
	r.drain(out)
	if len(r.segments) > 0 {
		r.since = t
	}
}

// insert keeps the parts of a piece that are not there yet.
func (r *reassembler) insert(off uint64, data []byte) {
	i, _ := slices.BinarySearchFunc(r.segments, off, func(s segment, off uint64) int {
		if s.end() <= off {
			return -1
		}
		return 1
	})
	for len(data) > 0 {
		part := data
		if i < len(r.segments) {
			s := r.segments[i]
			if s.off <= off {
				have := min(s.end()-off, uint64(len(data)))
				off, data = off+have, data[have:]
				i++
				continue
			}
			part = data[:min(uint64(len(data)), s.off-off)]
		}
		r.segments = slices.Insert(r.segments, i, segment{off, slices.Clone(part)})
		r.count(len(part))
		off, data = off+uint64(len(part)), data[len(part):]
		i++
	}
}

// drain delivers the waiting pieces that are next.
func (r *reassembler) drain(out sink) {
	n := 0
	for n < len(r.segments) && r.segments[n].off <= r.next {
		s := r.segments[n]
		r.segments[n] = segment{}
		r.count(-len(s.data))
		n++
		if skip := r.next - s.off; skip < uint64(len(s.data)) {
			r.next = s.end()
			out(s.off+skip, s.data[skip:], 0)
		}
	}
	r.segments = r.segments[n:]
	if len(r.segments) == 0 {
		r.segments = nil
	}
}

// giveUp declares the first gap lost and delivers what follows it.
func (r *reassembler) giveUp(out sink) {
	if len(r.segments) == 0 {
		return
	}
	from := r.next
	r.next = r.segments[0].off
	out(from, nil, r.next-from)
	r.drain(out)
}

// discard drops what waits.
func (r *reassembler) discard() {
	r.count(-r.buffered)
	r.segments = nil
}

// flush gives up all gaps.
func (r *reassembler) flush(out sink) {
	for len(r.segments) > 0 {
		r.giveUp(out)
	}
}
