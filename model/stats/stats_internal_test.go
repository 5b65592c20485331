package stats

import (
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// A tick that came late does not bring those that were missed with it.
func TestLateTicksAreDelayedAndNotCaughtUpOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		stop := make(chan struct{})
		var at []time.Duration
		go tick(time.Second, stop, func() {
			at = append(at, time.Since(start))
			if len(at) == 2 {
				time.Sleep(3500 * time.Millisecond)
			}
		})
		time.Sleep(9 * time.Second)
		close(stop)
		synctest.Wait()
		want := []time.Duration{1000, 2000, 5500, 6500, 7500, 8500}
		for i := range want {
			want[i] *= time.Millisecond
		}
		if !slices.Equal(at, want) {
			t.Errorf("ticks at %v, want %v", at, want)
		}
	})
}

// The locks of the registry would hide most of the race: this is the bare counters.
func TestClosedIsNeverAboveOpen(t *testing.T) {
	t.Run("16.20/333 no snapshot has more closed than open while guards come and go", func(t *testing.T) {
		var c traffic
		var p presence
		var workers sync.WaitGroup
		stop := make(chan struct{})
		for range 2 {
			workers.Go(func() {
				for {
					for _, pair := range []*pair{&c.announced, &c.broadcasts, &c.subscriptions, &p.sessions} {
						pair.opened.Add(1)
						pair.closed.Add(1)
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		for p.sessions.closed.Load() < 500_000 {
			now, sessions := c.snapshot(), p.snapshot()
			if now.AnnouncedClosed > now.Announced || now.BroadcastsClosed > now.Broadcasts ||
				now.SubscriptionsClosed > now.Subscriptions || sessions.SessionsClosed > sessions.Sessions {
				t.Errorf("more closed than open: %+v, %+v", now, sessions)
				break
			}
		}
		close(stop)
		workers.Wait()
	})
}

// Peers choose names, and may come with very many of them in a short time.
func TestWhatWasForgottenTakesNoMemory(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	r := newRegistry(model.NewPathPrefixes())
	handle := Handle{r, External}
	defer handle.Broadcast("stays").PublisherTrack("video").Close()
	defer handle.Session("stays").Close()
	before := heap()
	for i := range 100_000 {
		name := model.Path(strconv.Itoa(i))
		handle.Broadcast(name).PublisherTrack("video").Close()
		handle.Session(name).Close()
	}
	r.collect(0, false)
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("%d bytes are left", grown)
	}
	if len(r.broadcasts) != 1 || len(r.roots) != 1 {
		t.Errorf("%d broadcasts and %d roots are left, want one of each", len(r.broadcasts), len(r.roots))
	}
	runtime.KeepAlive(r)
}
