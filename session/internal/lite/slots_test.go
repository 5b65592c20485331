package lite

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlots(t *testing.T) {
	bubble := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	never := func(time.Time) {}
	take := func(t *testing.T, s *slots) slot {
		t.Helper()
		taken, ok := s.try()
		if !ok {
			t.Fatal("no slot is free")
		}
		return taken
	}
	full := func(t *testing.T, s *slots) {
		t.Helper()
		if _, ok := s.try(); ok {
			t.Error("a slot is free")
		}
	}
	// later takes a slot when there is one, and says whether it has.
	later := func(t *testing.T, s *slots) func() (slot, bool) {
		got := make(chan slot, 1)
		go func() {
			taken, err := s.take(t.Context(), time.Hour, never)
			if err != nil {
				t.Error(err)
			}
			got <- taken
		}()
		return func() (slot, bool) {
			synctest.Wait()
			select {
			case taken := <-got:
				return taken, true
			default:
				return ownSlot, false
			}
		}
	}
	bubble("each subscription has as many as it may have", func(t *testing.T) {
		s := newSlots(2, make(chan struct{}, 32))
		first, second := take(t, &s), take(t, &s)
		full(t, &s)
		s.free(first)
		s.free(take(t, &s))
		s.free(second)
		take(t, &s)
		take(t, &s)
		full(t, &s)
	})
	bubble("one is its own, the others are shared", func(t *testing.T) {
		shared := make(chan struct{}, 1)
		a, b := newSlots(9, shared), newSlots(9, shared)
		take(t, &a)
		other := take(t, &a)
		full(t, &a)
		own := take(t, &b)
		full(t, &b)
		waits := later(t, &b)
		if _, ok := waits(); ok {
			t.Fatal("there was a slot")
		}
		a.free(other)
		if taken, ok := waits(); !ok || taken != sharedSlot {
			t.Fatalf("got %v, %v", taken, ok)
		}
		waits = later(t, &b)
		b.free(own)
		if taken, ok := waits(); !ok || taken != ownSlot {
			t.Fatalf("got %v, %v", taken, ok)
		}
		b.free(ownSlot)
		b.free(sharedSlot)
		take(t, &a) // nothing is lost
	})
	bubble("a subscription of one group has its own slot only", func(t *testing.T) {
		s := newSlots(1, make(chan struct{}, 16))
		waits := later(t, &s)
		if _, ok := waits(); !ok {
			t.Fatal("no slot")
		}
		full(t, &s)
		s.free(ownSlot)
		take(t, &s)
	})
	bubble("who waits looks around now and then, until the context ends", func(t *testing.T) {
		s := newSlots(2, make(chan struct{}))
		take(t, &s)
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		looks := 0
		if _, err := s.take(ctx, time.Second, func(time.Time) { looks++ }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if looks != 3 || len(s.more) != 0 {
			t.Errorf("%d looks, %d slots kept", looks, len(s.more))
		}
	})
}
