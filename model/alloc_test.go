package model_test

import (
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
	track := newTrack(t)
	group := must(track.AppendGroup())
	readers := make([]*model.GroupConsumer, 100)
	for i := range readers {
		readers[i] = group.Consume()
	}
	atMost("write into a group", 2, func() { wantNil(t, group.WriteFrame(media(1))) })
	atMost("write a group of one frame", 2, func() { wantNil(t, track.WriteFrame(media(1))) })
	atMost("read by ReadFrame", 0, func() { _, _ = readers[0].ReadFrame(bg) })
	atMost("read by TryReadFrame", 0, func() { _, _, _ = readers[1].TryReadFrame() })
	atMost("write for and read by 100", 2, func() {
		wantNil(t, group.WriteFrame(media(1)))
		for _, r := range readers[2:] {
			if _, ok, err := r.TryReadFrame(); !ok {
				t.Error("no frame", err)
			}
		}
	})
}
