package quicdec

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// model applies pieces to a reassembler and checks every byte that comes out.
func TestReassemblesAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	want := payload(5, 4000)
	for round := range 200 {
		var r reassembler
		total := 0
		r.total = &total
		var got []byte
		out := func(off uint64, data []byte, gap uint64) {
			if off != uint64(len(got)) || data == nil {
				t.Fatalf("round %d: %d bytes and a gap of %d at %d after %d", round, len(data), gap, off, len(got))
			}
			got = append(got, data...)
		}
		var cuts []int
		for range 40 {
			cuts = append(cuts, rng.IntN(len(want)))
		}
		pieces := [][2]int{}
		cuts = append(cuts, 0, len(want))
		slices.Sort(cuts)
		for i := range len(cuts) - 1 {
			from, to := cuts[i], cuts[i+1]
			pieces = append(pieces, [2]int{max(0, from-rng.IntN(50)), min(len(want), to+rng.IntN(50))})
		}
		rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		for _, p := range pieces {
			r.push(time.Time{}, uint64(p[0]), want[p[0]:p[1]], out)
			sum := 0
			for i, s := range r.segments {
				sum += len(s.data)
				if s.off <= r.next || i > 0 && r.segments[i-1].end() > s.off {
					t.Fatalf("round %d: segments overlap", round)
				}
			}
			if sum != r.buffered || sum != total {
				t.Fatalf("round %d: %d buffered, counted %d and %d", round, sum, r.buffered, total)
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("round %d: %d bytes", round, len(got))
		}
	}
}

func TestReassemblerBoundsWhatWaits(t *testing.T) {
	var r reassembler
	gaps, bytes := uint64(0), 0
	out := func(_ uint64, data []byte, gap uint64) { gaps += gap; bytes += len(data) }
	for i := range 3 * maxSegments {
		r.push(time.Time{}, uint64(2*i+1), []byte{1}, out)
		if len(r.segments) > maxSegments {
			t.Fatalf("%d segments", len(r.segments))
		}
	}
	for i := range 40 {
		r.push(time.Time{}, uint64(1e6+1e5*i), make([]byte, 60_000), out)
		if r.buffered > maxBehindGap+60_000 {
			t.Fatalf("%d bytes", r.buffered)
		}
	}
	r.flush(out)
	if bytes != 3*maxSegments+40*60_000 || gaps+uint64(bytes) != r.next || r.buffered != 0 {
		t.Errorf("%d bytes, %d missing, next %d", bytes, gaps, r.next)
	}
}

func TestIDSetHoldsWhatWasAdded(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var s idSet
	model := map[uint64]bool{}
	for range 20_000 {
		id := uint64(rng.IntN(3000))
		if s.add(id) == model[id] {
			t.Fatalf("add %d, which was there: %v", id, model[id])
		}
		model[id] = true
		if q := uint64(rng.IntN(3000)); s.has(q) != model[q] {
			t.Fatalf("has %d", q)
		}
	}
	s = idSet{}
	for i := range uint64(10 * maxSpans) {
		s.add(2 * i)
	}
	if len(s.spans) > maxSpans || !s.has(20*maxSpans-2) || s.has(20*maxSpans-3) {
		t.Errorf("%d spans", len(s.spans))
	}
}
