package stats_test

import (
	"io"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
)

// A way to read the two frames of a group, "hello" and "world!", and its end.
var waysToRead = map[string]func(t *testing.T, g stats.GroupReader){
	"ReadFrame": func(t *testing.T, g stats.GroupReader) {
		for _, text := range []string{"hello", "world!"} {
			want(t, "frame", string(must(g.ReadFrame(bg)).Payload), text)
		}
		_, err := g.ReadFrame(bg)
		want(t, "end", err, io.EOF)
	},
	"TryReadFrame": func(t *testing.T, g stats.GroupReader) {
		for range 2 {
			if _, ok, err := g.TryReadFrame(); !ok {
				t.Error("no frame", err)
			}
		}
		_, _, err := g.TryReadFrame()
		want(t, "end", err, io.EOF)
	},
	"All": func(t *testing.T, g stats.GroupReader) {
		frames := 0
		for _, err := range g.All(bg) {
			want(t, "error", err, nil)
			frames++
		}
		want(t, "frames", frames, 2)
	},
	"Read": func(t *testing.T, g stats.GroupReader) {
		for _, text := range []string{"hello", "world!"} {
			f := must(g.NextFrame(bg))
			want(t, "size", f.Info().Size, uint64(len(text)))
			b := make([]byte, 2)
			n := must(f.Read(b))
			rest := must(io.ReadAll(f))
			want(t, "frame", string(b[:n])+string(rest), text)
		}
	},
	"ReadChunk and ReadAll": func(t *testing.T, g stats.GroupReader) {
		f := must(g.NextFrame(bg))
		want(t, "chunk", string(must(f.ReadChunk(bg))), "hello")
		_, err := f.ReadChunk(bg)
		want(t, "end of the frame", err, io.EOF)
		want(t, "rest", string(must(f.ReadAll(bg))), "")
		f, ok, err := g.TryNextFrame()
		if !ok {
			t.Fatal("no frame", err)
		}
		must(f.Read(make([]byte, 1)))
		chunk, _, _ := f.TryReadChunk()
		want(t, "chunk", string(chunk), "orld!")
		_, _, err = g.TryNextFrame()
		want(t, "end", err, io.EOF)
	},
}

func TestReadersCountOnce(t *testing.T) {
	t.Run("16.20/337 what is read through a metered reader counts once, whole or in pieces", func(t *testing.T) {
		for name, read := range waysToRead {
			t.Run(name, func(t *testing.T) {
				run(t, stats.Config{}, func(t *testing.T, h *host) {
					guard := h.external("a").PublisherTrack("video")
					defer guard.Close()
					track := meteredTrack(t, guard)
					g := must(track.RecvGroup(bg))
					want(t, "sequence", g.Sequence(), 0)
					read(t, g)
					want(t, "counted", h.total(stats.External, stats.Publisher),
						stats.Counters{Subscriptions: 1, Groups: 1, Frames: 2, Bytes: 11})
				})
			})
		}
	})
	t.Run("16.20/337 datagrams count on both sides", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			out, in := h.external("a").PublisherTrack("video"), h.external("a").SubscriberTrack("video")
			out.Datagram(100)
			out.Datagram(0)
			in.Datagram(30)
			out.Close()
			in.Close()
			want(t, "egress", h.total(stats.External, stats.Publisher),
				stats.Counters{Subscriptions: 1, SubscriptionsClosed: 1, Datagrams: 2, Groups: 2, Frames: 2, Bytes: 100})
			want(t, "ingress", h.total(stats.External, stats.Subscriber),
				stats.Counters{Subscriptions: 1, SubscriptionsClosed: 1, Datagrams: 1, Groups: 1, Frames: 1, Bytes: 30})
		})
	})
}

