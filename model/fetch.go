package model

import (
	"context"
	"fmt"
	"slices"
)

// fetches are the groups of a track that somebody waits for and that the cache does
// not have. The track's lock guards them.
type fetches struct {
	pending  []*fetch // oldest first; gone from here once answered
	handlers int
	queued   signal // one more is pending, or a handler is closed
}

// fetch is one such group. All who want it wait for the same answer.
type fetch struct {
	sequence uint64
	waiting  []*fetching // who has not given up
	taken    bool        // a handler is at work on it
	group    *group      // the answer
	err      error       // the refusal
	changed  signal      // an answer, or a waiter's handle was closed
	unused   signal      // an answer, or nobody waits
}

// priority is the highest of those who wait.
func (f *fetch) priority() uint8 {
	highest := uint8(0)
	for _, x := range f.waiting {
		highest = max(highest, x.priority)
	}
	return highest
}

// fetching is one call of fetch.
type fetching struct {
	t        *track
	sequence uint64
	priority uint8
	closed   *bool  // whether the handle that it was called through is closed
	joined   *fetch // what it waits for
}

// fetch is FetchGroup through any handle of the track, also one that is no
// subscription. The lock guards *closed; who sets it calls wakeFetches.
func (t *track) fetch(ctx context.Context, seq uint64, priority uint8, closed *bool) (*GroupConsumer, error) {
	if t.splice != nil {
		return t.splice.fetch(ctx, seq, priority, closed)
	}
	x := &fetching{t: t, sequence: seq, priority: priority, closed: closed}
	defer x.leave()
	return await(ctx, x, (*fetching).look)
}

// tryFetch is fetch without asking anybody.
func (t *track) tryFetch(seq uint64, closed *bool) (*GroupConsumer, bool, error) {
	if t.splice != nil {
		return t.splice.tryFetch(seq, closed)
	}
	x := &fetching{t: t, sequence: seq, closed: closed}
	g, ok, _, err := x.look(false)
	return g, ok, err
}

func (x *fetching) look(block bool) (*GroupConsumer, bool, <-chan struct{}, error) {
	t := x.t
	t.mu.Lock()
	defer t.mu.Unlock()
	switch f := x.joined; {
	case *x.closed:
		return nil, false, nil, errReaderClosed
	case f != nil && f.group != nil:
		return t.read(f.group), true, nil, nil
	case f != nil && f.err != nil:
		return nil, false, nil, f.err
	}
	if g := t.ask(x.sequence); g != nil {
		return t.read(g), true, nil, nil
	}
	if err := t.unfetchable(x.sequence); err != nil {
		return nil, false, nil, err
	}
	switch {
	case !block:
		return nil, false, nil, nil
	case t.fetches.handlers == 0 && x.joined == nil && t.fetches.find(x.sequence) < 0:
		return nil, false, t.changed.wait(), nil // not yet accepted, so there may be a handler
	case x.joined == nil:
		x.joined = t.fetches.join(x)
	}
	return nil, false, x.joined.changed.wait(), nil
}

// ask returns the cached group with this sequence, if it has not failed, and notes
// that it is in use.
func (t *track) ask(seq uint64) *group {
	g := t.find(seq).group
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return nil
	}
	g.touch(fetchBoost)
	return g
}

// unfetchable is why nobody can be asked for a group, or nil.
func (t *track) unfetchable(seq uint64) error {
	settled := t.accepted || t.closed
	switch {
	case t.err != nil:
		return t.err
	case t.boundary.Set && seq >= t.boundary.Sequence, seq > MaxSequence,
		settled && t.fetches.handlers == 0 && t.fetches.find(seq) < 0:
		return notFetchable(t, seq)
	}
	return nil
}

func notFetchable(t *track, seq uint64) error {
	return fmt.Errorf("track %q: fetch group %d: %w", t.name, seq, ErrNotFound)
}

// join adds one who waits for a group, the first of whom makes it a request.
func (q *fetches) join(x *fetching) *fetch {
	if i := q.find(x.sequence); i >= 0 {
		f := q.pending[i]
		f.waiting = append(f.waiting, x)
		return f
	}
	f := &fetch{sequence: x.sequence, waiting: []*fetching{x}}
	q.pending = append(q.pending, f)
	q.queued.wake()
	return f
}

// leave ends one call. A request that nobody has taken up goes with the last one.
func (x *fetching) leave() {
	t := x.t
	t.mu.Lock()
	defer t.mu.Unlock()
	f := x.joined
	if f == nil || f.group != nil || f.err != nil {
		return
	}
	f.waiting = slices.DeleteFunc(f.waiting, func(other *fetching) bool { return other == x })
	if len(f.waiting) > 0 {
		return
	}
	if !f.taken {
		t.fetches.remove(f)
	}
	f.unused.wake()
}

func (q *fetches) find(seq uint64) int {
	return slices.IndexFunc(q.pending, func(f *fetch) bool { return f.sequence == seq })
}

func (q *fetches) remove(f *fetch) {
	if i := slices.Index(q.pending, f); i >= 0 {
		q.pending = slices.Delete(q.pending, i, i+1)
	}
}

// answer ends a pending request with a group, or with an error.
func (q *fetches) answer(f *fetch, g *group, err error) {
	f.group, f.err, f.waiting = g, err, nil
	q.remove(f)
	f.changed.wake()
	f.unused.wake()
}

// fail refuses the pending requests that are meant.
func (q *fetches) fail(err error, meant func(*fetch) bool) {
	for _, f := range slices.Clone(q.pending) {
		if meant(f) {
			q.answer(f, nil, err)
		}
	}
}

// answerFetch gives a group that came by itself to those who fetch it.
func (t *track) answerFetch(g *group) {
	if i := t.fetches.find(g.sequence); i >= 0 {
		t.fetches.answer(t.fetches.pending[i], g, nil)
	}
}

// wakeFetches lets fetches look whether their handle is closed.
func (t *track) wakeFetches() {
	for _, f := range t.fetches.pending {
		f.changed.wake()
	}
	if t.splice != nil {
		t.splice.wake()
	}
	t.changed.wake()
	t.outlook.wake()
}
