package model

import (
	"context"
	"fmt"
)

// BroadcastDynamic receives the requests for tracks that a broadcast does not
// have. Several handles and several goroutines may share the work.
type BroadcastDynamic struct {
	b      *broadcast
	closed bool
}

// RequestedTrack returns the oldest request that nobody picked up. It blocks until
// there is one; the broadcast's error after its end (io.EOF when finished),
// ErrClosed after Close.
func (d *BroadcastDynamic) RequestedTrack(ctx context.Context) (*TrackRequest, error) {
	return await(ctx, d, (*BroadcastDynamic).requested)
}

// TryRequestedTrack is RequestedTrack without waiting: false and no error when
// there is none.
func (d *BroadcastDynamic) TryRequestedTrack() (*TrackRequest, bool, error) {
	r, ok, _, err := d.requested(false)
	return r, ok, err
}

// Wait returns a channel that closes at the next change that could let TryRequestedTrack
// succeed. Take it before, and no change is missed; another handle may be faster.
func (d *BroadcastDynamic) Wait() <-chan struct{} {
	d.b.mu.Lock()
	defer d.b.mu.Unlock()
	if d.b.err != nil || d.closed {
		return fired
	}
	return d.b.requests.wait()
}

func (d *BroadcastDynamic) requested(block bool) (*TrackRequest, bool, <-chan struct{}, error) {
	b := d.b
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.err != nil:
		return nil, false, nil, b.err
	case d.closed:
		return nil, false, nil, errReaderClosed
	case len(b.queue) > 0:
		t := b.queue[0]
		b.queue = dropFront(b.queue, 1)
		return &TrackRequest{t: t}, true, nil, nil
	case !block:
		return nil, false, nil, nil
	}
	return nil, false, b.requests.wait(), nil
}

// Clone returns another handle. The clone of a closed handle is closed.
func (d *BroadcastDynamic) Clone() *BroadcastDynamic {
	d.b.mu.Lock()
	defer d.b.mu.Unlock()
	if !d.closed {
		d.b.dynamics++
	}
	return &BroadcastDynamic{b: d.b, closed: d.closed}
}

// Close lets go of the handle, also in a call that is waiting. With the last one,
// requests that nobody picked up fail with ErrCancel and unknown tracks are
// ErrNotFound; requests already picked up can still be answered. Repeating it is
// harmless.
func (d *BroadcastDynamic) Close() error {
	b := d.b
	b.mu.Lock()
	var w []broadcastWatcher
	if !d.closed {
		d.closed = true
		b.dynamics--
		if b.dynamics == 0 {
			w = b.failQueue(ErrCancel)
		}
		b.requests.wake()
		w = append(w, b.release()...)
	}
	b.mu.Unlock()
	tell(w)
	return nil
}

// TrackRequest is a track that readers ask for. Answer it with Accept or Reject,
// once. It may be used concurrently.
type TrackRequest struct {
	t        *track
	answered bool
}

// Name returns the name of the track.
func (r *TrackRequest) Name() string { return r.t.name }

// Subscription returns what all its readers together want right now.
func (r *TrackRequest) Subscription() Subscription {
	s, _ := r.t.demanded()
	return s
}

// Unused returns a channel that closes when no reader is left. A request whose
// readers have all left is no longer joined by new ones; they make a new request.
func (r *TrackRequest) Unused() <-chan struct{} {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	if !r.t.used || r.t.closed {
		return fired
	}
	return r.t.unused.wait()
}

// Dynamic returns a handler for groups that readers fetch and the cache does not
// have, also before the track is accepted. See [TrackProducer.Dynamic]. Until then
// the groups it makes keep the timestamps that they are given; who gets such a group
// later reads them in the track's timescale.
func (r *TrackRequest) Dynamic() *TrackDynamic {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	return r.t.dynamic(r.t.closed)
}

// Accept says what the track is like and returns its producer. ErrBoundsExceeded
// for an info that cannot be (the request stays open then), ErrClosed when it was
// answered before.
func (r *TrackRequest) Accept(info TrackInfo) (*TrackProducer, error) {
	info, err := info.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("accept track %q: %w", r.t.name, err)
	}
	r.t.mu.Lock()
	defer r.t.unlock()
	if r.answered {
		return nil, fmt.Errorf("accept track %q: it was answered before: %w", r.t.name, ErrClosed)
	}
	r.answered = true
	return r.t.accept(info), nil
}

// Reject refuses the track: its readers get err (nil counts as ErrCancel). The
// next one to ask makes a new request. Nothing happens when it was answered.
func (r *TrackRequest) Reject(err error) {
	r.t.lockLifetime()
	defer r.t.unlockLifetime()
	if !r.answered {
		r.answered = true
		r.t.end(abortCause(err))
	}
}

// Close lets go of the request; unanswered, its readers get ErrDropped. Repeating
// it is harmless.
func (r *TrackRequest) Close() error {
	r.Reject(ErrDropped)
	return nil
}
