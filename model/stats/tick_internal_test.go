package stats

import (
	"slices"
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
