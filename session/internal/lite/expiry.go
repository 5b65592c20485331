package lite

import (
	"time"

	"github.com/moqrx/moqrx/model"
)

// A subscriber says with its max latency how long a group is worth sending once there is a newer
// one (draft-lcurley-moq-lite, SUBSCRIBE). The draft has 0 stand for the latest group only, but deployed
// subscribers send 0 and want every group: it is no limit.

// takeOff notes a group in flight, which makes those before it old.
func (sub *served) takeOff(sequence uint64, f *flight) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	for other, o := range sub.flight {
		if other < sequence && o.passed.IsZero() {
			o.passed = f.progress
		}
	}
	if sub.newest.Set && sequence < sub.newest.Sequence {
		f.passed = f.progress
	} else {
		sub.newest = model.At(sequence)
	}
	sub.flight[sequence] = f
	sub.sent.add(sequence)
	sub.expireLate()
}

// expireLate gives up the groups that are in flight for longer than the subscriber wants them, and
// comes back when the next one will be. The caller holds mu.
func (sub *served) expireLate() {
	latency := sub.wants.Load().MaxLatency
	if latency <= 0 {
		return
	}
	now := time.Now()
	next := time.Duration(-1)
	for sequence, f := range sub.flight {
		if f.passed.IsZero() {
			continue
		}
		left := latency - now.Sub(f.passed)
		if left <= 0 {
			sub.p.log.Debug("group given up", "subscribe", sub.id, "group", sequence, "reason", "too old for the subscriber")
			f.cancel(model.ErrOld)
			continue
		}
		if next < 0 || left < next {
			next = left
		}
	}
	switch {
	case next < 0:
	case sub.late == nil:
		sub.late = time.AfterFunc(next, func() {
			sub.mu.Lock()
			defer sub.mu.Unlock()
			if sub.late != nil {
				sub.expireLate()
			}
		})
	default:
		sub.late.Reset(next)
	}
}

// over ends what goes on by itself.
func (sub *served) over() {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.late != nil {
		sub.late.Stop()
		sub.late = nil
	}
}
