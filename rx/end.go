package rx

import (
	"context"
	"iter"

	"github.com/reactivex/rxgo/v2"
)

// What ends a chain ranges over it directly. rxgo's own versions take a goroutine and a
// channel more, forget the context, or (ToSlice) take a canceled observation for a whole one.

// Error is the first error, that of a context included, or nil after a clean end.
func (b *bound) Error(opts ...rxgo.Option) error {
	for _, err := range b.observation(opts) {
		if err != nil {
			return err
		}
	}
	return nil
}

// Errors is every error.
func (b *bound) Errors(opts ...rxgo.Option) []error {
	errs := []error{}
	for _, err := range b.observation(opts) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// ToSlice is every item up to the first error, and that error.
func (b *bound) ToSlice(initialCapacity int, opts ...rxgo.Option) ([]any, error) {
	all := make([]any, 0, initialCapacity)
	for v, err := range b.observation(opts) {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Send sends every item to output, an error as the last one, and then closes it.
func (b *bound) Send(output chan<- rxgo.Item, opts ...rxgo.Option) {
	ctx := observerContext(opts)
	go func() {
		defer close(output)
		b.pump(ctx, output)
	}()
}

// Run observes without looking at the items. The channel returned is closed at the end.
func (b *bound) Run(opts ...rxgo.Option) rxgo.Disposed {
	return b.ForEach(func(any) {}, func(error) {}, func() {}, opts...)
}

// DoOnNext calls nextFunc with every item up to the first error.
func (b *bound) DoOnNext(nextFunc rxgo.NextFunc, opts ...rxgo.Option) rxgo.Disposed {
	return b.ForEach(nextFunc, func(error) {}, func() {}, opts...)
}

// DoOnError calls errFunc with an error.
func (b *bound) DoOnError(errFunc rxgo.ErrFunc, opts ...rxgo.Option) rxgo.Disposed {
	return b.ForEach(func(any) {}, errFunc, func() {}, opts...)
}

// DoOnCompleted calls completedFunc at the end, a clean one or not.
func (b *bound) DoOnCompleted(completedFunc rxgo.CompletedFunc, opts ...rxgo.Option) rxgo.Disposed {
	return b.ForEach(func(any) {}, func(error) {}, completedFunc, opts...)
}

// ForEach calls nextFunc with every item, errFunc with every error, that of a context
// included, and completedFunc at the end, all in one goroutine.
func (b *bound) ForEach(nextFunc rxgo.NextFunc, errFunc rxgo.ErrFunc, completedFunc rxgo.CompletedFunc, opts ...rxgo.Option) rxgo.Disposed {
	disposed := make(chan struct{})
	observation := b.observation(opts)
	go func() {
		defer close(disposed)
		defer completedFunc()
		for v, err := range observation {
			if err != nil {
				errFunc(err)
			} else {
				nextFunc(v)
			}
		}
	}()
	return disposed
}

// Connect observes nothing: every observer of a cold Observable has a run of its own.
func (b *bound) Connect(ctx context.Context) (context.Context, rxgo.Disposable) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, rxgo.Disposable(cancel)
}

func (b *bound) observation(opts []rxgo.Option) iter.Seq2[any, error] {
	return b.stream().All(observerContext(opts))
}

func observerContext(opts []rxgo.Option) context.Context {
	if ctx := contextOf(opts); ctx != nil {
		return ctx
	}
	return context.Background()
}
