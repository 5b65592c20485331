package model

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// group is the state behind every handle of one group and of its frames.
type group struct {
	sequence uint64
	scale    Timescale
	born     time.Time // when it came into its first track

	mu        sync.Mutex
	changed   signal
	tracks    []*track // those that cache it, to be told of its frames; never changed in place
	news      bool     // a frame became whole, or the group ended, since they were told
	frames    []slot   // the cached ones; the last is frame number count-1
	count     int      // ever created, evicted ones included
	bytes     uint64
	producers int
	finished  bool
	err       error

	// Room for what most groups have one of.
	first struct {
		tracks [1]*track
		frames [1]slot
	}
}

// slot is one cached frame: whole, or live while it is being written.
type slot struct {
	ts      Timestamp
	payload []byte
	live    *frame
}

func (s *slot) size() uint64 {
	if s.live != nil {
		return s.live.info.Size
	}
	return uint64(len(s.payload))
}

// newGroup returns a group that its track has yet to number.
func newGroup(t *track) *group {
	g := &group{scale: t.info.Timescale, producers: 1}
	g.frames = g.first.frames[:0]
	return g
}

// cachedBy notes one more track that has the group; false when it has failed.
func (g *group) cachedBy(t *track) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.tracks = append(slices.Clone(g.tracks), t)
	}
	return g.err == nil
}

// leave notes that a track has let the group go: a reader of the group does not
// keep the track.
func (g *group) leave(t *track) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tracks = slices.DeleteFunc(slices.Clone(g.tracks), func(x *track) bool { return x == t })
	if len(g.tracks) == 0 {
		g.tracks, g.first.tracks[0] = nil, nil
	}
}

// unlock lets the lock go and then tells the tracks when a frame became whole or
// the group ended.
func (g *group) unlock() {
	var tracks []*track
	if g.news {
		tracks, g.news = g.tracks, false
	}
	g.mu.Unlock()
	for _, t := range tracks {
		t.wakeFrameReaders()
	}
}

// wholeGroup returns a finished group of one frame.
func wholeGroup(t *track, f Frame) (*group, error) {
	g := newGroup(t)
	p := GroupProducer{g: g}
	if err := p.WriteFrame(f); err != nil {
		return nil, err
	}
	g.finished, g.producers = true, 0
	return g, nil
}

// base is the number of the oldest cached frame.
func (g *group) base() int { return g.count - len(g.frames) }

// writable is why the group takes no more frames, or nil.
func (g *group) writable() error {
	switch {
	case g.err != nil:
		return g.err
	case g.finished:
		return fmt.Errorf("group %d takes no frame after its finish: %w", g.sequence, ErrClosed)
	}
	return nil
}

// push caches one more frame and drops the oldest ones beyond the byte limit.
func (g *group) push(s slot) {
	g.bytes += s.size()
	g.frames = append(g.frames, s)
	if len(g.frames) == 2 {
		g.first.frames[0] = slot{} // moved out; what stays here would pin frame 0
	}
	g.count++
	for g.bytes > MaxGroupBytes {
		g.bytes -= g.frames[0].size()
		g.frames = dropFront(g.frames, 1)
	}
	g.news = g.news || s.live == nil
	g.changed.wake()
}

// completed turns a live frame into a whole one, if it is still cached.
func (g *group) completed(f *frame) {
	if i := f.index - g.base(); i >= 0 && i < len(g.frames) && g.frames[i].live == f {
		g.frames[i] = slot{ts: f.info.Timestamp, payload: f.buf}
	}
	g.news = true
	g.changed.wake()
}

// stamp brings a frame's time into the track's timescale.
func (g *group) stamp(ts Timestamp) (Timestamp, error) {
	if !ts.Set() {
		return NowTimestamp(g.scale), nil
	}
	return ts.Convert(g.scale)
}

