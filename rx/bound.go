package rx

import (
	"context"
	"iter"
	"slices"

	"github.com/reactivex/rxgo/v2"
)

//go:generate go run ./internal/genbound -o bound_gen.go

// bound is a cold Observable as a recipe: a source, and the operators of rxgo that are to run
// on it. Each observation builds the chain of operators anew under a context of its own,
// because rxgo's operators keep the channel and the context they were made with: some are
// spent after one observation, and those that run on when nobody listens end by their context
// alone.
//
// Most methods are generated and only name an operator of rxgo; the others are in choose.go,
// end.go, fold.go, retry.go and split.go, each with its reason.
type bound struct {
	config
	source    Stream[any]
	operators []operator
}

// operator is one operator of rxgo with the options it was asked for with.
type operator struct {
	apply apply
	opts  []rxgo.Option
}

// apply calls an operator of rxgo on in, which is observed with ctx.
type apply func(ctx context.Context, in rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable

// tied is an Observable that an operator observes beside its source and that ends with ctx.
func tied(ctx context.Context, o rxgo.Observable) rxgo.Observable {
	return From[any](o).Observable(WithContext(ctx))
}

// then is b followed by an operator of rxgo that makes an Observable.
func (b *bound) then(opts []rxgo.Option, apply apply) *bound {
	next := b.with(opts, b.source)
	next.operators = append(slices.Clip(b.operators), operator{apply, opts})
	return next
}

// last is b followed by an operator of rxgo that makes a Single, which no other operator of
// rxgo can run on.
func (b *bound) last(opts []rxgo.Option, apply apply) *bound {
	run := b.then(opts, apply)
	return run.with(nil, run.raw())
}

// with is a bound Observable of s that also ends with the context among opts.
func (b *bound) with(opts []rxgo.Option, s Stream[any]) *bound {
	c := b.config
	if ctx := contextOf(opts); ctx != nil {
		c.ends = append(slices.Clip(c.ends), ctx)
	}
	return &bound{config: c, source: s}
}

// raw is b as a stream that leaves the contexts of b to who runs it.
func (b *bound) raw() Stream[any] {
	return NewStream(b.items)
}

// stream is b as a stream that ends with the contexts of b as well.
func (b *bound) stream() Stream[any] {
	return NewStream(func(ctx context.Context) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			ctx, cancel := join(ctx, b.ends)
			defer cancel()
			b.items(ctx)(yield)
		}
	})
}

// items is one observation of b in the goroutine that ranges over it.
func (b *bound) items(ctx context.Context) iter.Seq2[any, error] {
	if len(b.operators) == 0 {
		return b.source.All(ctx)
	}
	return func(yield func(any, error) bool) { observe(ctx, yield, b.chain) }
}

// chain builds and observes b's operators.
func (b *bound) chain(ctx context.Context) <-chan rxgo.Item {
	buffer, within := rxgo.WithBufferedChannel(b.buffer), rxgo.WithContext(ctx)
	var out rxgo.Iterable = rxgo.Defer([]rxgo.Producer{b.feed}, buffer, within)
	for _, op := range b.operators {
		opts := slices.Concat([]rxgo.Option{buffer}, op.opts, []rxgo.Option{within})
		out = op.apply(ctx, out.(rxgo.Observable), opts...)
	}
	return out.Observe(within)
}

// feed sends the items of the source to the first operator. The end of the context is not
// reported: an operator might take it for an error to retry after.
func (b *bound) feed(ctx context.Context, next chan<- rxgo.Item) {
	for v, err := range b.source.All(ctx) {
		if err != nil && ctx.Err() != nil {
			return
		}
		select {
		case next <- rxgo.Item{V: v, E: err}:
		case <-ctx.Done():
			return
		}
	}
}

// Observe starts an observation and returns its channel.
func (b *bound) Observe(opts ...rxgo.Option) <-chan rxgo.Item {
	return rxgo.Defer([]rxgo.Producer{b.pump}, rxgo.WithBufferedChannel(b.buffer)).Observe(opts...)
}

// pump sends the items of b to an observer, who may have gone when a context ends.
func (b *bound) pump(ctx context.Context, next chan<- rxgo.Item) {
	ctx, cancel := join(ctx, b.ends)
	defer cancel()
	for v, err := range b.items(ctx) {
		item := rxgo.Item{V: v, E: err}
		select {
		case next <- item:
		case <-ctx.Done():
			if err == nil {
				item = rxgo.Error(context.Cause(ctx))
			}
			item.SendNonBlocking(next)
			return
		}
	}
}

// join is ctx, ended by the others as well.
func join(ctx context.Context, others []context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	var stops []func() bool
	for _, other := range others {
		if other != nil && other.Done() != nil {
			stops = append(stops, context.AfterFunc(other, func() { cancel(context.Cause(other)) }))
		}
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel(nil)
	}
}

// contextOf is the context among opts, or nil. rxgo keeps its options to itself; what it
// tells is the context that it calls a deferred producer with.
func contextOf(opts []rxgo.Option) (found context.Context) {
	if len(opts) == 0 {
		return nil
	}
	told := make(chan struct{})
	rxgo.Defer([]rxgo.Producer{func(ctx context.Context, _ chan<- rxgo.Item) {
		found = ctx
		close(told)
	}}).Observe(opts...)
	<-told
	return found
}
