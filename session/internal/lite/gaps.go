package lite

import (
	"slices"

	genlite "github.com/moqrx/moqrx/gen/lite"
)

// maxSpans bounds what is remembered about a track whose sequences have many gaps.
const maxSpans = 64

// spans are the sequences of the groups that a subscription has got, in rising order and apart. Beyond
// maxSpans the lowest gap is forgotten: it counts as sent, and the subscriber is not told of it.
type spans []span

type span struct{ first, last uint64 }

// add notes one more sequence.
func (s *spans) add(n uint64) {
	at, found := slices.BinarySearchFunc(*s, n, func(x span, n uint64) int {
		switch {
		case x.last < n:
			return -1
		case x.first > n:
			return 1
		}
		return 0
	})
	if found {
		return
	}
	all := slices.Insert(*s, at, span{n, n})
	if at+1 < len(all) && n+1 == all[at+1].first {
		all[at].last = all[at+1].last
		all = slices.Delete(all, at+1, at+2)
	}
	if at > 0 && all[at-1].last+1 == n {
		all[at-1].last = all[at].last
		all = slices.Delete(all, at, at+1)
	}
	if len(all) > maxSpans {
		all[1].first = all[0].first
		all = slices.Delete(all, 0, 1)
	}
	*s = all
}

// gaps are what is not there from floor to end, which is exclusive: as messages that say so.
func (s spans) gaps(floor, end uint64) (drops []genlite.Message) {
	drop := func(end uint64) {
		if floor < end {
			drops = append(drops, &genlite.SubscribeDrop{Start: floor, End: end - 1})
		}
	}
	for _, x := range s {
		if x.first >= end {
			break
		}
		drop(x.first)
		floor = max(floor, x.last+1)
	}
	drop(end)
	return drops
}
