package rx

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/reactivex/rxgo/v2"
)

// The operators that cut a run into pieces. rxgo's own cannot be bound: once canceled they
// wait for ever on a channel or a lock of their own, and their pieces are channels that two
// observers would have to share.

// BufferWithTime gathers the items of each timespan into one []any; none are made of nothing.
func (b *bound) BufferWithTime(timespan rxgo.Duration, opts ...rxgo.Option) rxgo.Observable {
	return b.buffers(timespan, 0, opts)
}

// BufferWithTimeOrCount does the same and ends a buffer early when it holds count items.
func (b *bound) BufferWithTimeOrCount(timespan rxgo.Duration, count int, opts ...rxgo.Option) rxgo.Observable {
	if count <= 0 {
		return b.with(opts, failed(fmt.Errorf("rx: BufferWithTimeOrCount: count %d is not positive", count)))
	}
	return b.buffers(timespan, count, opts)
}

func (b *bound) buffers(timespan rxgo.Duration, count int, opts []rxgo.Option) *bound {
	if timespan == nil {
		return b.with(opts, failed(errNoTimespan))
	}
	return b.with(opts, b.cut(timespan, count, func(yield yield) pieces { return &buffers{yield: yield} }))
}

// WindowWithCount passes on an Observable for every count items, or one for all when count is
// 0. A window opens with its first item and keeps its items, so that each of its observers
// sees all of them at its own pace; it holds nothing back.
func (b *bound) WindowWithCount(count int, opts ...rxgo.Option) rxgo.Observable {
	return b.windows(nil, count, opts)
}

// WindowWithTime passes on an Observable for the items of each timespan, as WindowWithCount does.
func (b *bound) WindowWithTime(timespan rxgo.Duration, opts ...rxgo.Option) rxgo.Observable {
	if timespan == nil {
		return b.with(opts, failed(errNoTimespan))
	}
	return b.windows(timespan, 0, opts)
}

// WindowWithTimeOrCount does the same and ends a window early when it has count items.
func (b *bound) WindowWithTimeOrCount(timespan rxgo.Duration, count int, opts ...rxgo.Option) rxgo.Observable {
	if timespan == nil {
		return b.with(opts, failed(errNoTimespan))
	}
	return b.windows(timespan, count, opts)
}

func (b *bound) windows(timespan rxgo.Duration, count int, opts []rxgo.Option) *bound {
	if count < 0 {
		return b.with(opts, failed(fmt.Errorf("rx: a window of %d items: the count may not be negative", count)))
	}
	// In a goroutine of its own, so that a window fills while it is being read.
	return b.with(opts, Merge(b.cut(timespan, count, func(yield yield) pieces { return &windows{b: b, yield: yield} })))
}

// GroupBy passes on length Observables; the ith has the items that distribution gives i. Each
// is cold: observing it observes the source anew.
func (b *bound) GroupBy(length int, distribution func(rxgo.Item) int, opts ...rxgo.Option) rxgo.Observable {
	return b.with(opts, NewStream(func(context.Context) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			for i := range length {
				if !yield(b.with(opts, b.group(i, length, distribution)), nil) {
					return
				}
			}
		}
	}))
}

func (b *bound) group(i, length int, distribution func(rxgo.Item) int) Stream[any] {
	return through(b.raw(), func(in iter.Seq2[any, error], yield func(any, error) bool) {
		for v, err := range in {
			if err != nil {
				if !yield(nil, err) {
					return
				}
				continue
			}
			switch at := distribution(rxgo.Of(v)); {
			case at < 0 || at >= length:
				yield(nil, fmt.Errorf("rx: GroupBy: index %d is not among the %d groups", at, length))
				return
			case at == i && !yield(v, nil):
				return
			}
		}
	})
}

type yield = func(any, error) bool

// pieces takes the items of one run.
type pieces interface {
	add(v any) bool     // to the open piece, or to a new one
	cut(err error) bool // ends the open piece, if there is one
}

// cut runs b and a clock side by side, and cuts where a piece has count items, or at the end of
// each timespan. Without a count or a timespan the other decides alone.
func (b *bound) cut(timespan rxgo.Duration, count int, begin func(yield) pieces) Stream[any] {
	return NewStream(func(ctx context.Context) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			results, stop := start(ctx, b.raw())
			defer stop()
			p, held := begin(yield), 0
			cut := func(err error) bool {
				held = 0
				return p.cut(err)
			}
			tick := clock(ctx, timespan)
			for more := true; more; {
				select {
				case r, ok := <-results:
					switch {
					case !ok:
						cut(nil)
						return
					case r.err != nil:
						more = cut(r.err) && yield(nil, r.err)
					default:
						held++
						more = p.add(r.value) && (held != count || cut(nil))
					}
				case <-tick:
					tick = clock(ctx, timespan)
					more = cut(nil)
				}
			}
		}
	})
}

// clock returns a channel that closes after d, or with ctx. rxgo tells the length of a
// Duration to its own timers alone.
func clock(ctx context.Context, d rxgo.Duration) <-chan rxgo.Item {
	if d == nil {
		return nil
	}
	return rxgo.Timer(d, rxgo.WithContext(ctx)).Observe()
}

type buffers struct {
	yield yield
	held  []any
}

func (b *buffers) add(v any) bool {
	b.held = append(b.held, v)
	return true
}

func (b *buffers) cut(error) bool {
	held := b.held
	b.held = nil
	return len(held) == 0 || b.yield(held, nil)
}

var errNoTimespan = errors.New("rx: the timespan is missing")

func failed(err error) Stream[any] {
	return NewStream(func(context.Context) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) { yield(nil, err) }
	})
}
