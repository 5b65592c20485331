package model_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
)

// stressFor is how long the model is used by many at once: go test -race -run Stress ./model -stress 20s.
var stressFor = flag.Duration("stress", 0, "how long TestStress goes on, at least one round")

const (
	stressWriters = 8
	stressReaders = 64
	stressGroups  = 40 // per writer and round
	stressFrames  = 10
)

// stressFrame tells which frame it is and is long enough to be torn.
func stressFrame(group uint64, index int) []byte {
	b := make([]byte, 64)
	for i := 0; i < len(b); i += 16 {
		binary.BigEndian.PutUint64(b[i:], group)
		binary.BigEndian.PutUint64(b[i+8:], uint64(index))
	}
	return b
}

// Writers fill one track of an origin at once, past its budget, while readers come,
// clone, give up waiting and go: every frame arrives at most once per cursor, in order
// within its group, bit for bit, and nothing is left when all is closed.
func TestStress(t *testing.T) {
	pool := model.NewCachePool(100_000)
	o := model.NewOrigin(model.WithCachePool(pool))
	rounds := 0
	for start := time.Now(); rounds == 0 || time.Since(start) < *stressFor; rounds++ {
		stressRound(t, o, uint64(rounds))
		want(t, "bytes left", pool.Used(), 0)
		if t.Failed() {
			break
		}
	}
	wantNil(t, o.Close())
	t.Logf("%d rounds", rounds)
}

func stressRound(t *testing.T, o *model.OriginProducer, round uint64) {
	b, err := o.CreateBroadcast("a", model.Route{})
	wantNil(t, err)
	// On a slow machine a round may take longer than groups are kept by default.
	p, err := b.CreateTrack("t", model.TrackInfo{MaxLatency: time.Hour})
	wantNil(t, err)
	front := must(o.Consume().Request(bg, "a"))
	var writers, readers sync.WaitGroup
	for r := range stressReaders {
		c := must(front.SubscribeTrack("t", model.Subscription{Priority: uint8(r)}))
		readers.Go(func() {
			rnd := rand.New(rand.NewPCG(round, uint64(1000+r)))
			if rnd.IntN(4) == 0 { // goes before the end
				readers.Go(func() { _ = c.Close() })
			}
			readStress(t, c, rnd, &readers, 2)
		})
	}
	for w := range stressWriters {
		writers.Go(func() { writeStress(t, p.Clone(), rand.New(rand.NewPCG(round, uint64(w))), uint64(w)) })
	}
	if round%3 == 2 { // in the middle of it all
		p.Abort(model.ErrTimeout)
	}
	writers.Wait()
	if round%3 != 2 {
		wantNil(t, p.Finish())
	}
	wantNil(t, p.Close())
	readers.Wait()
	wantNil(t, b.Unused(bg))
	wantNil(t, b.Close())
}

func writeStress(t *testing.T, p *model.TrackProducer, rnd *rand.Rand, first uint64) {
	defer p.Close()
	for i := range uint64(stressGroups) {
		g, err := p.CreateGroup(i*stressWriters + first)
		if errors.Is(err, model.ErrTimeout) {
			return // aborted
		}
		if err != nil {
			t.Error(err)
			return
		}
		writeStressGroup(t, g, rnd)
	}
}

func writeStressGroup(t *testing.T, g *model.GroupProducer, rnd *rand.Rand) {
	defer g.Close()
	// The budget may take a group from its writer.
	written := func(err error) bool {
		if err != nil && !errors.Is(err, model.ErrEvicted) && !errors.Is(err, model.ErrTimeout) {
			t.Error(err)
		}
		return err == nil
	}
	for i := range stressFrames {
		payload := stressFrame(g.Sequence(), i)
		if rnd.IntN(2) == 0 {
			if !written(g.WriteFrame(model.Frame{Payload: payload})) {
				return
			}
			continue
		}
		f, err := g.CreateFrame(model.FrameInfo{Size: uint64(len(payload))})
		if !written(err) {
			return
		}
		cut := rnd.IntN(len(payload))
		if _, err = f.Write(payload[:cut]); !written(err) {
			return
		}
		if _, err = f.Write(payload[cut:]); !written(err) {
			return
		}
	}
	switch rnd.IntN(8) {
	case 0:
		g.Abort(model.ErrTimeout)
	case 1: // dropped
	default:
		written(g.Finish())
	}
}

