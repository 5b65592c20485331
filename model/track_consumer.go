package model

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
)

// TrackConsumer reads the groups of one track. It holds two independent cursors,
// one in order of arrival (RecvGroup, ReadFrame) and one in order of sequence
// (NextGroup); both begin at the oldest cached group, or at Start of the
// subscription. Groups beyond End are held back until the end is raised.
// Concurrent calls share the cursors, clones do not. While it is open it counts
// as demand, so close it.
type TrackConsumer struct {
	t      *track
	sub    Subscription
	cursor uint64     // number of the next arrival to look at
	parked []arrival  // passed by because of End, by sequence
	last   GroupBound // the highest sequence that NextGroup is past
	edge   GroupBound // the latest group when the first of its clones joined
	closed bool

	datagram uint64 // number of the next datagram to look at

	peer  *peers // who must not be on the way here
	cause error  // why it was closed, if not by Close
}

// Name returns the track's name in its broadcast.
func (c *TrackConsumer) Name() string { return c.t.name }

// Info blocks until the publisher's side has accepted the track and returns what
// it said, defaults filled in. The track's error when it ends before.
func (c *TrackConsumer) Info(ctx context.Context) (TrackInfo, error) {
	return await(ctx, c, (*TrackConsumer).said)
}

// TryInfo is Info without waiting: false and no error before the track is accepted.
func (c *TrackConsumer) TryInfo() (TrackInfo, bool, error) {
	info, ok, _, err := c.said(false)
	return info, ok, err
}

func (c *TrackConsumer) said(block bool) (TrackInfo, bool, <-chan struct{}, error) {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	switch {
	case c.closed:
		return TrackInfo{}, false, nil, c.gone()
	case c.t.accepted:
		return c.t.info, true, nil, nil
	case c.t.closed:
		return TrackInfo{}, false, nil, c.t.cause()
	case !block:
		return TrackInfo{}, false, nil, nil
	}
	return TrackInfo{}, false, c.t.changed.wait(), nil
}

// Subscription returns what this reader asked for, unchanged.
func (c *TrackConsumer) Subscription() Subscription {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	return c.sub
}

// Update replaces the wishes of this reader, also while a read of it is blocked.
// ErrClosed after Close.
func (c *TrackConsumer) Update(s Subscription) error {
	c.t.mu.Lock()
	defer c.t.unlock()
	if c.closed {
		return fmt.Errorf("update the subscription to track %q: %w", c.t.name, ErrClosed)
	}
	if c.sub == s {
		return nil
	}
	c.sub = s
	c.t.recombine()
	c.t.changed.wake() // other bounds may let a blocked read go on
	c.t.outlook.wake()
	return nil
}

// RecvGroup returns every group once, in order of arrival. It blocks until there
// is one; io.EOF at the declared end (gaps below it are not waited for), the
// track's error when it was aborted.
func (c *TrackConsumer) RecvGroup(ctx context.Context) (*GroupConsumer, error) {
	return await(ctx, c, (*TrackConsumer).recvGroup)
}

// TryRecvGroup is RecvGroup without waiting: false and no error when none is there.
func (c *TrackConsumer) TryRecvGroup() (*GroupConsumer, bool, error) {
	g, ok, _, err := c.recvGroup(false)
	return g, ok, err
}

// NextGroup returns groups by increasing sequence: the lowest cached one above
// the last. A group that arrives after a later one was returned is left out.
// It blocks and ends like RecvGroup.
func (c *TrackConsumer) NextGroup(ctx context.Context) (*GroupConsumer, error) {
	return await(ctx, c, (*TrackConsumer).nextGroup)
}

// TryNextGroup is NextGroup without waiting: false and no error when none is there.
func (c *TrackConsumer) TryNextGroup() (*GroupConsumer, bool, error) {
	g, ok, _, err := c.nextGroup(false)
	return g, ok, err
}

// ReadFrame returns one frame per group: the first complete frame of the first
// group, in order of arrival and above the last sequence, that has one. Groups
// that have none yet are passed by for a newer one that has; failed groups are
// left out, and those whose frame has a time that does not fit the track's timescale.
// Both cursors move on past the group. It blocks until there is a frame, also after
// the track's end while an open group may still bring one.
func (c *TrackConsumer) ReadFrame(ctx context.Context) (Frame, error) {
	return await(ctx, c, (*TrackConsumer).readFrame)
}

// TryReadFrame is ReadFrame without waiting: false and no error when none is there.
func (c *TrackConsumer) TryReadFrame() (Frame, bool, error) {
	f, ok, _, err := c.readFrame(false)
	return f, ok, err
}

// GetGroup returns the group with this sequence, whatever the cursors and bounds.
// It blocks until it is cached; io.EOF when it is at or after the declared end,
// ErrNotFound when the track closed cleanly without it, the track's error when
// it was aborted.
func (c *TrackConsumer) GetGroup(ctx context.Context, seq uint64) (*GroupConsumer, error) {
	return await(ctx, c, func(c *TrackConsumer, _ bool) (*GroupConsumer, bool, <-chan struct{}, error) {
		t := c.t
		t.mu.Lock()
		defer t.mu.Unlock()
		if c.closed {
			return nil, false, nil, c.gone()
		}
		if g := t.find(seq).group; g != nil {
			t.ask(seq)
			return t.read(g), true, nil, nil
		}
		switch {
		case t.boundary.Set && seq >= t.boundary.Sequence:
			return nil, false, nil, io.EOF
		case t.closed && t.err == nil:
			return nil, false, nil, fmt.Errorf("track %q: group %d: %w", t.name, seq, ErrNotFound)
		case t.err != nil:
			return nil, false, nil, t.err
		}
		return nil, false, t.changed.wait(), nil
	})
}

