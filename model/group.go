package model

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// group is the state behind every handle of one group and of its frames.
type group struct {
	sequence uint64
	scale    Timescale // 0 when the track had yet to be accepted: frames keep their own

	mu        sync.RWMutex // shared only by those who read whole frames
	changed   crowd
	wakes     bool        // those who wait for a change, when the lock is let go
	tracks    []*track    // those that cache it, to be told of its frames; never changed in place
	news      bool        // a frame became whole, or the group ended, since they were told
	due       bool        // written since they looked at what they cache
	ranked    atomic.Bool // one of them has newer ones: it counts in the mean of the payer's pool
	frames    []slot      // the cached ones; the last is frame number count-1
	count     int         // ever created, evicted ones included
	bytes     uint64      // what the cached frames were declared with
	producers int
	consumers int
	demand    signal // whether there is a consumer, a producer handle that closes, the end
	ended     signal
	finished  bool
	err       error

	access int64  // when it was last used, in ticks
	held   int64  // bytes of the cached frames that are there
	payer  *track // whose pool is charged; nil when nothing is

	// Room for what most groups have one of.
	first struct {
		tracks [1]*track
		frames [1]slot
	}
}

// slot is one cached frame: whole, or live while it is being written.
type slot struct {
	ts      Timestamp
	payload []byte
	live    *frame
}

// size is what the frame was declared with, held what is there of it.
func (s *slot) size() uint64 {
	if s.live != nil {
		return s.live.info.Size
	}
	return uint64(len(s.payload))
}

// weight is what the frame takes of MaxGroupBytes.
func (s *slot) weight() uint64 { return max(s.size(), minFrameCost) }

// held is what the frame takes of the cache now.
func (s *slot) held() int64 {
	if s.live != nil {
		return frameCost(len(s.live.buf))
	}
	return frameCost(len(s.payload))
}

func frameCost(bytes int) int64 { return max(int64(bytes), minFrameCost) }

// newGroup returns a group that its track has yet to number.
func newGroup(t *track) *group {
	g := &group{scale: t.info.Timescale, producers: 1, access: tickNow() + writeBoost}
	g.frames = g.first.frames[:0]
	return g
}

// unlock lets the lock go and then wakes those who wait for a change, and tells the tracks that a
// frame became whole or the group ended, and that something was written.
func (g *group) unlock() {
	var tracks []*track
	var one [1]*track
	news, due := g.news, g.due
	if news || due {
		tracks, g.news, g.due = g.tracks, false, false
	}
	if len(tracks) == 1 {
		one[0] = tracks[0] // which may be the room in the group, to be used again
		tracks = one[:]
	}
	var woken crowd
	if g.wakes {
		woken, g.wakes = g.changed.take(), false
	}
	g.mu.Unlock()
	woken.wake()
	for _, t := range tracks {
		if news {
			t.wakeFrameReaders()
		}
		if due {
			t.settle()
		}
	}
}

// base is the number of the oldest cached frame.
func (g *group) base() int { return g.count - len(g.frames) }

// inFlight returns the frame that is being written; there is one at most, the last.
func (g *group) inFlight() *frame {
	if n := len(g.frames); n > 0 {
		return g.frames[n-1].live
	}
	return nil
}

// push caches one more frame and drops the oldest ones beyond the byte limit.
func (g *group) push(s slot) {
	g.bytes += s.weight()
	g.frames = append(g.frames, s)
	if len(g.frames) == 2 {
		g.first.frames[0] = slot{} // moved out; what stays here would pin frame 0
	}
	g.count++
	g.written(s.held())
	for g.bytes > MaxGroupBytes {
		g.bytes -= g.frames[0].weight()
		g.hold(-g.frames[0].held())
		g.frames = dropFront(g.frames, 1)
	}
	g.news = g.news || s.live == nil
	g.wakes = true
}

// grew notes that the frame in flight has n bytes more, to now.
func (g *group) grew(n, now int) {
	if g.err == nil {
		g.written(frameCost(now) - frameCost(now-n))
	}
}

// completed turns the frame in flight into a whole one.
func (g *group) completed(f *frame) {
	if g.inFlight() == f {
		g.frames[len(g.frames)-1] = slot{ts: f.info.Timestamp, payload: f.buf}
	}
	g.news = true
	g.wakes = true
}

// abort ends the group and lets its frames go, so that no reader pins them.
// Those who already hold a frame may read it to its own end.
func (g *group) abort(err error) {
	if g.err != nil {
		return
	}
	g.err, g.news = err, true
	g.demand.wake()
	g.ended.wake()
	g.recharge()
	g.frames, g.first.frames[0], g.bytes, g.held = nil, slot{}, 0, 0
	g.changed.wake()
}

// failed reports whether the group was aborted or dropped.
func (g *group) failed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err != nil
}

// firstWhole returns the oldest frame if it is complete, with its time in this scale.
// If not, pending tells whether one may still come.
func (g *group) firstWhole(scale Timescale) (f Frame, ok, pending bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.frames) == 0 {
		return Frame{}, false, g.err == nil && !g.finished
	}
	s := &g.frames[0]
	ts, err := scale.stamp(s.ts)
	if err != nil {
		return Frame{}, false, false
	}
	return Frame{ts, s.payload}, s.live == nil, true
}

// stamp checks what can be checked without the lock, and returns the frame's time.
func (g *group) stamp(info FrameInfo) (Timestamp, error) {
	if info.Size > MaxFrameSize {
		return Timestamp{}, fmt.Errorf("frame of %d bytes: at most %d: %w", info.Size, MaxFrameSize, ErrFrameTooLarge)
	}
	return g.scale.stamp(info.Timestamp)
}
