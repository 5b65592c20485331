package lite

import "context"

// Drain waits until the peer has what it subscribed to: until for each subscription that is
// served, and for each track that the peer asked about a moment ago, the end was sent and the peer
// has ended its half too, or it failed, and each fetch is answered. It does not end subscriptions: those to a track that is
// not finished stay. It returns the error of ctx when that ends first, and nil at the latest
// with the end of the session.
func (e *Engine) Drain(ctx context.Context) error {
	p := e.publisher
	for {
		p.mu.Lock()
		idle, freed := p.serving == 0 && len(p.holds) == 0, p.freed
		p.mu.Unlock()
		if idle {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
