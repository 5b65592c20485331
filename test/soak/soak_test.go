package soak

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

var (
	soakFor = flag.Duration("soak", time.Second, "how long the relay is kept busy; from 10 s on, a warm-up of half as long comes before")
	seed    = flag.Uint64("seed", rand.Uint64(), "what the random choices begin with")
)

// longEnough is a soak that has a warm-up, which fills every cache and buffer: without, the heap tells nothing.
const longEnough = 10 * time.Second

// enough is how many groups have to come whole for a load to be one: on a busy machine it goes on until then.
const enough = 20

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Logf("seed %d", *seed)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(t.Context(), 3**soakFor+2*time.Minute)
	defer cancel()
	w := newWorld(t, *seed)
	defer func() {
		if err := w.close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if !eventually(ctx, patience, func() bool { return runtime.NumGoroutine() == before }) {
			t.Errorf("%d goroutines after everything is closed, %d before it began\n%s", runtime.NumGoroutine(), before, goroutines())
		}
	}()
	if err := w.open(ctx); err != nil {
		t.Fatal(err)
	}
	first := w.rest(ctx, t, nil, nil)
	var warm *footprint
	if *soakFor >= longEnough {
		if err := w.load(ctx, *soakFor/2); err != nil {
			t.Fatalf("warm-up: %v", err)
		}
		f := w.rest(ctx, t, &first, nil)
		warm = &f
	}
	for loaded := false; !loaded; loaded = w.groups.Load() >= enough {
		if err := w.load(ctx, *soakFor); err != nil {
			t.Fatal(err)
		}
	}
	calm := w.rest(ctx, t, &first, warm)
	t.Logf("%d sessions, %d subscriptions, %d groups whole and %d cut, %d frames, %d KB",
		w.dialed.Load(), w.visits.Load(), w.groups.Load(), w.cuts.Load(), w.frames.Load(), w.bytes.Load()>>10)
	t.Logf("at rest: %v at first, %v after the warm-up, %v after the load", &first, warm, &calm)
	if warm != nil && calm.heap > warm.most() {
		t.Errorf("%d bytes on the heap, %d after the warm-up", calm.heap, warm.heap)
	}
}

// A footprint is what is left when nobody does anything.
type footprint struct {
	heap       uint64 // bytes after garbage collection
	goroutines int
}

func (f *footprint) String() string {
	if f == nil {
		return "none"
	}
	return fmt.Sprintf("%d bytes and %d goroutines", f.heap, f.goroutines)
}

// most is the heap that is no leak yet.
func (f footprint) most() uint64 { return f.heap + f.heap/10 }

func measure() footprint {
	for range 3 { // pools let go with the second one
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{m.HeapAlloc, runtime.NumGoroutine()}
}

// patience is how long what is over may take to be gone: a relay holds a track for two seconds that was
// only asked about, and a transport remembers a closed connection for some more.
const patience = 15 * time.Second

// rest waits until demand, announcements and all goroutines have gone that were not there at first, and
// then for the heap: the least that it comes to in a while or, after the warm-up, until it is no larger
// than it was then.
func (w *world) rest(ctx context.Context, t *testing.T, first, warm *footprint) footprint {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	steady := 0
	for _, p := range w.publishers {
		if p.steady {
			steady++
			if err := p.idle(ctx); err != nil {
				t.Error(err)
			}
		}
	}
	sessions := int64(steady)
	origins := []*model.OriginProducer{w.origin}
	for _, c := range w.clients {
		if c.steady {
			sessions++
			origins = append(origins, c.origin)
		}
	}
	if !eventually(ctx, patience, func() bool { return w.sessions.Load() == sessions }) {
		t.Errorf("the relay has %d sessions, want %d", w.sessions.Load(), sessions)
	}
	for i, o := range origins {
		if !eventually(ctx, patience, func() bool { return len(moqtest.Paths(o.Consume())) == steady }) {
			t.Errorf("origin %d sees %d broadcasts, want %d", i, len(moqtest.Paths(o.Consume())), steady)
		}
	}
	if first != nil && !eventually(ctx, patience, func() bool { return runtime.NumGoroutine() == first.goroutines }) {
		t.Errorf("%d goroutines, %d before any load\n%s", runtime.NumGoroutine(), first.goroutines, goroutines())
	}
	least := measure()
	if *soakFor < longEnough {
		return least
	}
	eventually(ctx, patience, func() bool {
		if now := measure(); now.heap < least.heap {
			least = now
		}
		return first == nil || warm != nil && least.heap <= warm.most()
	})
	return least
}

// eventually asks again and again, until the answer is yes.
func eventually(ctx context.Context, limit time.Duration, f func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !f() {
		if !pause(ctx, 50*time.Millisecond) {
			return f()
		}
	}
	return true
}

func goroutines() string {
	var b strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
	return b.String()
}
