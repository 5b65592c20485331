package rx

import (
	"context"

	"github.com/reactivex/rxgo/v2"
)

// single is a bound Observable of one item. rxgo's own can be observed only once.
type single struct{ b *bound }

// optional is a bound Observable of at most one item.
type optional struct{ b *bound }

func (s single) Observe(opts ...rxgo.Option) <-chan rxgo.Item   { return s.b.Observe(opts...) }
func (o optional) Observe(opts ...rxgo.Option) <-chan rxgo.Item { return o.b.Observe(opts...) }

func (s single) Run(opts ...rxgo.Option) rxgo.Disposed   { return s.b.Run(opts...) }
func (o optional) Run(opts ...rxgo.Option) rxgo.Disposed { return o.b.Run(opts...) }

func (s single) Get(opts ...rxgo.Option) (rxgo.Item, error)   { return s.b.first(opts) }
func (o optional) Get(opts ...rxgo.Option) (rxgo.Item, error) { return o.b.first(opts) }

func (s single) Map(apply rxgo.Func, opts ...rxgo.Option) rxgo.Single {
	return single{s.b.mapped(apply, opts)}
}

func (o optional) Map(apply rxgo.Func, opts ...rxgo.Option) rxgo.OptionalSingle {
	return optional{o.b.mapped(apply, opts)}
}

func (s single) Filter(apply rxgo.Predicate, opts ...rxgo.Option) rxgo.OptionalSingle {
	return optional{s.b.with(opts, s.b.raw().Filter(apply))}
}

func (b *bound) mapped(apply rxgo.Func, opts []rxgo.Option) *bound {
	return b.then(opts, func(_ context.Context, in rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return in.Map(apply, opts...)
	})
}

// first waits for the first item, which may be an error. Without one, the item is empty. The
// error is that of a context.
func (b *bound) first(opts []rxgo.Option) (rxgo.Item, error) {
	ctx, cancel := join(observerContext(opts), b.ends)
	defer cancel()
	for v, err := range b.items(ctx) {
		if err != nil && ctx.Err() != nil {
			return rxgo.Item{}, err
		}
		return rxgo.Item{V: v, E: err}, nil
	}
	return rxgo.Item{}, nil
}
