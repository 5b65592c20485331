package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
)

// OriginID identifies one origin (a publisher or a relay) in hop chains. 0 means
// unknown: legal from a peer, never the same as any other, never a loop.
type OriginID uint64

// maxVarint is the largest number that a 62-bit QUIC varint carries.
const maxVarint = 1<<62 - 1

// NewOriginID checks an id for a local origin: ErrBoundsExceeded for 0 and for
// 2^62 and above, which the wire cannot carry.
func NewOriginID(v uint64) (OriginID, error) {
	if v == 0 || v > maxVarint {
		return 0, fmt.Errorf("origin id %d: must be in 1..2^62-1: %w", v, ErrBoundsExceeded)
	}
	return OriginID(v), nil
}

// RandomOriginID returns an id in 1..2^53-1, small enough for peers that keep
// ids in a double.
func RandomOriginID() OriginID {
	return OriginID(1 + rand.Uint64N(1<<53-1))
}

// String returns the decimal number.
func (id OriginID) String() string { return strconv.FormatUint(uint64(id), 10) }

// MaxHops is the most entries a hop chain may have.
const MaxHops = 32

// OriginList is a hop chain, oldest first: the original publisher, then every
// relay up to the one next to the receiver.
type OriginList []OriginID

// Push returns the chain with id appended, in new storage; ErrTooManyOrigins
// when it would exceed MaxHops, and the list itself stays as it was.
func (l OriginList) Push(id OriginID) (OriginList, error) {
	if len(l) >= MaxHops {
		return l, ErrTooManyOrigins
	}
	out := make(OriginList, len(l), len(l)+1)
	copy(out, l)
	return append(out, id), nil
}

// Contains reports whether id is in the chain; never for 0, which is nobody.
func (l OriginList) Contains(id OriginID) bool {
	return id != 0 && slices.Contains(l, id)
}

// ReplaceFirst puts next in place of the first entry equal to old (0 included)
// and reports whether there was one.
func (l OriginList) ReplaceFirst(old, next OriginID) bool {
	i := slices.Index(l, old)
	if i >= 0 {
		l[i] = next
	}
	return i >= 0
}

// Clone returns a copy that shares nothing.
func (l OriginList) Clone() OriginList { return slices.Clone(l) }
