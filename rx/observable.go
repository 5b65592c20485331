package rx

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/reactivex/rxgo/v2"
)

// An Option says how an Observable runs its stream.
type Option func(*config)

type config struct {
	buffer int
	ends   []context.Context // whichever ends first ends an observation
}

const defaultBuffer = 16

// WithContext ends every observation of the Observable, and of what is derived from it, when
// ctx ends. Without it an observation ends with the stream, or with the context that is given
// to Observe, to an operator or to [All].
func WithContext(ctx context.Context) Option {
	return func(c *config) { c.ends = append(c.ends, ctx) }
}

// WithBuffer sets how many items may wait for a slow observer; the default is 16. At most
// n+1 items are pulled from the stream before the observer takes the first one. With 0 each
// item is handed over in person, which costs two to three times as much per item.
func WithBuffer(n int) Option {
	return func(c *config) { c.buffer = max(0, n) }
}

// Observable is the stream as an Observable of rxgo, with items of type T. It is cold: each
// observation is a run of its own and sees everything. An observation takes one goroutine and
// one channel, and an observer that is slow holds the stream back.
//
// The channel is closed after the last item; when the end is not a clean one, the error is
// the last item. If a context ends the observation, its error is the last item provided that
// the observer is waiting or the buffer has room.
//
// Every operator of the Observable returned, and of what they return in turn, belongs to the
// same observation: it ends with the contexts of the Observable, of the operators and of the
// observer, whichever is first, and leaves no goroutine behind.
func (s Stream[T]) Observable(opts ...Option) rxgo.Observable {
	c := config{buffer: defaultBuffer}
	for _, opt := range opts {
		opt(&c)
	}
	return &bound{config: c, source: Map(s, func(v T) (any, error) { return v, nil })}
}

// From is an Observable as a typed stream; a run of it is an observation of o. See [All] for
// what it does with errors and with items of another type.
func From[T any](o rxgo.Iterable) Stream[T] {
	return NewStream(func(ctx context.Context) iter.Seq2[T, error] { return All[T](ctx, o) })
}

// All observes o and ranges over its items, which have to be of type T: any other item ends
// the loop with an error that names both types. Errors are passed on as they come. With an
// Observable of this package they come last; after an operator of rxgo that was told to
// continue on errors, or from a foreign Observable, more items may follow. When ctx ends, the
// last error is the context's.
//
// When the loop ends, for whatever reason, so does the observation: it is canceled, and then
// drained for up to a second, which frees the goroutines of those operators of rxgo that do
// not look at their context. A foreign Observable is observed with a context of this run; what
// it does with it is its own affair.
func All[T any](ctx context.Context, o rxgo.Iterable) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range items(ctx, o) {
			t, ok := v.(T)
			if err == nil && !ok && !accepts[T](v) {
				yield(t, fmt.Errorf("rx: the item is a %T, not a %v: convert it with Map before", v, reflect.TypeFor[T]()))
				return
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// accepts tells whether v is the nil that is also a T.
func accepts[T any](v any) bool {
	return v == nil && reflect.TypeFor[T]().Kind() == reflect.Interface
}

// items is one observation of o in the goroutine that ranges over it.
func items(ctx context.Context, o rxgo.Iterable) iter.Seq2[any, error] {
	switch o := o.(type) {
	case *bound:
		return o.stream().All(ctx)
	case single:
		return o.b.stream().All(ctx)
	case optional:
		return o.b.stream().All(ctx)
	default:
		return func(yield func(any, error) bool) {
			observe(ctx, yield, func(ctx context.Context) <-chan rxgo.Item {
				return o.Observe(rxgo.WithContext(ctx))
			})
		}
	}
}

// observe yields the items of the channel that open returns. The context that open gets ends
// before observe returns.
func observe(ctx context.Context, yield func(any, error) bool, open func(context.Context) <-chan rxgo.Item) {
	inner, cancel := context.WithCancel(ctx)
	items, closed := open(inner), false
	defer func() {
		cancel()
		if !closed {
			go drain(items)
		}
	}()
	for {
		select {
		case item, ok := <-items:
			if closed = !ok; closed {
				if ctx.Err() != nil {
					yield(nil, context.Cause(ctx))
				}
				return
			}
			if !yield(item.V, item.E) {
				return
			}
		case <-ctx.Done():
			yield(nil, context.Cause(ctx))
			return
		}
	}
}

// patience is how long a canceled observation has to come to its end.
const patience = time.Second

// drain frees the operators that send without an eye on their context. It gives up on a
// channel that nobody closes, and on a source that goes on.
func drain(items <-chan rxgo.Item) {
	enough := time.NewTimer(patience)
	defer enough.Stop()
	for {
		select {
		case _, ok := <-items:
			if !ok {
				return
			}
		case <-enough.C:
			return
		}
	}
}
