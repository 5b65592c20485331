package rx_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/reactivex/rxgo/v2"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/rx"
)

// same is a source that passes on one item n times.
func same[T any](item T, n int) rx.Stream[T] {
	return rx.NewStream(func(ctx context.Context) iter.Seq2[T, error] {
		return func(yield func(T, error) bool) {
			for range n {
				if !yield(item, nil) {
					return
				}
			}
		}
	})
}

// BenchmarkHop compares one hop through the bridge with a plain channel pump, per item.
func BenchmarkHop(b *testing.B) {
	group := new(model.GroupConsumer)
	frame := rx.Frame{Payload: make([]byte, 1200)}
	for _, buffer := range []int{0, 16, 128} {
		b.Run(fmt.Sprintf("buffer=%d/plain", buffer), func(b *testing.B) {
			b.ReportAllocs()
			items := make(chan rxgo.Item, buffer)
			go func() {
				defer close(items)
				for range b.N {
					select {
					case items <- rxgo.Item{V: group}:
					case <-b.Context().Done():
						return
					}
				}
			}()
			count(b, items)
		})
		b.Run(fmt.Sprintf("buffer=%d/groups", buffer), func(b *testing.B) {
			b.ReportAllocs()
			count(b, same(group, b.N).Observable(rx.WithBuffer(buffer), rx.WithContext(b.Context())).Observe())
		})
		b.Run(fmt.Sprintf("buffer=%d/frames", buffer), func(b *testing.B) {
			b.ReportAllocs()
			count(b, same(frame, b.N).Observable(rx.WithBuffer(buffer), rx.WithContext(b.Context())).Observe())
		})
	}
}

// BenchmarkChain compares a filter and a map on frames, in the forms there are.
func BenchmarkChain(b *testing.B) {
	frame := &rx.Frame{Payload: make([]byte, 1200)}
	keep := func(f *rx.Frame) bool { return len(f.Payload) > 0 }
	through := func(f *rx.Frame) (*rx.Frame, error) { return f, nil }
	keepAny := func(v any) bool { return keep(v.(*rx.Frame)) }
	throughAny := func(_ context.Context, v any) (any, error) { return through(v.(*rx.Frame)) }

	b.Run("loop", func(b *testing.B) {
		b.ReportAllocs()
		next := source(frame)
		for range b.N {
			if f, err := next(); err != nil || !keep(f) {
				b.Fatal(err)
			} else if _, err := through(f); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("stream", func(b *testing.B) {
		b.ReportAllocs()
		drain(b, rx.Map(same(frame, b.N).Filter(keep), through).All(b.Context()))
	})
	b.Run("stream, then All of its Observable", func(b *testing.B) {
		b.ReportAllocs()
		drain(b, rx.All[*rx.Frame](b.Context(), rx.Map(same(frame, b.N).Filter(keep), through).Observable()))
	})
	b.Run("stream, then observed", func(b *testing.B) {
		b.ReportAllocs()
		count(b, rx.Map(same(frame, b.N).Filter(keep), through).Observable().Observe())
	})
	for _, c := range []struct {
		name string
		opts []rxgo.Option // of Filter; any make it rxgo's own
	}{
		{"Filter and Map", nil},
		{"rxgo's Filter and Map", []rxgo.Option{rxgo.WithBufferedChannel(16)}},
	} {
		b.Run(c.name+" of an Observable, All", func(b *testing.B) {
			b.ReportAllocs()
			o := same(frame, b.N).Observable().Filter(keepAny, c.opts...).Map(throughAny)
			drain(b, rx.All[*rx.Frame](b.Context(), o))
		})
		b.Run(c.name+" of an Observable, observed", func(b *testing.B) {
			b.ReportAllocs()
			count(b, same(frame, b.N).Observable().Filter(keepAny, c.opts...).Map(throughAny).Observe())
		})
	}
	for _, c := range []struct {
		name string
		ctx  context.Context
	}{{"bare rxgo", nil}, {"bare rxgo that can be canceled", b.Context()}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			opts := []rxgo.Option{rxgo.WithBufferedChannel(16), rxgo.WithContext(c.ctx)}
			source := rxgo.Defer([]rxgo.Producer{func(ctx context.Context, next chan<- rxgo.Item) {
				for range b.N {
					rxgo.Of(frame).SendContext(ctx, next)
				}
			}}, opts...)
			count(b, source.Filter(keepAny, opts...).Map(throughAny, opts...).Observe())
		})
	}
}

// BenchmarkCancel goes from the end of a context to the end of the observation.
func BenchmarkCancel(b *testing.B) {
	for _, c := range []struct {
		name string
		o    rxgo.Observable
	}{
		{"Observable", bursts().Observable()},
		{"Filter and Map", bursts().Observable().Filter(always).Map(identity)},
	} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				ctx, cancel := context.WithCancel(b.Context())
				items := c.o.Observe(rxgo.WithContext(ctx))
				<-items
				b.StartTimer()
				cancel()
				for item := range items {
					_ = item
				}
			}
		})
	}
}

// BenchmarkFrames reads a track of 100 groups of 30 frames, per frame.
func BenchmarkFrames(b *testing.B) {
	const groups, each = 100, 30
	broadcast := model.NewBroadcast(model.Route{})
	defer broadcast.Close()
	track, err := broadcast.CreateTrack("video", model.TrackInfo{})
	if err != nil {
		b.Fatal(err)
	}
	defer track.Close()
	for range groups {
		g, err := track.AppendGroup()
		if err != nil {
			b.Fatal(err)
		}
		for range each {
			if err := g.WriteFrame(model.Frame{Payload: make([]byte, 1200)}); err != nil {
				b.Fatal(err)
			}
		}
		if err := g.Finish(); err != nil {
			b.Fatal(err)
		}
	}
	if err := track.Finish(); err != nil {
		b.Fatal(err)
	}
	reader := track.Consume(model.Subscription{})
	defer reader.Close()

	for _, c := range []struct {
		name string
		read func() int
	}{
		{"model", func() (n int) {
			clone := reader.Clone()
			defer clone.Close()
			for g, err := range clone.All(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range g.All(b.Context()) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
			}
			return n
		}},
		{"stream", func() int { return drain(b, rx.Frames(reader).All(b.Context())) }},
		{"Observable", func() int { return count(b, rx.Frames(reader).Observable().Observe()) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; n < b.N; {
				n += c.read()
			}
		})
	}
}

// source is a consumer's Next call that costs nothing.
//
//go:noinline
func source[T any](item T) func() (T, error) {
	return func() (T, error) { return item, nil }
}

func count(b *testing.B, items <-chan rxgo.Item) (n int) {
	for item := range items {
		if item.E != nil {
			b.Fatal(item.E)
		}
		n++
	}
	return n
}

func drain[T any](b *testing.B, seq iter.Seq2[T, error]) (n int) {
	for _, err := range seq {
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	return n
}
