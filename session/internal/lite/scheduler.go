package lite

import (
	"context"
	"slices"
	"sync"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// rank says how urgent a group is within its session: by the priority of its track, then
// the newest group first, or the oldest where both belong to one ordered subscription
// (draft-lcurley-moq-lite, Prioritization).
type rank struct {
	of       *served
	sequence uint64
}

func (a rank) before(b rank) bool {
	x, y := a.of.wants.Load(), b.of.wants.Load()
	switch {
	case x.Priority != y.Priority:
		return x.Priority > y.Priority
	case a.of == b.of && x.Ordered:
		return a.sequence < b.sequence
	default:
		return a.sequence > b.sequence
	}
}

// scheduler opens the group streams of a session. While the peer gives no credit for
// streams, groups wait here, and the most urgent of them gets the next stream.
type scheduler struct {
	ctx   context.Context
	open  func(context.Context) (transport.SendStream, error)
	spawn func(func())

	mu      sync.Mutex
	waiting []*waiter
	opening bool
}

type waiter struct {
	rank
	granted chan grant
}

type grant struct {
	stream transport.SendStream
	err    error
}

func newScheduler(ctx context.Context, open func(context.Context) (transport.SendStream, error), spawn func(func())) *scheduler {
	return &scheduler{ctx: ctx, open: open, spawn: spawn}
}

// stream waits for a stream to send a group on, at most until ctx ends.
func (s *scheduler) stream(ctx context.Context, r rank) (transport.SendStream, error) {
	w := &waiter{rank: r, granted: make(chan grant, 1)}
	s.mu.Lock()
	s.waiting = append(s.waiting, w)
	if !s.opening {
		s.opening = true
		s.spawn(s.run)
	}
	s.mu.Unlock()

	select {
	case g := <-w.granted:
		return g.stream, g.err
	case <-ctx.Done():
		s.leave(w)
		return nil, context.Cause(ctx)
	}
}

// leave takes w out of the queue, or passes on the stream that it has just got.
func (s *scheduler) leave(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, w); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		return
	}
	if g := <-w.granted; g.stream != nil {
		s.hand(g)
	}
}

// run opens streams as long as somebody waits for one.
func (s *scheduler) run() {
	for {
		s.mu.Lock()
		if len(s.waiting) == 0 {
			s.opening = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		stream, err := s.open(s.ctx)
		s.mu.Lock()
		s.hand(grant{stream, err})
		s.mu.Unlock()
	}
}

// hand gives a stream to the most urgent group, or its place back to the peer where all have left: one
// that is kept open without a byte takes a place for nothing, and is stopped by a peer that wants to
// know soon what it is for. An error goes to all of them.
func (s *scheduler) hand(g grant) {
	if g.err != nil {
		for _, w := range s.waiting {
			w.granted <- g
		}
		s.waiting = nil
		return
	}
	if len(s.waiting) == 0 {
		g.stream.Reset(uint64(model.CodeCancel))
		return
	}
	best := 0
	for i, w := range s.waiting {
		if w.before(s.waiting[best].rank) {
			best = i
		}
	}
	s.waiting[best].granted <- g
	s.waiting = slices.Delete(s.waiting, best, best+1)
}
