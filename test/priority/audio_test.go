package priority

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
)

const (
	audioFrames   = 750
	audioSize     = 300
	audioInterval = 20 * time.Millisecond
)

// attempts are made before a delay counts: the machine can make it longer, and nothing shorter.
const attempts = 3

// Sound must not wait behind a picture that takes all there is. What the line itself does to it, with its losses, is
// measured by a track that has the line for itself.
func TestAudioDoesNotWaitBehindVideo(t *testing.T) {
	everyWay(t, 1, func(t *testing.T, scheme string, seed uint64) {
		for n := range uint64(attempts) {
			var alone, beside []time.Duration
			var tasks sync.WaitGroup
			tasks.Go(func() { alone = audio(t, scheme, seed+n, false) })
			beside = audio(t, scheme, seed+n, true)
			tasks.Wait()
			if t.Failed() {
				return
			}
			t.Logf("%s: alone p50 %v p90 %v p99 %v, beside video p50 %v p90 %v p99 %v", scheme,
				quantile(alone, 50), quantile(alone, 90), quantile(alone, 99),
				quantile(beside, 50), quantile(beside, 90), quantile(beside, 99))
			if quantile(beside, 99) < quantile(alone, 99)*3/2+25*time.Millisecond {
				return
			}
		}
		t.Errorf("%s: beside video, audio waits for more than half of what the line makes it wait and 25 ms", scheme)
	})
}

func quantile(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)-1)*percent/100].Round(100 * time.Microsecond)
}

// audio sends short frames, each as a group, and returns their delays in order of size.
func audio(t *testing.T, scheme string, seed uint64, video bool) []time.Duration {
	e := connect(t, scheme, line(seed))
	from, to := e.track("audio", model.Subscription{Priority: 20, Start: model.At(0)})
	if video {
		saturate(e)
	}
	var tasks sync.WaitGroup
	defer tasks.Wait()
	tasks.Go(func() {
		tick := time.NewTicker(audioInterval)
		defer tick.Stop()
		for range audioFrames {
			<-tick.C
			payload := binary.BigEndian.AppendUint64(make([]byte, audioSize-8), uint64(time.Now().UnixNano()))
			if err := from.WriteFrame(model.Frame{Payload: payload}); err != nil {
				t.Error(err)
			}
		}
	})
	var mu sync.Mutex
	var delays []time.Duration
	var readers sync.WaitGroup
	for range audioFrames {
		g, err := to.RecvGroup(e.ctx)
		if err != nil {
			t.Error(err)
			break
		}
		readers.Go(func() {
			defer g.Close()
			f, err := g.ReadFrame(e.ctx)
			if err != nil {
				t.Error(err)
				return
			}
			sent := time.Unix(0, int64(binary.BigEndian.Uint64(f.Payload[audioSize-8:])))
			mu.Lock()
			defer mu.Unlock()
			delays = append(delays, time.Since(sent))
		})
	}
	readers.Wait()
	slices.Sort(delays)
	return delays
}

// saturate sends more video than the line takes, in groups of half a second, until the end of the test.
func saturate(e *ends) {
	from, to := e.track("video", model.Subscription{Priority: 10, Start: model.At(0)})
	var tasks sync.WaitGroup
	stop := make(chan struct{})
	tasks.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			writeGroup(e.t, from)
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	})
	tasks.Go(func() {
		for {
			g, err := to.RecvGroup(e.ctx)
			if err != nil {
				return
			}
			_ = g.Close() // its bytes come all the same
		}
	})
	e.t.Cleanup(func() {
		close(stop)
		_ = to.Close()
		tasks.Wait()
	})
}
