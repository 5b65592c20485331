package rx

import (
	"context"
	"iter"
	"sync"
)

type windows struct {
	b     *bound
	yield yield
	open  *window
}

func (w *windows) add(v any) bool {
	if w.open != nil {
		w.open.add(v)
		return true
	}
	w.open = &window{changed: make(chan struct{})}
	w.open.add(v)
	return w.yield(w.b.with(nil, NewStream(w.open.all)), nil)
}

func (w *windows) cut(err error) bool {
	if w.open != nil {
		w.open.end(err)
		w.open = nil
	}
	return true
}

// window is a list that grows until it ends. Observers read it from its start.
type window struct {
	mu      sync.Mutex
	items   []any
	ended   bool
	err     error
	changed chan struct{} // closed and replaced with every change
}

func (w *window) add(v any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.items = append(w.items, v)
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *window) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended, w.err = true, err
	close(w.changed)
}

func (w *window) all(ctx context.Context) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for seen := 0; ; {
			w.mu.Lock()
			fresh, ended, err, changed := w.items[seen:], w.ended, w.err, w.changed
			w.mu.Unlock()
			for _, v := range fresh {
				if !yield(v, nil) {
					return
				}
			}
			if seen += len(fresh); ended {
				if err != nil {
					yield(nil, err)
				}
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				yield(nil, context.Cause(ctx))
				return
			}
		}
	}
}
