package tree

import (
	"math"
	"slices"
	"strconv"

	"github.com/moqrx/moqrx/spec"
)

// maxItem is the longest value of an item, in bytes.
const maxItem = 65535

// items is a key-value list being decoded.
type items struct {
	r     *spec.Registry
	form  string
	scope string
	id    uint64
	seen  [4]uint64 // bits of the lines of r that were met
	other []uint64  // unknown types that were met, where it matters
}

func (s *state) items(r *spec.Registry, scope string) (count uint64, ok bool) {
	it := items{r: r, scope: scope}
	left, counted := uint64(0), false
	for _, l := range r.Layouts {
		if l.On.Has(s.version.Number) {
			it.form, counted = l.Form, l.Extent == "counted"
			if counted {
				if left, ok = s.count(s.at, 0, l.Max); !ok {
					return 0, false
				}
			}
		}
	}
	for {
		if counted && left == count || !counted && s.off == s.end {
			return count, true
		}
		if !s.item(&it) {
			return count + 1, false
		}
		count++
	}
}

// isNumber tells whether the value of a type is a bare number whatever it means.
func (it *items) isNumber() bool {
	return (it.form == "kvp" || it.form == "kvp-delta") && it.id%2 == 0
}

// item decodes one item: its type and its value.
func (s *state) item(it *items) bool {
	x, size, ok := s.peek(s.off)
	if !ok {
		s.fault(s.at, s.off, size)
		return false
	}
	if it.form == "kvp-delta" || it.form == "typed" {
		if x > math.MaxUint64-it.id {
			s.malformed(s.at, s.off, size, "a type of at most 64 bits", decimal(x))
			return false
		}
		x += it.id
	}
	it.id = x
	if i, line := s.lineOf(it); line != nil {
		again := it.seen[i>>6&3]&(1<<(i&63)) != 0 && !line.Repeat
		if !again || it.r.Repeated.Refuse.Has(s.version.Number) {
			it.seen[i>>6&3] |= 1 << (i & 63)
			return s.known(it, line, size, again)
		}
	}
	return s.unknown(it, size)
}

// lineOf finds the line of the type at hand, and its place in the registry.
func (s *state) lineOf(it *items) (int, *spec.Item) {
	for i, line := range it.r.Items {
		if line.ID == it.id && line.On.Has(s.version.Number) {
			return i, line
		}
	}
	return 0, nil
}

// known decodes an item that has a line.
func (s *state) known(it *items, line *spec.Item, typeSize int, again bool) bool {
	s.push(step{name: line.Name})
	defer s.pop()
	n, outer := s.enter(line.Name, &line.Field)
	defer s.leave(n, outer)
	if n.Name != Omitted {
		n.Code = it.id
	}
	at := s.off + typeSize
	if it.misplaced(line, s.version.Number) {
		s.malformed(n, at, 0, "a type that may stand here", hexText(it.id))
	}
	if again {
		s.malformed(n, at, 0, "each type once", hexText(it.id))
	}
	if line.Kind.Name == "struct" || line.Kind.Name == "params" {
		s.number(s.leaf(Type, nil, typeSize), it.id)
		return s.structured(it, line)
	}
	s.off = at
	switch line.Kind.Name {
	case "string", "bytes":
		p, ok := s.bytes(n, maxItem)
		s.checkText(n, line.Kind.Name, at, p)
		return ok
	}
	v, ok := s.numberItem(n, it, line.Kind.Name == "u8")
	if ok {
		s.number(n, v)
		s.checks(n, &line.Field, at, v)
	}
	return ok
}

func knownItem(k spec.Kind) bool {
	switch k.Name {
	case "vi", "u8", "string", "bytes", "struct", "params":
		return true
	}
	return false
}

// misplaced tells whether the item may not stand in this list.
func (it *items) misplaced(line *spec.Item, version int) bool {
	if !it.r.Misplaced.Refuse.Has(version) || len(line.Scopes) == 0 {
		return false
	}
	for _, sc := range line.Scopes {
		if sc.Message == it.scope && sc.On.Has(version) {
			return false
		}
	}
	return true
}

// numberItem decodes the value of an item that is a number: bare, or behind its length.
func (s *state) numberItem(n *Node, it *items, isByte bool) (v uint64, ok bool) {
	at := s.off
	switch {
	case it.form == "typed" && isByte:
		return s.fixed(n, 1)
	case it.form == "typed" || it.isNumber():
		if v, ok = s.varint(n); !ok {
			return 0, false
		}
	default:
		p, ok := s.bytes(n, maxItem)
		if !ok {
			return 0, false
		}
		start := s.off - len(p)
		x, size := varint(s.version.Vi, p)
		switch {
		case size < 0:
			s.malformed(n, start, 1, "a varint", hexText(uint64(p[0])))
		case size > len(p):
			s.malformed(n, start, len(p), bytesText(uint64(size)), strconv.Itoa(len(p)))
		case size < len(p):
			s.malformed(n, start+size, len(p)-size, "the end", bytesText(uint64(len(p)-size))+" more")
		}
		v = x
	}
	if isByte && v > math.MaxUint8 {
		s.malformed(n, at, s.off-at, "at most 255", decimal(v))
	}
	return v, true
}

// structured decodes an item that is a struct or a list of its own.
func (s *state) structured(it *items, line *spec.Item) bool {
	if it.form == "typed" && !line.Kind.Sized {
		return s.content(&line.Field, line.Name)
	}
	around, ok := s.length(maxItem)
	if !ok {
		return false
	}
	whole := s.extent != cut
	if s.content(&line.Field, line.Name) && whole {
		s.trailing()
	} else {
		s.rest()
	}
	s.release(around)
	return whole
}

// unknown decodes an item that the version does not define, if its form says where it ends.
func (s *state) unknown(it *items, typeSize int) bool {
	s.push(step{name: Unknown})
	defer s.pop()
	n := s.leaf(Unknown, nil, typeSize)
	if n.Name != Omitted {
		n.Code = it.id
	}
	switch {
	case it.r.Unknown.Refuse.Has(s.version.Number):
		s.malformed(n, s.off, 0, "a type of this version", hexText(it.id))
	case it.form == "typed":
		s.malformed(n, s.off, 0, "a known type", hexText(it.id))
	}
	if it.form == "typed" {
		return false
	}
	var ok bool
	if it.isNumber() {
		var v uint64
		if v, ok = s.varint(n); ok {
			s.number(n, v)
		}
	} else {
		var p []byte
		p, ok = s.bytes(n, maxItem)
		s.raw(n, p)
	}
	if ok && it.r.UnknownOnce {
		if slices.Contains(it.other, it.id) {
			s.malformed(n, s.off, 0, "each type once", hexText(it.id))
		}
		if len(it.other) == cap(it.other) {
			s.budget -= 2 * 8 * cap(it.other)
		}
		it.other = append(it.other, it.id)
	}
	return ok
}
