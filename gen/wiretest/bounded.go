package wiretest

import (
	"runtime"
	"runtime/metrics"
	"sync"
)

// Bound is how many bytes a decoder may allocate for size bytes of input: 64 times as many, and 4 KB.
func Bound(size int) uint64 { return 64*uint64(size) + 4096 }

var allocs = sync.Pool{New: func() any { return &[]metrics.Sample{{Name: "/gc/heap/allocs:bytes"}} }}

func allocated() uint64 {
	s := allocs.Get().(*[]metrics.Sample)
	defer allocs.Put(s)
	metrics.Read(*s)
	return (*s)[0].Value.Uint64()
}

// Bounded calls f, which must do the same each time that it is called, and checks that it allocates at
// most that many bytes.
//
// To count them exactly stops the world, which would take most of the time of a fuzz target. So the first call
// of f is watched with a counter that costs nothing. It has large objects at once, and small ones when
// the span of 8 KB or more that they came from is used up: what it shows late for one call it shows for
// another. A call that allocates too much looks so with a chance of at least its bytes in spans, which for
// more than 4 KB is every second time, and with several spans for certain. Only what looks so is counted, and as
// others of the process allocate too, the least of a few counts is believed.
func Bounded(t TB, most uint64, f func()) {
	t.Helper()
	before := allocated()
	f()
	if allocated()-before <= most {
		return
	}
	least := Allocated(f)
	for range 5 {
		if least <= most {
			return
		}
		least = min(least, Allocated(f))
	}
	if least > most {
		t.Fatalf("%d bytes allocated, at most %d allowed", least, most)
	}
}

// Allocated counts the bytes that f allocates: the least of three calls, since others of the process may
// allocate too.
func Allocated(f func()) uint64 {
	least := ^uint64(0)
	var before, after runtime.MemStats
	for range 3 {
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}
