package rx_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/reactivex/rxgo/v2"

	"github.com/moqrx/moqrx/rx"
)

// everySecond is 0 to n-1, one a second, the first after a second.
func everySecond(n int, err error) rxgo.Observable {
	return numbers(n, err).Tap(func(int) { time.Sleep(time.Second) }).Observable()
}

func TestBuffers(t *testing.T) {
	for name, c := range map[string]struct {
		o    func() rxgo.Observable
		want []any
		err  error
	}{
		"by time": {
			func() rxgo.Observable {
				return everySecond(5, nil).BufferWithTime(rxgo.WithDuration(2400 * time.Millisecond))
			},
			[]any{[]any{0, 1}, []any{2, 3}, []any{4}},
			nil,
		},
		"of nothing": {
			func() rxgo.Observable {
				return everySecond(2, nil).BufferWithTime(rxgo.WithDuration(300 * time.Millisecond))
			},
			[]any{[]any{0}, []any{1}},
			nil,
		},
		"by time or count": {
			func() rxgo.Observable {
				return everySecond(6, nil).BufferWithTimeOrCount(rxgo.WithDuration(3500*time.Millisecond), 2)
			},
			[]any{[]any{0, 1}, []any{2}, []any{3, 4}, []any{5}},
			nil,
		},
		"before an error": {
			func() rxgo.Observable {
				return everySecond(3, errSource).BufferWithTime(rxgo.WithDuration(time.Hour))
			},
			[]any{[]any{0, 1, 2}},
			errSource,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			got, err := c.o().ToSlice(0)
			if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(err, c.err) {
				t.Errorf("%s: ends with %v, -want +got:\n%s", name, err, diff)
			}
		})
	}
}

func TestWindows(t *testing.T) {
	for name, c := range map[string]struct {
		o    func() rxgo.Observable
		want string
	}{
		"by count": {
			func() rxgo.Observable { return everySecond(5, nil).WindowWithCount(2) },
			"[0 1] [2 3] [4]",
		},
		"by time": {
			func() rxgo.Observable {
				return everySecond(5, nil).WindowWithTime(rxgo.WithDuration(2400 * time.Millisecond))
			},
			"[0 1] [2 3] [4]",
		},
		"by time or count": {
			func() rxgo.Observable {
				return everySecond(6, nil).WindowWithTimeOrCount(rxgo.WithDuration(3500*time.Millisecond), 2)
			},
			"[0 1] [2] [3 4] [5]",
		},
		"before an error": {
			func() rxgo.Observable { return everySecond(3, errSource).WindowWithCount(0) },
			"[0 1 2]: the source broke; the source broke",
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			for _, late := range []bool{false, true} {
				if got := readWindows(t.Context(), c.o(), late); got != c.want {
					t.Errorf("%s, read late %v: got %s, want %s", name, late, got, c.want)
				}
			}
		})
	}
}

// readWindows reads each window while it fills, or all of them at the end.
func readWindows(ctx context.Context, o rxgo.Observable, late bool) (text string) {
	var windows []rxgo.Observable
	for w, err := range rx.All[rxgo.Observable](ctx, o) {
		switch {
		case err != nil:
			defer func() { text += "; " + err.Error() }()
		case late:
			windows = append(windows, w)
		default:
			text += readWindow(w, text)
		}
	}
	for _, w := range windows {
		text += readWindow(w, text)
	}
	return text
}

func readWindow(w rxgo.Observable, before string) string {
	items, err := w.ToSlice(0)
	again, _ := w.ToSlice(0)
	text := fmt.Sprint(items)
	if !slices.Equal(items, again) {
		text += fmt.Sprintf(" and then %v", again)
	}
	if err != nil {
		text += ": " + err.Error()
	}
	if before != "" {
		text = " " + text
	}
	return text
}

func TestAWindowThatIsLeftOpenSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for w, err := range rx.All[rxgo.Observable](t.Context(), bursts().Observable().WindowWithCount(100)) {
			must(t, err)
			defer func() {
				if err := w.Error(); !errors.Is(err, context.Canceled) {
					t.Errorf("after its run was left, a window ends with %v", err)
				}
			}()
			break
		}
	})
}

func TestGroupBy(t *testing.T) {
	thirds := numbers(7, nil).Observable().GroupBy(3, func(i rxgo.Item) int { return number(i.V) % 3 })
	var got [][]any
	for group, err := range rx.All[rxgo.Observable](t.Context(), thirds) {
		must(t, err)
		items, err := group.ToSlice(0)
		must(t, err)
		got = append(got, items)
	}
	if diff := cmp.Diff([][]any{{0, 3, 6}, {1, 4}, {2, 5}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	astray := numbers(7, nil).Observable().GroupBy(1, func(i rxgo.Item) int { return number(i.V) })
	for group, err := range rx.All[rxgo.Observable](t.Context(), astray) {
		must(t, err)
		if items, err := group.ToSlice(0); len(items) != 1 || err == nil {
			t.Errorf("an index that has no group: %v, %v", items, err)
		}
	}
}

func TestBadArgumentsAreErrors(t *testing.T) {
	o := numbers(3, nil).Observable()
	for name, bad := range map[string]rxgo.Observable{
		"BufferWithTime":        o.BufferWithTime(nil),
		"BufferWithTimeOrCount": o.BufferWithTimeOrCount(tick, 0),
		"no timespan, count":    o.BufferWithTimeOrCount(nil, 3),
		"WindowWithCount":       o.WindowWithCount(-1),
		"WindowWithTime":        o.WindowWithTime(nil),
		"WindowWithTimeOrCount": o.WindowWithTimeOrCount(nil, 1),
		"BufferWithCount":       o.BufferWithCount(0),
		"Repeat":                o.Repeat(-2, nil),
	} {
		if err := bad.Error(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if items, err := o.TakeLast(0).ToSlice(0); len(items) != 0 || err != nil {
		t.Errorf("TakeLast(0): %v, %v", items, err)
	}
	if items, err := o.SkipLast(2).ToSlice(0); !slices.Equal(items, []any{0}) || err != nil {
		t.Errorf("SkipLast(2): %v, %v", items, err)
	}
}
