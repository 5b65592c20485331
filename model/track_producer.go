package model

import (
	"context"
	"fmt"
)

// TrackProducer writes the groups of one track and sees what its readers want.
// Handles made by Clone write to the same track; any may be used concurrently.
type TrackProducer struct {
	t      *track
	closed bool
}

// Name returns the track's name in its broadcast.
func (p *TrackProducer) Name() string { return p.t.name }

// Info returns the track's properties with the defaults filled in.
func (p *TrackProducer) Info() TrackInfo {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	return p.t.info
}

// AppendGroup opens the group after the highest sequence so far (0 at first). It
// never blocks. ErrClosed at or after the end, ErrBoundsExceeded after
// MaxSequence, the abort error after an abort.
func (p *TrackProducer) AppendGroup() (*GroupProducer, error) {
	p.t.mu.Lock()
	defer p.t.unlock()
	return p.create(p.t.edge())
}

// CreateGroup opens the group with this sequence; sequences may come in any
// order. ErrDuplicate while the group is cached, unless it was aborted, in which
// case the new one replaces it. Other errors as in AppendGroup.
func (p *TrackProducer) CreateGroup(seq uint64) (*GroupProducer, error) {
	p.t.mu.Lock()
	defer p.t.unlock()
	return p.create(seq)
}

func (p *TrackProducer) create(seq uint64) (*GroupProducer, error) {
	if err := p.writable(); err != nil {
		return nil, err
	}
	if err := p.t.admit(seq); err != nil {
		return nil, err
	}
	g := newGroup(p.t)
	p.t.insert(g, seq)
	return &GroupProducer{g: g}, nil
}

func (p *TrackProducer) writable() error {
	if p.t.err != nil {
		return p.t.err
	}
	if p.closed {
		return fmt.Errorf("track %q: write through a closed handle: %w", p.t.name, ErrClosed)
	}
	return nil
}

// WriteFrame appends one group that holds just this frame. Errors as in
// AppendGroup and [GroupProducer.WriteFrame]; no group is made then.
func (p *TrackProducer) WriteFrame(f Frame) error {
	t := p.t
	whole, err := wholeGroup(t, f)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.unlock()
	if err := p.writable(); err != nil {
		return err
	}
	seq := t.edge()
	if err := t.admit(seq); err != nil {
		return err
	}
	t.insert(whole, seq)
	return nil
}

// Latest returns the highest sequence so far; false when there was none.
func (p *TrackProducer) Latest() (uint64, bool) {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	return p.t.latest.Sequence, p.t.latest.Set
}

// Finish declares the end after the highest sequence so far: readers get io.EOF
// once they have read what is cached. Lower sequences may still be created and
// open groups written. ErrClosed when the end is declared already.
//
// Close the handle only when late readers may miss the track: a broadcast hands
// out a finished track as long as one of its producers is open.
func (p *TrackProducer) Finish() error {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	return p.finish(p.t.edge())
}

// FinishAt declares the end before the sequence boundary, which may lie in the
// future: readers then wait until the live edge has come up to it, or the last
// producer is closed. ErrProtocolViolation when a group at or after it exists,
// ErrBoundsExceeded above MaxSequence+1, ErrClosed when the end is declared already.
func (p *TrackProducer) FinishAt(boundary uint64) error {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	return p.finish(boundary)
}

func (p *TrackProducer) finish(boundary uint64) error {
	t := p.t
	if err := p.writable(); err != nil {
		return err
	}
	switch {
	case t.boundary.Set:
		return fmt.Errorf("track %q: its end is already declared at %d: %w", t.name, t.boundary.Sequence, ErrClosed)
	case boundary < t.edge():
		return fmt.Errorf("track %q: end %d is not after the last group %d: %w", t.name, boundary, t.latest.Sequence, ErrProtocolViolation)
	case boundary > MaxSequence+1:
		return fmt.Errorf("track %q: end %d: at most %d: %w", t.name, boundary, uint64(MaxSequence+1), ErrBoundsExceeded)
	}
	t.declare(boundary)
	return nil
}

// Abort ends the track with err (nil counts as ErrCancel) and frees its cache.
// Readers get err, except those who had read everything of a finished track.
// Groups already handed out live on.
func (p *TrackProducer) Abort(err error) {
	p.t.lockLifetime()
	defer p.t.unlockLifetime()
	p.t.end(abortCause(err))
}

// Consume returns a reader at the oldest cached group. It counts as demand.
func (p *TrackProducer) Consume(s Subscription) *TrackConsumer {
	p.t.lockLifetime()
	defer p.t.unlockLifetime()
	return p.t.consume(s)
}

// Dynamic returns a handler for groups that readers fetch and the cache does not
// have. While one is open, the track is open too. The handler of a closed handle is
// closed.
func (p *TrackProducer) Dynamic() *TrackDynamic {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	return p.t.dynamic(p.closed || p.t.closed)
}

// Used blocks until the track has a reader. It returns the track's error (io.EOF
// after a clean end) once the track is closed.
func (p *TrackProducer) Used(ctx context.Context) error { return p.waitUsed(ctx, true) }

// Unused blocks until the track has no reader. Errors as in Used.
func (p *TrackProducer) Unused(ctx context.Context) error { return p.waitUsed(ctx, false) }

func (p *TrackProducer) waitUsed(ctx context.Context, want bool) error {
	_, err := await(ctx, p, func(p *TrackProducer, _ bool) (struct{}, bool, <-chan struct{}, error) {
		t := p.t
		t.mu.Lock()
		defer t.mu.Unlock()
		switch {
		case t.closed:
			return struct{}{}, false, nil, t.cause()
		case p.closed:
			return struct{}{}, false, nil, errReaderClosed
		case t.used == want:
			return struct{}{}, true, nil, nil
		}
		return struct{}{}, false, t.demand.wait(), nil
	})
	return err
}

// Subscription returns what all readers together want, false when there is none.
// Its MaxLatency is at most the track's own.
func (p *TrackProducer) Subscription() (agg Subscription, ok bool) { return p.t.demanded() }

// SubscriptionChanged returns a channel that closes when Subscription would next
// return something else, and when the track closes. Take it before Subscription.
func (p *TrackProducer) SubscriptionChanged() <-chan struct{} {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	if p.t.closed || p.closed {
		return fired
	}
	return p.t.demand.wait()
}

// Closed returns a channel that closes when the track is aborted or its last
// producer closed; not on Finish.
func (p *TrackProducer) Closed() <-chan struct{} { return p.t.closing() }

// Err returns nil until Closed, then why: io.EOF when the track had been finished.
func (p *TrackProducer) Err() error {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	return p.t.cause()
}

// Clone returns another handle on the same track; the track is dropped only when
// all are closed. The clone of a closed handle is closed.
func (p *TrackProducer) Clone() *TrackProducer {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	if !p.closed {
		p.t.producers++
	}
	return &TrackProducer{t: p.t, closed: p.closed}
}

// Close lets go of the handle. When it was the last one and no fetch handler is left,
// the track closes: an unfinished one is aborted with ErrDropped and a warning is
// logged, a finished one stays readable for those who have a reader. Repeating it is
// harmless.
func (p *TrackProducer) Close() error {
	p.t.lockLifetime()
	dropped := false
	if !p.closed {
		p.closed = true
		p.t.demand.wake() // who waits through this handle
		p.t.producers--
		dropped = p.t.release()
	}
	p.t.unlockLifetime()
	if dropped {
		warnDropped("track", "name", p.t.name)
	}
	return nil
}
