package priority

import (
	"context"
	"io"
	"slices"
	"time"
)

// A transport sends what it was given in an order of its own, and a Write to it returns when most of it is in
// packets. So the less it has been given, the sooner it turns to what is more urgent; but it must not run dry. The
// queue lets it have as much as it has been sending within a few milliseconds, the best first.
const (
	// soon is how long what was given to the transport should take to be in packets.
	soon = 4 * time.Millisecond
	// leastBudget is two packets: a Write of this size returns when the first has left.
	leastBudget = 2800
	// mostBudget bounds what a path that slows down has to work off.
	mostBudget = 256 << 10
	// growth is the least time between two doublings of the budget, so that a burst into an empty
	// congestion window does not pass for a rate.
	growth = time.Millisecond
	// mostWriters bounds how many items may have overtaken each other within the transport.
	mostWriters = 8
	// patience is the least time that a Write may take before the others go on without it: a peer
	// may hold back one stream for ever. It is more where writes usually take long, and up to four
	// times as much when some are passed over and none returns: it is rather the connection that
	// stands still.
	patience     = 50 * time.Millisecond
	mostPatience = 400 * time.Millisecond
	// held is how much the others must have written, while one was passed over, for it to be its
	// peer that holds it back. Then the next patience with it is half as long, down to soon.
	held       = 4 * leastBudget
	mostHalved = 4
)

// turns is what a queue knows about the writes of its items.
type turns struct {
	waiting []*Item // those that wait for their turn, in order
	writing []*Item // those that write and are not passed over, or hold their turn; in the order of began
	bytes   int     // of their writes
	budget  int     // how many bytes they may have; 0 stands for leastBudget
	grown   time.Time

	since time.Time     // when the first of those that write began, or what follows was reset
	busy  time.Duration // in which something was being written, up to since
	sent  int           // bytes in that time

	took   time.Duration // by a write, on average
	passed int           // writes passed over since one returned
	total  uint64        // bytes of all writes that have returned
	timer  *time.Timer
	armed  bool
}

// turn is the state of an item's write.
type turn struct {
	granted chan struct{} // capacity 1; made when the item first waits
	parked  bool          // somebody waits for granted
	wants   int           // bytes; above 0 until they are granted
	size    int           // bytes of the write that is going on, 0 while the item holds its turn
	began   time.Time
	filled  bool   // the write began with the budget used at least by half
	counted bool   // is in writing
	held    int    // writes that the peer held back, one after the other
	passed  uint64 // the total when its write was passed over
}

// Write writes p to w as the turn of the item comes: while the transport has enough to send, only the best of those
// who want to write go on, in pieces that it sends within a few milliseconds. What the transport does not take for
// long, as when the peer does not read, holds up nobody else. Write blocks until all of p is written, w fails, or
// ctx ends while the item waits: a w that blocks has to be unblocked by itself. One Write at a time.
//
// After it, the item holds its turn: none that it is ahead of writes until it does, calls Rest or is closed.
func (i *Item) Write(ctx context.Context, w io.Writer, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var size, wrote int
		if size, err = i.admit(ctx, len(p)-n); err != nil {
			return n, err
		}
		wrote, err = w.Write(p[n : n+size])
		i.written()
		n += wrote
	}
	return n, err
}

// Rest says that the item has nothing to write for now.
func (i *Item) Rest() {
	q := i.track.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.retire(i)
	q.dispatch()
}

// admit waits until some of n bytes may be written, and says how many.
func (i *Item) admit(ctx context.Context, n int) (size int, err error) {
	q := i.track.queue
	q.mu.Lock()
	if i.closed {
		q.mu.Unlock()
		return 0, io.ErrClosedPipe
	}
	q.retire(i)
	q.wait(i, n)
	q.dispatch()
	if i.turn.wants == 0 {
		size = i.turn.size
		q.mu.Unlock()
		return size, nil
	}
	if i.turn.granted == nil {
		i.turn.granted = make(chan struct{}, 1)
	}
	i.turn.parked = true
	q.mu.Unlock()

	select {
	case <-i.turn.granted:
		return i.turn.size, nil
	case <-ctx.Done():
		i.abandon()
		return 0, context.Cause(ctx)
	}
}

// wait puts the item among those that wait for their turn.
func (q *Queue) wait(i *Item, n int) {
	t := &q.turns
	i.turn.wants = n
	at, _ := slices.BinarySearchFunc(t.waiting, i, (*Item).compare)
	t.waiting = slices.Insert(t.waiting, at, i)
}

// unwait takes it out again.
func (q *Queue) unwait(i *Item) {
	t := &q.turns
	i.turn.wants = 0
	at, _ := slices.BinarySearchFunc(t.waiting, i, (*Item).compare)
	t.waiting = slices.Delete(t.waiting, at, at+1)
}

// abandon gives up the wait for a turn, or the turn that has just come.
func (i *Item) abandon() {
	q := i.track.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if i.turn.parked {
		i.turn.parked = false
		q.unwait(i)
	} else {
		<-i.turn.granted
		q.retire(i)
	}
	q.dispatch()
}

