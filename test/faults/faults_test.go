package faults

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const framesPerGroup = 4

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

// use is how much memory and how many goroutines there are once everything has calmed down.
func use() (bytes uint64, goroutines int) {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, runtime.NumGoroutine()
}

func TestRelayKilledAndRestartedAgainAndAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	pool := model.NewCachePool(1 << 20)
	near := model.NewOrigin(model.WithCachePool(pool))
	far := model.NewOrigin(model.WithLinger(time.Minute), model.WithCachePool(pool))
	broadcast, err := near.CreateBroadcast("room/alice", model.Route{})
	if err != nil {
		t.Fatal(err)
	}
	track, err := broadcast.CreateTrack("video", model.TrackInfo{MaxLatency: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	l := relay(t, "127.0.0.1:0")
	addr := l.Addr().String()
	stops := []func(){keep(t, addr, session.WithPublish(near.Consume())), keep(t, addr, session.WithConsume(far))}
	seen, err := far.Consume().Announced(ctx, "room/alice")
	if err != nil {
		t.Fatal(err)
	}
	defer seen.Close()
	reader, err := seen.SubscribeTrack("video", model.Subscription{MaxLatency: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()

	came, whole := make(map[uint64]bool), 0
	var heap uint64
	var goroutines int
	for life := range 8 {
		if life > 0 {
			l = relay(t, addr)
		}
		if err := track.Used(ctx); err != nil {
			t.Fatalf("life %d of the relay: %v", life, err)
		}
		for range 3 {
			if err := write(track); err != nil {
				t.Fatal(err)
			}
			sequence, err := read(ctx, t, reader)
			if came[sequence] {
				t.Fatalf("group %d comes twice", sequence)
			}
			came[sequence] = true
			if err == nil {
				whole++
			}
		}
		if err := seen.Err(); err != nil {
			t.Fatalf("life %d: the broadcast has ended: %v", life, err)
		}
		if life == 1 {
			heap, goroutines = use()
		}
		if life == 7 {
			h, g := use()
			if h > heap+heap/10+(512<<10) {
				t.Errorf("%d bytes on the heap, %d after the first restart", h, heap)
			}
			if g > goroutines+4 { // some of the last connection may be about to end
				t.Errorf("%d goroutines, %d after the first restart", g, goroutines)
			}
		}
		if err := write(track); err != nil { // which is cut
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := track.Unused(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if whole < 20 {
		t.Errorf("%d of 24 groups came whole", whole)
	}
	for _, stop := range stops {
		stop()
	}
}
