package lite

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/priority"
	"github.com/moqrx/moqrx/session/transport"
)

// scheduler decides which groups of a session go to the transport: by the priority of their
// track, then the newest group first, or the oldest where the subscription is ordered
// (draft-lcurley-moq-lite, Prioritization). It opens the group streams: while the peer gives no
// credit for streams, groups wait here, and the most urgent of them gets the next stream. And it
// lets the most urgent of those that have something to send write.
type scheduler struct {
	queue priority.Queue
	ctx   context.Context
	open  func(context.Context) (transport.SendStream, error)
	spawn func(func())

	mu      sync.Mutex
	waiting []*waiter
	opening bool
}

type waiter struct {
	*priority.Item
	granted chan grant
}

type grant struct {
	stream transport.SendStream
	err    error
}

func newScheduler(ctx context.Context, open func(context.Context) (transport.SendStream, error), spawn func(func())) *scheduler {
	return &scheduler{ctx: ctx, open: open, spawn: spawn}
}

// ranked writes to the stream of an item as its turn comes.
type ranked struct {
	ctx    context.Context // ends the wait for a turn
	item   *priority.Item
	stream io.Writer
}

func (r *ranked) Write(p []byte) (int, error) { return r.item.Write(r.ctx, r.stream, p) }

// rest is called when there is nothing to write for now.
func (r *ranked) rest() { r.item.Rest() }

// enter ranks the writes to a stream that is open already, until leave is called.
func (s *scheduler) enter(ctx context.Context, out transport.SendStream, w priority.Wish, sequence uint64) (in io.Writer, leave func()) {
	item := s.queue.Track(w).Insert(sequence)
	rank(item, out)
	return &ranked{ctx, item, out}, item.Close
}

// rank gives the stream of an item an urgency of the transport by its rank, from now on until the
// item is closed: it puts what is sent again, after a loss, into the order of the ranks too.
func rank(item *priority.Item, s transport.SendStream) {
	last := uint8(transport.UrgencyDefault)
	item.Follow(func(rank uint8) {
		if u := urgency(rank); u != last {
			last = u
			s.SetPriority(u, true)
		}
	})
}

// urgency is one of the four after that of new streams, which all but group streams keep: what
// controls the session goes before all content.
func urgency(rank uint8) uint8 {
	switch {
	case rank == 0:
		return transport.UrgencyDefault + 1
	case rank <= 2:
		return transport.UrgencyDefault + 2
	case rank <= 8:
		return transport.UrgencyDefault + 3
	default:
		return transport.UrgencyLast
	}
}

// stream waits for a stream to send a group on, at most until ctx ends.
func (s *scheduler) stream(ctx context.Context, item *priority.Item) (transport.SendStream, error) {
	w := &waiter{Item: item, granted: make(chan grant, 1)}
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
		if w.Before(s.waiting[best].Item) {
			best = i
		}
	}
	s.waiting[best].granted <- g
	s.waiting = slices.Delete(s.waiting, best, best+1)
}
