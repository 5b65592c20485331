package rx

import (
	"context"
	"iter"
	"reflect"

	"github.com/reactivex/rxgo/v2"
)

// Count is the number of items, or the error that ended them: rxgo's own drops the error.
func (b *bound) Count(opts ...rxgo.Option) rxgo.Single {
	return single{b.with(opts, through(b.raw(), func(in iter.Seq2[any, error], yield func(any, error) bool) {
		var n int64
		for _, err := range in {
			if err != nil {
				yield(nil, err)
				return
			}
			n++
		}
		yield(n, nil)
	}))}
}

// SequenceEqual tells whether the items of both are deeply equal, in order and number. An
// error of either is passed on. rxgo's own panics on items that hold a slice, as frames do.
func (b *bound) SequenceEqual(other rxgo.Iterable, opts ...rxgo.Option) rxgo.Single {
	return single{b.with(opts, NewStream(func(ctx context.Context) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			equal, err := sequenceEqual(b.items(ctx), items(ctx, other))
			if err != nil {
				yield(nil, err)
				return
			}
			yield(equal, nil)
		}
	}))}
}

func sequenceEqual(left, right iter.Seq2[any, error]) (bool, error) {
	next, stop := iter.Pull2(right)
	defer stop()
	for v, err := range left {
		if err != nil {
			return false, err
		}
		w, err, ok := next()
		if err != nil || !ok || !reflect.DeepEqual(v, w) {
			return false, err
		}
	}
	_, err, more := next()
	return !more, err
}
