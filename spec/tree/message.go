package tree

import (
	"slices"
	"strings"

	"github.com/moqrx/moqrx/spec"
)

// message decodes a message and tells whether it is known where the next one starts.
func (s *state) message(m *spec.Message, header bool) bool {
	s.msg = m.Name
	if header && !s.heads {
		s.msg += "_HEADER"
	}
	s.whole, s.bulk = false, 0
	s.scope = m.Name
	n, outer := s.enter(s.msg, nil)
	defer s.leave(n, outer)
	b := m.Layout(s.version.Number)
	if b == nil {
		s.fail(n, ErrUnsupported, s.off, 0, "", "")
		return false
	}
	s.values, s.base, s.path = s.values[:0], 0, s.path[:0]
	if b.Framing == spec.Unframed {
		header = header || s.heads
		ok := s.messageType(b) && s.fields(b, header)
		switch {
		case !ok:
			s.rest()
		case s.heads:
			s.bulk = s.bulkOf(b)
		case len(b.Places) == 1 && b.Places[0].Stream == "datagram":
			s.trailing()
		}
		s.remember()
		s.whole = ok
		return ok
	}
	around, ok := s.framing(b)
	if !ok {
		s.rest()
		return false
	}
	whole := s.extent != cut
	if s.fields(b, header) {
		s.trailing()
	} else {
		s.rest()
	}
	s.remember()
	s.release(around)
	s.whole = whole
	return whole
}

// messageType decodes the type of a message, if this version writes one.
func (s *state) messageType(b *spec.Block) bool {
	code, ok := s.code(b)
	if !ok {
		return true
	}
	s.push(step{name: Type})
	defer s.pop()
	n := s.add(Type, nil)
	x, ok := s.varint(n)
	if !ok {
		return false
	}
	if s.number(n, x); !s.begins(b, x) {
		s.malformed(n, n.Offset, n.Size, hexText(code), hexText(x))
	}
	return true
}

// framing decodes the type and the length of a message.
func (s *state) framing(b *spec.Block) (outer enclosure, ok bool) {
	if !s.messageType(b) {
		return outer, false
	}
	s.push(step{name: Length})
	n := s.add(Length, nil)
	size, ok := s.bodyLength(n, b.Framing, s.family.BodyLimit(b))
	s.pop()
	if !ok {
		return outer, false
	}
	return s.enclose(n, size), true
}

func (s *state) bodyLength(n *Node, how spec.Framing, limit int) (size uint64, ok bool) {
	at := s.off
	if how == spec.LengthU16 {
		if size, ok = s.fixed(n, 2); !ok {
			return 0, false
		}
	} else {
		if size, ok = s.varint(n); !ok {
			return 0, false
		}
		if size > uint64(limit) {
			s.malformed(n, at, s.off-at, "a message of at most "+bytesText(uint64(limit)), decimal(size))
		}
	}
	s.number(n, size)
	return size, true
}

// fixed reads a big-endian number of size bytes into n.
func (s *state) fixed(n *Node, size int) (v uint64, ok bool) {
	if s.end-s.off < size {
		s.short(n, s.off, uint64(size))
		return 0, false
	}
	for _, c := range s.src[s.off : s.off+size] {
		v = v<<8 | uint64(c)
	}
	s.off += size
	n.Size = s.off - n.Offset
	return v, true
}

// remember keeps what messages further on the stream take over.
func (s *state) remember() {
	if s.place && !slices.Contains(s.before, s.msg) {
		s.before = append(s.before, s.msg)
	}
	for _, v := range s.values {
		if v.given || !slices.Contains(s.handed, v.name) {
			continue
		}
		i := slices.IndexFunc(s.history, func(h past) bool { return h.name == v.name && h.from == s.msg })
		if i < 0 {
			s.recall(past{v, s.msg})
		} else {
			s.history[i].value = v
		}
	}
}

// origins are the names of the fields of earlier messages that a given field may stand for: its own, and
// that without "Has" or "Prior" in front.
func origins(name string) []string {
	list := []string{name}
	for _, prefix := range []string{"Has ", prior} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			list = append(list, rest)
		}
	}
	return list
}

