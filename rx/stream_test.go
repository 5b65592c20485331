package rx_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/rx"
)

var errSource = errors.New("the source broke")

func TestOperators(t *testing.T) {
	even := func(v int) bool { return v%2 == 0 }
	below3 := func(v int) bool { return v < 3 }
	for name, c := range map[string]struct {
		s    rx.Stream[int]
		want []int
	}{
		"Filter":               {numbers(6, nil).Filter(even), []int{0, 2, 4}},
		"Take":                 {numbers(6, nil).Take(2), []int{0, 1}},
		"Take nothing":         {numbers(6, nil).Take(0), nil},
		"Take more":            {numbers(2, nil).Take(5), []int{0, 1}},
		"TakeWhile":            {numbers(6, nil).TakeWhile(below3), []int{0, 1, 2}},
		"TakeUntil":            {numbers(6, nil).TakeUntil(func(v int) bool { return v == 3 }), []int{0, 1, 2, 3}},
		"Skip":                 {numbers(6, nil).Skip(4), []int{4, 5}},
		"Skip all":             {numbers(2, nil).Skip(4), nil},
		"SkipWhile":            {numbers(5, nil).SkipWhile(below3), []int{3, 4}},
		"SkipWhile once":       {rx.Map(numbers(6, nil), mod3).SkipWhile(below2), []int{2, 0, 1, 2}},
		"Map":                  {rx.Map(numbers(4, nil), mod3), []int{0, 1, 2, 0}},
		"Scan":                 {rx.Scan(numbers(4, nil), 10, func(sum, v int) int { return sum + v }), []int{10, 11, 13, 16}},
		"of operators":         {numbers(20, nil).Filter(even).Skip(2).Take(3), []int{4, 6, 8}},
		"the zero Stream":      {rx.Stream[int]{}, nil},
		"Merge of one":         {rx.Merge(numbers(3, nil)), []int{0, 1, 2}},
		"Merge of none":        {rx.Merge[int](), nil},
		"back from Observable": {rx.From[int](numbers(3, nil).Observable()), []int{0, 1, 2}},
	} {
		for run := range 2 {
			if got, err := collect(t.Context(), c.s.All(t.Context())); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s, run %d: got %v, %v, want %v", name, run, got, err, c.want)
			}
		}
	}
}

func mod3(v int) (int, error) { return v % 3, nil }
func below2(v int) bool       { return v < 2 }

func TestAnErrorPassesEveryOperatorAndIsTheLast(t *testing.T) {
	source := numbers(3, errSource)
	yes := func(int) bool { return true }
	no := func(int) bool { return false }
	for name, c := range map[string]struct {
		s    rx.Stream[int]
		want int // items before the error
	}{
		"Filter":    {source.Filter(no), 0},
		"Take":      {source.Take(4), 3},
		"TakeWhile": {source.TakeWhile(yes), 3},
		"TakeUntil": {source.TakeUntil(no), 3},
		"Skip":      {source.Skip(9), 0},
		"SkipWhile": {source.SkipWhile(yes), 0},
		"Tap":       {source.Tap(func(int) {}), 3},
		"Map":       {rx.Map(source, mod3), 3},
		"Scan":      {rx.Scan(source, 0, func(_, v int) int { return v }), 3},
		"Merge":     {rx.Merge(source), 3},
	} {
		var items, errs int
		for v, err := range c.s.All(t.Context()) {
			if err == nil {
				items++
				continue
			}
			errs++
			if !errors.Is(err, errSource) || v != 0 {
				t.Errorf("%s: got %v with %v", name, err, v)
			}
		}
		if items != c.want || errs != 1 {
			t.Errorf("%s: %d items and %d errors, want %d and 1", name, items, errs, c.want)
		}
	}
}

func TestAnErrorOfMapEndsTheStream(t *testing.T) {
	failing := rx.Map(numbers(10, nil), func(v int) (int, error) {
		if v == 2 {
			return 99, errSource
		}
		return v, nil
	})
	got, err := collect(t.Context(), failing.All(t.Context()))
	if !slices.Equal(got, []int{0, 1}) || !errors.Is(err, errSource) {
		t.Errorf("got %v, %v", got, err)
	}
	var errs []error
	for _, err := range failing.All(t.Context()) {
		errs = append(errs, err)
	}
	if len(errs) != 3 || errs[2] == nil {
		t.Errorf("a loop that goes on after the error sees %v", errs)
	}
}

// asked counts what is pulled from a source that never ends.
func asked(n *int) rx.Stream[int] {
	return rx.NewStream(func(ctx context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range 1 << 30 {
				*n++
				if !yield(i, nil) {
					return
				}
			}
		}
	})
}

func TestNothingIsPulledBeforeItIsAskedFor(t *testing.T) {
	var pulled int
	for v, err := range asked(&pulled).Filter(func(v int) bool { return v%5 == 4 }).All(t.Context()) {
		if must(t, err); v == 9 {
			break
		}
	}
	if pulled != 10 {
		t.Errorf("item 9 took %d pulls, want 10", pulled)
	}
	pulled = 0
	if got, _ := collect(t.Context(), asked(&pulled).Take(3).All(t.Context())); len(got) != 3 || pulled != 3 {
		t.Errorf("Take(3) pulled %d for %v", pulled, got)
	}
}

func TestMergePassesItemsOnAsTheyCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		every := func(d time.Duration, v int) rx.Stream[int] {
			return rx.Map(numbers(3, nil).Tap(func(int) { time.Sleep(d) }), func(int) (int, error) { return v, nil })
		}
		got, err := collect(t.Context(), rx.Merge(every(2*time.Second, 2), every(5*time.Second, 5)).All(t.Context()))
		if want := []int{2, 2, 5, 2, 5, 5}; err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	})
}

func TestMergeEndsAllWithOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := collect(t.Context(), rx.Merge(bursts(), numbers(5, errSource), bursts()).All(t.Context()))
		if !errors.Is(err, errSource) {
			t.Errorf("got %v", err)
		}
		for _, err := range rx.Merge(bursts(), bursts()).All(t.Context()) {
			must(t, err)
			break
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := collect(ctx, rx.Merge(bursts(), bursts()).All(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after its context, Merge ends with %v", err)
		}
	})
}
