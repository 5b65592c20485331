package lite

import (
	"context"
	"time"
)

// sharedGroups is how many times as many groups all subscriptions of a session may have in flight together as each
// of them, besides one of each: what waits for credit or for its turn costs memory, and each new rank the time to
// move it.
const sharedGroups = 16

// slots are the places for the groups of a subscription that are in flight. One is its own. For the others it also
// needs one that all subscriptions of the session share, so that many of them cannot hold more than a few can.
type slots struct {
	own    chan struct{}
	more   chan struct{}
	shared chan struct{}
}

func newSlots(groups int, shared chan struct{}) slots {
	return slots{make(chan struct{}, 1), make(chan struct{}, groups-1), shared}
}

// A slot is one that was taken.
type slot bool

const (
	ownSlot    slot = false
	sharedSlot slot = true
)

// take waits for a slot, and calls look in the meantime, each time that this much time has passed.
func (s *slots) take(ctx context.Context, every time.Duration, look func(now time.Time)) (slot, error) {
	if taken, ok := s.try(); ok {
		return taken, nil
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	more, shared := s.more, (chan struct{})(nil)
	leave := func() {
		if more == nil {
			<-s.more
		}
	}
	for {
		select {
		case s.own <- struct{}{}:
			leave()
			return ownSlot, nil
		case more <- struct{}{}:
			more, shared = nil, s.shared
		case shared <- struct{}{}:
			return sharedSlot, nil
		case now := <-tick.C:
			look(now)
		case <-ctx.Done():
			leave()
			return ownSlot, ctx.Err()
		}
	}
}

// try is take without waiting.
func (s *slots) try() (taken slot, ok bool) {
	select {
	case s.own <- struct{}{}:
		return ownSlot, true
	default:
	}
	select {
	case s.more <- struct{}{}:
	default:
		return ownSlot, false
	}
	select {
	case s.shared <- struct{}{}:
		return sharedSlot, true
	default:
		<-s.more
		return ownSlot, false
	}
}

// free gives a slot back.
func (s *slots) free(taken slot) {
	if taken == ownSlot {
		<-s.own
		return
	}
	<-s.more
	<-s.shared
}
