package memory

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// link is the way between the two ends. What is sent over it arrives at once, or, with a seed, one
// thing after the other, each after a delay of its own.
type link struct {
	seed    uint64
	longest time.Duration

	mu    sync.Mutex
	under underway
	timer *time.Timer // nil before the first delivery
	busy  bool        // something is just arriving
	over  bool
}

// delivery is one thing that is under way.
type delivery struct {
	due    time.Time
	lane   uint64
	arrive func()
}

// lane is a sequence of deliveries that draws from its own numbers: what happens on one stream does
// not change what is drawn for another. The link guards it.
type lane struct {
	id     uint64
	draw   *rand.Rand
	inline bool // a delivery does not overtake the one before
	last   time.Time
}

// The kinds of lanes, in the lowest bits of their ids.
const (
	laneData = iota
	laneReset
	laneStop
	laneDatagram
	laneClose
	laneKinds
)

// lane makes the lane for one kind of delivery on a stream, by one end.
func (l *link) lane(kind int, stream uint64, sender *conn) lane {
	id := (stream<<1|sender.side)*laneKinds + uint64(kind)
	return lane{id: id, draw: rand.New(rand.NewPCG(l.seed, id)), inline: kind == laneData}
}

// send lets f happen at the other end. f may take the lock of a pipe, so the caller holds none.
func (l *link) send(on *lane, f func()) {
	if l.seed == 0 {
		f()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	due := time.Now().Add(time.Duration(on.draw.Int64N(int64(l.longest))))
	if on.inline && !due.After(on.last) {
		due = on.last.Add(1)
	}
	on.last = due
	heap.Push(&l.under, delivery{due, on.id, f})
	l.arm()
}

// cut says how much of a write goes into its next delivery, as if it were a packet: 1 to 16384 bytes, of
// which the small sizes are as likely as the large ones.
func (l *link) cut(on *lane) int {
	if l.seed == 0 {
		return math.MaxInt
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return 1 << on.draw.IntN(15)
}

// loses decides about the next datagram.
func (l *link) loses(on *lane, share float64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return on.draw.Float64() < share
}

// arm sets the timer for what is next. Two deliveries never share a moment: in a bubble of
// testing/synctest everything that the first one causes is over before the second.
// The caller holds mu.
func (l *link) arm() {
	if l.busy || len(l.under) == 0 {
		return
	}
	wait := max(time.Until(l.under[0].due), 1)
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, l.deliver)
		return
	}
	l.timer.Reset(wait)
}

// deliver lets the next thing arrive.
func (l *link) deliver() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy || len(l.under) == 0 || time.Until(l.under[0].due) > 0 {
		return // the timer was set anew while it fired
	}
	next := heap.Pop(&l.under).(delivery)
	l.busy = true
	l.mu.Unlock()
	next.arrive()
	l.mu.Lock()
	l.busy = false
	l.arm()
}

// end discards what is under way, and calls last the first time.
func (l *link) end(last func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.over = true
	l.under = nil
	if l.timer != nil {
		l.timer.Stop()
	}
	last()
}

// underway is a heap of deliveries, the next one first.
type underway []delivery

func (u underway) Len() int      { return len(u) }
func (u underway) Swap(i, j int) { u[i], u[j] = u[j], u[i] }
func (u *underway) Push(x any)   { *u = append(*u, x.(delivery)) }

func (u underway) Less(i, j int) bool {
	if u[i].due.Equal(u[j].due) {
		return u[i].lane < u[j].lane
	}
	return u[i].due.Before(u[j].due)
}

func (u *underway) Pop() any {
	old := *u
	last := old[len(old)-1]
	old[len(old)-1] = delivery{}
	*u = old[:len(old)-1]
	return last
}
