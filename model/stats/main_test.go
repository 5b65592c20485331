package stats_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var bg = context.Background()

// must returns v, for calls that cannot fail in the test at hand.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func want[T comparable](t *testing.T, what string, got, expect T) {
	t.Helper()
	if got != expect {
		t.Errorf("%s:\n got %v\nwant %v", what, got, expect)
	}
}

func wantList[T comparable](t *testing.T, what string, got []T, expect ...T) {
	t.Helper()
	if !slices.Equal(got, expect) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, expect)
	}
}

// host is an origin with an aggregator, and somebody who watches what it publishes.
type host struct {
	*stats.Stats
	t      *testing.T
	origin *model.OriginProducer
	news   *model.AnnounceConsumer
	tracks map[string]*model.TrackConsumer
}

// run calls f in a bubble, with a host of this configuration.
func run(t *testing.T, c stats.Config, f func(t *testing.T, h *host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if c.Origin == nil {
			c.Origin = model.NewOrigin()
		}
		h := &host{t: t, origin: c.Origin, tracks: make(map[string]*model.TrackConsumer)}
		h.news = h.origin.Consume().Announcements()
		h.Stats = must(stats.New(c))
		defer h.close()
		f(t, h)
	})
}

func (h *host) close() {
	h.Close()
	for _, track := range h.tracks {
		_ = track.Close()
	}
	_ = h.news.Close()
	_ = h.origin.Close()
}

// tick lets one interval pass.
func (h *host) tick() {
	time.Sleep(stats.DefaultInterval)
	synctest.Wait()
}

// external counts for a broadcast on the external tier.
func (h *host) external(path model.Path) stats.BroadcastStats {
	return h.Handle(stats.External).Broadcast(path)
}

// announced returns what came ("+path") and went ("-path") since the last call.
func (h *host) announced() (events []string) {
	for {
		a, ok, err := h.news.TryNext()
		switch {
		case err != nil:
			h.t.Fatal(err)
		case !ok:
			return events
		case a.Broadcast == nil:
			events = append(events, "-"+a.Path.String())
		default:
			events = append(events, "+"+a.Path.String())
		}
	}
}

// frames returns what was written to a track since the last call.
func (h *host) frames(broadcast model.Path, name string) (frames []string) {
	h.t.Helper()
	key := broadcast.String() + " " + name
	track := h.tracks[key]
	if track == nil {
		ctx, cancel := context.WithTimeout(bg, time.Minute)
		defer cancel()
		b, err := h.origin.Consume().Announced(ctx, broadcast)
		if err != nil {
			h.t.Fatalf("%s is not announced: %v", broadcast, err)
		}
		defer b.Close()
		track = must(b.SubscribeTrack(name, model.Subscription{}))
		h.tracks[key] = track
	}
	for {
		g, ok, _ := track.TryRecvGroup()
		if !ok {
			return frames
		}
		f, ok, err := g.TryReadFrame()
		if !ok {
			h.t.Fatalf("a group of %s without a whole frame: %v", key, err)
		}
		frames = append(frames, string(f.Payload))
		if _, _, err := g.TryReadFrame(); err == nil {
			h.t.Fatalf("a group of %s does not end after its frame", key)
		}
	}
}

// frame returns the only frame that was written to a track since the last call.
func (h *host) frame(broadcast model.Path, name string) string {
	h.t.Helper()
	frames := h.frames(broadcast, name)
	if len(frames) != 1 {
		h.t.Fatalf("%s of %s has the new frames %v, want one", name, broadcast, frames)
	}
	return frames[0]
}

// next lets one interval pass and returns what a traffic track of depth 0 has to tell; nil
// when it has nothing new.
func (h *host) next(tier stats.Tier, role stats.Role) stats.Traffic {
	h.t.Helper()
	h.frames(".stats/node", stats.TrafficTrack(tier, role))
	h.tick()
	frames := h.frames(".stats/node", stats.TrafficTrack(tier, role))
	if len(frames) == 0 {
		return nil
	}
	if len(frames) > 1 {
		h.t.Fatalf("%d frames in one interval", len(frames))
	}
	return must(stats.ParseTraffic([]byte(frames[0])))
}

// total returns the sum of the host for one tier and role.
func (h *host) total(tier stats.Tier, role stats.Role) stats.Counters {
	for _, x := range h.Host().Traffic {
		if x.Tier == tier && x.Role == role {
			return x.Counters
		}
	}
	h.t.Fatalf("no totals for %v %v", tier, role)
	return stats.Counters{}
}
