package priority

import (
	"cmp"
	"slices"
	"sync"
)

// Overflow is the rank of every item behind those with ranks of their own, 0 (first) to 254.
const Overflow = 255

// SendOrder is the priority for a transport where higher numbers go first.
func SendOrder(rank uint8) uint8 { return 255 - rank }

// ToTransport turns a priority of the model, where higher is more important, into one of moq-transport, where
// lower is; FromTransport is the way back.
func ToTransport(priority uint8) uint8 { return 255 - priority }

// FromTransport turns a priority of moq-transport into one of the model.
func FromTransport(priority uint8) uint8 { return 255 - priority }

// A Wish is what the subscriber of a track wants.
type Wish struct {
	Priority uint8 // of the model: higher is more important
	Ordered  bool  // oldest group first; otherwise the newest
}

// Queue orders the items of all its tracks: by the priority of the track, then those of ordered tracks, oldest
// first, then the newest group first. Everything may be used concurrently, and nothing but Write blocks. The zero
// Queue is ready to use.
type Queue struct {
	mu    sync.Mutex
	items []*Item // in order
	count uint64  // of items ever; tells apart those with equal keys
	turns turns
}

// A Track is a subscription whose groups are ranked. It costs nothing while it has no items.
type Track struct {
	queue *Queue
	wish  Wish
	items int
}

// An Item is one group in flight.
type Item struct {
	track    *Track
	sequence uint64
	number   uint64
	rank     uint8
	closed   bool
	follow   func(rank uint8)
	turn     turn
}

// Track adds a track.
func (q *Queue) Track(w Wish) *Track { return &Track{queue: q, wish: w} }

// Len is the number of items.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

func (i *Item) compare(o *Item) int {
	a, b := i.track.wish, o.track.wish
	switch {
	case a.Priority != b.Priority:
		return cmp.Compare(b.Priority, a.Priority)
	case a.Ordered != b.Ordered:
		if a.Ordered {
			return -1
		}
		return 1
	case a.Ordered:
		return cmp.Or(cmp.Compare(i.sequence, o.sequence), cmp.Compare(i.number, o.number))
	}
	return cmp.Or(cmp.Compare(o.sequence, i.sequence), cmp.Compare(i.number, o.number))
}

// Insert adds the group with this sequence. Items of equal keys have distinct ranks, the first to come first.
func (t *Track) Insert(sequence uint64) *Item {
	q := t.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	i := &Item{track: t, sequence: sequence, number: q.count, rank: Overflow}
	q.count++
	t.items++
	at, _ := slices.BinarySearchFunc(q.items, i, (*Item).compare)
	q.items = slices.Insert(q.items, at, i)
	if at < Overflow && len(q.items) > Overflow {
		q.items[Overflow].setRank(Overflow)
	}
	q.rank(at)
	return i
}

// Update changes the wish of the track's subscriber: its items take their new places at once.
func (t *Track) Update(w Wish) {
	q := t.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if w == t.wish || t.items == 0 {
		t.wish = w
		return
	}
	moved := make([]*Item, 0, t.items)
	q.items = slices.DeleteFunc(q.items, func(i *Item) bool {
		if i.track == t {
			moved = append(moved, i)
		}
		return i.track == t
	})
	t.wish = w
	slices.SortFunc(moved, (*Item).compare)
	q.items = merge(q.items, moved)
	slices.SortFunc(q.turns.waiting, (*Item).compare)
	for _, i := range q.items[min(Overflow, len(q.items)):] {
		i.setRank(Overflow)
	}
	q.rank(0)
	q.dispatch()
}

// merge joins two ordered lists.
func merge(a, b []*Item) []*Item {
	out := make([]*Item, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		from := &a
		if b[0].compare(a[0]) < 0 {
			from = &b
		}
		out = append(out, (*from)[0])
		*from = (*from)[1:]
	}
	return append(append(out, a...), b...)
}

// rank numbers the first items anew, from the first that may have moved.
func (q *Queue) rank(from int) {
	for at := from; at < min(Overflow, len(q.items)); at++ {
		q.items[at].setRank(uint8(at))
	}
}

func (i *Item) setRank(r uint8) {
	if i.rank == r {
		return
	}
	i.rank = r
	if i.follow != nil {
		i.follow(r)
	}
}

// Rank is the place of the item, 0 first, or [Overflow]. A closed item has the last one that it had.
func (i *Item) Rank() uint8 {
	q := i.track.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	return i.rank
}

// Follow calls f with the rank of the item, now and whenever it changes, until the item is closed. f must return
// soon, and not call the queue.
func (i *Item) Follow(f func(rank uint8)) {
	q := i.track.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	i.follow = f
	f(i.rank)
}

// Before reports whether i is ahead of o, which is of the same queue.
func (i *Item) Before(o *Item) bool {
	q := i.track.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	return i.compare(o) < 0
}

// Close takes the item out: those behind it move up. Repeating it is harmless. It must not be called during a Write.
func (i *Item) Close() {
	q := i.track.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if i.closed {
		return
	}
	i.closed = true
	i.track.items--
	at, _ := slices.BinarySearchFunc(q.items, i, (*Item).compare)
	q.items = slices.Delete(q.items, at, at+1)
	q.rank(at)
	q.retire(i)
	q.dispatch()
}
