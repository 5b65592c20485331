package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Vi names one of the variable-length integers of the protocols.
type Vi uint8

// The kinds of variable-length integer. For values below 64 all are the same single byte.
const (
	// RFC9000 is the QUIC form (RFC 9000, section 16): moq-lite, and moq-transport up to
	// draft 16. The first two bits give 1, 2, 4 or 8 bytes; 62 bits of value.
	RFC9000 Vi = iota
	// Vi64No7 is the leading-ones form of draft-ietf-moq-transport-17, in which the code
	// point of seven bytes (1111110x) is invalid.
	Vi64No7
	// Vi64 is the leading-ones form of drafts 18 and later: as many extra bytes as the
	// first byte has leading ones; the full 64 bits of value.
	Vi64
)

// MaxVarint is the largest value of the QUIC form.
const MaxVarint = 1<<62 - 1

// Max is the largest value that k can carry.
func (k Vi) Max() uint64 {
	if k == RFC9000 {
		return MaxVarint
	}
	return math.MaxUint64
}

// ParseVarint reads one integer of the QUIC form and returns how many bytes it took, or 0
// when b is too short.
func ParseVarint(b []byte) (v uint64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	switch b[0] >> 6 {
	case 0:
		return uint64(b[0]), 1
	case 1:
		if len(b) >= 2 {
			return uint64(binary.BigEndian.Uint16(b)) & 0x3fff, 2
		}
	case 2:
		if len(b) >= 4 {
			return uint64(binary.BigEndian.Uint32(b)) & 0x3fffffff, 4
		}
	default:
		if len(b) >= 8 {
			return binary.BigEndian.Uint64(b) & MaxVarint, 8
		}
	}
	return 0, 0
}

// Parse reads one integer and returns how many bytes it took. n is 0 when b is too short
// and -1 when the first byte is invalid; [Vi.Fault] turns either into an error. Encodings
// that are longer than necessary are accepted.
func (k Vi) Parse(b []byte) (v uint64, n int) {
	if k == RFC9000 {
		return ParseVarint(b)
	}
	if len(b) == 0 {
		return 0, 0
	}
	if b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return k.parse64(b)
}

func (k Vi) parse64(b []byte) (uint64, int) {
	size := k.Size(b[0])
	if size < 0 || len(b) < size {
		return 0, min(size, 0)
	}
	// The 0 bit that ends the run of ones falls out with it; nine bytes have no such bit.
	v := uint64(b[0]) & (0xff >> size)
	for _, c := range b[1:size] {
		v = v<<8 | uint64(c)
	}
	return v, size
}

// Size is the length of the integer that starts with first, or -1 when none does.
func (k Vi) Size(first byte) int {
	if k == RFC9000 {
		return 1 << (first >> 6)
	}
	size := bits.LeadingZeros8(^first) + 1
	if size == 7 && k == Vi64No7 {
		return -1
	}
	return size
}

// Fault is the error of a Parse of b that gave n <= 0.
func (k Vi) Fault(b []byte) *Error {
	if len(b) == 0 {
		return Short(1, 0)
	}
	if size := k.Size(b[0]); size > 0 {
		return Short(size, len(b))
	}
	return MalformedCode("a varint", uint64(b[0]))
}

// AppendVarint writes v in the fewest bytes that the QUIC form has for it. v must not be above
// [MaxVarint]: that is an error of the caller and panics.
func AppendVarint(dst []byte, v uint64) []byte {
	switch {
	case v < 1<<6:
		return append(dst, byte(v))
	case v < 1<<14:
		return append(dst, byte(v>>8)|1<<6, byte(v))
	case v < 1<<30:
		return append(dst, byte(v>>24)|2<<6, byte(v>>16), byte(v>>8), byte(v))
	case v <= MaxVarint:
		return binary.BigEndian.AppendUint64(dst, v|3<<62)
	}
	panic("wire: value above 2^62-1 in a QUIC varint")
}

// Append writes v in the fewest bytes that k has for it. v must not be above [Vi.Max]:
// that is an error of the caller and panics.
func (k Vi) Append(dst []byte, v uint64) []byte {
	if k == RFC9000 {
		return AppendVarint(dst, v)
	}
	if v < 0x80 {
		return append(dst, byte(v))
	}
	return k.append64(dst, v)
}

func (k Vi) append64(dst []byte, v uint64) []byte {
	size := k.Len(v)
	if size == 9 {
		return binary.BigEndian.AppendUint64(append(dst, 0xff), v)
	}
	// size-1 leading ones, then a zero, then the value.
	first := byte(uint(0xff00)>>(size-1)) | byte(v>>(8*(size-1)))
	dst = append(dst, first)
	for i := size - 2; i >= 0; i-- {
		dst = append(dst, byte(v>>(8*i)))
	}
	return dst
}

// Len is how many bytes Append takes for v.
func (k Vi) Len(v uint64) int {
	if k == RFC9000 {
		switch {
		case v < 1<<6:
			return 1
		case v < 1<<14:
			return 2
		case v < 1<<30:
			return 4
		}
		return 8
	}
	size := max(1, (bits.Len64(v)+6)/7)
	if size > 8 {
		return 9
	}
	if size == 7 && k == Vi64No7 {
		return 8
	}
	return size
}
