package rx_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/reactivex/rxgo/v2"
	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/rx"
)

func TestEveryObserverSeesEverything(t *testing.T) {
	o := numbers(500, nil).Observable()
	first, second := o.Observe(), o.Observe()
	for i := range 500 {
		if a, b := <-first, <-second; a.V != i || b.V != i {
			t.Fatalf("item %d: the observers got %v and %v", i, a, b)
		}
	}
	if _, open := <-first; open {
		t.Error("an item after the end")
	}
	if _, open := <-second; open {
		t.Error("an item after the end")
	}
}

// rxgo's own versions of many operators panic, or split the items, when observed again.
func TestEveryOperatorCanBeObservedAgain(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := op.apply(numbers(10, nil).Observable())
				var runs [2]int
				for i := range runs {
					ctx, cancel := context.WithTimeout(t.Context(), 99_500*time.Microsecond) // between two bursts
					for _, err := range rx.All[any](ctx, o) {
						if err == nil {
							runs[i]++
						}
					}
					cancel()
				}
				if runs[0] != runs[1] && op.name != "Sample" { // depends on who is first
					t.Errorf("one observation has %d items, the next %d", runs[0], runs[1])
				}
				time.Sleep(5 * time.Millisecond)
			})
		})
	}
}

// On a source that ends, bound operators say what rxgo's say, but for the named reasons.
func TestOperatorsSayWhatRxgoSays(t *testing.T) {
	differ := map[string]string{
		"SkipLast":              "rxgo's is Take",
		"GroupBy":               "items are Observables",
		"GroupByDynamic":        "items are Observables",
		"WindowWithCount":       "items are Observables",
		"WindowWithTime":        "items are Observables",
		"WindowWithTimeOrCount": "items are Observables",
		"FlatMap":               "never ends in the table",
		"Repeat":                "never ends in the table",
		"StartWith":             "never ends in the table",
		"Sample":                "depends on who is first",
		"Join":                  "depends on who is first",
		"BufferWithTimeOrCount": "rxgo's goes over the count",
		"SequenceEqual":         "rxgo's spins once one side has ended",
		"Timestamp":             "items are times",
		"TimeInterval":          "items are times",
		"Debounce":              "depends on the time between items",
	}
	for _, op := range operations {
		if differ[op.name] != "" {
			continue
		}
		t.Run(op.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := text(t.Context(), op.apply(numbers(10, nil).Observable()))
				want := text(t.Context(), op.apply(bare(10), rxgo.WithContext(t.Context())))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("rxgo says -, bound says +:\n%s", diff)
				}
			})
		})
	}
}

// bare is numbers(n, nil) by rxgo alone.
func bare(n int) rxgo.Observable {
	return rxgo.Defer([]rxgo.Producer{func(ctx context.Context, next chan<- rxgo.Item) {
		for i := range n {
			if !rxgo.Of(i).SendContext(ctx, next) {
				return
			}
		}
	}})
}

func text(ctx context.Context, o rxgo.Iterable) (items []string) {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	for v, err := range rx.All[any](ctx, o) {
		if err != nil {
			v = "error"
		}
		items = append(items, fmt.Sprintf("%T %v", v, v))
	}
	return items
}

func TestTheErrorIsTheLastItem(t *testing.T) {
	for _, buffer := range []int{0, 1, 16} {
		items := numbers(3, errSource).Observable(rx.WithBuffer(buffer)).Observe()
		for i := range 3 {
			if item := <-items; item.V != i || item.E != nil {
				t.Fatalf("item %d: got %v", i, item)
			}
		}
		if item := <-items; !errors.Is(item.E, errSource) || item.V != nil {
			t.Errorf("got %v, want the error", item)
		}
		if item, open := <-items; open {
			t.Errorf("%v after the error", item)
		}
	}
}

func TestASlowObserverHoldsTheSourceBack(t *testing.T) {
	for _, buffer := range []int{0, 1, 16} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var pulled int
			items := asked(&pulled).Observable(rx.WithBuffer(buffer), rx.WithContext(ctx)).Observe()
			for read := range 3 {
				synctest.Wait()
				if want := read + buffer + 1; pulled != want {
					t.Errorf("buffer %d, %d items read: %d are pulled, want %d", buffer, read, pulled, want)
				}
				<-items
			}
		})
	}
}