const prior = "Prior "

// given is the value of a field that is not on the wire: what the caller gave, or what a message before
// had. What it "has" another message said; only what is "prior" may stand in one like itself.
func (s *state) given(f *spec.Field) value {
	if f.Name == "First" && s.place {
		first := !slices.Contains(s.before, s.msg)
		return value{name: f.Name, n: map[bool]uint64{true: 1}[first], set: first, given: true}
	}
	before := strings.HasPrefix(f.Name, prior)
	for _, name := range s.origins[f] {
		for _, h := range s.history {
			if h.name != name || h.from == s.msg && !before {
				continue
			}
			// An id of 0 before is one that was there.
			set := h.set || name != f.Name && before
			return value{name: f.Name, n: h.n, set: set, given: true}
		}
	}
	return value{name: f.Name, given: true}
}

// streamType decodes the type in front of a stream.
func (s *state) streamType(kind *spec.Stream) {
	s.msg = kind.Name
	n := s.add("Stream Type", nil)
	x, ok := s.varint(n)
	if !ok {
		s.rest()
		return
	}
	s.number(n, x)
	n.remark(&kind.Name)
	if x != kind.Code {
		s.malformed(n, n.Offset, n.Size, hexText(kind.Code), hexText(x))
	}
}

// code is the type of a message in this version, if it has one.
func (s *state) code(b *spec.Block) (uint64, bool) {
	for _, c := range b.Codes {
		if c.On.Has(s.version.Number) {
			return c.Value, true
		}
	}
	return 0, false
}

// begins tells whether x is a type of b in this version.
func (s *state) begins(b *spec.Block, x uint64) bool {
	return slices.ContainsFunc(b.Types(), func(c spec.Code) bool { return c.Value == x && c.On.Has(s.version.Number) })
}

// oneOf decodes the next message of a place. Messages without a type stand in the order of the
// spec, the last of them over and over; the others are told apart by their type.
func (s *state) oneOf(list []*spec.Message, first bool) {
	var plain *spec.Message
	if len(list) > 0 {
		plain = list[0]
	}
	typed := false
	for i, m := range list {
		b := m.Layout(s.version.Number)
		code, ok := s.code(b)
		if x, _, there := s.peek(s.off); first && ok && b.Framing == spec.Unframed && there && x == code {
			plain = m // so that no length can be taken for this type
			break
		}
		switch {
		case ok:
			typed = true
			if plain == m {
				plain = nil
			}
		case !first && i > 0:
			plain = m
		}
	}
	if !first && typed && len(list) > 0 && plain == list[0] {
		plain = nil // it was the first
	}
	if plain == nil {
		s.choose(list, s.choice)
		return
	}
	if !s.message(plain, false) {
		s.rest()
	}
}

// choose decodes the message whose type comes next.
func (s *state) choose(list []*spec.Message, name string) {
	x, size, ok := s.peek(s.off)
	for _, m := range list {
		if ok && s.begins(m.Layout(s.version.Number), x) {
			if !s.message(m, false) {
				s.rest()
			}
			return
		}
	}
	s.msg, s.path = name, append(s.path[:0], step{name: Type})
	n, outer := s.enter(Undecoded, nil)
	defer s.leave(n, outer)
	if !ok {
		s.fault(n, s.off, size)
	} else {
		s.malformed(n, s.off, size, "a type of this version", hexText(x))
		s.skip(size)
	}
	if s.family.Framing == "" || !ok {
		s.rest()
	}
}

// skip passes over a message of unknown type, whose length is where that of all messages is.
func (s *state) skip(typeSize int) {
	s.leaf(Type, nil, typeSize)
	s.path[0] = step{name: Length}
	n := s.add(Length, nil)
	size, ok := s.bodyLength(n, s.family.Framing, s.family.MaxBody)
	if !ok {
		s.rest()
		return
	}
	outer := s.enclose(n, size)
	s.whole = s.extent != cut && size <= uint64(s.family.MaxBody)
	s.rest()
	s.release(outer)
}
