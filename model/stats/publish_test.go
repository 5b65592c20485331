package stats_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
)

func TestWhereItIsPublished(t *testing.T) {
	t.Run("16.20/313 the path has the prefix, the group and the node that are there", func(t *testing.T) {
		for _, c := range []struct {
			node  model.Path
			depth int
			want  string
		}{
			{"", 0, "+.stats/node"},
			{"sjc", 0, "+.stats/node/sjc"},
			{"sjc/1", 0, "+.stats/node/sjc/1"},
			{"sjc", 1, "+.stats/acme/node/sjc"},
			{"", 1, "+.stats/acme/node"},
		} {
			run(t, stats.Config{Node: c.node, Depth: c.depth}, func(t *testing.T, h *host) {
				h.external("acme/room").PublisherAnnounceBytes()
				h.tick()
				wantList(t, "announced", h.announced(), c.want)
			})
		}
	})
	t.Run("16.20/314 the group is as many leading components as the depth says, or all", func(t *testing.T) {
		for _, c := range []struct {
			depth int
			path  model.Path
			want  string
		}{
			{0, "a/b/c", "+.stats/node"},
			{1, "a/b/c", "+.stats/a/node"},
			{2, "a/b/c", "+.stats/a/b/node"},
			{2, "a/b", "+.stats/a/b/node"},
			{2, "a", "+.stats/a/node"},
			{1, "", "+.stats/node"},
		} {
			run(t, stats.Config{Depth: c.depth}, func(t *testing.T, h *host) {
				h.external(c.path).Publisher()
				h.tick()
				wantList(t, "announced", h.announced(), c.want)
			})
		}
	})
	t.Run("16.20/315 the node is normalised, and unset when nothing is left of it", func(t *testing.T) {
		for node, path := range map[model.Path]string{"/sjc//1/": "+.stats/node/sjc/1", "///": "+.stats/node"} {
			run(t, stats.Config{Node: node}, func(t *testing.T, h *host) {
				wantList(t, "announced", h.announced(), path)
			})
		}
	})
	t.Run("the prefix is normalised", func(t *testing.T) {
		run(t, stats.Config{Prefix: "//host//stats/"}, func(t *testing.T, h *host) {
			wantList(t, "announced", h.announced(), "+host/stats/node")
		})
	})
	t.Run("16.20/321 at depth 0 any number of broadcasts share one broadcast of statistics", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			for _, path := range []model.Path{"a", "b/c", "d/e/f"} {
				defer h.external(path).Publisher().Close()
			}
			h.tick()
			wantList(t, "announced", h.announced(), "+.stats/node")
			h.Close()
			wantList(t, "announced", h.announced(), "-.stats/node")
		})
	})
	t.Run("16.20/322 at depth 1 every tenant has a broadcast, from the first traffic to the last", func(t *testing.T) {
		run(t, stats.Config{Depth: 1}, func(t *testing.T, h *host) {
			wantList(t, "announced at first", h.announced())
			acme, globex := h.external("acme/x").Publisher(), h.external("globex/x").Publisher()
			h.external("acme/y").PublisherAnnounceBytes()
			h.tick()
			wantList(t, "announced", h.announced(), "+.stats/acme/node", "+.stats/globex/node")
			frame := h.frame(".stats/acme/node", "publisher.json")
			if !strings.Contains(frame, "acme/x") || strings.Contains(frame, "globex") {
				t.Errorf("acme's frame is %v", frame)
			}
			acme.Close()
			h.tick()
			wantList(t, "announced with the last numbers of acme", h.announced())
			h.tick()
			wantList(t, "announced when acme has nothing to tell", h.announced(), "-.stats/acme/node")
			if frames := h.frames(".stats/acme/node", "publisher.json"); len(frames) != 2 || frames[1] != "{}" {
				t.Errorf("acme's last frames are %v", frames)
			}
			globex.Close()
		})
	})
}

