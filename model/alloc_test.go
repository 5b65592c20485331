package model_test

import (
	"io"
	"runtime"
	"strconv"
	"testing"

	"github.com/moqrx/moqrx/model"
)

// What one frame may allocate, whatever the number of readers.
func TestAllocations(t *testing.T) {
	atMost := func(what string, limit float64, f func()) {
		t.Helper()
		if got := testing.AllocsPerRun(1000, f); got > limit {
			t.Errorf("%s: %v allocations, at most %v", what, got, limit)
		}
	}
	for name, pool := range map[string]*model.CachePool{"without a pool": nil, "in a full pool": model.NewCachePool(1 << 20)} {
		b := model.NewBroadcastIn(pool, 0)
		track, still := must(b.CreateTrack("t", model.TrackInfo{})), must(b.CreateTrack("still", model.TrackInfo{}))
		group := must(still.AppendGroup()) // the newest of its track, so it stays
		readers := make([]*model.GroupConsumer, 100)
		for i := range readers {
			readers[i] = group.Consume()
		}
		atMost(name+": write into a group", 2, func() { wantNil(t, group.WriteFrame(media(1))) })
		atMost(name+": write what the group may keep", 1, func() { wantNil(t, group.WriteOwnedFrame(media(1))) })
		atMost(name+": write a group of one frame", 2, func() { wantNil(t, track.WriteFrame(media(1))) })
		atMost(name+": read by ReadFrame", 0, func() { _, _ = readers[0].ReadFrame(bg) })
		atMost(name+": read by TryReadFrame", 0, func() { _, _, _ = readers[1].TryReadFrame() })
		atMost(name+": write for and read by 100", 2, func() {
			wantNil(t, group.WriteFrame(media(1)))
			for _, r := range readers[2:] {
				if _, ok, err := r.TryReadFrame(); !ok {
					t.Error("no frame", err)
				}
			}
		})
		c := track.Consume(model.Subscription{})
		atMost(name+": write and read a datagram", 1, func() {
			_ = must(track.AppendDatagram(media(1)))
			_ = must(c.RecvDatagram(bg))
		})
		atMost(name+": read the first frame of a group", 2, func() {
			wantNil(t, track.WriteFrame(media(1)))
			_ = must(c.ReadFrame(bg))
		})
		atMost(name+": fill a frame from a reader", 3, func() { // the frame, its handle, its bytes
			f := must(group.CreateFrame(model.FrameInfo{Size: 1200, Timestamp: media(1).Timestamp}))
			_ = must(f.ReadFrom(zeros))
		})
	}
}

// zeros is a source without an end.
var zeros io.Reader = readerFunc(func(b []byte) (int, error) { return len(b), nil })

// What a track costs that nobody uses, and that nothing has a goroutine of its own.
func TestIdleCost(t *testing.T) {
	const tracks = 1000
	b := model.NewBroadcastIn(model.NewCachePool(1<<20), 0)
	goroutines := runtime.NumGoroutine()
	var before, after runtime.MemStats
	kept := make([]*model.TrackProducer, tracks)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range kept {
		kept[i] = must(b.CreateTrack(strconv.Itoa(i), model.TrackInfo{}))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if cost := int64(after.HeapAlloc-before.HeapAlloc) / tracks; cost > 2<<10 {
		t.Errorf("an idle track costs %d bytes", cost)
	}
	for _, p := range kept {
		_ = must(must(p.AppendGroup()).CreateFrame(model.FrameInfo{Size: 1}))
		_ = must(p.AppendDatagram(text("x")))
		_, _ = p.Consume(model.Subscription{}), p.Dynamic()
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	for _, p := range kept {
		p.Abort(nil)
	}
}
