package model

import (
	"context"
	"io"
)

// consume returns a reader at frame 0.
func (g *group) consume() *GroupConsumer {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.joined()
	return &GroupConsumer{g: g}
}

// joined notes one more reader.
func (g *group) joined() {
	g.consumers++
	if g.consumers == 1 {
		g.demand.wake()
	}
}

// left notes one reader less.
func (g *group) left() {
	g.consumers--
	if g.consumers == 0 {
		g.demand.wake()
	}
}

// cause is nil while somebody can change the group, and then why nobody can: io.EOF after a clean end.
func (g *group) cause() error {
	if g.err == nil && g.producers == 0 {
		return io.EOF
	}
	return g.err
}

// Used blocks until the group has a reader, which is a [GroupConsumer] that is not closed. It returns
// what Err does once the group is closed, and ErrClosed after Close of this handle.
func (p *GroupProducer) Used(ctx context.Context) error { return p.waitUsed(ctx, true) }

// Unused blocks until the group has no reader. Errors as in Used.
func (p *GroupProducer) Unused(ctx context.Context) error { return p.waitUsed(ctx, false) }

func (p *GroupProducer) waitUsed(ctx context.Context, want bool) error {
	_, err := await(ctx, p, func(p *GroupProducer, _ bool) (struct{}, bool, <-chan struct{}, error) {
		g := p.g
		g.mu.Lock()
		defer g.mu.Unlock()
		switch {
		case g.cause() != nil:
			return struct{}{}, false, nil, g.cause()
		case p.closed:
			return struct{}{}, false, nil, errReaderClosed
		case (g.consumers > 0) == want:
			return struct{}{}, true, nil, nil
		}
		return struct{}{}, false, g.demand.wait(), nil
	})
	return err
}

// Closed returns a channel that closes when the group was aborted, dropped or let go by the cache, or
// its last producer closed; not on Finish.
func (p *GroupProducer) Closed() <-chan struct{} {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	if p.g.cause() != nil {
		return fired
	}
	return p.g.ended.wait()
}

// Err returns nil until Closed, then why: io.EOF when the group had been finished, ErrOld or
// ErrEvicted when the cache let it go.
func (p *GroupProducer) Err() error {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	return p.g.cause()
}
