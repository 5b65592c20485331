package model_test

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/moqrx/moqrx/model"
)

const (
	stressWriters = 8
	stressGroups  = 40 // per writer
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

// Writers fill one track at once while readers come, clone and go: every frame
// arrives at most once per cursor, in order within its group, bit for bit.
func TestConcurrentUse(t *testing.T) {
	p := newTrack(t)
	var writers, readers sync.WaitGroup
	for w := range stressWriters {
		writers.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 1))
			for i := range uint64(stressGroups) {
				g, err := p.CreateGroup(i*stressWriters + uint64(w))
				if err != nil {
					t.Error(err)
					return
				}
				writeStressGroup(t, g, rnd)
			}
		})
	}
	for r := range 32 {
		readers.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(r), 2))
			c := p.Consume(model.Subscription{Priority: uint8(r)})
			if rnd.IntN(4) == 0 { // goes before the end
				readers.Go(func() { _ = c.Close() })
			}
			readStress(t, c, rnd, &readers, 2)
		})
	}
	writers.Wait()
	wantNil(t, p.Finish())
	readers.Wait()
	wantNil(t, p.Unused(bg))
	wantNil(t, p.Close())
}

func writeStressGroup(t *testing.T, g *model.GroupProducer, rnd *rand.Rand) {
	defer g.Close()
	for i := range stressFrames {
		payload := stressFrame(g.Sequence(), i)
		if rnd.IntN(2) == 0 {
			wantNil(t, g.WriteFrame(model.Frame{Payload: payload}))
			continue
		}
		f, err := g.CreateFrame(model.FrameInfo{Size: uint64(len(payload))})
		wantNil(t, err)
		cut := rnd.IntN(len(payload))
		_, err = f.Write(payload[:cut])
		wantNil(t, err)
		_, err = f.Write(payload[cut:])
		wantNil(t, err)
	}
	switch rnd.IntN(8) {
	case 0:
		g.Abort(model.ErrTimeout)
	case 1: // dropped
	default:
		wantNil(t, g.Finish())
	}
}

func readStress(t *testing.T, c *model.TrackConsumer, rnd *rand.Rand, readers *sync.WaitGroup, clones int) {
	defer c.Close()
	seen := map[uint64]bool{}
	for {
		g, err := c.RecvGroup(bg)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, model.ErrClosed) {
				t.Error(err)
			}
			return
		}
		if seen[g.Sequence()] {
			t.Errorf("group %d twice", g.Sequence())
		}
		seen[g.Sequence()] = true
		if clones > 0 && rnd.IntN(50) == 0 {
			clones--
			clone, rnd := c.Clone(), rand.New(rand.NewPCG(rnd.Uint64(), 3))
			readers.Go(func() { readStress(t, clone, rnd, readers, 0) })
		}
		readStressGroup(t, g)
	}
}

func readStressGroup(t *testing.T, g *model.GroupConsumer) {
	defer g.Close()
	for i := 0; ; i++ {
		f, err := g.ReadFrame(bg)
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
