package rx

import (
	"context"
	"iter"
	"math"

	"github.com/reactivex/rxgo/v2"
)

// Operators that only choose among items need no goroutine and no channel: without options
// they run inside the source, which also lets them end it the moment they are done. rxgo's
// Take, for one, ends when item n+1 arrives, which in a live track may be never.

// Take passes on the first nth items. Options other than a context say nothing to it.
func (b *bound) Take(nth uint, opts ...rxgo.Option) rxgo.Observable {
	return b.with(opts, b.raw().Take(count(nth)))
}

// Filter passes on the items that apply holds for.
func (b *bound) Filter(apply rxgo.Predicate, opts ...rxgo.Option) rxgo.Observable {
	if len(opts) == 0 {
		return b.with(nil, b.raw().Filter(apply))
	}
	return b.then(opts, func(_ context.Context, in rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return in.Filter(apply, opts...)
	})
}

// TakeLast passes on the last nth items when the source has ended.
func (b *bound) TakeLast(nth uint, opts ...rxgo.Option) rxgo.Observable {
	if nth == 0 { // rxgo's own would panic
		return b.IgnoreElements(opts...)
	}
	return b.then(opts, func(_ context.Context, in rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return in.TakeLast(nth, opts...)
	})
}

// SkipLast drops the last nth items: it holds back that many. rxgo's own is its Take.
func (b *bound) SkipLast(nth uint, opts ...rxgo.Option) rxgo.Observable {
	return b.with(opts, through(b.raw(), func(in iter.Seq2[any, error], yield func(any, error) bool) {
		var held []any
		for v, err := range in {
			if err == nil {
				if held = append(held, v); len(held) <= count(nth) {
					continue
				}
				v, held = held[0], held[1:]
			}
			if !yield(v, err) {
				return
			}
		}
	}))
}

// Skip drops the first nth items.
func (b *bound) Skip(nth uint, opts ...rxgo.Option) rxgo.Observable {
	return b.with(opts, b.raw().Skip(count(nth)))
}

// SkipWhile drops items up to the first one that apply does not hold for.
func (b *bound) SkipWhile(apply rxgo.Predicate, opts ...rxgo.Option) rxgo.Observable {
	return b.with(opts, b.raw().SkipWhile(apply))
}

// TakeUntil ends after the first item that apply holds for.
func (b *bound) TakeUntil(apply rxgo.Predicate, opts ...rxgo.Option) rxgo.Observable {
	return b.with(opts, b.raw().TakeUntil(apply))
}

// TakeWhile ends before the first item that apply does not hold for.
func (b *bound) TakeWhile(apply rxgo.Predicate, opts ...rxgo.Option) rxgo.Observable {
	return b.with(opts, b.raw().TakeWhile(apply))
}

func count(nth uint) int { return int(min(nth, math.MaxInt)) }
