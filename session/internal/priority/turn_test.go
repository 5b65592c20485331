package priority

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bubble runs a test in virtual time.
func bubble(t *testing.T, test func(t *testing.T, q *Queue)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, &Queue{}) })
}

// write writes n bytes in the buffers that an engine has, and closes the item. It returns how long that took.
func write(t *testing.T, i *Item, s *stream, n int) time.Duration {
	began := time.Now()
	for ; n > 0; n -= 32 << 10 {
		if _, err := i.Write(t.Context(), s, make([]byte, min(n, 32<<10))); err != nil {
			t.Error(err)
			return 0
		}
	}
	s.tail.Wait()
	i.Close()
	return time.Since(began)
}

// rate is that of a line of 6 Mbit/s that New Reno fills to a quarter.
const rate = 200_000

func TestBestWritesFirst(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		w := newWire(rate)
		low, high := &stream{wire: w}, &stream{wire: w}
		var tasks sync.WaitGroup
		defer tasks.Wait()
		began := time.Now()
		tasks.Go(func() {
			write(t, q.Track(Wish{Priority: 1}).Insert(0), low, rate)
			if took := time.Since(began); took > 2100*time.Millisecond { // the wire never ran dry
				t.Errorf("everything took %v", took)
			}
		})
		synctest.Wait()
		if took := write(t, q.Track(Wish{Priority: 2}).Insert(0), high, rate); took > 1100*time.Millisecond || low.sent.Load() > 10*packetSize {
			t.Errorf("the better one took %v, and %d bytes of the other one went before", took, low.sent.Load())
		}
	})
}

// finished runs one writer for each item at once and returns the order in which they were done.
func finished(t *testing.T, w *wire, items []*Item, meanwhile func()) (order []int) {
	var mu sync.Mutex
	var tasks sync.WaitGroup
	for n, i := range items {
		tasks.Go(func() {
			write(t, i, &stream{wire: w}, 100_000)
			mu.Lock()
			defer mu.Unlock()
			order = append(order, n)
		})
		synctest.Wait()
	}
	meanwhile()
	tasks.Wait()
	return order
}

func wantOrder(t *testing.T, got []int, want ...int) {
	t.Helper()
	for n := range want {
		if len(got) != len(want) || got[n] != want[n] {
			t.Fatalf("done in the order %v, want %v", got, want)
		}
	}
}

func TestNewestGroupIsDoneFirst(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		track := q.Track(Wish{})
		items := []*Item{track.Insert(0), track.Insert(1), track.Insert(2)}
		wantOrder(t, finished(t, newWire(rate), items, func() {}), 2, 1, 0)
	})
}

func TestOldestGroupOfAnOrderedTrackIsDoneFirst(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		track := q.Track(Wish{Ordered: true})
		items := []*Item{track.Insert(2), track.Insert(1), track.Insert(0)}
		wantOrder(t, finished(t, newWire(rate), items, func() {}), 2, 1, 0)
	})
}

func TestUpdateTakesTheTurnAway(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		tracks := []*Track{q.Track(Wish{Priority: 1}), q.Track(Wish{Priority: 2}), q.Track(Wish{Priority: 3})}
		items := []*Item{tracks[0].Insert(0), tracks[1].Insert(0), tracks[2].Insert(0)}
		order := finished(t, newWire(rate), items, func() {
			time.Sleep(100 * time.Millisecond) // the third is writing
			tracks[0].Update(Wish{Priority: 9})
		})
		wantOrder(t, order, 0, 2, 1)
	})
}

func TestLittleThatIsUrgentDoesNotWait(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		w := newWire(rate)
		var tasks sync.WaitGroup
		defer tasks.Wait()
		for n := range uint64(5) {
			tasks.Go(func() { write(t, q.Track(Wish{Priority: 1}).Insert(n), &stream{wire: w}, 200_000) })
		}
		audio := q.Track(Wish{Priority: 2})
		for n := range uint64(100) {
			time.Sleep(20 * time.Millisecond)
			took := write(t, audio.Insert(n), &stream{wire: w}, 300)
			if most := 10 * w.packet; took > most {
				t.Errorf("frame %d waited %v, want %v", n, took, most)
			}
		}
	})
}