func TestTrackReader(t *testing.T) {
	for name, groups := range map[string]func(r stats.TrackReader) int{
		"RecvGroup": func(r stats.TrackReader) (n int) {
			for _, err := r.RecvGroup(bg); err == nil; _, err = r.RecvGroup(bg) {
				n++
			}
			return n
		},
		"TryRecvGroup": func(r stats.TrackReader) (n int) {
			for _, ok, _ := r.TryRecvGroup(); ok; _, ok, _ = r.TryRecvGroup() {
				n++
			}
			return n
		},
		"NextGroup": func(r stats.TrackReader) (n int) {
			for _, err := r.NextGroup(bg); err == nil; _, err = r.NextGroup(bg) {
				n++
			}
			return n
		},
		"TryNextGroup": func(r stats.TrackReader) (n int) {
			for _, ok, _ := r.TryNextGroup(); ok; _, ok, _ = r.TryNextGroup() {
				n++
			}
			return n
		},
		"GetGroup": func(r stats.TrackReader) (n int) {
			for _, err := r.GetGroup(bg, 0); err == nil; _, err = r.GetGroup(bg, uint64(n)) {
				n++
			}
			return n
		},
		"All": func(r stats.TrackReader) (n int) {
			for _, err := range r.All(bg) {
				if err == nil {
					n++
				}
			}
			return n
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, stats.Config{}, func(t *testing.T, h *host) {
				guard := h.external("a").PublisherTrack("video")
				defer guard.Close()
				want(t, "groups read", groups(meteredTrack(t, guard)), 2)
				want(t, "counted", h.total(stats.External, stats.Publisher), stats.Counters{Subscriptions: 1, Groups: 2})
			})
		})
	}
	t.Run("a frame per group", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			guard := h.external("a").PublisherTrack("video")
			defer guard.Close()
			track := meteredTrack(t, guard)
			want(t, "frame", string(must(track.ReadFrame(bg)).Payload), "hello")
			f, ok, err := track.TryReadFrame()
			if !ok || string(f.Payload) != "bye" {
				t.Errorf("frame %q, %v", f.Payload, err)
			}
			_, err = track.ReadFrame(bg)
			want(t, "end", err, io.EOF)
			want(t, "counted", h.total(stats.External, stats.Publisher),
				stats.Counters{Subscriptions: 1, Groups: 2, Frames: 2, Bytes: 8})
		})
	})
	t.Run("nothing is counted when nothing is there", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			producer := must(model.NewBroadcast(model.Route{}).CreateTrack("video", model.TrackInfo{}))
			consumer := producer.Consume(model.Subscription{})
			defer consumer.Close()
			guard := h.external("a").PublisherTrack("video")
			defer guard.Close()
			track := stats.NewTrackReader(consumer, guard)
			_, _, _ = track.TryRecvGroup()
			_, _, _ = track.TryNextGroup()
			_, _, _ = track.TryReadFrame()
			changed := track.Wait()
			open := must(producer.AppendGroup())
			<-changed
			g := stats.NewGroupReader(open.Consume(), guard)
			_, _, _ = g.TryReadFrame()
			_, _, _ = g.TryNextFrame()
			changed = g.Wait()
			frame := must(open.CreateFrame(model.FrameInfo{Size: 4}))
			<-changed
			_, _, _ = g.TryReadFrame()
			f := must(g.NextFrame(bg))
			_, _, _ = f.TryReadChunk()
			changed = f.Wait()
			must(frame.Write([]byte("12")))
			<-changed
			must(f.ReadChunk(bg))
			frame.Abort(nil)
			_, _ = f.ReadAll(bg)
			_, _ = f.ReadChunk(bg)
			want(t, "closing", f.Close(), nil)
			want(t, "closing", g.Close(), nil)
			want(t, "counted", h.total(stats.External, stats.Publisher),
				stats.Counters{Subscriptions: 1, Groups: 1, Frames: 1, Bytes: 2})
			want(t, "what is underneath", track.Track() == consumer && g.Group() != nil, true)
		})
	})
}

// meteredTrack reads a finished track with the groups "hello", "world!" and "bye".
func meteredTrack(t *testing.T, guard stats.PublisherTrack) stats.TrackReader {
	producer := must(model.NewBroadcast(model.Route{}).CreateTrack("video", model.TrackInfo{}))
	g := must(producer.AppendGroup())
	for _, text := range []string{"hello", "world!"} {
		want(t, "write", g.WriteFrame(model.Frame{Payload: []byte(text)}), nil)
	}
	want(t, "finish the group", g.Finish(), nil)
	want(t, "write a group", producer.WriteFrame(model.Frame{Payload: []byte("bye")}), nil)
	want(t, "finish the track", producer.Finish(), nil)
	consumer := producer.Consume(model.Subscription{})
	t.Cleanup(func() { _ = consumer.Close() })
	return stats.NewTrackReader(consumer, guard)
}
