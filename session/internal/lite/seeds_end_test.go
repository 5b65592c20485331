package lite

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
)

// Groups and tracks that fail, and readers that come and go.
func TestEndingsInAnyOrderOfDelivery(t *testing.T) {
	forEachSeed(t, 20, func(t *testing.T, d *duo) {
		b, err := d.near.CreateBroadcast("alice", model.Route{})
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		track, err := b.CreateTrack("video", model.TrackInfo{})
		must(t, err)
		for round := range uint64(4) {
			c := d.subscribe(t, "alice", "video", model.Subscription{})
			must(t, track.Used(ctx))
			must(t, publishGroups(track, 2*round, 2*round))
			if _, err := wantGroups(ctx, c, 1); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			failing(t, track, model.AppCode(uint16(round)))
			must(t, c.Close())
			if round%2 == 0 { // else the next reader comes while the last one leaves
				must(t, track.Unused(ctx))
			}
		}
		must(t, track.Unused(ctx))
		c := d.subscribe(t, "alice", "video", model.Subscription{MaxLatency: time.Minute})
		must(t, track.Used(ctx))
		must(t, publishGroups(track, 8, 8))
		if _, err := wantGroups(ctx, c, 1); err != nil {
			t.Fatal(err)
		}
		track.Abort(&model.Error{Code: model.AppCode(404)})
		if err := readOn(ctx, c); !errors.Is(err, &model.Error{Code: model.AppCode(404)}) {
			t.Errorf("the track failed with %v", err)
		}
	})
}

// failing writes a group that breaks off.
func failing(t *testing.T, track *model.TrackProducer, code model.Code) {
	t.Helper()
	g, err := track.AppendGroup()
	must(t, err)
	must(t, g.WriteFrame(model.Frame{Payload: []byte("half")}))
	g.Abort(&model.Error{Code: code})
	must(t, g.Close())
}

// readOn reads a track until it fails, past groups that do.
func readOn(ctx context.Context, c *model.TrackConsumer) error {
	for {
		g, err := c.RecvGroup(ctx)
		if err != nil {
			return err
		}
		_ = g.Close()
	}
}

// A publisher that gives way to another under the same name, while somebody reads.
func TestReplacementInAnyOrderOfDelivery(t *testing.T) {
	forEachSeed(t, 20, func(t *testing.T, d *duo) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		for round := range uint64(3) {
			b, err := d.near.CreateBroadcast("alice", model.Route{})
			must(t, err)
			track, err := b.CreateTrack("video", model.TrackInfo{})
			must(t, err)
			must(t, publishGroups(track, 0, round))
			c := d.subscribe(t, "alice", "video", model.Subscription{})
			g, err := c.RecvGroup(ctx)
			if err != nil && round == 0 {
				t.Fatal(err)
			}
			if err == nil {
				_ = g.Close()
			}
			must(t, track.Finish())
			must(t, b.Finish())
			must(t, b.Close())
			must(t, track.Close())
			if err := readOn(ctx, c); ctx.Err() != nil {
				t.Errorf("round %d never ends: %v", round, err)
			}
		}
	})
}

// A connection that is cut while groups are on their way.
func TestCutInAnyOrderOfDelivery(t *testing.T) {
	forEachSeed(t, 20, func(t *testing.T, d *duo) {
		b, err := d.near.CreateBroadcast("alice", model.Route{})
		must(t, err)
		defer b.Close()
		track, err := b.CreateTrack("video", model.TrackInfo{})
		must(t, err)
		defer track.Close()
		c := d.subscribe(t, "alice", "video", model.Subscription{})
		must(t, track.Used(t.Context()))
		for i := range uint64(5) {
			must(t, publishGroups(track, i, i))
		}
		g, err := track.AppendGroup()
		must(t, err)
		must(t, g.WriteFrame(model.Frame{Payload: []byte("half")}))
		time.Sleep(time.Millisecond)
		_ = d.server.conn.CloseWithError(7, "cut")
		if err := readOn(t.Context(), c); errors.Is(err, io.EOF) {
			t.Error("the track ended as if it were whole")
		}
		d.done.Wait() // both sides notice by themselves
		must(t, track.Unused(t.Context()))
		must(t, g.Finish())
	})
}
