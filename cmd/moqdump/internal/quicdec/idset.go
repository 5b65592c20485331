package quicdec

import "slices"

// maxSpans bounds an idSet. Above it the two lowest spans become one.
const maxSpans = 4096

// idSet is a set of numbers that mostly follow one another: packet numbers, stream indices.
type idSet struct {
	spans []span // ascending, never adjacent
}

type span struct{ first, last uint64 }

// find is the index of the first span that ends at or after id.
func (s *idSet) find(id uint64) int {
	if n := len(s.spans); n > 0 && s.spans[n-1].last < id {
		return n
	}
	i, _ := slices.BinarySearchFunc(s.spans, id, func(sp span, id uint64) int {
		if sp.last < id {
			return -1
		}
		if sp.last == id {
			return 0
		}
		return 1
	})
	return i
}

func (s *idSet) has(id uint64) bool {
	i := s.find(id)
	return i < len(s.spans) && s.spans[i].first <= id
}

// add puts id into the set and reports whether it was new.
func (s *idSet) add(id uint64) bool {
	i := s.find(id)
	if i < len(s.spans) && s.spans[i].first <= id {
		return false
	}
	below := i > 0 && s.spans[i-1].last+1 == id
	above := i < len(s.spans) && s.spans[i].first == id+1
	switch {
	case below && above:
		s.spans[i-1].last = s.spans[i].last
		s.spans = slices.Delete(s.spans, i, i+1)
	case below:
		s.spans[i-1].last = id
	case above:
		s.spans[i].first = id
	default:
		s.spans = slices.Insert(s.spans, i, span{id, id})
		if len(s.spans) > maxSpans {
			s.spans[1].first = s.spans[0].first
			s.spans = slices.Delete(s.spans, 0, 1)
		}
	}
	return true
}
