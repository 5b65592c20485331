package lite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
	"github.com/moqrx/moqrx/session/transport/transporttest"
)

// delays are the bounds that the seeds take turns in. Before moq-lite-05, a group that comes 750 ms behind the end of its
// track is not waited for.
var delays = [...]time.Duration{10 * time.Millisecond, 100 * time.Millisecond, 700 * time.Millisecond}

// forEachSeed runs the test over connections that reorder and delay, with n seeds for each version.
func forEachSeed(t *testing.T, n uint64, f func(t *testing.T, d *duo)) {
	t.Helper()
	for _, v := range genlite.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			transporttest.Seeds(t, n, func(t *testing.T, seed uint64) {
				synctest.Test(t, func(t *testing.T) { f(t, newDuo(t, v, seed)) })
			})
		})
	}
}

// duo is two engines on the ends of one connection. What is published in near is consumed in far.
type duo struct {
	v              genlite.Version
	near, far      *model.OriginProducer
	server, client *Engine
	done           sync.WaitGroup
	cancel         context.CancelFunc
}

func newDuo(t *testing.T, v genlite.Version, seed uint64) *duo {
	t.Helper()
	a, b := memory.Config{Protocol: v.ALPN(), Seed: seed, Delay: delays[seed%uint64(len(delays))]}.Pair()
	ctx, cancel := context.WithCancel(t.Context())
	d := &duo{v: v, near: model.NewOrigin(), far: model.NewOrigin(), cancel: cancel}
	ready := make(chan error, 1)
	go func() { ready <- d.accept(ctx, b) }()
	must(t, d.connect(ctx, a))
	must(t, <-ready)
	for _, e := range []*Engine{d.client, d.server} {
		d.done.Go(func() { _ = e.Run(ctx) })
	}
	t.Cleanup(d.end)
	return d
}

func (d *duo) end() {
	d.cancel()
	d.done.Wait()
	<-d.client.conn.Closed() // no delivery outlives the test
}

func (d *duo) accept(ctx context.Context, conn transport.Conn) error {
	cfg := Config{Conn: conn, Version: d.v}
	if d.v <= genlite.Version02 {
		x, err := AwaitOffer(ctx, conn, Limits{})
		if err != nil {
			return err
		}
		x.Choose([]uint64{d.v.Code()})
		cfg.Exchange = x
	}
	d.server = New(cfg)
	if _, err := d.server.AwaitSetup(ctx); err != nil {
		return err
	}
	d.server.Grant(d.near.Consume(), nil)
	return d.server.SendSetup(ctx)
}

func (d *duo) connect(ctx context.Context, conn transport.Conn) error {
	cfg := Config{Conn: conn, Version: d.v}
	if d.v <= genlite.Version02 {
		x, _, err := Offer(ctx, conn, []uint64{d.v.Code()}, Limits{})
		if err != nil {
			return err
		}
		cfg.Exchange = x
	}
	d.client = New(cfg)
	d.client.Grant(nil, d.far)
	return d.client.SendSetup(ctx)
}

// subscribe waits for a broadcast and subscribes to a track of it.
func (d *duo) subscribe(t *testing.T, path model.Path, track string, s model.Subscription) *model.TrackConsumer {
	t.Helper()
	origin := d.far.Consume()
	defer origin.Close()
	b, err := origin.Announced(t.Context(), path)
	must(t, err)
	defer b.Close()
	c, err := b.SubscribeTrack(track, s)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// payloads are what a group of a track consists of: from nothing up to more than a window.
func payloads(sequence uint64) [][]byte {
	var all [][]byte
	noise := rand.New(rand.NewPCG(sequence, 0))
	for _, size := range []int{0, 1, 100, 1 << (sequence % 18), 5000} {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(noise.Uint32())
		}
		all = append(all, b)
	}
	return all
}