// FetchGroup returns the group with this sequence, whatever the cursors and bounds: from
// the cache, or else as the track's fetch handler makes it ([TrackProducer.Dynamic]).
// Concurrent calls for one group share a request, which has the highest of their
// priorities. It blocks until there is an answer, and before the track is accepted
// until there may be one. ErrNotFound when nobody serves fetches, or the group is at
// or after the declared end; the handler's error when it refuses, ErrDropped when
// it lets the request go; the track's error when it was aborted.
func (c *TrackConsumer) FetchGroup(ctx context.Context, seq uint64, priority uint8) (*GroupConsumer, error) {
	g, err := c.t.fetch(ctx, seq, priority, &c.closed)
	return g, c.whyClosed(err)
}

// TryFetchGroup is FetchGroup without asking the handler: false and no error when the
// group is not cached, but may be had by FetchGroup.
func (c *TrackConsumer) TryFetchGroup(seq uint64) (*GroupConsumer, bool, error) {
	g, ok, err := c.t.tryFetch(seq, &c.closed)
	return g, ok, c.whyClosed(err)
}

// All yields the groups that RecvGroup returns and ends at the end of the track.
// Any other end is yielded once as an error; that of ctx comes before what is still
// there.
func (c *TrackConsumer) All(ctx context.Context) iter.Seq2[*GroupConsumer, error] {
	return all(ctx, c.RecvGroup)
}

// Latest returns the highest sequence so far, of a group or a datagram; false when
// there was none.
func (c *TrackConsumer) Latest() (uint64, bool) {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	return c.t.latest.Sequence, c.t.latest.Set
}

// LatestGroup returns the highest sequence of a group that is cached, datagrams and
// fetched groups left out; false when there is none.
func (c *TrackConsumer) LatestGroup() (uint64, bool) {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	latest := c.t.latestGroup()
	return latest.Sequence, latest.Set
}

// LiveEdge returns what LatestGroup did in the moment when this reader joined the track, or the one that it is a
// clone of: where a subscription without Start begins. False when there was none: nothing is before it. It is known
// once Info is.
func (c *TrackConsumer) LiveEdge() (uint64, bool) {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	edge := c.liveEdge()
	return edge.Sequence, edge.Set
}

// liveEdge is LiveEdge under the lock.
func (c *TrackConsumer) liveEdge() GroupBound {
	if c.edge.Set {
		return c.edge
	}
	return c.t.began
}

// FinalSequence returns the declared end, one past the last sequence; false
// before the track is finished.
func (c *TrackConsumer) FinalSequence() (uint64, bool) {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	return c.t.boundary.Sequence, c.t.boundary.Set
}

// Closed returns a channel that closes when the track is aborted or its last
// producer closed; not on Finish, and not on Close of this reader.
func (c *TrackConsumer) Closed() <-chan struct{} { return c.t.closing() }

// Err returns nil until Closed, then why: io.EOF when the track had been finished.
func (c *TrackConsumer) Err() error {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	return c.t.cause()
}

// Wait returns a channel that closes at the next change that could let a Try call
// succeed. Take it before the Try call, and no change is missed.
func (c *TrackConsumer) Wait() <-chan struct{} {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	if c.t.err != nil || c.closed {
		return fired
	}
	return c.t.changed.wait()
}

// IsClone reports whether other reads the same track.
func (c *TrackConsumer) IsClone(other *TrackConsumer) bool { return c.t == other.t }

// Clone returns an independent reader with the same wishes at the same position.
// The clone of a closed reader is closed.
func (c *TrackConsumer) Clone() *TrackConsumer {
	c.t.lockLifetime()
	defer c.t.unlockLifetime()
	n := &TrackConsumer{t: c.t, sub: c.sub, cursor: c.cursor, parked: slices.Clone(c.parked), last: c.last, edge: c.edge, closed: c.closed, datagram: c.datagram, peer: c.peer, cause: c.cause}
	if !n.closed {
		c.t.join(n)
	}
	return n
}

// Close ends this reader: its wishes leave the aggregate, reads return ErrClosed,
// also one that is waiting. Repeating it is harmless.
func (c *TrackConsumer) Close() error {
	t := c.t
	t.lockLifetime()
	defer t.unlockLifetime()
	c.leave()
	return nil
}

// leave is Close, under lockLifetime.
func (c *TrackConsumer) leave() {
	t := c.t
	if c.closed {
		return
	}
	c.closed, c.parked = true, nil
	t.readers = slices.DeleteFunc(t.readers, func(x *TrackConsumer) bool { return x == c })
	t.owner.farewell(c)
	if len(t.readers) == 0 && t.requested {
		t.owner.forget(t) // before anybody hears of it: nobody may join what is about to end
	}
	t.recombine()
	t.wakeFetches()
	t.freeUnheld()
}
