package tree

import (
	"errors"
	"math"
	"math/bits"
	"slices"

	"github.com/moqrx/moqrx/spec"
)

// Side decodes what one side of a stream sends, message after message, for callers who get it in
// pieces. It is for one goroutine.
type Side struct {
	d       *Decoder
	list    []*spec.Message // that may stand here
	choice  string          // what the spec calls the choice between them
	more    bool            // some of them may come behind the first
	history []past
	before  []string
}

// Part is the next thing on a stream: a message, or what was found in its place.
type Part struct {
	Tree // its offsets count from the start of the message
	// More: the bytes are too few to tell. Nothing else holds then but Err, which says what is missing,
	// and Need: with fewer bytes than that it is no use to try again.
	More bool
	Need uint64
	// Whole: the next message starts behind the tree and Bulk. Where it is false nobody knows.
	Whole bool
	// Bulk is how many bytes of payload, which the tree leaves out, follow it; [Endless] for all that come.
	Bulk uint64
	// Size is how many bytes stand in front of Bulk.
	Size int
	// Message is the name of the message; empty where its type is not known.
	Message string
}

// Endless is the Bulk of a message that goes on to the end of its stream.
const Endless = math.MaxUint64

// Side starts at the beginning of a side of a stream, behind the type of the stream.
func (d *Decoder) Side(stream, role string) *Side {
	sd := &Side{d: d, list: d.at(stream, role)}
	for _, m := range sd.list {
		for _, p := range m.Layout(d.version.Number).Places {
			here := p.Stream == stream && (p.Role == role || p.Role == "either") && p.On.Has(d.version.Number)
			sd.more = sd.more || here && !p.First
		}
	}
	for _, ch := range d.family.Choices {
		if ch.Stream == stream && (ch.Role == role || ch.Role == "either") && ch.On.Has(d.version.Number) {
			sd.choice = ch.Name
		}
	}
	return sd
}

// Over tells whether nothing more may come.
func (sd *Side) Over() bool { return len(sd.list) == 0 || len(sd.before) > 0 && !sd.more }

// Next decodes the message at the start of src. Unless there is too little of it, the next call is about what
// follows: the caller passes over Size and Bulk bytes.
func (sd *Side) Next(src []byte, given ...Given) Part {
	s := sd.d.start(src)
	s.place, s.heads, s.choice = true, true, sd.choice
	s.history, s.before = slices.Clone(sd.history), slices.Clone(sd.before)
	for _, g := range given {
		s.recall(past{value: value{name: g.Field, n: g.Value, set: g.Set}})
	}
	s.oneOf(sd.list, len(sd.before) == 0)
	p := Part{Tree: *s.tree, Size: s.off, Bulk: s.bulk, Whole: s.whole}
	if p.Root = s.at.first; p.Root == nil {
		p.Root = s.at
	}
	if p.Root.Name != Undecoded {
		p.Message = p.Root.Name
	}
	if p.More = s.wantsMore(); p.More {
		p.Need = max(s.need, uint64(len(src))+1)
		return p
	}
	sd.before = s.before
	if len(sd.before) == 0 {
		sd.before = append(sd.before, "") // the first has passed, whatever it was
	}
	sd.history = slices.DeleteFunc(s.history, func(h past) bool { return h.from == "" })
	return p
}

// wantsMore tells whether further bytes can change what was decoded. A message that is wrong is not waited for,
// but for one of unknown type, whose length says where the next one is.
func (s *state) wantsMore() bool {
	for i, e := range s.tree.Errors {
		switch {
		case errors.Is(e, ErrShort):
			return true
		case i > 0 || e.Field != Type:
			return false
		}
	}
	return false
}

// Stream tells which stream begins with src, by its type or by its first message. n is how many bytes the type
// takes where it is written by itself. The error is short where there are too few bytes.
func (d *Decoder) Stream(kind string, src []byte) (st *spec.Stream, n int, e *Error) {
	fail := func(kind error, expected, found string) *Error {
		return &Error{Kind: kind, Version: d.version.Name, Field: "Stream Type", Size: n, Expected: expected, Found: found}
	}
	x, n := varint(d.version.Vi, src)
	switch {
	case n < 0:
		return nil, 1, fail(ErrMalformed, "a varint", hexText(uint64(src[0])))
	case n > len(src):
		return nil, n, fail(ErrShort, bytesText(uint64(n)), decimal(uint64(len(src))))
	}
	var plain, other *spec.Stream
	typed := false
	for _, st := range d.family.Streams {
		has := st.On.Has(d.version.Number) && len(d.at(st.Name, "either")) > 0
		switch {
		case st.Kind != kind:
		case st.Typed && st.Code == x && has:
			return st, n, nil
		case st.Typed && st.Code == x:
			other = st
		case !st.Typed && has && d.starts(st, x):
			return st, 0, nil
		case !st.Typed && has && plain == nil:
			plain = st
		}
		typed = typed || st.Typed && has
	}
	switch {
	case other != nil && !other.On.Has(d.version.Number):
		return nil, n, fail(ErrUnsupported, "what "+d.version.Name+" has", "stream type "+other.Name)
	case plain != nil && !typed && kind == "bidi": // a wrong message on a stream that takes any
		return plain, 0, nil
	}
	return nil, n, fail(ErrMalformed, "a known stream type", hexText(x))
}

// starts tells whether x, which comes first on a stream, is the type of a message that may open it: on a
// unidirectional one only the first of the spec, since the types of others may be those of other streams.
func (d *Decoder) starts(st *spec.Stream, x uint64) bool {
	list := d.at(st.Name, "opener")
	if st.Kind == "uni" {
		list = list[:min(1, len(list))]
	}
	for _, m := range list {
		b := m.Layout(d.version.Number)
		for _, c := range b.Types() {
			if c.On.Has(d.version.Number) && c.Value == x {
				return true
			}
		}
		if len(b.Codes) == 0 && len(b.Fields) > 0 && d.fits(b.Fields[0], x) {
			return true
		}
	}
	return false
}

// fits tells whether x has the fixed bits of a field, and no others.
func (d *Decoder) fits(f *spec.Field, x uint64) bool {
	var mask uint64
	for _, b := range f.Bits {
		if !b.On.Has(d.version.Number) {
			continue
		}
		mask |= b.Mask
		if b.Name == "" && x&b.Mask != b.Fixed<<bits.TrailingZeros64(b.Mask) {
			return false
		}
	}
	return mask != 0 && x&^mask == 0
}

// bulkOf finds the payload that the message at hand leaves to the caller.
func (s *state) bulkOf(b *spec.Block) uint64 {
	for _, f := range b.Fields {
		switch {
		case !f.On.Has(s.version.Number) || f.If != nil && !s.holds(f.If):
		case f.Streamed:
			return s.get(f.Kind.Ref).n
		case f.Kind.Name == "rest":
			return Endless
		}
	}
	return 0
}
