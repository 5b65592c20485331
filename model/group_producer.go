package model

import "fmt"

// GroupProducer writes the frames of one group, in order. Handles made by Clone
// write to the same group; any of them may be used concurrently.
type GroupProducer struct {
	g      *group
	closed bool
}

// wholeGroup returns a finished group of one frame.
func wholeGroup(t *track, f Frame) (*group, error) {
	g := newGroup(t)
	ts, err := g.stamp(FrameInfo{uint64(len(f.Payload)), f.Timestamp})
	if err != nil {
		return nil, fmt.Errorf("track %q: %w", t.name, err)
	}
	p := GroupProducer{g: g}
	if err := p.add(slot{ts: ts, payload: clone(f.Payload)}); err != nil {
		return nil, err
	}
	g.finished, g.producers = true, 0
	return g, nil
}

// clone copies a payload to where all readers find it.
func clone(given []byte) []byte {
	payload := make([]byte, len(given)) // not cleared first, since the compiler sees the copy
	copy(payload, given)
	return payload
}

// Sequence returns the group's number in its track.
func (p *GroupProducer) Sequence() uint64 { return p.g.sequence }

// FrameCount returns how many frames were ever created, evicted ones included.
func (p *GroupProducer) FrameCount() int {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	return p.g.count
}

// WriteFrame adds one whole frame, copying its payload once for all readers. It
// never blocks. ErrFrameTooLarge above MaxFrameSize, ErrTimestampMismatch when
// the time does not fit the track's timescale, ErrProtocolViolation while a frame
// made by CreateFrame is not complete, ErrClosed after Finish or Close, the abort
// error after an abort, which is ErrOld or ErrEvicted when the cache let the group go.
func (p *GroupProducer) WriteFrame(f Frame) error {
	ts, err := p.stamp(FrameInfo{uint64(len(f.Payload)), f.Timestamp})
	if err != nil {
		return err
	}
	return p.add(slot{ts: ts, payload: clone(f.Payload)})
}

// WriteOwnedFrame is WriteFrame without the copy: the payload belongs to the group
// from now on, and the caller must not change it again.
func (p *GroupProducer) WriteOwnedFrame(f Frame) error {
	ts, err := p.stamp(FrameInfo{uint64(len(f.Payload)), f.Timestamp})
	if err != nil {
		return err
	}
	return p.add(slot{ts: ts, payload: f.Payload})
}

func (p *GroupProducer) stamp(info FrameInfo) (Timestamp, error) {
	ts, err := p.g.stamp(info)
	if err != nil {
		err = fmt.Errorf("group %d: %w", p.g.sequence, err)
	}
	return ts, err
}

func (p *GroupProducer) add(s slot) error {
	p.g.mu.Lock()
	defer p.g.unlock()
	if err := p.writable(); err != nil {
		return err
	}
	p.g.push(s)
	return nil
}

// CreateFrame adds a frame whose bytes follow through the returned producer.
// Readers see it at once. Memory grows with the bytes that arrive, not with the
// size declared. One frame of a group may be written at a time. Errors as in
// [GroupProducer.WriteFrame].
func (p *GroupProducer) CreateFrame(info FrameInfo) (*FrameProducer, error) {
	ts, err := p.stamp(info)
	if err != nil {
		return nil, err
	}
	info.Timestamp = ts
	f := &frame{group: p.g, info: info}
	if err := p.add(slot{ts: ts, live: f}); err != nil {
		return nil, err
	}
	return &FrameProducer{f: f}, nil
}

// writable is why the group takes no frame now, or nil.
func (p *GroupProducer) writable() error {
	if err := p.open(); err != nil {
		return err
	}
	if p.g.inFlight() != nil {
		return fmt.Errorf("group %d: frame %d is still being written: %w", p.g.sequence, p.g.count-1, ErrProtocolViolation)
	}
	return nil
}

// open is why the group takes no frame any more, or nil.
func (p *GroupProducer) open() error {
	switch {
	case p.g.err != nil:
		return p.g.err
	case p.g.finished:
		return fmt.Errorf("group %d takes no frame after its finish: %w", p.g.sequence, ErrClosed)
	case p.closed:
		return fmt.Errorf("write to group %d through a closed handle: %w", p.g.sequence, ErrClosed)
	}
	return nil
}

// Finish ends the group: readers get io.EOF after the last frame. The frame that is
// being written may still be completed. Repeating it is harmless; after an abort
// it returns the abort error.
func (p *GroupProducer) Finish() error {
	p.g.mu.Lock()
	defer p.g.unlock()
	if p.g.err == nil && p.g.finished {
		return nil
	}
	if err := p.open(); err != nil {
		return err
	}
	p.g.finished, p.g.news = true, true
	p.g.changed.wake()
	return nil
}

// Abort ends the group with err (nil counts as ErrCancel) and frees its frames.
// Readers get err, except those who had read everything of a finished group.
// Frames already handed out live on.
func (p *GroupProducer) Abort(err error) {
	p.g.mu.Lock()
	defer p.g.unlock()
	p.g.abort(abortCause(err))
}

// Consume returns a reader at frame 0.
func (p *GroupProducer) Consume() *GroupConsumer { return p.g.consume() }

// Clone returns another handle on the same group; the group is dropped only when
// all are closed. The clone of a closed handle is closed.
func (p *GroupProducer) Clone() *GroupProducer {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	if !p.closed {
		p.g.producers++
	}
	return &GroupProducer{g: p.g, closed: p.closed}
}

// Close lets go of the handle. When it was the last one and the group is not
// finished, the group is aborted with ErrDropped and a warning is logged; a finished
// one stays readable. Repeating it is harmless.
func (p *GroupProducer) Close() error {
	if p.release() {
		warnDropped("group", "sequence", p.g.sequence)
	}
	return nil
}

// release reports whether the group was dropped.
func (p *GroupProducer) release() bool {
	p.g.mu.Lock()
	defer p.g.unlock()
	if p.closed {
		return false
	}
	p.closed = true
	p.g.producers--
	p.g.demand.wake()
	if p.g.producers == 0 {
		p.g.ended.wake()
	}
	if p.g.producers > 0 || p.g.finished || p.g.err != nil {
		return false
	}
	p.g.abort(ErrDropped)
	return true
}
