package model

const (
	// MaxFrameSize is the largest frame, in bytes. Larger ones are refused before
	// anything is allocated.
	MaxFrameSize = 32 << 20
	// MaxGroupBytes is how many bytes of frames a group keeps, a frame counting at least 64. Beyond it the oldest
	// frames leave, and a reader that still needed one gets ErrLagged.
	MaxGroupBytes = 32 << 20
	// eagerFrameBytes is how much is allocated on the word of whoever declares a
	// frame's size; more only as the bytes arrive.
	eagerFrameBytes = 64 << 10
)

// Frame is one complete frame. All readers share Payload: do not write to it.
// Timestamp is in the timescale of the track that the frame is written to or read from,
// where need be converted, which truncates; given unset, it becomes the wall clock. Only
// what is read of a track that has yet to be accepted is in the scale that it was given.
type Frame struct {
	Timestamp Timestamp
	Payload   []byte
}

// FrameInfo is what is known of a frame before its bytes. Size is in bytes and
// exact. Timestamp as in [Frame].
type FrameInfo struct {
	Size      uint64
	Timestamp Timestamp
}

// stamp brings a time into the track's timescale s; 0 leaves it in its own.
func (s Timescale) stamp(ts Timestamp) (Timestamp, error) {
	switch {
	case !ts.Set():
		return NowTimestamp(s), nil
	case s == 0:
		return ts.Convert(ts.Scale)
	}
	return ts.Convert(s)
}

// frame is a frame that is, or once was, written in pieces. Its group's lock
// guards it; it outlives the group's abort for those who hold it.
type frame struct {
	group    *group
	info     FrameInfo
	buf      []byte // only ever appended to, so readers may keep slices of it
	filling  bool   // ReadFrom reads into what follows buf, without the lock
	done     bool   // all bytes are there and finished
	err      error
	progress signal // more bytes, or an end
}

// grow makes room for n more bytes: everything at once for small frames, doubling
// for large ones, so that memory follows what arrived and not what was declared.
func (f *frame) grow(n int) {
	need := len(f.buf) + n
	if need <= cap(f.buf) {
		return
	}
	size := max(need, min(int(f.info.Size), max(eagerFrameBytes, 2*cap(f.buf))))
	f.buf = append(make([]byte, 0, size), f.buf...)
}

// complete marks the frame finished and lets its group hand it out whole.
func (f *frame) complete() {
	f.done = true
	f.progress.wake()
	f.group.completed(f)
}

// fail ends an unfinished frame with err, and its group, in which nothing could
// follow it.
func (f *frame) fail(err error) {
	if f.done || f.err != nil {
		return
	}
	f.err = err
	f.progress.wake()
	f.group.abort(err)
}

// append adds what has arrived.
func (f *frame) append(b []byte) {
	f.buf = append(f.buf, b...)
	f.group.grew(len(b), len(f.buf))
	if uint64(len(f.buf)) == f.info.Size {
		f.complete()
	} else {
		f.progress.wake()
	}
}
