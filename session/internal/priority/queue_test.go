package priority

import (
	"cmp"
	"slices"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func wantRanks(t *testing.T, why string, items []*Item, want ...uint8) {
	t.Helper()
	got := make([]uint8, len(items))
	for i, item := range items {
		got[i] = item.Rank()
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: ranks %v, want %v", why, got, want)
	}
}

// An ear hears when the rank of an item changes.
type ear struct{ heard bool }

func listen(i *Item) *ear {
	e := &ear{}
	i.Follow(func(uint8) { e.heard = true })
	e.heard = false
	return e
}

func fired(e *ear) bool { return e.heard }

// fill returns n items of one track, the newest group first.
func fill(q *Queue, n int) (*Track, []*Item) {
	t := q.Track(Wish{Priority: 10})
	items := make([]*Item, n)
	for i := range items {
		items[i] = t.Insert(uint64(n - i + 1000))
	}
	return t, items
}

func TestOrder(t *testing.T) {
	t.Run("16.21/338 a single item is first", func(t *testing.T) {
		var q Queue
		wantRanks(t, "alone", []*Item{q.Track(Wish{}).Insert(5)}, 0)
	})
	t.Run("16.21/339 tracks by priority, groups of a track newest first", func(t *testing.T) {
		var q Queue
		low, high := q.Track(Wish{Priority: 1}), q.Track(Wish{Priority: 2})
		a, b := low.Insert(7), high.Insert(7)
		wantRanks(t, "two tracks", []*Item{a, b}, 1, 0)
		c := low.Insert(8)
		wantRanks(t, "a newer group", []*Item{a, b, c}, 2, 0, 1)
	})
	t.Run("16.21/340 the priority of the track counts more than the group", func(t *testing.T) {
		var q Queue
		wantRanks(t, "", []*Item{q.Track(Wish{Priority: 1}).Insert(100), q.Track(Wish{Priority: 2}).Insert(1)}, 1, 0)
	})
	t.Run("16.21/346 equal keys have ranks of their own", func(t *testing.T) {
		var q Queue
		track := q.Track(Wish{})
		wantRanks(t, "one track", []*Item{track.Insert(3), track.Insert(3), q.Track(Wish{}).Insert(3)}, 0, 1, 2)
	})
	t.Run("ordered tracks oldest first", func(t *testing.T) {
		var q Queue
		track := q.Track(Wish{Ordered: true})
		wantRanks(t, "", []*Item{track.Insert(2), track.Insert(1), track.Insert(3)}, 1, 0, 2)
	})
}

func TestLeaving(t *testing.T) {
	t.Run("16.21/341 those behind one that left move up and hear of it", func(t *testing.T) {
		for gone, want := range [][]uint8{{0, 1}, {0, 1}, {0, 1}} {
			var q Queue
			_, items := fill(&q, 3)
			var waits []*ear
			for _, i := range items {
				waits = append(waits, listen(i))
			}
			items[gone].Close()
			for i, ch := range waits {
				if fired(ch) != (i > gone) {
					t.Errorf("item %d hears that %d left: %v", i, gone, fired(ch))
				}
			}
			wantRanks(t, "left", slices.Delete(items, gone, gone+1), want...)
		}
	})
	t.Run("a closed item counts no more", func(t *testing.T) {
		var q Queue
		track, items := fill(&q, 2)
		items[0].Close()
		items[0].Close()
		if q.Len() != 1 || track.items != 1 {
			t.Errorf("%d items, %d of the track", q.Len(), track.items)
		}
	})
}

func TestOverflow(t *testing.T) {
	t.Run("16.21/342 of 300 items 255 have a rank", func(t *testing.T) {
		var q Queue
		_, items := fill(&q, 300)
		for i, item := range items {
			if want := uint8(min(i, Overflow)); item.Rank() != want {
				t.Errorf("item %d has rank %d, want %d", i, item.Rank(), want)
			}
		}
	})
	t.Run("16.21/343 the best of the overflow moves up", func(t *testing.T) {
		var q Queue
		_, items := fill(&q, 300)
		next, other := listen(items[255]), listen(items[256])
		items[10].Close()
		if !fired(next) || fired(other) {
			t.Errorf("heard: the best %v, another %v", fired(next), fired(other))
		}
		wantRanks(t, "promoted", items[254:257], 253, 254, Overflow)
	})
	t.Run("16.21/344 a better item pushes the last one out", func(t *testing.T) {
		var q Queue
		track, items := fill(&q, 300)
		last, behind := listen(items[254]), listen(items[255])
		better := track.Insert(9999)
		if !fired(last) || fired(behind) {
			t.Errorf("heard: the last %v, one behind %v", fired(last), fired(behind))
		}
		wantRanks(t, "demoted", []*Item{better, items[0], items[254], items[255]}, 0, 1, Overflow, Overflow)
	})
}

func TestUpdate(t *testing.T) {
	t.Run("16.21/345 a new priority sorts anew, also in and out of the overflow", func(t *testing.T) {
		var q Queue
		_, items := fill(&q, 254)
		track := q.Track(Wish{Priority: 1})
		one, two := track.Insert(2), track.Insert(1) // the last with a rank, and the first without
		wantRanks(t, "before", []*Item{one, two, items[253]}, 254, Overflow, 253)
		heard := map[string]*ear{"one": listen(one), "two": listen(two), "pushed out": listen(items[253]), "pushed back": listen(items[0])}
		track.Update(Wish{Priority: 20})
		wantRanks(t, "raised", []*Item{one, two, items[0], items[252], items[253]}, 0, 1, 2, 254, Overflow)
		for who, ch := range heard {
			if !fired(ch) {
				t.Errorf("%s heard nothing", who)
			}
		}
		still := listen(items[100])
		track.Update(Wish{Priority: 20})
		if fired(still) {
			t.Error("an equal priority is news")
		}
		track.Update(Wish{Priority: 1})
		wantRanks(t, "lowered", []*Item{one, two, items[253]}, 254, Overflow, 253)
		track.Update(Wish{Priority: 1, Ordered: true})
		wantRanks(t, "ordered", []*Item{one, two}, Overflow, 254)
	})
}

// A peer may change its mind as often as it likes, also about a track of which nothing is in flight.
func TestUpdateOfATrackWithoutItemsCostsNothing(t *testing.T) {
	var q Queue
	fill(&q, 300)
	track := q.Track(Wish{})
	priority := uint8(0)
	n := testing.AllocsPerRun(100, func() {
		priority++
		track.Update(Wish{Priority: priority})
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	track.Update(Wish{Priority: 20})
	wantRanks(t, "what comes later", []*Item{track.Insert(0)}, 0)
}

func TestNumbersOfTransports(t *testing.T) {
	t.Run("16.21/347 a transport sends the highest number first", func(t *testing.T) {
		for r := range 256 {
			if got := SendOrder(uint8(r)); int(got) != 255-r {
				t.Errorf("rank %d is sent with %d", r, got)
			}
		}
	})
	t.Run("16.21/348 moq-transport has the most urgent at 0", func(t *testing.T) {
		for p := range 256 {
			if got := ToTransport(uint8(p)); int(got) != 255-p || FromTransport(got) != uint8(p) {
				t.Errorf("priority %d is %d on the wire, and %d again", p, got, FromTransport(got))
			}
		}
		if ToTransport(255) != 0 {
			t.Error("the most important is not 0")
		}
	})
}

// Whatever happens, ranks are places in the sorted list, and only those whose rank changed hear of it.
func TestQueueIsAlwaysSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q Queue
		tracks := make([]*Track, 4)
		for i := range tracks {
			tracks[i] = q.Track(Wish{Priority: uint8(i % 2)})
		}
		var items []*Item
		if rapid.Bool().Draw(t, "full") {
			_, items = fill(&q, 253)
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			ranks, waits := map[*Item]uint8{}, map[*Item]*ear{}
			for _, i := range items {
				ranks[i], waits[i] = i.Rank(), listen(i)
			}
			track := rapid.SampledFrom(tracks).Draw(t, "track")
			switch op := rapid.IntRange(0, 3).Draw(t, "op"); {
			case op <= 1 || len(items) == 0:
				items = append(items, track.Insert(rapid.Uint64Range(0, 5).Draw(t, "sequence")))
			case op == 2:
				at := rapid.IntRange(0, len(items)-1).Draw(t, "at")
				items[at].Close()
				items = slices.Delete(items, at, at+1)
			default:
				track.Update(Wish{uint8(rapid.IntRange(0, 20).Draw(t, "priority")), rapid.Bool().Draw(t, "ordered")})
			}
			sorted := slices.Clone(items)
			slices.SortStableFunc(sorted, func(a, b *Item) int { return naive(a, b) })
			for at, i := range sorted {
				if want := uint8(min(at, Overflow)); i.Rank() != want {
					t.Fatalf("place %d has rank %d", at, i.Rank())
				}
				if ch := waits[i]; ch != nil && fired(ch) != (ranks[i] != i.Rank()) {
					t.Fatalf("rank %d was %d: heard %v", i.Rank(), ranks[i], fired(ch))
				}
			}
		}
	})
}

// naive is the order in one line for each rule.
func naive(a, b *Item) int {
	if c := cmp.Compare(b.track.wish.Priority, a.track.wish.Priority); c != 0 {
		return c
	}
	x, y := -float64(a.sequence), -float64(b.sequence)
	if a.track.wish.Ordered {
		x = float64(a.sequence) - 1e9
	}
	if b.track.wish.Ordered {
		y = float64(b.sequence) - 1e9
	}
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(a.number, b.number))
}

func BenchmarkInsertClose(b *testing.B) {
	var q Queue
	track, _ := fill(&q, 10_000)
	sequence := uint64(0)
	for b.Loop() {
		track.Insert(sequence % 20_000).Close()
		sequence++
	}
}

func BenchmarkUpdate(b *testing.B) {
	var q Queue
	fill(&q, 10_000)
	track := q.Track(Wish{})
	for i := range uint64(10) {
		track.Insert(i)
	}
	priority := uint8(0)
	for b.Loop() {
		track.Update(Wish{Priority: priority})
		priority++
	}
}
