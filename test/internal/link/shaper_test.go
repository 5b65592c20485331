package link

import (
	"slices"
	"testing"
	"time"
)

func TestLineTakesItsTime(t *testing.T) {
	s := newShaper(Config{Bandwidth: 8_000_000, Delay: 40 * time.Millisecond, Queue: 4000}, 0)
	now := time.Now()
	for i, want := range []time.Duration{41, 42, 43, 44} { // one on the line, three wait
		at, ok := s.admit(now, 1000-headers)
		if !ok || at.Sub(now) != want*time.Millisecond {
			t.Errorf("datagram %d arrives after %v, %v", i, at.Sub(now), ok)
		}
	}
	if _, ok := s.admit(now, 1000-headers); ok {
		t.Error("the queue has no end")
	}
	now = now.Add(time.Second)
	if at, ok := s.admit(now, 1000-headers); !ok || at.Sub(now) != 41*time.Millisecond {
		t.Errorf("after a pause a datagram arrives after %v, %v", at.Sub(now), ok)
	}
	if got := s.read(); got != (Stats{Passed: 5, Bytes: 5000, Dropped: 1}) {
		t.Errorf("counted %+v", got)
	}
}

func TestLossIsRepeatable(t *testing.T) {
	run := func(seed, direction uint64) (lost []int) {
		s := newShaper(Config{Loss: 0.02, Seed: seed}, direction)
		for i := range 10_000 {
			if _, ok := s.admit(time.Now(), 100); !ok {
				lost = append(lost, i)
			}
		}
		return lost
	}
	equal := slices.Equal[[]int]
	one := run(1, 0)
	if len(one) < 150 || len(one) > 250 {
		t.Errorf("%d of 10000 were lost, want about 200", len(one))
	}
	if !equal(one, run(1, 0)) {
		t.Error("the same seed loses others")
	}
	if equal(one, run(2, 0)) || equal(one, run(1, 1)) {
		t.Error("another seed, or the other direction, loses the same")
	}
}

func TestEvenLoss(t *testing.T) {
	s := newShaper(Config{Loss: 0.02, Even: true, Seed: 1}, 0)
	var places []int
	for i := range 1000 {
		if _, ok := s.admit(time.Now(), 100); !ok {
			if i/50 != len(places) {
				t.Errorf("datagram %d is lost after %d others", i, len(places))
			}
			places = append(places, i%50)
		}
	}
	if slices.Sort(places); len(places) != 20 || places[0] == places[19] {
		t.Errorf("of 1000 datagrams those in the places %v are lost", places)
	}
}
