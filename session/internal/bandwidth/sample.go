package bandwidth

import (
	"context"
	"errors"
	"time"

	"github.com/moqrx/moqrx/model"
)

// Interval is the time between two measurements.
const Interval = 100 * time.Millisecond

// Sample sets p to what estimate says, at once and every [Interval], while p has a reader; without one it
// measures nothing. It blocks until ctx ends or p is closed, and then closes p, so that readers hear of the end.
// It holds on to nothing else: what estimate needs of a connection is free once Sample has returned.
func Sample(ctx context.Context, p *model.BandwidthProducer, estimate func() model.Bitrate) {
	defer func() { _ = p.Close() }() // which cannot fail
	for {
		if err := p.Used(ctx); err != nil {
			return
		}
		if err := p.Set(estimate()); err != nil {
			return
		}
		if pause(ctx, p) != nil {
			return
		}
	}
}

// pause waits until the next measurement is due, or nobody reads any more.
func pause(ctx context.Context, p *model.BandwidthProducer) error {
	tick, cancel := context.WithTimeout(ctx, Interval)
	defer cancel()
	err := p.Unused(tick)
	if errors.Is(err, context.DeadlineExceeded) {
		return ctx.Err()
	}
	return err
}
