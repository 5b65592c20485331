package bandwidth

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func rate(n uint64) Measured { return Measured{Bitrate: model.BitsPerSecond(n)} }

// want is one measurement and what is sent for it.
type want struct {
	after    time.Duration
	measured Measured
	sent     bool
	message  Message
}

func play(t *testing.T, r *Reporter, steps ...want) {
	t.Helper()
	now := time.Unix(100, 0)
	for i, s := range steps {
		now = now.Add(s.after)
		m, ok := r.Next(now, s.measured)
		if ok != s.sent || m != s.message {
			t.Errorf("step %d, %v: sent %v %+v, want %v %+v", i, s.measured, ok, m, s.sent, s.message)
		}
	}
}

func TestReports(t *testing.T) {
	const ms = time.Millisecond
	t.Run("16.19/306 bitrate and round-trip time each by itself", func(t *testing.T) {
		play(t, &Reporter{}, want{0, Measured{RTT: 30 * ms}, true, Message{RTT: 30}})
		play(t, &Reporter{}, want{0, rate(5000), true, Message{Bitrate: 5000}})
		play(t, &Reporter{},
			want{0, rate(5000), true, Message{Bitrate: 5000}},
			want{100 * ms, Measured{model.BitsPerSecond(5000), 30 * ms}, true, Message{5000, 30}},
			want{100 * ms, Measured{model.BitsPerSecond(5000), 36 * ms}, false, Message{}},
			want{100 * ms, Measured{model.BitsPerSecond(5000), 38 * ms}, true, Message{5000, 38}})
	})
	t.Run("16.19/307 nothing known, nothing sent and nothing offered", func(t *testing.T) {
		play(t, &Reporter{}, want{}, want{after: time.Minute})
		if got := (Measured{}).Level(); got != None {
			t.Errorf("level %d is offered", got)
		}
		if rate(0).Level() != Report || (Measured{RTT: 1}).Level() != Report {
			t.Error("what is known is not offered")
		}
	})
	t.Run("16.19/308 moq-lite-03 hears of bitrates only", func(t *testing.T) {
		play(t, &Reporter{BitrateOnly: true},
			want{0, Measured{RTT: 30 * ms}, false, Message{}},
			want{100 * ms, Measured{model.BitsPerSecond(800), 30 * ms}, true, Message{Bitrate: 800}},
			want{100 * ms, Measured{model.BitsPerSecond(800), 90 * ms}, false, Message{}})
	})
	t.Run("16.19/309 a bitrate that is lost is taken back once", func(t *testing.T) {
		play(t, &Reporter{},
			want{0, rate(5000), true, Message{Bitrate: 5000}},
			want{100 * ms, Measured{}, true, Message{}},
			want{100 * ms, Measured{}, false, Message{}},
			want{time.Minute, Measured{}, false, Message{}},
			want{100 * ms, rate(10), true, Message{Bitrate: 10}})
	})
	t.Run("16.19/310 a measured 0 is sent as 1", func(t *testing.T) {
		play(t, &Reporter{}, want{0, Measured{model.BitsPerSecond(0), time.Microsecond}, true, Message{1, 1}})
	})
	t.Run("16.19/311 levels to come are the highest known", func(t *testing.T) {
		for v, want := range map[uint64]Level{0: None, 1: Report, 2: Increase, 3: Increase, 1 << 61: Increase} {
			if got := ParseLevel(v); got != want {
				t.Errorf("%d is level %d, want %d", v, got, want)
			}
		}
	})
	t.Run("a round-trip time that is lost is no news by itself", func(t *testing.T) {
		both := Measured{model.BitsPerSecond(5000), 30 * ms}
		play(t, &Reporter{},
			want{0, both, true, Message{5000, 30}},
			want{9999 * ms, rate(5000), false, Message{}},
			want{ms, rate(5000), true, Message{Bitrate: 5000}},
			want{100 * ms, both, true, Message{5000, 30}})
	})
	t.Run("a bitrate is cut to what a message carries", func(t *testing.T) {
		play(t, &Reporter{}, want{0, rate(1<<62 + 5), true, Message{Bitrate: 1<<62 - 1}})
	})
	t.Run("what counts as a change falls with time", func(t *testing.T) {
		play(t, &Reporter{},
			want{0, rate(1000), true, Message{Bitrate: 1000}},
			want{100 * ms, rate(1249), false, Message{}},
			want{0, rate(751), false, Message{}},
			want{0, rate(1250), true, Message{Bitrate: 1250}},
			want{5050 * ms, rate(1094), false, Message{}}, // half of the time, half of the quarter: 156.25
			want{0, rate(1093), true, Message{Bitrate: 1093}},
			want{9999 * ms, rate(1093), false, Message{}},
			want{ms, rate(1093), true, Message{Bitrate: 1093}},
			want{10 * time.Second, rate(1094), true, Message{Bitrate: 1094}})
	})
}

func TestSampleForReaders(t *testing.T) {
	t.Run("16.19/312 a reader sees a new estimate within an interval, and without one nobody measures", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := model.NewBandwidth()
			var measured, value atomic.Uint64
			value.Store(1000)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				Sample(ctx, p, func() model.Bitrate { measured.Add(1); return model.BitsPerSecond(value.Load()) })
			}()
			time.Sleep(time.Second)
			if n := measured.Load(); n != 0 {
				t.Errorf("measured %d times for nobody", n)
			}
			c := p.Consume()
			for range 3 {
				start := time.Now()
				v, err := c.Changed(t.Context())
				if err != nil || v != model.BitsPerSecond(value.Load()) || time.Since(start) > Interval {
					t.Errorf("%v %v after %v, want %d", v, err, time.Since(start), value.Load())
				}
				value.Add(1000)
			}
			before := measured.Load()
			time.Sleep(10*Interval + Interval/2)
			if n := measured.Load() - before; n < 9 || n > 11 {
				t.Errorf("measured %d times in ten intervals", n)
			}
			_ = c.Close()
			synctest.Wait()
			before = measured.Load()
			time.Sleep(time.Minute)
			if measured.Load() != before {
				t.Error("measured after the last reader left")
			}
			cancel()
			<-done
		})
	})
}

func TestEstimateEndsWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := model.NewBandwidth()
		c := p.Consume()
		done := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { defer close(done); Sample(ctx, p, func() model.Bitrate { return model.BitsPerSecond(1) }) }()
		if _, err := c.Changed(t.Context()); err != nil {
			t.Error(err)
		}
		cancel()
		<-done
		if _, err := c.Changed(t.Context()); err == nil {
			t.Error("the session has ended and its bandwidth has not")
		}
	})
}

func TestSampleFreesTheConnection(t *testing.T) {
	t.Run("16.23/388 the connection of an ended session is free while its bandwidth is still read", func(t *testing.T) {
		p := model.NewBandwidth()
		c := p.Consume()
		free := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		func() {
			connection := new([1 << 10]byte)
			runtime.AddCleanup(connection, func(struct{}) { close(free) }, struct{}{})
			go func() {
				defer close(done)
				Sample(ctx, p, func() model.Bitrate { return model.BitsPerSecond(uint64(len(connection))) })
			}()
			if _, err := c.Changed(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		cancel()
		<-done
		runtime.GC()
		<-free
		if c.Peek() != model.BitsPerSecond(1<<10) {
			t.Errorf("the last estimate is %v", c.Peek())
		}
	})
}
