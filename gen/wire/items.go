package wire

import (
	"math"
	"slices"
	"unicode/utf8"
)

// Form says how the items of a key-value list are written.
type Form uint8

// The forms of key-value lists. A list stands behind its count, behind its length in bytes,
// or fills what holds it; that is not part of the form.
const (
	// TLV is type, length, value (moq-lite SETUP).
	TLV Form = iota
	// KVP is a type, then an integer when the type is even, or a length and bytes when it is
	// odd (draft-ietf-moq-transport-14 and 15).
	KVP
	// KVPDelta is KVP with each type as the difference to the one before (draft 16 and later).
	KVPDelta
	// Typed has types as in KVPDelta, and each value in the encoding that the definition of
	// the type gives it (message parameters of draft 17 and later).
	Typed
)

// MaxItemBytes is the longest value of a key-value pair.
const MaxItemBytes = 65535

// Param is an item that the generated code has no field for. It is kept, so that what is
// read can be written again.
type Param struct {
	ID     uint64
	Number uint64 // the value of an even type in the KVP forms; else 0
	Value  []byte // the value of any other item; nil for an integer
}

// isNumber tells whether the value of a type is a bare integer. In the Typed form it never
// is for an unknown type: its extent cannot be known.
func (f Form) isNumber(id uint64) bool { return (f == KVP || f == KVPDelta) && id%2 == 0 }

// Items reads a key-value list. Make one with [Vi.Items] or [Vi.ItemsToEnd], and call Next
// and then exactly one of the value methods until Next says there is no more. All offsets of
// its errors are relative to the start of the list.
type Items struct {
	ID uint64 // of the item that Next found

	vi        Vi
	form      Form
	b         []byte
	off       int
	left      int // items to come; -1 when the list ends with its bytes
	done      int // items that Next found
	unordered bool
	end       int // of the value that Open opened
}

// Items starts a list that stands behind its count, at most limit items long.
func (k Vi) Items(b []byte, form Form, limit uint64) (Items, *Error) {
	count, n, e := k.ParseCount(b, 0, limit)
	return Items{vi: k, form: form, b: b, off: n, left: count}, e
}

// ItemsToEnd starts a list that fills b.
func (k Vi) ItemsToEnd(b []byte, form Form) Items {
	return Items{vi: k, form: form, b: b, left: -1}
}

// Len is how many bytes the items so far took.
func (it *Items) Len() int { return it.off }

// Unordered tells whether some type so far was below the one before it.
func (it *Items) Unordered() bool { return it.unordered }

// Next reads the type of the next item, if there is one, into ID.
func (it *Items) Next() (bool, *Error) {
	if it.left == 0 || it.left < 0 && it.off == len(it.b) {
		return false, nil
	}
	if it.left > 0 {
		it.left--
	}
	id, n := it.vi.Parse(it.b[it.off:])
	if n <= 0 {
		return false, it.vi.Fault(it.b[it.off:]).At("", it.off)
	}
	if it.form == KVPDelta || it.form == Typed {
		if id > math.MaxUint64-it.ID {
			return false, MalformedNumber("a type of at most 64 bits", id).At("", it.off)
		}
		id += it.ID
	}
	it.unordered = it.unordered || it.done > 0 && id < it.ID
	it.ID = id
	it.off += n
	it.done++
	return true, nil
}

// AppendItem puts an item that it has read behind list. A list that becomes long gets room for all that
// is left at once: to grow it by and by would take several times the memory, and many items have two bytes.
func AppendItem[T any](it *Items, list []T, x T) []T {
	if len(list) == cap(list) && len(list) >= 8 {
		list = slices.Grow(list, 1+it.count())
	}
	return append(list, x)
}

// count is how many items are left at most, up to one that is wrong.
func (it *Items) count() int {
	if it.left >= 0 {
		return it.left
	}
	rest, n := *it, 0
	for more, e := rest.Next(); more && e == nil && rest.skip() == nil; more, e = rest.Next() {
		n++
	}
	return n
}

