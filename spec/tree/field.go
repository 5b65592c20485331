package tree

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/moqrx/moqrx/spec"
)

// kinds are the decoders of fields, by the name of their kind. Each decodes the field at hand and tells
// whether it is known where the next one starts.
var kinds map[string]func(s *state, f *spec.Field) bool

func init() { // since structs hold fields
	kinds = map[string]func(s *state, f *spec.Field) bool{
		"vi": (*state).vi, "option": (*state).vi, "zigzag": (*state).vi, "id-delta": (*state).vi,
		"u8": (*state).fixedField, "u16": (*state).fixedField, "flag": (*state).fixedField,
		"string": (*state).bytesField, "path": (*state).bytesField, "bytes": (*state).bytesField,
		"list": (*state).list, "tuple": (*state).list,
		"data": (*state).data, "rest": (*state).toEnd, "tail": (*state).toEnd,
		"tail-vi": (*state).tailVi, "tail-u8": (*state).tailByte, "tally": (*state).tally, "params": (*state).group, "struct": (*state).group,
	}
}

func known(k spec.Kind) bool {
	if k.Name == "list" && k.Ref != "vi" && k.Ref != "path" {
		return false
	}
	return kinds[k.Name] != nil
}

// fields decodes the lines of a layout, as far as the extent of each is known.
func (s *state) fields(b *spec.Block, header bool) bool {
	for _, f := range b.Fields {
		switch {
		case !f.On.Has(s.version.Number), header && f.Streamed, header && s.heads && f.Kind.Name == "rest":
			continue
		case f.Given:
			s.keep(s.given(f))
			continue
		case f.If != nil && !s.holds(f.If):
			continue
		}
		s.push(step{name: f.Name})
		ok := kinds[f.Kind.Name](s, f)
		s.pop()
		if !ok {
			return false
		}
	}
	for _, r := range b.Refuse {
		if r.On.Has(s.version.Number) && s.all(r.Conds) {
			s.malformed(s.at, s.off, 0, r.Reason, "")
		}
	}
	return true
}

func (s *state) all(conds []*spec.Cond) bool {
	for _, c := range conds {
		if !s.holds(c) {
			return false
		}
	}
	return true
}

func (s *state) holds(c *spec.Cond) bool {
	v := s.get(c.Field)
	holds := v.set
	if len(c.Values) > 0 {
		holds = false
		for _, l := range c.Values {
			holds = holds || l.Low <= v.n && v.n <= l.High
		}
	}
	return holds != c.Not
}

// vi decodes what is one varint.
func (s *state) vi(f *spec.Field) bool {
	n := s.add(f.Name, f)
	at := s.off
	x, ok := s.varint(n)
	if !ok {
		return false
	}
	s.number(n, x)
	switch {
	case len(f.Bits) > 0:
		s.bits(n, f, at, x)
	case f.Kind.Name == "option":
		s.option(n, f, x)
	case f.Kind.Name == "zigzag":
		if n.Name != Omitted {
			n.Value = int64(x>>1) ^ -int64(x&1)
		}
		s.set(f.Name, x, x != 0)
	case f.Kind.Name == "id-delta":
		s.idDelta(n, f, at, x)
	default:
		s.checks(n, f, at, x)
		s.set(f.Name, x, x != 0 || f.Kind.Name == "tail-vi")
	}
	return true
}

func (s *state) option(n *Node, f *spec.Field, x uint64) {
	if x == 0 {
		if n.Name != Omitted {
			n.Value = nil
		}
		n.remark(&absent)
		s.set(f.Name, 0, false)
		return
	}
	s.number(n, x-1)
	s.set(f.Name, x-1, true)
}

// idDelta adds the distance to the id before.
func (s *state) idDelta(n *Node, f *spec.Field, at int, x uint64) {
	id := x
	if prior := s.get(f.Kind.Ref); prior.set {
		id = prior.n + x + 1
		if top := maxVarint(s.version.Vi); prior.n > top || x >= top-prior.n {
			s.malformed(n, at, s.off-at, "an id above the one before, of at most "+strconv.Itoa(bits.Len64(top))+" bits", decimal(x))
		}
	}
	s.number(n, id)
	if n.Name != Omitted {
		n.Code = x
	}
	s.set(f.Name, id, id != 0)
}