func TestWhenItIsPublished(t *testing.T) {
	t.Run("an idle aggregator says {} once on every track", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			tracks := []string{
				"publisher.json", "subscriber.json", "sessions.json",
				"internal/publisher.json", "internal/subscriber.json", "internal/sessions.json",
			}
			for _, name := range tracks {
				wantList(t, name+" at once", h.frames(".stats/node", name), "{}")
			}
			for range 10 {
				h.tick()
			}
			for _, name := range tracks {
				wantList(t, name+" later", h.frames(".stats/node", name))
			}
		})
	})
	t.Run("a late reader gets the last frame", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			for range 60 {
				h.tick()
			}
			wantList(t, "frames", h.frames(".stats/node", "publisher.json"), "{}")
		})
	})
	t.Run("old frames are not kept, and the last ones count in the budget of the origin", func(t *testing.T) {
		pool := model.NewCachePool(1 << 20)
		run(t, stats.Config{Origin: model.NewOrigin(model.WithCachePool(pool))}, func(t *testing.T, h *host) {
			first := pool.Used()
			want(t, "in the budget", first > 0, true)
			for range 20 {
				h.external("a").PublisherTrack("video").Group()
				h.tick()
			}
			if last := pool.Used(); last > 2*first {
				t.Errorf("%d bytes are kept, %d at first", last, first)
			}
		})
	})
	t.Run("Close tells what was not told yet and ends the tracks", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			h.frames(".stats/node", "publisher.json")
			h.external("a").PublisherTrack("video").Close()
			h.Close()
			frames := h.frames(".stats/node", "publisher.json")
			if len(frames) != 2 || !strings.Contains(frames[0], `"subscriptions_closed":1`) || frames[1] != "{}" {
				t.Errorf("the last frames are %v", frames)
			}
			if _, _, err := h.tracks[".stats/node publisher.json"].TryRecvGroup(); err == nil {
				t.Error("the track goes on")
			}
			h.external("a").PublisherTrack("video").Group()
			want(t, "groups counted after Close", h.total(stats.External, stats.Publisher).Groups, 0)
			want(t, "subscriptions after Close", h.total(stats.External, stats.Publisher).Subscriptions, 1)
		})
	})
	t.Run("the aggregator keeps its origin open until Close", func(t *testing.T) {
		run(t, stats.Config{Depth: 1}, func(t *testing.T, h *host) {
			_ = h.origin.Close()
			h.external("acme").PublisherAnnounceBytes()
			h.tick()
			wantList(t, "announced", h.announced(), "+.stats/acme/node")
		})
	})
}

func TestWhatCannotBePublished(t *testing.T) {
	origin := model.NewOrigin()
	narrow := must(origin.Scope("public"))
	closed := model.NewOrigin()
	_ = closed.Close()
	for what, c := range map[string]struct {
		config stats.Config
		want   error
	}{
		"a prefix that is not permitted": {stats.Config{Origin: narrow}, model.ErrUnauthorized},
		"a closed origin":                {stats.Config{Origin: closed}, model.ErrClosed},
		"a negative depth":               {stats.Config{Origin: origin, Depth: -1}, model.ErrBoundsExceeded},
		"a negative interval":            {stats.Config{Origin: origin, Interval: -1}, model.ErrBoundsExceeded},
		"a node that is too deep":        {stats.Config{Origin: origin, Node: model.Path(strings.Repeat("x/", 31))}, model.ErrBoundsExceeded},
	} {
		if s, err := stats.New(c.config); s != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: got %v and error %v, want %v", what, s, err, c.want)
		}
	}
}

// Peers name what they subscribe to, also what does not exist. They must not hide what the others do.
func TestNamesThatFillAFrameAreLeftOut(t *testing.T) {
	var log bytes.Buffer
	run(t, stats.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(t *testing.T, h *host) {
		defer h.external("room/alice").Publisher().Close()
		const hostile, size = 100, 360_000
		for i := range hostile {
			h.external(model.Path(strings.Repeat("x", size-i))).PublisherTrack("video").Close()
		}
		got := h.next(stats.External, stats.Publisher)
		want(t, "alice", got["room/alice"], stats.Counters{Announced: 1})
		if n := len(got) - 1; n < hostile*9/10 || n >= hostile {
			t.Errorf("%d of the others are listed: as many as fit are fewer than %d", n, hostile)
		}
		for path := range got {
			if len(path) > size-(hostile-len(got)) {
				t.Errorf("a name of %d bytes is listed", len(path))
			}
		}
		want(t, "warnings", strings.Count(log.String(), "level=WARN"), 1)
		want(t, "listed later", len(h.next(stats.External, stats.Publisher)), 1)
		want(t, "total", h.total(stats.External, stats.Publisher).Subscriptions, hostile)
	})
}

// A group that cannot be published is told once, and costs the others nothing.
func TestAGroupThatCannotBePublishedIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		origin := model.NewOrigin()
		defer origin.Close()
		s := must(stats.New(stats.Config{
			Origin: must(origin.Scope(".stats/acme")), Depth: 1,
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}))
		for _, path := range []model.Path{"acme/x", "globex/x"} {
			defer s.Handle(stats.External).Broadcast(path).Publisher().Close()
		}
		time.Sleep(3 * stats.DefaultInterval)
		b := must(origin.Consume().Announced(bg, ".stats/acme/node"))
		_ = b.Close()
		s.Close()
		want(t, "warnings", strings.Count(log.String(), "level=WARN"), 1)
		want(t, "warnings about globex", strings.Count(log.String(), "group=globex"), 1)
	})
}
