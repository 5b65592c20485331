package model

import (
	"fmt"
)

const (
	// MaxFrameSize is the largest frame, in bytes. Larger ones are refused before
	// anything is allocated.
	MaxFrameSize = 32 << 20
	// MaxGroupBytes is how many bytes of frames a group keeps. Beyond it the oldest
	// frames leave, and a reader that still needed one gets ErrLagged.
	MaxGroupBytes = 32 << 20
	// eagerFrameBytes is how much is allocated on the word of whoever declares a
	// frame's size; more only as the bytes arrive.
	eagerFrameBytes = 64 << 10
)

// Frame is one complete frame. All readers share Payload: do not write to it.
// Timestamp is in the track's timescale; given unset, it becomes the wall clock.
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

// frame is a frame that is, or once was, written in pieces. Its group's lock
// guards it; it outlives the group's abort for those who hold it.
type frame struct {
	group    *group
	info     FrameInfo
	index    int    // in the group
	buf      []byte // only ever appended to, so readers may keep slices of it
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

// fail ends an unfinished frame with err.
func (f *frame) fail(err error) {
	if f.done || f.err != nil {
		return
	}
	f.err = err
	f.progress.wake()
	f.group.news = true
	f.group.changed.wake()
}

// FrameProducer writes one frame in pieces. It is an io.Writer. Its methods may
// be called concurrently, though pieces written so arrive in any order.
type FrameProducer struct {
	f      *frame
	closed bool
}

// Info returns the declared size and the timestamp in the track's timescale.
func (p *FrameProducer) Info() FrameInfo { return p.f.info }

// Write appends b to the frame; readers see it at once. It never blocks. The byte
// that completes the declared size also finishes the frame. ErrWrongSize, and
// nothing written, when b is longer than what remains; the abort error after Abort;
// ErrClosed after Close.
func (p *FrameProducer) Write(b []byte) (int, error) {
	f := p.f
	f.group.mu.Lock()
	defer f.group.unlock()
	left := f.info.Size - uint64(len(f.buf))
	err := f.err
	switch {
	case uint64(len(b)) > left:
		err = fmt.Errorf("write %d bytes to a frame with %d of %d left: %w", len(b), left, f.info.Size, ErrWrongSize)
	case err == nil && p.closed:
		err = fmt.Errorf("write to a closed frame: %w", ErrClosed)
	}
	if err != nil || len(b) == 0 {
		return 0, err
	}
	f.grow(len(b))
	f.buf = append(f.buf, b...)
	if uint64(len(b)) == left {
		f.complete()
	} else {
		f.progress.wake()
	}
	return len(b), nil
}

// Finish ends the frame. ErrWrongSize while bytes are missing: the frame stays
// open then. Repeating it is harmless. Only an empty frame needs it, since the
// last byte finishes the others.
func (p *FrameProducer) Finish() error {
	f := p.f
	f.group.mu.Lock()
	defer f.group.unlock()
	var err error
	switch {
	case f.done:
	case f.err != nil:
		err = f.err
	case p.closed:
		err = fmt.Errorf("finish a closed frame: %w", ErrClosed)
	case uint64(len(f.buf)) < f.info.Size:
		err = fmt.Errorf("finish a frame with %d of %d bytes: %w", len(f.buf), f.info.Size, ErrWrongSize)
	default:
		f.complete()
	}
	return err
}

// Abort ends an unfinished frame with err (nil counts as ErrCancel): readers get
// it after the bytes already written. Nothing happens to a finished frame.
func (p *FrameProducer) Abort(err error) {
	p.f.group.mu.Lock()
	defer p.f.group.unlock()
	p.closed = true
	p.f.fail(abortCause(err))
}

// Close lets go of the frame; unfinished, it is aborted with ErrDropped.
// Repeating it is harmless.
func (p *FrameProducer) Close() error {
	p.Abort(ErrDropped)
	return nil
}
