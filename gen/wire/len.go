package wire

import "sync"

// scratch has buffers for messages that are written only to be measured.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// maxScratch is the longest buffer that is kept for the next measurement.
const maxScratch = 64 << 10

// Len is how many bytes an append of a generated message writes.
func Len[V any](appendTo func(dst []byte, v V) ([]byte, error), v V) (int, error) {
	room := scratch.Get().(*[]byte)
	b, err := appendTo((*room)[:0], v)
	if cap(b) <= maxScratch {
		*room = b[:0]
	}
	scratch.Put(room)
	return len(b), err
}