func TestAContextEndsTheObservationAndSaysSo(t *testing.T) {
	reason := errors.New("enough")
	for name, observe := range map[string]func(ctx context.Context) <-chan rxgo.Item{
		"the observer's": func(ctx context.Context) <-chan rxgo.Item {
			return bursts().Observable().Observe(rxgo.WithContext(ctx))
		},
		"the stream's": func(ctx context.Context) <-chan rxgo.Item {
			return bursts().Observable(rx.WithContext(ctx)).Observe()
		},
		"the stream's, behind an operator": func(ctx context.Context) <-chan rxgo.Item {
			return bursts().Observable(rx.WithContext(ctx)).Map(identity).Observe()
		},
		"an operator's": func(ctx context.Context) <-chan rxgo.Item {
			return bursts().Observable().Map(identity, rxgo.WithContext(ctx)).Filter(always).Observe()
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			items := observe(ctx)
			<-items
			go func() {
				time.Sleep(10*time.Millisecond + 500*time.Microsecond) // between two bursts
				cancel(reason)
			}()
			var last rxgo.Item
			for item := range items {
				last = item
			}
			if !errors.Is(last.E, reason) {
				t.Errorf("%s: the last item is %v", name, last)
			}
		})
	}
}

func TestTakeEndsWithItsLastItem(t *testing.T) {
	var pulled int
	got, err := asked(&pulled).Observable().Take(3).ToSlice(0)
	if err != nil || len(got) != 3 || pulled != 3 {
		t.Errorf("got %v, %v after %d pulls", got, err, pulled)
	}
}

func TestACanceledObservationIsNotAWholeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		o := bursts().Observable(rx.WithContext(ctx))
		if _, err := o.ToSlice(0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ToSlice: %v", err)
		}
		if err := o.Error(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Error: %v", err)
		}
		if errs := o.Errors(); len(errs) != 1 {
			t.Errorf("Errors: %v", errs)
		}
		if item, err := o.Count().Get(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Count: %v, %v", item, err)
		}
	})
}

func TestEndsOfAChain(t *testing.T) {
	o := numbers(3, errSource).Observable()
	var items []any
	var errs []error
	completed := 0
	<-o.ForEach(func(v any) { items = append(items, v) }, func(err error) { errs = append(errs, err) }, func() { completed++ })
	<-o.DoOnNext(func(v any) { items = append(items, v) })
	<-o.DoOnError(func(err error) { errs = append(errs, err) })
	<-o.DoOnCompleted(func() { completed++ })
	<-o.Run()
	if len(items) != 6 || len(errs) != 2 || completed != 2 {
		t.Errorf("%v, %v, %d completions", items, errs, completed)
	}

	output := make(chan rxgo.Item)
	o.Send(output)
	var sent []rxgo.Item
	for item := range output {
		sent = append(sent, item)
	}
	if len(sent) != 4 || !errors.Is(sent[3].E, errSource) {
		t.Errorf("Send: %v", sent)
	}

	ctx, dispose := o.Connect(t.Context())
	dispose()
	<-ctx.Done()
}

func TestSingles(t *testing.T) {
	o := numbers(5, nil).Observable()
	last := o.Last()
	for range 2 {
		if item, err := last.Get(); err != nil || item.V != 4 {
			t.Errorf("Last: %v, %v", item, err)
		}
	}
	double := func(_ context.Context, v any) (any, error) { return 2 * number(v), nil }
	if item, err := last.Map(double).Get(); err != nil || item.V != 8 {
		t.Errorf("Last.Map: %v, %v", item, err)
	}
	if item, err := o.FirstOrDefault(7).Map(double).Filter(never).Get(); err != nil || item != (rxgo.Item{}) {
		t.Errorf("FirstOrDefault.Map.Filter: %v, %v", item, err)
	}
	if item, err := numbers(3, errSource).Observable().Count().Get(); err != nil || !errors.Is(item.E, errSource) {
		t.Errorf("Count of a broken source: %v, %v", item, err)
	}
	if got, err := collect(t.Context(), rx.All[int](t.Context(), o.First())); err != nil || !slices.Equal(got, []int{0}) {
		t.Errorf("All of First: %v, %v", got, err)
	}
	<-last.Run()
	<-o.FirstOrDefault(1).Run()
	if item := <-last.Observe(); item.V != 4 {
		t.Errorf("Last, observed: %v", item)
	}
}

