package tree

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// maxVarint is the largest integer of a kind.
func maxVarint(kind string) uint64 {
	if kind == "rfc9000" {
		return 1<<62 - 1
	}
	return math.MaxUint64
}

// varint reads one variable-length integer of a kind that the notation names. n is how many bytes it takes: more
// than there are when b is short, -1 when nothing starts so.
func varint(kind string, b []byte) (v uint64, n int) {
	if len(b) == 0 {
		return 0, 1
	}
	if kind == "rfc9000" {
		n = 1 << (b[0] >> 6)
	} else if n = bits.LeadingZeros8(^b[0]) + 1; n == 7 && kind == "vi64-no7" {
		return 0, -1
	}
	if n > len(b) {
		return 0, n
	}
	switch {
	case n == 9:
		return binary.BigEndian.Uint64(b[1:]), n
	case kind == "rfc9000":
		v = uint64(b[0] & 0x3f)
	default:
		v = uint64(b[0]) & (0xff >> n)
	}
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}