func TestFastWireIsKeptFull(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		const fast, size = 100_000_000, 10_000_000
		w := newWire(fast)
		began := time.Now()
		var tasks sync.WaitGroup
		for n := range uint64(4) {
			tasks.Go(func() { write(t, q.Track(Wish{}).Insert(n), &stream{wire: w}, size/4) })
		}
		tasks.Wait()
		if took := time.Since(began); took > 110*time.Millisecond {
			t.Errorf("10 MB at 100 MB/s took %v", took)
		}
		if q.turns.budget < 32<<10 {
			t.Errorf("a fast wire is given %d bytes", q.turns.budget)
		}
	})
}

// What a peer does not read holds up nobody, whatever its rank.
func TestBlockedStreamsHoldUpNobody(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		w := newWire(rate)
		free := make(chan struct{})
		var tasks sync.WaitGroup
		defer tasks.Wait()
		defer close(free)
		for n := range uint64(5) {
			tasks.Go(func() { write(t, q.Track(Wish{Priority: 9}).Insert(n), &stream{wire: w, blocked: free}, 10_000) })
		}
		synctest.Wait()
		if took := write(t, q.Track(Wish{Priority: 1}).Insert(0), &stream{wire: w}, rate); took > 2*time.Second {
			t.Errorf("one second's worth took %v", took)
		}
	})
}

// A peer that reads one stream slowly gets the others at the speed of the path.
func TestSlowReaderHoldsUpNobody(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		for _, pause := range []time.Duration{30 * time.Millisecond, 100 * time.Millisecond} {
			w := newWire(10 * rate)
			var tasks sync.WaitGroup
			tasks.Go(func() { write(t, q.Track(Wish{Priority: 9}).Insert(0), &stream{wire: w, pause: pause}, 60_000) })
			synctest.Wait()
			if took := write(t, q.Track(Wish{Priority: 1}).Insert(0), &stream{wire: w}, 10*rate); took > 1500*time.Millisecond {
				t.Errorf("beside a packet each %v, one second's worth took %v", pause, took)
			}
			tasks.Wait()
		}
	})
}

// While nothing moves, ever more is given to the transport, but not much more.
func TestStandstillLetsLittleThrough(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		w := newWire(rate)
		low, high := &stream{wire: w}, &stream{wire: w}
		var tasks sync.WaitGroup
		defer tasks.Wait()
		for n := range uint64(8) {
			s := low
			if n > 0 {
				s = &stream{wire: w}
			}
			tasks.Go(func() { write(t, q.Track(Wish{Priority: 1}).Insert(n), s, 50_000) })
		}
		item := q.Track(Wish{Priority: 2}).Insert(0)
		done := make(chan struct{})
		tasks.Go(func() {
			defer close(done)
			write(t, item, high, rate)
		})
		for range 3 {
			time.Sleep(200 * time.Millisecond)
			w.slot <- struct{}{}
			time.Sleep(500 * time.Millisecond)
			<-w.slot
		}
		before := high.sent.Load()
		<-done
		if left := rate - before; left < rate/4 {
			t.Errorf("only %d bytes were left after the last standstill", left)
		}
		if low.sent.Load() > 20*packetSize {
			t.Errorf("%d bytes of the least urgent one passed by", low.sent.Load())
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		free := make(chan struct{})
		w := newWire(rate)
		first, second := q.Track(Wish{Priority: 2}).Insert(0), q.Track(Wish{Priority: 1}).Insert(0)
		var tasks sync.WaitGroup
		defer tasks.Wait()
		defer close(free)
		tasks.Go(func() { write(t, first, &stream{wire: w, blocked: free}, 10_000) })
		synctest.Wait()
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		tasks.Go(func() {
			synctest.Wait()
			cancel(gone)
		})
		began := time.Now()
		if n, err := second.Write(ctx, &stream{wire: w}, make([]byte, 10)); n != 0 || !errors.Is(err, gone) || time.Since(began) > 0 {
			t.Errorf("wrote %d, %v after %v", n, err, time.Since(began))
		}
		second.Close()
		if _, err := second.Write(ctx, &stream{wire: w}, make([]byte, 10)); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a closed item writes: %v", err)
		}
		if len(q.turns.waiting) != 0 {
			t.Errorf("%d wait", len(q.turns.waiting))
		}
	})
}

