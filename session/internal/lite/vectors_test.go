package lite

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestRecordingsAreTheOnesOfTheVectors holds our copy of the sessions against the recording that
// it was made of, where that is at hand.
func TestRecordingsAreTheOnesOfTheVectors(t *testing.T) {
	dir := os.Getenv("MOQRX_VECTORS")
	if dir == "" {
		t.Skip("MOQRX_VECTORS is not set")
	}
	type key struct {
		version string
		stream  int
	}
	ours := map[key]recording{}
	for _, rec := range readLines[recording](t, "testdata/sessions.jsonl") {
		ours[key{rec.Version, rec.Stream}] = rec
	}
	// What we completed may have been otherwise; the rest may not.
	differs := func(own recording) func(string, ...any) {
		if own.completed() {
			return t.Logf
		}
		return t.Errorf
	}
	compared := 0
	for _, rec := range readLines[recording](t, filepath.Join(dir, "lite-sessions.jsonl")) {
		own, ok := ours[key{rec.Version, rec.Stream}]
		if ok {
			compared++
			if !slices.Equal(own.Order, rec.Order) {
				differs(own)("%s stream %d: %q, recorded %q", rec.Version, rec.Stream, own.Order, rec.Order)
			}
		}
	}
	// Single events were recorded with gaps: what is there must come in this order.
	position := map[key]int{}
	for _, e := range readLines[struct {
		recording
		From, Event, Hex string
	}](t, filepath.Join(dir, "lite-sessions-events.jsonl")) {
		own, ok := ours[key{e.Version, e.Stream}]
		if !ok {
			continue
		}
		compared++
		step := e.From + ":" + e.Event
		if e.Event == "data" {
			step = e.From + ":" + e.Hex
		}
		i := slices.Index(own.Order[position[key{e.Version, e.Stream}]:], step)
		if i < 0 {
			differs(own)("%s stream %d: no %s in %q", e.Version, e.Stream, step, own.Order)
			continue
		}
		position[key{e.Version, e.Stream}] += i + 1
	}
	if compared < 100 {
		t.Errorf("only %d things to compare", compared)
	}
}
