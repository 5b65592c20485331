package rx

import (
	"context"
	"iter"
	"sync"
)

// Merge runs streams side by side, each in a goroutine of its own, and passes on their items
// as they come. It ends when all have ended, or with the first error, which ends the others
// too. A run keeps at most one item of each stream waiting; when the loop over it ends, all
// its goroutines have.
func Merge[T any](streams ...Stream[T]) Stream[T] {
	return NewStream(func(ctx context.Context) iter.Seq2[T, error] {
		return func(yield func(T, error) bool) {
			results, stop := start(ctx, streams...)
			defer stop()
			for r := range results {
				if !yield(r.value, r.err) || r.err != nil {
					return
				}
			}
		}
	})
}

type result[T any] struct {
	value T
	err   error
}

// start runs streams in goroutines of their own and closes the channel when the last one is
// through. The caller must call stop, which ends the runs and waits for the goroutines.
func start[T any](ctx context.Context, streams ...Stream[T]) (results <-chan result[T], stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan result[T])
	stopped := make(chan struct{})
	var running sync.WaitGroup
	for _, s := range streams {
		running.Go(func() {
			for v, err := range s.All(ctx) {
				select {
				case out <- result[T]{v, err}:
				case <-stopped:
					return
				}
			}
		})
	}
	go func() {
		running.Wait()
		close(out)
	}()
	return out, func() {
		close(stopped)
		cancel()
		for range out { // closed once every stream is through
			continue
		}
	}
}
