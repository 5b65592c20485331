package rx

import (
	"context"
	"iter"
)

// A Stream is a typed, cold sequence: a recipe that every run follows from its start. The
// zero Stream is empty.
//
// A Stream has no goroutine, channel or state of its own, so it may be copied, kept and run
// by any number of goroutines at once; each run sees everything. Operators make a new Stream
// and leave the old one as it was. A run happens in the goroutine that ranges over it:
// nothing is pulled from the source before the loop asks for it.
type Stream[T any] struct {
	open func(ctx context.Context) iter.Seq2[T, error]
}

// NewStream makes a Stream from open, which is called once per run and whose result is
// ranged over once. The sequence must end soon after ctx does. It ends either cleanly or with
// one last pair of the zero value and the error; that error is the context's when the context
// ended it, so that a cut is never taken for the end.
func NewStream[T any](open func(ctx context.Context) iter.Seq2[T, error]) Stream[T] {
	return Stream[T]{open: open}
}

// All runs the stream, once for each range over the result. A clean end ends the loop; any
// other end, that of ctx included, is one last pair of the zero value and the error. Breaking
// out of the loop releases whatever the run holds.
func (s Stream[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if s.open != nil {
			s.open(ctx)(yield)
		}
	}
}

// through makes an operator of body, which ranges over one run of s and yields what is to go on.
func through[T, U any](s Stream[T], body func(in iter.Seq2[T, error], yield func(U, error) bool)) Stream[U] {
	return NewStream(func(ctx context.Context) iter.Seq2[U, error] {
		return func(yield func(U, error) bool) { body(s.All(ctx), yield) }
	})
}

// Filter passes on the items that keep holds for.
func (s Stream[T]) Filter(keep func(T) bool) Stream[T] {
	return through(s, func(in iter.Seq2[T, error], yield func(T, error) bool) {
		for v, err := range in {
			if (err != nil || keep(v)) && !yield(v, err) {
				return
			}
		}
	})
}

// Take passes on the first n items and ends with the nth: it does not wait for another one.
func (s Stream[T]) Take(n int) Stream[T] {
	return through(s, func(in iter.Seq2[T, error], yield func(T, error) bool) {
		left := n
		if left <= 0 {
			return
		}
		for v, err := range in {
			if !yield(v, err) {
				return
			}
			if err == nil {
				left--
			}
			if left == 0 {
				return
			}
		}
	})
}

// TakeWhile ends before the first item that keep does not hold for.
func (s Stream[T]) TakeWhile(keep func(T) bool) Stream[T] {
	return through(s, func(in iter.Seq2[T, error], yield func(T, error) bool) {
		for v, err := range in {
			if err == nil && !keep(v) || !yield(v, err) {
				return
			}
		}
	})
}

// TakeUntil ends after the first item that last holds for.
func (s Stream[T]) TakeUntil(last func(T) bool) Stream[T] {
	return through(s, func(in iter.Seq2[T, error], yield func(T, error) bool) {
		for v, err := range in {
			if !yield(v, err) || err == nil && last(v) {
				return
			}
		}
	})
}

// Skip drops the first n items.
func (s Stream[T]) Skip(n int) Stream[T] {
	return through(s, func(in iter.Seq2[T, error], yield func(T, error) bool) {
		left := n
		for v, err := range in {
			if err == nil && left > 0 {
				left--
			} else if !yield(v, err) {
				return
			}
		}
	})
}

// SkipWhile drops items up to the first one that drop does not hold for.
func (s Stream[T]) SkipWhile(drop func(T) bool) Stream[T] {
	return through(s, func(in iter.Seq2[T, error], yield func(T, error) bool) {
		skipping := true
		for v, err := range in {
			if err == nil && skipping {
				skipping = drop(v)
			}
			if (err != nil || !skipping) && !yield(v, err) {
				return
			}
		}
	})
}

// Tap calls see with each item on its way. Errors do not pass through see.
func (s Stream[T]) Tap(see func(T)) Stream[T] {
	return through(s, func(in iter.Seq2[T, error], yield func(T, error) bool) {
		for v, err := range in {
			if err == nil {
				see(v)
			}
			if !yield(v, err) {
				return
			}
		}
	})
}

// Map turns each item into another. An error of f ends the stream with that error.
func Map[T, U any](s Stream[T], f func(T) (U, error)) Stream[U] {
	return through(s, func(in iter.Seq2[T, error], yield func(U, error) bool) {
		for v, err := range in {
			var u U
			failed := false
			if err == nil {
				u, err = f(v)
				failed = err != nil
			}
			if !yield(u, err) || failed {
				return
			}
		}
	})
}

// Scan folds the items: each one is joined by f to what came before, beginning with seed, and
// every intermediate result is passed on.
func Scan[T, U any](s Stream[T], seed U, f func(U, T) U) Stream[U] {
	return through(s, func(in iter.Seq2[T, error], yield func(U, error) bool) {
		acc := seed
		for v, err := range in {
			if err != nil {
				var zero U
				if !yield(zero, err) {
					return
				}
				continue
			}
			if acc = f(acc, v); !yield(acc, nil) {
				return
			}
		}
	})
}
