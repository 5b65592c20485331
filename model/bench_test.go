package model_test

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/moqrx/moqrx/model"
)

var payload = make([]byte, 1200)

// A timestamp of its own saves the look at the clock, as media would have it.
func media(i int) model.Frame {
	return model.Frame{Timestamp: model.Timestamp{Value: uint64(i), Scale: model.Millis}, Payload: payload}
}

func benchTrack() *model.TrackProducer {
	p, err := model.NewBroadcast(model.Route{}).CreateTrack("t", model.TrackInfo{})
	if err != nil {
		panic(err)
	}
	return p
}

// One frame written into an open group and read by one reader, 100 to a group.
func BenchmarkWriteRead(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	p := benchTrack()
	var g *model.GroupProducer
	var c *model.GroupConsumer
	for i := 0; b.Loop(); i++ {
		if i%100 == 0 {
			if g != nil {
				g.Abort(nil)
			}
			g = must(p.AppendGroup())
			c = g.Consume()
		}
		if err := g.WriteFrame(media(i)); err != nil {
			b.Fatal(err)
		}
		if _, ok, err := c.TryReadFrame(); !ok {
			b.Fatal("no frame", err)
		}
	}
}

// What WriteFrame cannot do without: a copy in memory of its own, 100 of them kept.
func BenchmarkCopyPayload(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	var kept [100][]byte
	for i := 0; b.Loop(); i++ {
		kept[i%len(kept)] = slices.Clone(payload)
	}
}

// With the copy of the payload, which BenchmarkCopyPayload does alone.
func BenchmarkWriteFrame(b *testing.B) { benchWrite(b, (*model.GroupProducer).WriteFrame) }

// What is left without it.
func BenchmarkWriteOwnedFrame(b *testing.B) { benchWrite(b, (*model.GroupProducer).WriteOwnedFrame) }

func benchWrite(b *testing.B, write func(*model.GroupProducer, model.Frame) error) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	p := benchTrack()
	var g *model.GroupProducer
	for i := 0; b.Loop(); i++ {
		if i%100 == 0 {
			if g != nil {
				g.Abort(nil)
			}
			g = must(p.AppendGroup())
		}
		if err := write(g, media(i)); err != nil {
			b.Fatal(err)
		}
	}
}

// One group of one frame.
func BenchmarkTrackWriteFrame(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	p := must(model.NewBroadcast(model.Route{}).CreateTrack("t", model.TrackInfo{MaxLatency: 1}))
	for i := 0; b.Loop(); i++ {
		if err := p.WriteFrame(media(i)); err != nil {
			b.Fatal(err)
		}
	}
}

// A frame that is already there.
func BenchmarkReadFrame(b *testing.B) {
	g := must(benchTrack().AppendGroup())
	for i := range 1000 {
		if err := g.WriteFrame(media(i)); err != nil {
			b.Fatal(err)
		}
	}
	ctx := b.Context()
	b.ReportAllocs()
	c := g.Consume()
	for i := 0; b.Loop(); i++ {
		if i%1000 == 0 {
			c = g.Consume()
		}
		if _, err := c.ReadFrame(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// A frame of 64 KiB that arrives and is passed on in pieces of 1200 bytes.
func BenchmarkStreamFrame(b *testing.B) {
	const size = 64 << 10
	b.ReportAllocs()
	b.SetBytes(size)
	p := benchTrack()
	for b.Loop() {
		g := must(p.AppendGroup())
		f := must(g.CreateFrame(model.FrameInfo{Size: size}))
		c := must(g.Consume().NextFrame(b.Context()))
		for left := size; left > 0; {
			n, err := f.Write(payload[:min(left, len(payload))])
			if err != nil {
				b.Fatal(err)
			}
			left -= n
			if _, ok, err := c.TryReadChunk(); !ok {
				b.Fatal("no chunk", err)
			}
		}
		g.Abort(nil)
	}
}

// One frame handed to readers that have it already when they look.
func BenchmarkFanOutReady(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			p := benchTrack()
			var g *model.GroupProducer
			readers := make([]*model.GroupConsumer, n)
			for i := 0; b.Loop(); i++ {
				if i%100 == 0 {
					if g != nil {
						g.Abort(nil)
					}
					g = must(p.AppendGroup())
					for i := range readers {
						readers[i] = g.Consume()
					}
				}
				if err := g.WriteFrame(media(i)); err != nil {
					b.Fatal(err)
				}
				for _, c := range readers {
					if _, ok, err := c.TryReadFrame(); !ok {
						b.Fatal("no frame", err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/reader")
		})
	}
}

// One frame to readers that sleep in their own goroutine until it comes; the
// writer waits for all of them before the next.
func BenchmarkFanOutBlocked(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			p := benchTrack()
			var got, ended sync.WaitGroup
			ctx := b.Context()
			for range n {
				c := p.Consume(model.Subscription{})
				ended.Go(func() {
					for g, err := range c.All(ctx) {
						if err != nil {
							return
						}
						for _, err := range g.All(ctx) {
							if err != nil {
								return
							}
							got.Done()
						}
					}
				})
			}
			var g *model.GroupProducer
			for i := 0; b.Loop(); i++ {
				if i%100 == 0 {
					if g != nil {
						_ = g.Finish()
						_ = g.Close()
					}
					g = must(p.AppendGroup())
				}
				got.Add(n)
				if err := g.WriteFrame(media(i)); err != nil {
					b.Fatal(err)
				}
				got.Wait()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/reader")
			_ = g.Finish()
			_ = p.Finish()
			ended.Wait()
		})
	}
}

// A path that comes and goes in front of cursors, among paths that do not.
func BenchmarkAnnounceChurn(b *testing.B) {
	for _, paths := range []int{10, 1000} {
		b.Run(fmt.Sprintf("%d-paths-100-cursors", paths), func(b *testing.B) {
			b.ReportAllocs()
			o := model.NewOrigin()
			for i := range paths {
				_ = must(o.CreateBroadcast(model.Path(fmt.Sprintf("idle/%d", i)), model.Route{}))
			}
			cursors := make([]*model.AnnounceConsumer, 100)
			for i := range cursors {
				cursors[i] = o.Consume().Announcements()
				events(cursors[i])
			}
			for b.Loop() {
				br := must(o.CreateBroadcast("idle/churn", model.Route{}))
				for _, c := range cursors {
					events(c)
				}
				_ = br.Close()
				for _, c := range cursors {
					events(c)
				}
			}
		})
	}
}

// What a track costs that nobody writes or reads.
func BenchmarkIdleTracks(b *testing.B) {
	const tracks = 10_000
	var before, after runtime.MemStats
	for b.Loop() {
		broadcast := model.NewBroadcast(model.Route{})
		kept := make([]*model.TrackProducer, tracks)
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range kept {
			kept[i] = must(broadcast.CreateTrack(strconv.Itoa(i), model.TrackInfo{}))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(kept)
		runtime.KeepAlive(broadcast)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/tracks, "B/track")
}