func TestSequenceEqual(t *testing.T) {
	slicesOf := func(n int) rxgo.Observable {
		return rx.Map(numbers(n, nil), func(v int) ([]int, error) { return []int{v}, nil }).Observable()
	}
	for other, want := range map[int]bool{4: false, 5: true, 6: false} {
		if item, err := slicesOf(5).SequenceEqual(slicesOf(other)).Get(); err != nil || item.V != want {
			t.Errorf("5 and %d items: %v, %v", other, item, err)
		}
	}
}

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		flaky := rx.Map(numbers(2, nil), func(v int) (int, error) {
			if attempts++; attempts < 6 && v == 1 {
				return 0, errSource
			}
			return v, nil
		}).Observable()
		begin := time.Now()
		got, err := flaky.BackOffRetry(backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Second), 5)).ToSlice(0)
		if want := []any{0, 0, 0, 1}; err != nil || !slices.Equal(got, want) || time.Since(begin) != 2*time.Second {
			t.Errorf("got %v, %v after %v", got, err, time.Since(begin))
		}
		broken := numbers(1, errSource).Observable()
		got, err = broken.BackOffRetry(backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Second), 2)).ToSlice(0)
		if len(got) != 3 || !errors.Is(err, errSource) {
			t.Errorf("after the last attempt: %v, %v", got, err)
		}
		for _, err := range []error{backoff.Permanent(errSource), &backoff.PermanentError{Err: errSource}} {
			got, err = numbers(1, err).Observable().BackOffRetry(backoff.NewConstantBackOff(time.Second)).ToSlice(0)
			if len(got) != 1 || !errors.Is(err, errSource) {
				t.Errorf("after a permanent error: %v, %v", got, err)
			}
		}
	})
}

func TestAllNamesAnItemOfAnotherType(t *testing.T) {
	_, err := collect(t.Context(), rx.All[string](t.Context(), numbers(3, nil).Observable()))
	if err == nil || err.Error() != "rx: the item is a int, not a string: convert it with Map before" {
		t.Errorf("got %v", err)
	}
	nothing := bare(1).Map(func(context.Context, any) (any, error) { return nil, nil })
	if got, err := collect(t.Context(), rx.All[any](t.Context(), nothing)); err != nil || len(got) != 1 {
		t.Errorf("nil items: %v, %v", got, err)
	}
}

func TestForeignObservables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := rx.From[int](bare(100).Map(identity)).Take(3).Observable().ToSlice(0)
		if want := []any{0, 1, 2}; err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v", got, err)
		}
		both := rxgo.Merge([]rxgo.Observable{numbers(5, nil).Observable(), numbers(5, nil).Observable()})
		if got, err := collect(t.Context(), rx.All[int](t.Context(), both)); err != nil || len(got) != 10 {
			t.Errorf("merged: %v, %v", got, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := collect(ctx, rx.All[int](ctx, rxgo.Never())); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("never: %v", err)
		}
		before := goleak.IgnoreCurrent()
		for _, err := range rx.All[int](context.Background(), bare(1<<30).Map(identity)) {
			must(t, err)
			break
		}
		goleak.VerifyNone(t, before)
		time.Sleep(2 * time.Second) // the drain gives up on a channel that nobody closes
	})
}

func TestErrorsThatDoNotEndAreAllPassedOn(t *testing.T) {
	odd := func(_ context.Context, v any) (any, error) {
		if number(v)%2 == 1 {
			return nil, errSource
		}
		return v, nil
	}
	o := numbers(5, nil).Observable().Map(odd, rxgo.WithErrorStrategy(rxgo.ContinueOnError))
	var items, errs int
	for _, err := range rx.All[int](t.Context(), o) {
		if err != nil {
			errs++
		} else {
			items++
		}
	}
	if items != 3 || errs != 2 {
		t.Errorf("%d items and %d errors", items, errs)
	}
}
