package stats

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
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