// written ends a write of the item, which from then on holds its turn.
func (i *Item) written() {
	q := i.track.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	t := &q.turns
	switch {
	case i.turn.counted:
		took := now.Sub(i.turn.began)
		i.turn.held = 0
		t.passed = 0
		t.took += (took - t.took) / 8
		q.retire(i)
		t.adapt(now, i.turn.size, i.turn.filled, took)
		q.write(i, 0, now)
	case t.total-i.turn.passed >= held:
		i.turn.held++
	default:
		i.turn.held = 0
	}
	q.dispatch()
}

// best is the first of those that wait, or nil when one that holds its turn is ahead of it.
func (q *Queue) best() *Item {
	if len(q.turns.waiting) == 0 {
		return nil
	}
	best := q.turns.waiting[0]
	for _, i := range q.turns.writing {
		if i.turn.size == 0 && i.compare(best) < 0 {
			return nil
		}
	}
	return best
}

// room is how many of n bytes the item may write now.
func (q *Queue) room(i *Item, n int) int {
	t := &q.turns
	budget := max(t.budget, leastBudget)
	least := min(n, leastBudget)
	switch left := budget - t.bytes; {
	case left >= least:
		return min(n, left)
	case len(t.writing) < mostWriters && q.overtakes(i):
		return least
	}
	return 0
}

// overtakes reports whether the item is ahead of all that write.
func (q *Queue) overtakes(i *Item) bool {
	for _, o := range q.turns.writing {
		if o.compare(i) < 0 {
			return false
		}
	}
	return true
}

// grant gives the item its turn.
func (q *Queue) grant(i *Item, size int) {
	now := time.Now()
	t := &q.turns
	q.unwait(i)
	if t.bytes == 0 {
		t.since = now
	}
	q.write(i, size, now)
	i.turn.filled = t.bytes >= max(t.budget, leastBudget)/2
	if i.turn.parked {
		i.turn.parked = false
		i.turn.granted <- struct{}{}
	}
}

// write puts the item among those that write.
func (q *Queue) write(i *Item, size int, now time.Time) {
	t := &q.turns
	i.turn.size, i.turn.began, i.turn.counted = size, now, true
	t.writing = append(t.writing, i)
	t.bytes += size
}

// retire takes the item out of those that write, if it is among them.
func (q *Queue) retire(i *Item) {
	if !i.turn.counted {
		return
	}
	i.turn.counted = false
	t := &q.turns
	at := slices.Index(t.writing, i)
	t.writing = slices.Delete(t.writing, at, at+1)
	t.bytes -= i.turn.size
}

// dispatch gives turns to the best of those that wait, as far as there is room.
func (q *Queue) dispatch() {
	for {
		best := q.best()
		if best == nil {
			break
		}
		size := q.room(best, best.turn.wants)
		if size == 0 {
			break
		}
		q.grant(best, size)
	}
	q.arm()
}

// adapt changes the budget after a write. It doubles when what fills it leaves at once, and is never more than what
// all writes together brought away in the time that the transport should take.
func (t *turns) adapt(now time.Time, size int, filled bool, took time.Duration) {
	budget := max(t.budget, leastBudget)
	t.sent += size
	t.total += uint64(size) //nolint:gosec // not negative
	busy := t.busy + now.Sub(t.since)
	switch {
	case busy >= soon:
		if filled {
			budget = min(budget, max(leastBudget, int(float64(t.sent)*float64(soon)/float64(busy))))
		}
		t.busy, t.sent, t.since = 0, 0, now
	case t.bytes == 0:
		t.busy = busy
	}
	if filled && took < soon/2 && now.Sub(t.grown) >= growth {
		budget, t.grown = min(mostBudget, 2*budget), now
	}
	t.budget = budget
}

// due is when the item is passed over.
func (t *turns) due(i *Item) time.Time {
	limit := min(max(patience, 4*t.took)<<min(t.passed, 2), mostPatience)
	return i.turn.began.Add(max(soon, limit>>min(i.turn.held, mostHalved)))
}

// arm sees to it that a write that takes too long is passed over, if somebody waits for it.
func (q *Queue) arm() {
	t := &q.turns
	if t.armed || len(t.waiting) == 0 || len(t.writing) == 0 {
		return
	}
	first := t.due(t.writing[0])
	for _, i := range t.writing[1:] {
		if d := t.due(i); d.Before(first) {
			first = d
		}
	}
	t.armed = true
	if wait := time.Until(first); t.timer == nil {
		t.timer = time.AfterFunc(wait, q.pass)
	} else {
		t.timer.Reset(wait)
	}
}

// pass goes on without the writes that take too long, and the items that hold their turn for too long.
func (q *Queue) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := &q.turns
	t.armed = false
	now := time.Now()
	for _, i := range slices.Clone(t.writing) {
		if len(t.waiting) == 0 || now.Before(t.due(i)) {
			continue
		}
		q.retire(i)
		if i.turn.size > 0 {
			i.turn.passed = t.total
			t.passed++
			break
		}
	}
	q.dispatch()
}