// abort ends the group and lets its frames go, so that no reader pins them.
// Those who already hold a frame may read it to its own end.
func (g *group) abort(err error) {
	if g.err != nil {
		return
	}
	g.err, g.news = err, true
	g.frames, g.first.frames[0], g.bytes = nil, slot{}, 0
	g.changed.wake()
}

// failed reports whether the group was aborted or dropped.
func (g *group) failed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err != nil
}

// firstWhole returns the oldest complete frame. Without one, pending tells
// whether one may still come.
func (g *group) firstWhole() (f Frame, ok, pending bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.frames {
		s := &g.frames[i]
		if s.live == nil {
			return Frame{s.ts, s.payload}, true, false
		}
		pending = pending || s.live.err == nil
	}
	return Frame{}, false, g.err == nil && (pending || !g.finished)
}

// GroupProducer writes the frames of one group, in order. Handles made by Clone
// write to the same group; any of them may be used concurrently.
type GroupProducer struct {
	g      *group
	closed bool
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
// the time does not fit the track's timescale, ErrClosed after Finish or Close,
// the abort error after an abort.
func (p *GroupProducer) WriteFrame(f Frame) error {
	ts, err := p.g.prepare(FrameInfo{uint64(len(f.Payload)), f.Timestamp})
	if err != nil {
		return err
	}
	payload := make([]byte, len(f.Payload))
	copy(payload, f.Payload)
	p.g.mu.Lock()
	defer p.g.unlock()
	if err := p.writable(); err != nil {
		return err
	}
	p.g.push(slot{ts: ts, payload: payload})
	return nil
}

// CreateFrame adds a frame whose bytes follow through the returned producer.
// Readers see it at once. Memory grows with the bytes that arrive, not with the
// size declared. Errors as in [GroupProducer.WriteFrame].
func (p *GroupProducer) CreateFrame(info FrameInfo) (*FrameProducer, error) {
	ts, err := p.g.prepare(info)
	if err != nil {
		return nil, err
	}
	info.Timestamp = ts
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	if err := p.writable(); err != nil {
		return nil, err
	}
	f := &frame{group: p.g, info: info, index: p.g.count}
	p.g.push(slot{ts: ts, live: f})
	return &FrameProducer{f: f}, nil
}

// prepare checks what can be checked without the lock.
func (g *group) prepare(info FrameInfo) (Timestamp, error) {
	if info.Size > MaxFrameSize {
		return Timestamp{}, fmt.Errorf("frame of %d bytes in group %d: at most %d: %w", info.Size, g.sequence, MaxFrameSize, ErrFrameTooLarge)
	}
	ts, err := g.stamp(info.Timestamp)
	if err != nil {
		return Timestamp{}, fmt.Errorf("frame in group %d: %w", g.sequence, err)
	}
	return ts, nil
}

func (p *GroupProducer) writable() error {
	if err := p.g.writable(); err != nil {
		return err
	}
	if p.closed {
		return fmt.Errorf("write to group %d through a closed handle: %w", p.g.sequence, ErrClosed)
	}
	return nil
}

// Finish ends the group: readers get io.EOF after the last frame. Frames that are
// being written may still be completed. Repeating it is harmless; after an abort
// it returns the abort error.
func (p *GroupProducer) Finish() error {
	p.g.mu.Lock()
	defer p.g.unlock()
	err := p.g.err
	if err == nil && !p.g.finished {
		err = p.writable()
		if err == nil {
			p.g.finished, p.g.news = true, true
			p.g.changed.wake()
		}
	}
	return err
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
func (p *GroupProducer) Consume() *GroupConsumer { return &GroupConsumer{g: p.g} }

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
// finished, the group is aborted with ErrDropped; a finished one stays readable.
// Repeating it is harmless.
func (p *GroupProducer) Close() error {
	p.g.mu.Lock()
	defer p.g.unlock()
	if !p.closed {
		p.closed = true
		p.g.producers--
		if p.g.producers == 0 && !p.g.finished {
			p.g.abort(ErrDropped)
		}
	}
	return nil
}
