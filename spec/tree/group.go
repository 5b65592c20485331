package tree

import (
	"github.com/moqrx/moqrx/spec"
)

// list decodes a count and that many numbers, paths, or lengths with bytes.
func (s *state) list(f *spec.Field) bool {
	n, outer := s.enter(f.Name, f)
	defer s.leave(n, outer)
	if f.Kind.Filling {
		return s.toTheEnd(f, n)
	}
	from := s.off
	count, ok := s.count(n, f.Kind.Low, f.Kind.High)
	if !ok {
		return false
	}
	limit := s.limit(f)
	if f.Kind.Name == "list" {
		limit = uint64(s.end - from)
	}
	total := uint64(0)
	for i := uint64(0); i < count; i++ {
		s.push(step{index: i})
		p, ok := s.element(f, limit-min(limit, total))
		s.pop()
		if f.Kind.Name == "tuple" {
			total += uint64(len(p))
		}
		if !ok {
			return false
		}
	}
	s.set(f.Name, total, count > 0)
	return true
}

// toTheEnd decodes numbers up to the end.
func (s *state) toTheEnd(f *spec.Field, n *Node) bool {
	at, count := s.off, uint64(0)
	for ; s.off < s.end; count++ {
		s.push(step{index: count})
		_, ok := s.element(f, 0)
		s.pop()
		if !ok {
			return false
		}
	}
	if count < f.Kind.Low || count > f.Kind.High {
		s.malformed(n, at, s.off-at, decimal(f.Kind.Low)+" to "+decimal(f.Kind.High)+" elements", decimal(count))
	}
	s.set(f.Name, 0, count > 0)
	return true
}

// count decodes the number of elements of a list. Each takes at least one byte.
func (s *state) count(list *Node, low, high uint64) (uint64, bool) {
	n := s.add(Count, nil)
	at := s.off
	count, ok := s.varint(n)
	if !ok {
		return 0, false
	}
	s.number(n, count)
	if count < low || count > high {
		s.malformed(n, at, s.off-at, decimal(low)+" to "+decimal(high)+" elements", decimal(count))
	}
	if count > uint64(s.end-s.off) {
		s.short(n, s.off, count)
		return 0, false
	}
	return count, true
}

// element decodes one element of a list.
func (s *state) element(f *spec.Field, limit uint64) (p []byte, ok bool) {
	n := s.add(s.elementName(), f)
	if f.Kind.Ref == "vi" {
		x, ok := s.varint(n)
		if ok {
			s.number(n, x)
		}
		return nil, ok
	}
	at := s.off
	p, ok = s.bytes(n, limit)
	if f.Kind.Ref == "path" {
		s.checkText(n, "path", at, p)
		return p, ok
	}
	s.text(n, p)
	if ok && f.Kind.NonEmpty && len(p) == 0 {
		s.malformed(n, at, s.off-at, "at least 1 byte", "none")
	}
	return p, ok
}

// elementName is what the node of the element at hand is called, if there is room for one.
func (s *state) elementName() string {
	if s.budget < nodeCost {
		return Omitted
	}
	s.budget -= indexCost
	return s.path[len(s.path)-1].text()
}

// group decodes a struct or a key-value list, perhaps behind its length.
func (s *state) group(f *spec.Field) bool {
	n, outer := s.enter(f.Name, f)
	defer s.leave(n, outer)
	if !f.Kind.Sized {
		return s.content(f, s.scope)
	}
	around, ok := s.length(s.limit(f))
	if !ok {
		return false
	}
	whole := s.extent != cut
	if s.content(f, s.scope) && whole {
		s.trailing()
	} else {
		s.rest()
	}
	s.release(around)
	return whole
}

// content decodes the fields of a struct, or the items of a list, and notes whether there are any.
func (s *state) content(f *spec.Field, scope string) bool {
	if f.Kind.Name == "params" {
		if f.Kind.Scope != "" {
			scope = f.Kind.Scope
		}
		count, ok := s.items(s.family.Registry(f.Kind.Ref), scope)
		s.set(f.Name, count, count > 0)
		return ok
	}
	b := s.family.Struct(f.Kind.Ref).Layout(s.version.Number)
	outer, from, name := s.base, len(s.values), s.scope
	s.base, s.scope = from, f.Kind.Ref
	ok := s.fields(b, false)
	any := false
	for _, v := range s.values[from:] {
		any = any || v.set
	}
	s.base, s.scope, s.values = outer, name, s.values[:from]
	s.set(f.Name, 0, any)
	return ok
}
