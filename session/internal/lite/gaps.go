package lite

import (
	"slices"
	"sort"

	genlite "github.com/moqrx/moqrx/gen/lite"
)

// maxSpans bounds what is remembered about a track whose sequences have many gaps.
const maxSpans = 64

// spans are the groups of a subscription that need no telling or waiting any more, by their sequences, in rising
// order and apart. Beyond maxSpans the lowest gap is forgotten: it counts as done, so the publisher does not tell
// of it, and the subscriber does not wait for it.
type spans []span

type span struct{ first, last uint64 }

// add notes one more sequence.
func (s *spans) add(n uint64) { s.cover(n, n) }

// cover notes the sequences from first to last, which is at most [model.MaxSequence].
func (s *spans) cover(first, last uint64) {
	all := *s
	// What touches the new span becomes one with it.
	from := sort.Search(len(all), func(i int) bool { return all[i].last+1 >= first })
	to := sort.Search(len(all), func(i int) bool { return all[i].first > last+1 })
	if from < to {
		first, last = min(first, all[from].first), max(last, all[to-1].last)
	}
	all = slices.Replace(all, from, to, span{first, last})
	if len(all) > maxSpans {
		all[1].first = all[0].first
		all = slices.Delete(all, 0, 1)
	}
	*s = all
}

// has reports whether everything from floor to end, which is exclusive, is there.
func (s spans) has(floor, end uint64) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].last >= floor })
	return end <= floor || i < len(s) && s[i].first <= floor && s[i].last >= end-1
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
