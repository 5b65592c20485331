package bench

import (
	"context"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A shape is the form of every group of a benchmark.
type shape struct {
	name   string
	frames int
	size   int // of each frame, in bytes
}

var shapes = []shape{
	{"30x1200B", 30, 1200},
	{"1x64KiB", 1, 64 << 10},
}

// window is how many groups the publisher may be ahead of the subscriber. It is the same for
// every contender, keeps what is in flight below a few megabytes, and lets nobody lose groups
// because the other is slow.
const window = 64

// A contender carries groups of a shape from a publisher to a subscriber.
type contender struct {
	name string
	// connect sets up the path. Ends and errors are for the benchmark to report.
	connect func(ctx context.Context, b *testing.B, s shape) path
}

// A path is a connected publisher and subscriber.
type path interface {
	// publish sends the next group.
	publish(ctx context.Context, payload []byte) error
	// receive takes one whole group and returns how many frames of which total size it had.
	receive(ctx context.Context) (frames, bytes int, err error)
}

func BenchmarkPublishToReceive(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			for _, c := range contenders {
				b.Run(c.name, func(b *testing.B) { measure(b, c, s) })
			}
		})
	}
}

func measure(b *testing.B, c contender, s shape) {
	ctx, cancel := context.WithTimeout(b.Context(), 2*time.Minute)
	defer cancel()
	path := c.connect(ctx, b, s)
	payload := make([]byte, s.size)
	ahead := make(chan struct{}, window)
	published := make(chan error, 1)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.SetBytes(int64(s.frames * s.size))
	b.ResetTimer()
	go func() {
		for range b.N {
			select {
			case ahead <- struct{}{}:
			case <-ctx.Done():
				published <- context.Cause(ctx)
				return
			}
			if err := path.publish(ctx, payload); err != nil {
				cancel()
				published <- err
				return
			}
		}
		published <- nil
	}()
	for i := range b.N {
		frames, bytes, err := path.receive(ctx)
		if err != nil {
			cancel()
			b.Fatalf("group %d: %v (publisher: %v)", i, err, <-published)
		}
		if frames != s.frames || bytes != s.frames*s.size {
			b.Errorf("group %d has %d frames of %d bytes in all, want %d of %d", i, frames, bytes, s.frames, s.frames*s.size)
		}
		<-ahead
	}
	b.StopTimer()
	runtime.ReadMemStats(&after)
	if err := <-published; err != nil {
		b.Fatalf("publisher: %v", err)
	}
	frames := float64(b.N * s.frames)
	b.ReportMetric(frames/b.Elapsed().Seconds(), "frames/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/frames, "allocs/frame")
}
