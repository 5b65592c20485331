package model

import "context"

// demandChanged is called, under the track's lock, when what its readers want
// together has changed, and under lockLifetime when there is a first or no reader.
func (t *track) demandChanged() {
	t.recount()
	if t.splice != nil {
		t.later(t.splice)
	}
}

// recount keeps the number of tracks with readers that the broadcast has. Producing
// a track is no demand; a request that somebody waits for is.
func (t *track) recount() {
	counts := t.used && !t.closed
	if counts == t.counted {
		return
	}
	t.counted = counts
	b := t.owner
	if counts {
		b.used++
	} else {
		b.used--
	}
	if b.used == 0 || (counts && b.used == 1) {
		b.demand.wake()
		if b.front != nil {
			t.later(b.front)
		}
	}
}

// Used blocks until some track of the broadcast has a reader or is requested by
// one. Tracks that are only produced do not count. It returns the broadcast's error
// once it has ended (ErrDropped after Finish), ErrClosed after Close.
func (p *BroadcastProducer) Used(ctx context.Context) error { return p.waitUsed(ctx, true) }

// Unused blocks until no track of the broadcast has a reader. Errors as in Used.
func (p *BroadcastProducer) Unused(ctx context.Context) error { return p.waitUsed(ctx, false) }

func (p *BroadcastProducer) waitUsed(ctx context.Context, want bool) error {
	_, err := await(ctx, p, func(p *BroadcastProducer, _ bool) (struct{}, bool, <-chan struct{}, error) {
		p.b.mu.Lock()
		defer p.b.mu.Unlock()
		if err := p.usable(); err != nil {
			return struct{}{}, false, nil, err
		}
		if (p.b.used > 0) == want {
			return struct{}{}, true, nil, nil
		}
		return struct{}{}, false, p.b.demand.wait(), nil
	})
	return err
}
