package rx_test

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/reactivex/rxgo/v2"
	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/rx"
)

// An operation is a method of an Observable with harmless arguments.
type operation struct {
	name  string
	apply func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable
}

var (
	always   = func(any) bool { return true }
	never    = func(any) bool { return false }
	number   = func(v any) int { return v.(int) }
	identity = func(_ context.Context, v any) (any, error) { return v, nil }
	second   = func(_ context.Context, _, v any) (any, error) { return v, nil }
	compare  = func(a, b any) int { return a.(int) - b.(int) }
	other    = func() rxgo.Observable { return bursts().Observable() }
	tick     = rxgo.WithDuration(3 * time.Millisecond)
)

// operations is every operator of rxgo's interface.
var operations = []operation{
	{"All", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.All(always, opts...) }},
	{"AverageFloat32", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.AverageFloat32(opts...) }},
	{"AverageFloat64", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.AverageFloat64(opts...) }},
	{"AverageInt", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.AverageInt(opts...) }},
	{"AverageInt8", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.AverageInt8(opts...) }},
	{"AverageInt16", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.AverageInt16(opts...) }},
	{"AverageInt32", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.AverageInt32(opts...) }},
	{"AverageInt64", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.AverageInt64(opts...) }},
	{"BackOffRetry", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.BackOffRetry(backoff.NewConstantBackOff(time.Millisecond), opts...)
	}},
	{"BufferWithCount", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.BufferWithCount(3, opts...) }},
	{"BufferWithTime", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.BufferWithTime(tick, opts...) }},
	{"BufferWithTimeOrCount", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.BufferWithTimeOrCount(tick, 3, opts...)
	}},
	{"Contains", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Contains(never, opts...) }},
	{"Count", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Count(opts...) }},
	{"Debounce", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.Debounce(rxgo.WithDuration(time.Microsecond), opts...)
	}},
	{"DefaultIfEmpty", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.DefaultIfEmpty(1, opts...) }},
	{"Distinct", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Distinct(identity, opts...) }},
	{"DistinctUntilChanged", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.DistinctUntilChanged(identity, opts...)
	}},
	{"ElementAt", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.ElementAt(5, opts...) }},
	{"Filter", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Filter(always, opts...) }},
	{"Find", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Find(always, opts...) }},
	{"First", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.First(opts...) }},
	{"FirstOrDefault", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.FirstOrDefault(1, opts...) }},
	{"FlatMap", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.FlatMap(func(rxgo.Item) rxgo.Observable { return other() }, opts...)
	}},
	{"GroupBy", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.GroupBy(3, func(i rxgo.Item) int { return i.V.(int) % 3 }, opts...)
	}},
	{"GroupByDynamic", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.GroupByDynamic(func(i rxgo.Item) string { return "key" }, opts...)
	}},
	{"IgnoreElements", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.IgnoreElements(opts...) }},
	{"Join", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.Join(second, other(), func(any) time.Time { return time.Now() }, tick, opts...)
	}},
	{"Last", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Last(opts...) }},
	{"LastOrDefault", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.LastOrDefault(1, opts...) }},
	{"Map", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Map(identity, opts...) }},
	{"Marshal", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.Marshal(func(any) ([]byte, error) { return nil, nil }, opts...)
	}},
	{"Max", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Max(compare, opts...) }},
	{"Min", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Min(compare, opts...) }},
	{"OnErrorResumeNext", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.OnErrorResumeNext(func(error) rxgo.Observable { return other() }, opts...)
	}},
	{"OnErrorReturn", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.OnErrorReturn(func(error) any { return 1 }, opts...)
	}},
	{"OnErrorReturnItem", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.OnErrorReturnItem(1, opts...) }},
	{"Reduce", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Reduce(second, opts...) }},
	{"Repeat", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.Take(5).Repeat(rxgo.Infinite, tick, opts...)
	}},
	{"Retry", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.Retry(3, func(error) bool { return true }, opts...)
	}},
	{"Sample", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Sample(other(), opts...) }},
	{"Scan", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Scan(second, opts...) }},
	{"SequenceEqual", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.SequenceEqual(other(), opts...) }},
	{"Serialize", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Serialize(0, number, opts...) }},
	{"Skip", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Skip(3, opts...) }},
	{"SkipLast", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.SkipLast(3, opts...) }},
	{"SkipWhile", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.SkipWhile(never, opts...) }},
	{"StartWith", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.StartWith(other(), opts...) }},
	{"SumFloat32", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.SumFloat32(opts...) }},
	{"SumFloat64", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.SumFloat64(opts...) }},
	{"SumInt64", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.SumInt64(opts...) }},
	{"Take", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Take(1000, opts...) }},
	{"TakeLast", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.TakeLast(3, opts...) }},
	{"TakeUntil", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.TakeUntil(never, opts...) }},
	{"TakeWhile", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.TakeWhile(always, opts...) }},
	{"TimeInterval", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.TimeInterval(opts...) }},
	{"Timestamp", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.Timestamp(opts...) }},
	{"ToMap", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.ToMap(identity, opts...) }},
	{"ToMapWithValueSelector", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.ToMapWithValueSelector(identity, identity, opts...)
	}},
	{"Unmarshal", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.Marshal(func(any) ([]byte, error) { return nil, nil }).
			Unmarshal(func([]byte, any) error { return nil }, func() any { return 1 }, opts...)
	}},
	{"WindowWithCount", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.WindowWithCount(3, opts...) }},
	{"WindowWithTime", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable { return o.WindowWithTime(tick, opts...) }},
	{"WindowWithTimeOrCount", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.WindowWithTimeOrCount(tick, 3, opts...)
	}},
	{"ZipFromIterable", func(o rxgo.Observable, opts ...rxgo.Option) rxgo.Iterable {
		return o.ZipFromIterable(other(), second, opts...)
	}},
}