// bits takes a bit field apart. Its bits are nodes of size 0.
func (s *state) bits(n *Node, f *spec.Field, at int, x uint64) {
	var mask, fixedMask, fixed uint64
	for _, b := range f.Bits {
		if !b.On.Has(s.version.Number) {
			continue
		}
		mask |= b.Mask
		if b.Name == "" {
			fixedMask |= b.Mask
			fixed |= b.Fixed << bits.TrailingZeros64(b.Mask)
		}
	}
	size := s.off - at
	if x&^mask != 0 || x&fixedMask != fixed {
		s.malformed(n, at, size, f.Name+" bits of this version", hexText(x))
	}
	outer := s.at
	s.at, s.last = n, nil
	for _, b := range f.Bits {
		if !b.On.Has(s.version.Number) || b.Name == "" {
			continue
		}
		v := x & b.Mask >> bits.TrailingZeros64(b.Mask)
		c := s.add(b.Name, nil)
		if c.Name != Omitted {
			c.Offset = at
		}
		if b.Enum == "" && b.Mask&(b.Mask-1) == 0 {
			c.flag(v != 0)
		} else {
			s.number(c, v)
			if !s.name(c, b.Enum, v) && b.Enum != "" && s.family.Enum(b.Enum).Closed {
				s.malformed(n, at, size, "a value of "+b.Enum+" in this version", hexText(x))
			}
		}
		if b.Limit != nil && (v < b.Limit.Low || v > b.Limit.High) {
			s.malformed(n, at, size, b.Name+" of "+limitText(b.Limit), hexText(x))
		}
		s.set(b.Name, v, v != 0)
	}
	s.at, s.last = outer, n
}

// tailVi decodes a varint that may be left out at the end.
func (s *state) tailVi(f *spec.Field) bool {
	if s.off == s.end && s.extent != cut {
		return true
	}
	return s.vi(f)
}

// tailByte decodes a byte that may be left out at the end.
func (s *state) tailByte(f *spec.Field) bool {
	if s.off == s.end && s.extent != cut {
		return true
	}
	if !s.fixedField(f) {
		return false
	}
	s.values[len(s.values)-1].set = true
	return true
}

// fixedField decodes numbers of one and two bytes.
func (s *state) fixedField(f *spec.Field) bool {
	size := 1
	if f.Kind.Name == "u16" {
		size = 2
	}
	n := s.add(f.Name, f)
	at := s.off
	v, ok := s.fixed(n, size)
	if !ok {
		return false
	}
	switch {
	case f.Kind.Name == "flag":
		n.flag(v != 0)
	case len(f.Bits) > 0:
		s.number(n, v)
		s.bits(n, f, at, v)
		return true
	default:
		s.number(n, v)
		s.checks(n, f, at, v)
	}
	s.set(f.Name, v, v != 0)
	return true
}

// checks holds a number against the rules of its line.
func (s *state) checks(n *Node, f *spec.Field, at int, v uint64) {
	bad := func(before, name, behind string) {
		if !s.full() { // else nobody sees the text
			s.malformed(n, at, s.off-at, before+name+behind, decimal(v))
		}
	}
	if l := f.Limit; l != nil && (v < l.Low || v > l.High) {
		bad("", limitText(l), "")
	}
	if f.Enum != "" && !s.name(n, f.Enum, v) && s.family.Enum(f.Enum).Closed {
		bad("a value of ", f.Enum, " in this version")
	}
	if f.NotBelow != "" && v < s.get(f.NotBelow).n {
		bad("at least ", f.NotBelow, "")
	}
	if f.HalfOf != "" && v > s.get(f.HalfOf).n/2 {
		bad("at most half of ", f.HalfOf, "")
	}
	if f.DeltaOf != "" && v > math.MaxUint64-s.get(f.DeltaOf).n {
		bad("a sum with ", f.DeltaOf, " of at most 64 bits")
	}
}

// name notes the name of an enum's value, if this version has one.
func (s *state) name(n *Node, enum string, v uint64) bool {
	if enum == "" {
		return false
	}
	for _, e := range s.family.Enum(enum).Values {
		if e.Value == v && e.On.Has(s.version.Number) {
			n.remark(&e.Name)
			return true
		}
	}
	return false
}

func limitText(l *spec.Limit) string {
	switch {
	case l.High == math.MaxUint64:
		return "at least " + decimal(l.Low)
	case l.Low == l.High:
		return decimal(l.Low)
	case l.Low == 0:
		return "at most " + decimal(l.High)
	}
	return decimal(l.Low) + " to " + decimal(l.High)
}
