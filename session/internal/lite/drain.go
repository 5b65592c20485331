package lite

import "context"

// Drain waits until the peer has what it subscribed to: until for each subscription that is
// served, and for each track that the peer asked about a moment ago, the end was sent and the peer
// has ended its half too, or it failed, and each fetch is answered. It does not end subscriptions: those to a track that is
// not finished stay. It returns the error of ctx when that ends first, and nil at the latest
// with the end of the session.
func (e *Engine) Drain(ctx context.Context) error { return wait(ctx, e.publisher.idle) }

// Settle is Drain for both directions: it also waits until the tracks of the peer that local readers
// asked for have ended, come from another source, or are not read any more.
func (e *Engine) Settle(ctx context.Context) error {
	return wait(ctx, func() (bool, <-chan struct{}) {
		if idle, changed := e.publisher.idle(); !idle {
			return false, changed
		}
		return e.subscriber.idle()
	})
}

// wait blocks until idle says so; otherwise that returns a channel that closes when it is worth
// asking again.
func wait(ctx context.Context, idle func() (bool, <-chan struct{})) error {
	for {
		ok, changed := idle()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *publisher) idle() (bool, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.serving == 0 && len(p.holds) == 0, p.freed
}

func (c *subscriber) idle() (bool, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests == 0, c.freed
}

// serve counts in a stream that Drain waits for, until done.
func (p *publisher) serve() (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serving++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.serving--
		p.free()
	}
}

// free wakes Drain. The caller holds mu.
func (p *publisher) free() {
	close(p.freed)
	p.freed = make(chan struct{})
}

// request counts in a track that Settle waits for, until done.
func (c *subscriber) request() (done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.requests--
		close(c.freed)
		c.freed = make(chan struct{})
	}
}
