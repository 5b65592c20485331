package tree

// extent says what it means that bytes end too early.
type extent int

const (
	open   extent = iota // more may come: short
	closed               // a length says that none will: malformed
	cut                  // it is reported already
)

// enclosure is what the bytes being decoded stand in.
type enclosure struct {
	end    int
	extent extent
}

// peek reads a varint at off without a node.
func (s *state) peek(off int) (v uint64, size int, ok bool) {
	v, size = varint(s.version.Vi, s.src[off:s.end])
	return v, size, size > 0 && off+size <= s.end
}

// varint reads a varint into n, which starts here. It tells whether there was one.
func (s *state) varint(n *Node) (uint64, bool) {
	v, size, ok := s.peek(s.off)
	if !ok {
		s.fault(n, s.off, size)
		return 0, false
	}
	s.off += size
	n.Size = s.off - n.Offset
	return v, true
}

// fault notes what is wrong with a varint at off, of which size is known.
func (s *state) fault(n *Node, off, size int) {
	if size < 0 {
		s.malformed(n, off, 1, "a varint", hexText(uint64(s.src[off])))
		return
	}
	s.short(n, off, uint64(size))
}

// length reads a length in a node of its own, and encloses that many bytes. It gives what enclosed them
// before, for release. ok is false when nothing can be told of the extent.
func (s *state) length(limit uint64) (outer enclosure, ok bool) {
	n := s.add(Length, nil)
	at := s.off
	size, ok := s.varint(n)
	if !ok {
		return outer, false
	}
	s.number(n, size)
	if size > limit {
		s.malformed(n, at, s.off-at, "at most "+bytesText(limit), decimal(size))
	}
	return s.enclose(n, size), true
}

// enclose makes the next size bytes the extent of what is decoded, until release.
func (s *state) enclose(n *Node, size uint64) (outer enclosure) {
	outer = s.enclosure
	inner := enclosure{s.end, cut}
	if left := s.end - s.off; uint64(left) < size {
		s.short(n, s.off, size)
	} else {
		inner = enclosure{s.off + int(size), closed}
	}
	s.enclosure = inner
	return outer
}

func (s *state) release(outer enclosure) { s.enclosure = outer }

// rest puts what is left of the extent into a node, because what stands there is not known.
func (s *state) rest() *Node {
	if s.off == s.end {
		return nil
	}
	n := s.add(Undecoded, nil)
	s.raw(n, s.src[s.off:s.end])
	s.off = s.end
	n.Size = s.off - n.Offset
	return n
}

// trailing notes what a length has too much.
func (s *state) trailing() {
	if s.off == s.end {
		return
	}
	at := s.off
	n := s.rest()
	s.malformed(n, at, s.off-at, "the end", bytesText(uint64(s.off-at))+" more")
}