// publishGroups writes groups from first to last, several at a time.
func publishGroups(track *model.TrackProducer, first, last uint64) error {
	for sequence := first; sequence <= last; sequence++ {
		g, err := track.AppendGroup()
		if err != nil {
			return err
		}
		for _, p := range payloads(sequence) {
			if err := g.WriteFrame(model.Frame{Payload: p}); err != nil {
				return err
			}
		}
		if err := errors.Join(g.Finish(), g.Close()); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// wantGroups reads n groups in any order and compares every frame, and returns their sequences in order.
func wantGroups(ctx context.Context, c *model.TrackConsumer, n int) ([]uint64, error) {
	var got []uint64
	for range n {
		g, err := c.RecvGroup(ctx)
		if err != nil {
			return got, fmt.Errorf("after groups %v: %w", got, err)
		}
		want := payloads(g.Sequence())
		i := 0
		for f, err := range g.All(ctx) {
			if err != nil {
				return got, fmt.Errorf("group %d, frame %d: %w", g.Sequence(), i, err)
			}
			if i >= len(want) || !bytes.Equal(f.Payload, want[i]) {
				return got, fmt.Errorf("group %d, frame %d differs", g.Sequence(), i)
			}
			i++
		}
		if i != len(want) {
			return got, fmt.Errorf("group %d has %d frames", g.Sequence(), i)
		}
		got = append(got, g.Sequence())
		_ = g.Close()
	}
	slices.Sort(got)
	return got, nil
}

// A whole session: two tracks, an update, the end of the tracks and of the broadcast, and a fetch.
func TestExchangeInAnyOrderOfDelivery(t *testing.T) {
	forEachSeed(t, 50, func(t *testing.T, d *duo) {
		const groups = 12
		b, err := d.near.CreateBroadcast("room/alice", model.Route{})
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var tasks sync.WaitGroup
		defer tasks.Wait()
		for _, name := range []string{"video", "audio"} {
			track, err := b.CreateTrack(name, model.TrackInfo{MaxLatency: time.Minute})
			must(t, err)
			tasks.Go(func() {
				if err := track.Used(ctx); err != nil {
					t.Errorf("%s is not asked for: %v", name, err)
					return
				}
				half := publishGroups(track, 0, groups/2-1)
				d.awaitPriority(ctx, track, 7)
				if err := errors.Join(half, publishGroups(track, groups/2, groups-1), track.Finish()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
			c := d.subscribe(t, "room/alice", name, model.Subscription{Start: model.At(0), MaxLatency: time.Minute})
			tasks.Go(func() { d.readToTheEnd(ctx, t, c, name, groups) })
		}
		tasks.Wait()
		d.fetches(ctx, t, 3)
		news := d.far.Consume().Announcements()
		defer news.Close()
		must(t, b.Finish())
		for there := true; there; {
			a, err := news.Next(ctx)
			must(t, err)
			if there = a.Broadcast != nil; there {
				_ = a.Broadcast.Close()
			}
		}
	})
}

// readToTheEnd reads a whole track, and changes its mind about the priority on the way.
func (d *duo) readToTheEnd(ctx context.Context, t *testing.T, c *model.TrackConsumer, name string, groups int) {
	first, err := wantGroups(ctx, c, 2)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	wants := model.Subscription{Priority: 7, Start: model.At(0), MaxLatency: time.Minute}
	if err := c.Update(wants); err != nil {
		t.Errorf("%s: update: %v", name, err)
	}
	rest, err := wantGroups(ctx, c, groups-2)
	if err != nil {
		t.Errorf("%s: %v after %v", name, err, first)
		return
	}
	all := append(first, rest...)
	slices.Sort(all)
	if len(slices.Compact(all)) != groups {
		t.Errorf("%s: groups %v", name, all)
	}
	if _, err := c.RecvGroup(ctx); !errors.Is(err, io.EOF) {
		t.Errorf("%s ended with %v", name, err)
	}
}

// awaitPriority waits until the publisher hears of an update, where there are updates.
func (d *duo) awaitPriority(ctx context.Context, track *model.TrackProducer, want uint8) {
	for d.client.dialect.preferences && ctx.Err() == nil {
		changed := track.SubscriptionChanged()
		if wants, _ := track.Subscription(); wants.Priority == want {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// fetches asks for one group, where there is FETCH, and compares its frames.
func (d *duo) fetches(ctx context.Context, t *testing.T, sequence uint64) {
	if d.v < genlite.Version05 {
		return
	}
	s, err := d.client.ask(ctx, genlite.BidiFetch, &genlite.Fetch{Broadcast: "room/alice", Track: "video", Group: sequence})
	must(t, err)
	r := newReader(s, d.v)
	for i, want := range payloads(sequence) {
		var head genlite.FrameHeader
		must(t, r.parse(func(src []byte) (int, error) { return head.Parse(src, d.v) }))
		got := make([]byte, 0, head.PayloadLength)
		for left := head.PayloadLength; left > 0; {
			b, err := r.chunk(left)
			must(t, err)
			got, left = append(got, b...), left-uint64(len(b))
		}
		if !bytes.Equal(got, want) {
			t.Errorf("fetched group %d, frame %d: %d bytes, want %d", sequence, i, len(got), len(want))
		}
	}
	wantEnd(t, s, -1)
	_ = s.Close() // fails when the server has stopped reading already
}
