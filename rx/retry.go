package rx

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/reactivex/rxgo/v2"
)

// BackOffRetry observes anew after an error, as often and as late as policy says; a
// [backoff.PermanentError] is not retried. rxgo's own closes its channel twice when it is
// canceled, and with that the process.
func (b *bound) BackOffRetry(policy backoff.BackOff, opts ...rxgo.Option) rxgo.Observable {
	return b.with(opts, NewStream(func(ctx context.Context) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			policy.Reset()
			for {
				failure, more := b.untilError(ctx, yield)
				if failure == nil || !more {
					return
				}
				if err := pause(ctx, policy, failure); err != nil {
					yield(nil, err)
					return
				}
			}
		}
	}))
}

// untilError yields the items of one observation up to an error, which it returns.
func (b *bound) untilError(ctx context.Context, yield func(any, error) bool) (failure error, more bool) {
	for v, err := range b.items(ctx) {
		if err != nil {
			return err, true
		}
		if !yield(v, nil) {
			return nil, false
		}
	}
	return nil, true
}

// pause waits before the next attempt, or says why there is none.
func pause(ctx context.Context, policy backoff.BackOff, failure error) error {
	var permanent *backoff.PermanentError
	if errors.As(failure, &permanent) {
		return permanent.Err
	}
	wait := policy.NextBackOff()
	if wait == backoff.Stop {
		return failure
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
