package tree

import (
	"runtime"
	"testing"
)

// FuzzLite holds both decoders against each other on any bytes as any message of moq-lite.
func FuzzLite(f *testing.F) { fuzz(f, "lite") }

// FuzzTransport is FuzzLite for moq-transport.
func FuzzTransport(f *testing.F) { fuzz(f, "moqt") }

func fuzz(f *testing.F, family string) {
	var versions []*protocol
	for _, name := range order {
		if p := protocols[name]; p.family.Name == family {
			versions = append(versions, p)
		}
	}
	names := versions[0].messages()
	for _, s := range seeds(f) {
		for v, p := range versions {
			for m, name := range names {
				if protocols[s.version] == p && s.message == name {
					f.Add(uint8(v), uint8(m), uint64(0), s.src)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, v, m uint8, pick uint64, src []byte) {
		p := versions[int(v)%len(versions)]
		name := names[int(m)%len(names)]
		if _, err := p.compare(name, src, p.given(name, pick)); err != nil {
			t.Fatalf("version %d, %s, %x: %v", p.version, name, src, err)
		}
		p.bounded(t, name, src)
	})
}

// FuzzPlace decodes any bytes as a stream or a datagram.
func FuzzPlace(f *testing.F) {
	for _, s := range seeds(f) {
		for v, name := range order {
			if protocols[s.version] == protocols[name] {
				f.Add(uint8(v), uint8(len(s.src)), s.src)
			}
		}
	}
	f.Fuzz(func(t *testing.T, v, place uint8, src []byte) {
		p := protocols[order[int(v)%len(order)]]
		places := p.places()
		at := places[int(place)%len(places)]
		tr, err := p.tree.Place(at.stream, at.role, src)
		if err != nil {
			t.Fatal(err)
		}
		if tr.Root.Size != len(src) {
			t.Fatalf("%v: %d of %d bytes in the tree of %x", at, tr.Root.Size, len(src), src)
		}
		if err := p.tiles(tr.Root, src); err != nil {
			t.Fatalf("%v %x: %v", at, src, err)
		}
		bounded(t, len(src), func() { _, _ = p.tree.Place(at.stream, at.role, src) })
	})
}

// place is where messages may stand.
type place struct{ stream, role string }

// places lists those of a version.
func (p *protocol) places() []place {
	var list []place
	seen := map[place]bool{}
	for _, m := range p.family.Messages {
		b := m.Layout(p.version)
		if b == nil {
			continue
		}
		for _, at := range b.Places {
			role := at.Role
			if role == "either" {
				role = "opener"
			}
			if at := (place{at.Stream, role}); p.hasPlace(at) && !seen[at] {
				seen[at] = true
				list = append(list, at)
			}
		}
	}
	return list
}

func (p *protocol) hasPlace(at place) bool {
	_, err := p.tree.Place(at.stream, at.role, nil)
	return err == nil
}

func (p *protocol) bounded(t *testing.T, name string, src []byte) {
	t.Helper()
	bounded(t, len(src), func() { _, _ = p.tree.Message(name, src) })
}

// bounded checks that a decode of size bytes allocates at most 64 times as much and 4 KB. Others
// allocate too in between, so the least of a few runs counts.
func bounded(t *testing.T, size int, decode func()) {
	t.Helper()
	limit := uint64(64*size + 4096)
	least := ^uint64(0)
	var before, after runtime.MemStats
	for range 3 {
		runtime.ReadMemStats(&before)
		decode()
		runtime.ReadMemStats(&after)
		if least = min(least, after.TotalAlloc-before.TotalAlloc); least <= limit {
			return
		}
	}
	t.Fatalf("%d bytes allocated for %d bytes, at most %d allowed", least, size, limit)
}

// What is dense costs most: many tiny items, many tiny messages, many errors.
func TestMemoryIsBounded(t *testing.T) {
	worst := func(name, message string, src []byte) {
		t.Helper()
		t.Run(name+" "+message, func(t *testing.T) { protocols[name].bounded(t, message, src) })
	}
	repeat := func(head []byte, tail []byte, n int) []byte {
		for range n {
			head = append(head, tail...)
		}
		return head
	}
	for _, n := range []int{0, 1, 10, 30, 100, 1000, 10000} {
		worst("draft-18", "SETUP", repeat([]byte{0xaf, 0, byte(2 * n >> 8), byte(2 * n)}, []byte{0, 1}, n))
		worst("draft-14", "SUBSCRIBE", repeat([]byte{3, byte(n >> 8), byte(n), 0, 32}, []byte{0}, n))
		worst("draft-16", "SUBSCRIBE_OK", repeat([]byte{4, 0xff, 0xff, 0, 0, 0}, []byte{0, 0xff}, n))
		for _, tail := range [][]byte{{0, 0, 0}, {0, 0, 9}, {0xff}} {
			src := repeat([]byte{0x10, 0, 0, 0}, tail, n)
			bounded(t, len(src), func() {
				_, err := protocols["draft-18"].tree.Place("Subgroup", "opener", src)
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}
