package model

import (
	"context"
	"fmt"
	"slices"
)

// onDemand is one requested path: waiting for an answer, or served and remembered
// while the broadcast lives. The origin's lock guards it.
type onDemand struct {
	o    *origin
	path Path
	b    *broadcast
	err  error
	done chan struct{} // closes with the answer
}

// answered reports whether b or err is final.
func (r *onDemand) answered() bool { return r.b != nil || r.err != nil }

// broadcastChanged forgets a served broadcast that has ended, and ends readers that its
// route has come to run through.
func (r *onDemand) broadcastChanged() {
	r.o.mu.Lock()
	b := r.b // Accept has set it by now: it registers r and answers under the lock
	if b.cause() != nil {
		r.o.forget(r)
	}
	r.o.mu.Unlock()
	if b.front == nil {
		b.dismiss()
	}
}

func (o *origin) forget(r *onDemand) {
	if o.requests[r.path] == r {
		delete(o.requests, r.path)
	}
}

// settle answers everybody who asked for r. The origin's lock is held.
func (o *origin) settle(r *onDemand, b *broadcast, err error) {
	r.b, r.err = b, err
	if err != nil {
		o.forget(r)
	}
	close(r.done)
}

// find returns the broadcast, the request to wait for, or the reason for neither.
func (o *origin) find(path Path, peer *peers) (*broadcast, *onDemand, error) {
	o.mu.Lock()
	defer o.unlock()
	if b, err := o.lookup(path, peer); b != nil || err != nil {
		return b, nil, err
	}
	if r := o.requests[path]; r != nil && (r.b == nil || r.b.cause() == nil) {
		return nil, r, nil // otherwise it has ended and is about to be forgotten
	}
	switch {
	case o.closed:
		return nil, nil, ErrDropped
	case !o.handled(path):
		return nil, nil, ErrUnroutable
	}
	r := &onDemand{o: o, path: path, done: make(chan struct{})}
	if o.requests == nil {
		o.requests = make(map[Path]*onDemand)
	}
	o.requests[path] = r
	o.queue = append(o.queue, r)
	o.queued.wake()
	return nil, r, nil
}

// handled reports whether some handler may serve the path.
func (o *origin) handled(path Path) bool {
	return slices.ContainsFunc(o.handlers, func(d *OriginDynamic) bool { return d.scope.allowed.Covers(path) })
}

// handler registers a new handler.
func (o *origin) handler(s scope, closed bool) *OriginDynamic {
	d := &OriginDynamic{o: o, scope: s, closed: closed}
	if !closed {
		o.handlers = append(o.handlers, d)
	}
	return d
}

// OriginDynamic receives the requests for paths that nobody announces, within its
// permission. What it serves is never announced, and not there for a neighbor that its
// route runs through ([OriginConsumer.ForPeer]). Several handles and several goroutines
// may share the work.
type OriginDynamic struct {
	o      *origin
	scope  scope
	closed bool
}

// RequestedBroadcast returns the oldest request that nobody picked up. It blocks
// until there is one; ErrDropped once the last OriginProducer is closed, ErrClosed
// after Close.
func (d *OriginDynamic) RequestedBroadcast(ctx context.Context) (*BroadcastRequest, error) {
	return await(ctx, d, (*OriginDynamic).requested)
}

// TryRequestedBroadcast is RequestedBroadcast without waiting: false and no error
// when there is none.
func (d *OriginDynamic) TryRequestedBroadcast() (*BroadcastRequest, bool, error) {
	r, ok, _, err := d.requested(false)
	return r, ok, err
}

// Wait returns a channel that closes at the next change that could let TryRequestedBroadcast
// succeed. Take it before, and no change is missed; another handle may be faster.
func (d *OriginDynamic) Wait() <-chan struct{} {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.closed || d.o.closed {
		return fired
	}
	return d.o.queued.wait()
}

func (d *OriginDynamic) requested(block bool) (*BroadcastRequest, bool, <-chan struct{}, error) {
	o := d.o
	o.mu.Lock()
	defer o.mu.Unlock()
	if d.closed {
		return nil, false, nil, errReaderClosed
	}
	if i := slices.IndexFunc(o.queue, func(r *onDemand) bool { return d.scope.allowed.Covers(r.path) }); i >= 0 {
		r := o.queue[i]
		o.queue = slices.Delete(o.queue, i, i+1)
		rel, _ := r.path.StripPrefix(d.scope.root)
		return &BroadcastRequest{r: r, path: rel}, true, nil, nil
	}
	if o.closed {
		return nil, false, nil, ErrDropped
	}
	if !block {
		return nil, false, nil, nil
	}
	return nil, false, o.queued.wait(), nil
}

// Clone returns another handle. The clone of a closed handle is closed.
func (d *OriginDynamic) Clone() *OriginDynamic {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	return d.o.handler(d.scope, d.closed)
}

// Close lets go of the handle, also in a call that is waiting. Requests that
// nobody picked up and no other handler may serve fail with ErrUnroutable;
// requests already picked up can still be answered. Repeating it is harmless.
func (d *OriginDynamic) Close() error {
	o := d.o
	o.mu.Lock()
	defer o.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	o.handlers = slices.DeleteFunc(o.handlers, func(x *OriginDynamic) bool { return x == d })
	o.queue = slices.DeleteFunc(o.queue, func(r *onDemand) bool {
		if o.handled(r.path) {
			return false
		}
		o.settle(r, nil, ErrUnroutable)
		return true
	})
	o.queued.wake()
	return nil
}

// BroadcastRequest is a path that somebody asks for. Answer it with Accept or
// Reject, once; until then more may join. It may be used concurrently.
type BroadcastRequest struct {
	r    *onDemand
	path Path
}

// Path returns the path, relative to the root of the handler.
func (q *BroadcastRequest) Path() Path { return q.path }

// Accept serves b to everybody who asked, and to those who ask while it is open.
// The broadcast's error, which the askers get as well, when it has ended;
// ErrClosed when the request was answered before.
func (q *BroadcastRequest) Accept(b *BroadcastConsumer) error {
	o := q.r.o
	o.mu.Lock()
	defer o.mu.Unlock()
	if q.r.answered() {
		return fmt.Errorf("accept %q: it was answered before: %w", q.path, ErrClosed)
	}
	if b.closed.Load() {
		return fmt.Errorf("accept %q: %w", q.path, errReaderClosed)
	}
	if err := b.b.watch(q.r); err != nil {
		o.settle(q.r, nil, err)
		return fmt.Errorf("accept %q: %w", q.path, err)
	}
	o.settle(q.r, b.b, nil)
	return nil
}

// Reject refuses the path: everybody who asked gets err (nil counts as
// ErrUnroutable), and the next to ask makes a new request. Nothing happens when
// it was answered before.
func (q *BroadcastRequest) Reject(err error) {
	if err == nil {
		err = ErrUnroutable
	}
	o := q.r.o
	o.mu.Lock()
	defer o.mu.Unlock()
	if !q.r.answered() {
		o.settle(q.r, nil, err)
	}
}

// Close lets go of the request; unanswered, it is refused with ErrUnroutable.
// Repeating it is harmless.
func (q *BroadcastRequest) Close() error {
	q.Reject(ErrUnroutable)
	return nil
}
