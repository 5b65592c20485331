package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// Optional is a value that may be absent.
type Optional[T any] struct {
	Value T
	Set   bool
}

// Some is an Optional that is set.
func Some[T any](v T) Optional[T] { return Optional[T]{Value: v, Set: true} }

// Unzigzag maps 0, 1, 2, 3, ... to 0, -1, 1, -2, ...
func Unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// Zigzag is the inverse of Unzigzag: numbers near zero, of either sign, become small.
func Zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }

// OptionOf reads the "value plus one, zero is absent" form of moq-lite group bounds.
func OptionOf(v uint64) Optional[uint64] {
	if v == 0 {
		return Optional[uint64]{}
	}
	return Some(v - 1)
}

// OptionValue is the inverse of OptionOf. A value that is set has to leave room for the one.
func OptionValue(o Optional[uint64]) uint64 {
	if !o.Set {
		return 0
	}
	return o.Value + 1
}

// ParseU16 reads two bytes, big endian.
func ParseU16(b []byte) (uint16, int, *Error) {
	if len(b) < 2 {
		return 0, 0, Short(2, len(b))
	}
	return binary.BigEndian.Uint16(b), 2, nil
}

// AppendFlag writes 1 for true and 0 for false.
func AppendFlag(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// ParseBytes reads a length and that many bytes, at most limit. The result aliases b.
func (k Vi) ParseBytes(b []byte, limit int) (p []byte, n int, e *Error) {
	size, n := k.Parse(b)
	if n <= 0 {
		return nil, 0, k.Fault(b)
	}
	if size > uint64(limit) {
		return nil, 0, MalformedNumber("at most "+plural(limit, "byte"), size)
	}
	if uint64(len(b)-n) < size {
		return nil, 0, Short(int(size), len(b)-n).At("", n)
	}
	return b[n : n+int(size)], n + int(size), nil
}

// AppendBytes writes the length of p and p.
func (k Vi) AppendBytes(dst, p []byte, limit int) ([]byte, *Error) {
	if len(p) > limit {
		return dst, MalformedNumber("at most "+plural(limit, "byte"), uint64(len(p)))
	}
	return append(k.Append(dst, uint64(len(p))), p...), nil
}

// CloneBytes copies p and keeps the difference between nil and empty that the generated
// structs need: a part that was there is never nil.
func CloneBytes(p []byte) []byte { return append([]byte{}, p...) }

// ParseText reads a length and that many bytes of any kind into a string of its own.
func (k Vi) ParseText(b []byte, limit int) (s string, n int, e *Error) {
	p, n, e := k.ParseBytes(b, limit)
	return string(p), n, e
}

// AppendText writes the length of s and s.
func (k Vi) AppendText(dst []byte, s string, limit int) ([]byte, *Error) {
	if len(s) > limit {
		return dst, MalformedNumber("at most "+plural(limit, "byte"), uint64(len(s)))
	}
	return append(k.Append(dst, uint64(len(s))), s...), nil
}

// ShortData is the error of bytes whose number, size, stood in an earlier field, and of which b is all there is.
func ShortData(b []byte, size uint64) *Error {
	return Short(int(min(size, math.MaxInt32)), len(b))
}

// ParseString reads a length and that many bytes of UTF-8.
func (k Vi) ParseString(b []byte, limit int) (s string, n int, e *Error) {
	p, n, e := k.ParseBytes(b, limit)
	if e != nil {
		return "", 0, e
	}
	if !utf8.Valid(p) {
		return "", 0, Malformed("UTF-8", "other bytes").At("", n-len(p))
	}
	return string(p), n, nil
}

// AppendString writes the length of s and s, which must be UTF-8.
func (k Vi) AppendString(dst []byte, s string, limit int) ([]byte, *Error) {
	if len(s) > limit {
		return dst, MalformedNumber("at most "+plural(limit, "byte"), uint64(len(s)))
	}
	if !utf8.ValidString(s) {
		return dst, Malformed("UTF-8", "other bytes")
	}
	return append(k.Append(dst, uint64(len(s))), s...), nil
}

// Body is the extent of a message whose length comes first: off is where the fields start,
// end where they stop. Lengths above limit are malformed, so that nobody waits for them.
// Generated code does the same in line and comes here for the error.
func (k Vi) Body(src []byte, at, limit int) (off, end int, e *Error) {
	size, n := k.Parse(src[at:])
	if n <= 0 {
		return 0, 0, k.Fault(src[at:]).At("Length", at)
	}
	off = at + n
	if size > uint64(limit) {
		return 0, 0, MalformedNumber("a message of at most "+plural(limit, "byte"), size).At("Length", at)
	}
	end = off + int(size)
	if end > len(src) {
		return 0, 0, shortBody(off, end, len(src))
	}
	return off, end, nil
}

// BodyU16 is Body for lengths of two bytes, big endian.
func BodyU16(src []byte, at int) (off, end int, e *Error) {
	size, n, e := ParseU16(src[at:])
	if e != nil {
		return 0, 0, e.At("Length", at)
	}
	off = at + n
	end = off + int(size)
	if end > len(src) {
		return 0, 0, shortBody(off, end, len(src))
	}
	return off, end, nil
}

func shortBody(off, end, have int) *Error {
	e := Short(end-off, have-off)
	e.Offset, e.Need = off, end
	return e
}

// ShortBody is how long a body is at most whose length takes one byte, in all forms.
const ShortBody = 0x3f

// EndBody writes the length in front of the body that starts one byte after mark: the byte
// at mark was left for it. A body of more than [ShortBody] bytes has to move.
func (k Vi) EndBody(dst []byte, mark, limit int) ([]byte, *Error) {
	size := len(dst) - mark - 1
	if size <= ShortBody {
		dst[mark] = byte(size)
		return dst, nil
	}
	if size > limit {
		return dst, MalformedNumber("a message of at most "+plural(limit, "byte"), uint64(size))
	}
	var room [8]byte
	extra := k.Len(uint64(size)) - 1
	dst = append(dst, room[:extra]...)
	copy(dst[mark+1+extra:], dst[mark+1:mark+1+size])
	k.Append(dst[:mark], uint64(size))
	return dst, nil
}

// EndBodyU16 is EndBody for a length of two bytes, for which two bytes were left at mark.
func EndBodyU16(dst []byte, mark int) ([]byte, *Error) {
	size := len(dst) - mark - 2
	if size > 0xffff {
		return dst, MalformedNumber("a message of at most 65535 bytes", uint64(size))
	}
	binary.BigEndian.PutUint16(dst[mark:], uint16(size))
	return dst, nil
}

// NextID is the id that stands delta behind prior on a stream: the first is absolute, the
// following skip over delta ids. It is not ok when k cannot write it; [Vi.IDFault] says so.
func (k Vi) NextID(prior Optional[uint64], delta uint64) (id uint64, ok bool) {
	if !prior.Set {
		return delta, true
	}
	id = prior.Value + delta + 1
	return id, id > prior.Value && id <= k.Max()
}

// IDDelta is the inverse of NextID: ids ascend.
func (k Vi) IDDelta(prior Optional[uint64], id uint64) (delta uint64, ok bool) {
	if !prior.Set {
		return id, id <= k.Max()
	}
	return id - prior.Value - 1, id > prior.Value && id <= k.Max()
}

// IDFault is the error of an id, or of the step to it, that is not ok.
func (k Vi) IDFault(n uint64) *Error {
	return MalformedNumber("an id above the one before, of at most "+strconv.Itoa(bits.Len64(k.Max()))+" bits", n)
}