// ends are the methods that make nothing that could be observed.
var ends = []string{
	"Connect", "DoOnCompleted", "DoOnError", "DoOnNext", "Error", "Errors", "ForEach", "Observe", "Run", "Send", "ToSlice",
}

func TestTheTableHasEveryMethod(t *testing.T) {
	names := slices.Clone(ends)
	for _, op := range operations {
		names = append(names, op.name)
	}
	observable := reflect.TypeFor[rxgo.Observable]()
	for i := range observable.NumMethod() {
		if name := observable.Method(i).Name; !slices.Contains(names, name) {
			t.Errorf("%s is in no table", name)
		}
	}
}

// Each subtest runs in a bubble, which fails when a goroutine is left that nothing wakes.
func TestNoOperatorLeavesAGoroutine(t *testing.T) {
	ways := []struct {
		name string
		run  func(t *testing.T, op operation)
	}{
		{"the observer's context ends", func(t *testing.T, op operation) {
			ctx, cancel := context.WithCancel(t.Context())
			read(op.apply(bursts().Observable()).Observe(rxgo.WithContext(ctx)), 2)
			cancel()
		}},
		{"the stream's context ends", func(t *testing.T, op operation) {
			ctx, cancel := context.WithCancel(t.Context())
			read(op.apply(bursts().Observable(rx.WithContext(ctx), rx.WithBuffer(0))).Observe(), 1)
			cancel()
		}},
		{"an operator's context ends", func(t *testing.T, op operation) {
			ctx, cancel := context.WithCancel(t.Context())
			read(op.apply(bursts().Observable(), rxgo.WithContext(ctx)).Observe(), 1)
			cancel()
		}},
		{"a pool of workers is canceled", func(t *testing.T, op operation) {
			ctx, cancel := context.WithCancel(t.Context())
			read(op.apply(bursts().Observable(), rxgo.WithPool(3)).Observe(rxgo.WithContext(ctx)), 1)
			cancel()
		}},
		{"nobody reads", func(t *testing.T, op operation) {
			ctx, cancel := context.WithCancel(t.Context())
			op.apply(bursts().Observable()).Observe(rxgo.WithContext(ctx))
			time.Sleep(10 * time.Millisecond)
			cancel()
		}},
		{"the loop breaks", func(t *testing.T, op operation) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			before := goleak.IgnoreCurrent()
			for _, err := range rx.All[any](ctx, op.apply(bursts().Observable())) {
				_ = err
				break
			}
			goleak.VerifyNone(t, before) // while the context goes on
		}},
		{"the source ends", func(t *testing.T, op operation) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			for _, err := range rx.All[any](ctx, op.apply(numbers(100, nil).Observable())) {
				_ = err
			}
		}},
		{"the source fails", func(t *testing.T, op operation) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			for _, err := range rx.All[any](ctx, op.apply(numbers(100, errSource).Observable())) {
				_ = err
			}
		}},
	}
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			for _, way := range ways {
				t.Run(way.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						way.run(t, op)
						time.Sleep(5 * time.Millisecond) // for rxgo's Repeat, which looks up between two rounds
					})
				})
			}
		})
	}
}

// read takes up to n items, and gives up after 20 ms: some operators wait for the end.
func read(items <-chan rxgo.Item, n int) {
	enough := time.After(20 * time.Millisecond)
	for range n {
		select {
		case <-items:
		case <-enough:
			return
		}
	}
}