// Number reads an integer value.
func (it *Items) Number() (uint64, *Error) {
	if it.form == Typed || it.form.isNumber(it.ID) {
		v, n := it.vi.Parse(it.b[it.off:])
		if n <= 0 {
			return 0, it.vi.Fault(it.b[it.off:]).At("", it.off)
		}
		it.off += n
		return v, nil
	}
	p, e := it.Bytes()
	if e != nil {
		return 0, e
	}
	start := it.off - len(p)
	v, n := it.vi.Parse(p)
	if n <= 0 {
		return 0, it.vi.Fault(p).Closed().wrongValue().At("", start)
	}
	if n < len(p) {
		return 0, Trailing(len(p)-n).wrongValue().At("", start+n)
	}
	return v, nil
}

// Byte reads a value of eight bits: one byte in the Typed form, an integer in the others.
func (it *Items) Byte() (uint8, *Error) {
	at := it.off
	if it.form == Typed {
		if at == len(it.b) {
			return 0, Short(1, 0).At("", at)
		}
		it.off++
		return it.b[at], nil
	}
	v, e := it.Number()
	if e == nil && v > math.MaxUint8 {
		e = MalformedNumber("at most 255", v).At("", at)
	}
	return uint8(v), e
}

// Bytes reads a value that stands behind its length. The result aliases the list.
func (it *Items) Bytes() ([]byte, *Error) {
	p, n, e := it.vi.ParseBytes(it.b[it.off:], MaxItemBytes)
	if e != nil {
		return nil, e.At("", it.off)
	}
	it.off += n
	return p, nil
}

// Text reads UTF-8 that stands behind its length.
func (it *Items) Text() (string, *Error) {
	p, e := it.Bytes()
	if e == nil && !utf8.Valid(p) {
		e = Malformed("UTF-8", "other bytes").wrongValue().At("", it.off-len(p))
	}
	return string(p), e
}

// Open gives the bytes of a structured value and where they start. In the Typed form a value
// that is not sized has no length in front: the bytes go on to the end of the list. [Items.Close] says
// how many of them the value took.
func (it *Items) Open(sized bool) (p []byte, at int, e *Error) {
	if it.form == Typed && !sized {
		it.end = -1
		return it.b[it.off:], it.off, nil
	}
	if p, e = it.Bytes(); e != nil {
		return nil, 0, e
	}
	it.end = it.off
	it.off -= len(p)
	return p, it.off, nil
}

// Close ends the value that Open began: it took n bytes. A length that says more is malformed.
func (it *Items) Close(n int) *Error {
	it.off += n
	if it.end >= 0 && it.off != it.end {
		return Trailing(it.end-it.off).wrongValue().At("", it.off)
	}
	return nil
}

// Fault is the error e of what parses the value that Open gave: in a value with a length of its own,
// what is short stays short.
func (it *Items) Fault(e *Error) *Error {
	if it.end < 0 {
		return e
	}
	return e.Closed().wrongValue()
}

// Order lists the types of the items so far when some was below the one before it; else nil.
func (it *Items) Order() []uint64 {
	if !it.unordered {
		return nil
	}
	again := Items{vi: it.vi, form: it.form, b: it.b[:it.off], left: -1}
	if it.left >= 0 {
		_, again.off = it.vi.Parse(it.b)
	}
	ids := make([]uint64, 0, it.done)
	for {
		more, e := again.Next()
		if e != nil || !more {
			return ids
		}
		ids = append(ids, again.ID)
		if e := again.skip(); e != nil {
			return ids
		}
	}
}

// skip passes over the value of an item of a form in which the type tells its extent.
func (it *Items) skip() (e *Error) {
	if it.form.isNumber(it.ID) {
		_, e = it.Number()
	} else {
		_, e = it.Bytes()
	}
	return e
}

// Param reads an item of unknown type. Its Value is a copy. In the Typed form such an item
// is malformed, since nothing says where it ends.
func (it *Items) Param() (Param, *Error) {
	p := Param{ID: it.ID}
	var e *Error
	switch {
	case it.form == Typed:
		return p, MalformedCode("a known type", it.ID).At("", it.off)
	case it.form.isNumber(it.ID):
		p.Number, e = it.Number()
	default:
		var b []byte
		b, e = it.Bytes()
		p.Value = CloneBytes(b)
	}
	return p, e
}