// Between two writes an item keeps the others waiting, unless it rests, is closed, or thinks for too long.
func TestTurnIsHeldBetweenWrites(t *testing.T) {
	for why, over := range map[string]func(*Item){
		"it rests":     (*Item).Rest,
		"it is closed": (*Item).Close,
		"it sleeps":    func(*Item) { time.Sleep(patience) },
	} {
		bubble(t, func(t *testing.T, q *Queue) {
			w := newWire(rate)
			first, second := q.Track(Wish{Priority: 2}).Insert(0), q.Track(Wish{Priority: 1}).Insert(0)
			one, two := &stream{wire: w}, &stream{wire: w}
			_, err := first.Write(t.Context(), one, make([]byte, 10))
			if err != nil {
				t.Fatal(err)
			}
			var tasks sync.WaitGroup
			tasks.Go(func() { write(t, second, two, 10) })
			time.Sleep(patience / 2)
			if two.sent.Load() > 0 {
				t.Error("the turn was not held")
			}
			over(first)
			synctest.Wait()
			time.Sleep(w.packet)
			synctest.Wait()
			if two.sent.Load() == 0 {
				t.Errorf("the turn was held although %s", why)
			}
			tasks.Wait()
			first.Close()
			if q.turns.bytes != 0 || len(q.turns.waiting) != 0 || len(q.turns.writing) != 0 {
				t.Errorf("something is left: %+v", q.turns)
			}
		})
	}
}

func TestFailedWriteIsReported(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		item := q.Track(Wish{}).Insert(0)
		r, w := io.Pipe()
		_ = r.CloseWithError(io.ErrNoProgress)
		if n, err := item.Write(t.Context(), w, make([]byte, 10)); n != 0 || !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("wrote %d, %v", n, err)
		}
		item.Close()
	})
}

func BenchmarkWrite(b *testing.B) {
	var q Queue
	fill(&q, 100)
	item := q.Track(Wish{Priority: 20}).Insert(0)
	p := make([]byte, 1200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := item.Write(b.Context(), io.Discard, p); err != nil {
			b.Fatal(err)
		}
	}
}

// The same behind very many groups that have nothing to send.
func BenchmarkWriteBehindIdle(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var q Queue
			fill(&q, n)
			item := q.Track(Wish{}).Insert(0)
			p := make([]byte, 1200)
			for b.Loop() {
				if _, err := item.Write(b.Context(), io.Discard, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestUpdateEndsAHeldTurn(t *testing.T) {
	bubble(t, func(t *testing.T, q *Queue) {
		w := newWire(rate)
		first, track := q.Track(Wish{Priority: 2}).Insert(0), q.Track(Wish{Priority: 1})
		if _, err := first.Write(t.Context(), &stream{wire: w}, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var tasks sync.WaitGroup
		tasks.Go(func() {
			if took := write(t, track.Insert(0), &stream{wire: w}, 10); took > 2*w.packet {
				t.Errorf("it waited %v behind an item that it is ahead of", took)
			}
		})
		synctest.Wait()
		track.Update(Wish{Priority: 3})
		tasks.Wait()
		if time.Since(began) > 2*w.packet {
			t.Errorf("the turn came after %v", time.Since(began))
		}
	})
}