func readStress(t *testing.T, c *model.TrackConsumer, rnd *rand.Rand, readers *sync.WaitGroup, clones int) {
	defer c.Close()
	seen := map[uint64]bool{}
	for {
		g, err := impatient(rnd, c.RecvGroup)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, model.ErrClosed) && !errors.Is(err, model.ErrTimeout) {
				t.Error(err)
			}
			return
		}
		if seen[g.Sequence()] {
			t.Errorf("group %d twice", g.Sequence())
		}
		seen[g.Sequence()] = true
		switch rnd.IntN(50) {
		case 0:
			if clones > 0 {
				clones--
				clone, rnd := c.Clone(), rand.New(rand.NewPCG(rnd.Uint64(), 3))
				readers.Go(func() { readStress(t, clone, rnd, readers, 0) })
			}
		case 1:
			_ = c.Update(model.Subscription{Priority: uint8(rnd.IntN(256))})
		}
		readStressGroup(t, g, rnd)
	}
}

// impatient gives up now and then and tries again.
func impatient[T any](rnd *rand.Rand, read func(context.Context) (T, error)) (v T, err error) {
	for {
		ctx, cancel := context.WithCancel(bg)
		if rnd.IntN(4) == 0 {
			cancel()
		}
		v, err = read(ctx)
		cancel()
		if !errors.Is(err, context.Canceled) {
			return v, err
		}
	}
}

func readStressGroup(t *testing.T, g *model.GroupConsumer, rnd *rand.Rand) {
	defer g.Close()
	for i := 0; ; i++ {
		f, err := impatient(rnd, g.ReadFrame)
		if errors.Is(err, io.EOF) && i != stressFrames {
			t.Errorf("group %d ended cleanly after %d frames", g.Sequence(), i)
		}
		if err != nil {
			return
		}
		if string(f.Payload) != string(stressFrame(g.Sequence(), i)) {
			t.Errorf("frame %d of group %d is %x", i, g.Sequence(), f.Payload)
			return
		}
	}
}

// Broadcasts come, change and go at a few paths while others watch, ask and read.
func TestConcurrentOrigin(t *testing.T) {
	o := model.NewOrigin()
	d := o.Dynamic()
	var publishers, others sync.WaitGroup
	paths := []model.Path{"a", "a/b", "c"}
	for w := range 6 {
		publishers.Go(func() {
			for i := range 100 {
				b, err := o.CreateBroadcast(paths[(i+w)%3], model.Route{Hops: model.OriginList{model.OriginID(w%3 + 1)}})
				wantNil(t, err)
				track, err := b.CreateTrack("t", model.TrackInfo{})
				wantNil(t, err)
				wantNil(t, track.WriteFrame(text("x")))
				b.SetRoute(model.Route{Cost: uint64(i), Offline: i%5 == 0})
				wantNil(t, track.Close())
				wantNil(t, b.Close())
			}
		})
	}
	for range 6 {
		a := o.Consume().Announcements()
		others.Go(func() {
			told := map[model.Path]bool{}
			for ev, err := range a.All(bg) {
				wantNil(t, err)
				if told[ev.Path] == (ev.Broadcast != nil) {
					t.Errorf("%q does not alternate", ev.Path)
				}
				told[ev.Path] = ev.Broadcast != nil
				if ev.Broadcast != nil {
					if c, err := ev.Broadcast.SubscribeTrack("t", model.Subscription{}); err == nil {
						_, _, _ = c.TryRecvGroup() // whatever is left of it
						wantNil(t, c.Close())
					}
				}
			}
		})
	}
	others.Go(func() {
		for {
			r, err := d.RequestedBroadcast(bg)
			if err != nil {
				return
			}
			r.Reject(model.ErrNotFound)
		}
	})
	for range 4 {
		publishers.Go(func() {
			for i := range 200 {
				_, _ = o.Consume().Request(bg, paths[i%3]) // any answer will do, but there must be one
			}
		})
	}
	publishers.Wait()
	wantNil(t, o.Close())
	others.Wait()
}
