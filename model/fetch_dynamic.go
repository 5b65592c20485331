package model

import (
	"context"
	"fmt"
)

// TrackDynamic receives the requests for groups that readers fetch and the cache
// does not have. Several handles and several goroutines may share the work. While
// one is open, the track stays open too, even without a producer.
type TrackDynamic struct {
	t      *track
	closed bool
}

// dynamic returns a new handler. The lock is held.
func (t *track) dynamic(closed bool) *TrackDynamic {
	if !closed {
		t.fetches.handlers++
		t.changed.wake() // fetches that came before the track was accepted
	}
	return &TrackDynamic{t: t, closed: closed}
}

// RequestedGroup returns the oldest request that nobody picked up. It blocks until
// there is one; the track's error after an abort, ErrClosed after Close.
func (d *TrackDynamic) RequestedGroup(ctx context.Context) (*GroupRequest, error) {
	return await(ctx, d, (*TrackDynamic).requested)
}

// TryRequestedGroup is RequestedGroup without waiting: false and no error when there
// is none.
func (d *TrackDynamic) TryRequestedGroup() (*GroupRequest, bool, error) {
	r, ok, _, err := d.requested(false)
	return r, ok, err
}

// Wait returns a channel that closes at the next change that could let TryRequestedGroup
// succeed. Take it before, and no change is missed; another handle may be faster.
func (d *TrackDynamic) Wait() <-chan struct{} {
	d.t.mu.Lock()
	defer d.t.mu.Unlock()
	if d.t.err != nil || d.closed {
		return fired
	}
	return d.t.fetches.queued.wait()
}

func (d *TrackDynamic) requested(block bool) (*GroupRequest, bool, <-chan struct{}, error) {
	t := d.t
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.err != nil:
		return nil, false, nil, t.err
	case d.closed:
		return nil, false, nil, errReaderClosed
	}
	for _, f := range t.fetches.pending {
		if !f.taken {
			f.taken = true
			return &GroupRequest{t: t, f: f}, true, nil, nil
		}
	}
	if !block {
		return nil, false, nil, nil
	}
	return nil, false, t.fetches.queued.wait(), nil
}

// Clone returns another handle. The clone of a closed handle is closed.
func (d *TrackDynamic) Clone() *TrackDynamic {
	d.t.mu.Lock()
	defer d.t.mu.Unlock()
	return d.t.dynamic(d.closed)
}

// Close lets go of the handle, also in a call that is waiting. With the last one,
// requests that nobody picked up fail with ErrNotFound, as fetches of what is not
// cached do from then on; requests already picked up can still be answered. A track
// whose producers are closed ends now. Repeating it is harmless.
func (d *TrackDynamic) Close() error {
	t := d.t
	t.lockLifetime()
	dropped := false
	if !d.closed {
		d.closed = true
		t.fetches.handlers--
		if t.fetches.handlers == 0 {
			t.fetches.fail(fmt.Errorf("track %q: nobody serves fetches any more: %w", t.name, ErrNotFound), func(f *fetch) bool { return !f.taken })
		}
		t.fetches.queued.wake()
		dropped = t.release()
	}
	t.unlockLifetime()
	if dropped {
		warnDropped("track", "name", t.name)
	}
	return nil
}

// GroupRequest is a group that readers fetch. Answer it with Accept, AcceptOnce or
// Reject, once; Withdraw from one that nobody needs. It may be used concurrently.
type GroupRequest struct {
	t        *track
	f        *fetch
	answered bool
}

// Sequence returns the number of the group.
func (r *GroupRequest) Sequence() uint64 { return r.f.sequence }

// Priority returns the highest priority of all who fetch the group right now.
func (r *GroupRequest) Priority() uint8 {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	return r.f.priority()
}

// Unused returns a channel that closes when nobody waits for the group any more. The
// request may still be answered then, for those who come later.
func (r *GroupRequest) Unused() <-chan struct{} {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	if len(r.f.waiting) == 0 || r.f.group != nil || r.f.err != nil {
		return fired
	}
	return r.f.unused.wait()
}

// Accept returns the producer of the group. Those who fetch it get it at once; it is
// cached, and subscribers do not see it. ErrDuplicate when the group has come
// another way meanwhile, ErrNotFound when the end of the track was declared before it,
// ErrClosed when the request was answered before, the track's error after an abort.
func (r *GroupRequest) Accept() (*GroupProducer, error) { return r.accept(true) }

// AcceptOnce is Accept for a group that is not cached: only those who wait for it
// now get it, and the next one to fetch it makes a new request.
func (r *GroupRequest) AcceptOnce() (*GroupProducer, error) { return r.accept(false) }

func (r *GroupRequest) accept(keep bool) (*GroupProducer, error) {
	t := r.t
	t.mu.Lock()
	defer t.unlock()
	switch {
	case t.err != nil:
		return nil, t.err
	case r.f.group != nil && !r.answered, t.ask(r.f.sequence) != nil && !r.answered:
		r.answered = true
		return nil, fmt.Errorf("track %q: accept group %d: %w", t.name, r.f.sequence, ErrDuplicate)
	case r.f.err != nil && !r.answered:
		r.answered = true
		return nil, r.f.err
	case r.answered:
		return nil, fmt.Errorf("track %q: group %d was answered before: %w", t.name, r.f.sequence, ErrClosed)
	}
	r.answered = true
	g := newGroup(t)
	g.sequence = r.f.sequence
	if old := t.find(g.sequence); old.group != nil && keep {
		t.remove(old) // it has failed
	}
	if keep && !t.closed {
		t.refill(g, g.sequence)
	}
	t.fetches.answer(r.f, g, nil)
	return &GroupProducer{g: g}, nil
}

// Reject refuses the group: all who fetch it get err (nil counts as ErrCancel). The
// next one to fetch it makes a new request. Nothing happens when it was answered.
func (r *GroupRequest) Reject(err error) {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	if !r.answered && r.f.group == nil && r.f.err == nil {
		r.answered = true
		r.t.fetches.answer(r.f, nil, abortCause(err))
	}
}

// Withdraw refuses the group unless somebody waits for it, so that no one comes in
// between. false when somebody does; true when it needs no answer any more, also because
// it has one or came another way.
func (r *GroupRequest) Withdraw() bool {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	if r.f.group != nil || r.f.err != nil {
		return true
	}
	if len(r.f.waiting) > 0 {
		return false
	}
	r.answered = true
	r.t.fetches.answer(r.f, nil, ErrCancel)
	return true
}

// Close lets go of the request; unanswered, those who fetch the group get ErrDropped.
// Repeating it is harmless.
func (r *GroupRequest) Close() error {
	r.Reject(ErrDropped)
	return nil
}
