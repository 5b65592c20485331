package rx_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/rx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bursts is a source that never ends: 64 numbers at once, then again every millisecond.
func bursts() rx.Stream[int] {
	return rx.NewStream(func(ctx context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := 0; ; i++ {
				if i%64 == 63 {
					select {
					case <-time.After(time.Millisecond):
					case <-ctx.Done():
					}
				}
				if ctx.Err() != nil {
					yield(0, context.Cause(ctx))
					return
				}
				if !yield(i, nil) {
					return
				}
			}
		}
	})
}

// numbers is 0 to n-1, and then err unless that is nil.
func numbers(n int, err error) rx.Stream[int] {
	return rx.NewStream(func(ctx context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range n {
				if !yield(i, nil) {
					return
				}
			}
			if err != nil {
				yield(0, err)
			}
		}
	})
}

// collect runs s to its end.
func collect[T any](ctx context.Context, seq iter.Seq2[T, error]) (all []T, err error) {
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}
