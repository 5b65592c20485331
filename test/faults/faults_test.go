package faults

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const framesPerGroup = 4

// cached is what the groups of both ends may take together.
const cached = 1 << 20

// payload is what a frame carries: its place, and noise that only this place has.
func payload(group, frame uint64) []byte {
	b := binary.BigEndian.AppendUint64(nil, group)
	b = binary.BigEndian.AppendUint64(b, frame)
	noise := make([]byte, 4000)
	_, _ = rand.NewChaCha8([32]byte{byte(group), byte(group >> 8), byte(frame)}).Read(noise) // never fails
	return append(b, noise...)
}

// write adds one group.
func write(track *model.TrackProducer) error {
	g, err := track.AppendGroup()
	if err != nil {
		return err
	}
	for i := range uint64(framesPerGroup) {
		if err := g.WriteFrame(model.Frame{Payload: payload(g.Sequence(), i)}); err != nil {
			return err
		}
	}
	return errors.Join(g.Finish(), g.Close())
}

// read takes one group and compares what arrives of it. The error is why it is not whole.
func read(ctx context.Context, t *testing.T, track *model.TrackConsumer) (sequence uint64, err error) {
	t.Helper()
	g, err := track.RecvGroup(ctx)
	if err != nil {
		t.Fatalf("the track has ended: %v", err)
	}
	defer g.Close()
	for i := uint64(0); ; i++ {
		f, err := g.ReadFrame(ctx)
		if errors.Is(err, io.EOF) && i == framesPerGroup {
			return g.Sequence(), nil
		}
		if err != nil {
			return g.Sequence(), err
		}
		if !bytes.Equal(f.Payload, payload(g.Sequence(), i)) {
			t.Fatalf("frame %d of group %d is not what was written", i, g.Sequence())
		}
	}
}

// relay listens at addr until it is killed.
func relay(t *testing.T, addr string) *session.Listener {
	t.Helper()
	l, err := session.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	origin := model.NewOrigin()
	go func() {
		for {
			r, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			_, _ = r.Accept(session.WithOrigin(origin)) // who is gone is gone
		}
	}()
	return l
}

// keep runs Reconnect, until stop.
func keep(t *testing.T, addr string, origin session.Option) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- session.Reconnect(ctx, "moqt://"+addr, session.WithInsecure(), origin,
			session.WithBackoff(10*time.Millisecond, 50*time.Millisecond))
	}()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Reconnect ended with %v", err)
		}
	}
}

// journey is a broadcast that a publisher and a subscriber keep on a relay, whatever becomes of the relay.
type journey struct {
	ctx    context.Context
	track  *model.TrackProducer
	seen   *model.BroadcastConsumer
	reader *model.TrackConsumer
	came   map[uint64]bool // groups, whole or not
	whole  int             // how many of them were
}

// newJourney starts both ends with the relay at addr. They go on until stop.
func newJourney(ctx context.Context, t *testing.T, addr string) (j *journey, stop func()) {
	t.Helper()
	pool := model.NewCachePool(cached)
	near := model.NewOrigin(model.WithCachePool(pool))
	far := model.NewOrigin(model.WithLinger(time.Minute), model.WithCachePool(pool))
	j = &journey{ctx: ctx, came: make(map[uint64]bool)}
	_, j.track = moqtest.Publish(t, near, "room/alice", "video", model.TrackInfo{MaxLatency: 100 * time.Millisecond})
	stopPublisher := keep(t, addr, session.WithPublish(near.Consume()))
	stopSubscriber := keep(t, addr, session.WithConsume(far))
	j.seen = moqtest.Announced(ctx, t, far.Consume(), "room/alice")
	var err error
	j.reader, err = j.seen.SubscribeTrack("video", model.Subscription{MaxLatency: time.Minute})
	moqtest.Must(t, err)
	moqtest.CloseAtEnd(t, j.reader)
	return j, func() {
		stopPublisher()
		stopSubscriber()
	}
}

// live sends a few groups through a relay that has just started.
func (j *journey) live(t *testing.T) {
	t.Helper()
	moqtest.Must(t, j.track.Used(j.ctx))
	for range 3 {
		moqtest.Must(t, write(j.track))
		sequence, err := read(j.ctx, t, j.reader)
		if j.came[sequence] {
			t.Fatalf("group %d comes twice", sequence)
		}
		j.came[sequence] = true
		if err == nil {
			j.whole++
		}
	}
	if err := j.seen.Err(); err != nil {
		t.Fatalf("the broadcast has ended: %v", err)
	}
}

// die cuts a group off, and waits until the publisher has noticed.
func (j *journey) die(t *testing.T, relay *session.Listener) {
	t.Helper()
	moqtest.Must(t, write(j.track))
	moqtest.Must(t, relay.Close())
	moqtest.Must(t, j.track.Unused(j.ctx))
}

func TestRelayKilledAndRestartedAgainAndAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	l := relay(t, "127.0.0.1:0")
	addr := l.Addr().String()
	j, stop := newJourney(ctx, t, addr)
	j.live(t)
	j.die(t, l)
	const restarts = 9
	var heap [restarts]uint64
	var goroutines [restarts]int
	for life := range restarts {
		l = relay(t, addr)
		j.live(t)
		heap[life], goroutines[life] = moqtest.Heap(), runtime.NumGoroutine()
		j.die(t, l)
	}
	// At any one moment something of the last connection may be about to end.
	const some = restarts / 3
	if first, last := slices.Min(heap[:some]), slices.Min(heap[restarts-some:]); last > first+first/10+cached {
		t.Errorf("%d bytes on the heap, %d at first", last, first)
	}
	if first, last := slices.Min(goroutines[:some]), slices.Min(goroutines[restarts-some:]); last > first+some {
		t.Errorf("%d goroutines, %d at first", last, first)
	}
	if most := 3 * (restarts + 1); j.whole < most*2/3 { // the one that was cut before is the first that comes
		t.Errorf("%d of %d groups came whole", j.whole, most)
	}
	stop()
}
