package quicdec

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/talk"
)

func TestPutsReorderedAndRepeatedPacketsInOrder(t *testing.T) {
	const size = 200_000
	rec := record(t, talk.Options{}, size)
	rng := rand.New(rand.NewPCG(1, 2))
	var mixed []talk.Packet
	for chunk := range slices.Chunk(rec.Packets, 6) {
		part := append(slices.Clone(chunk), chunk[rng.IntN(len(chunk))])
		if len(mixed) > 0 { // the very first packet creates the connection
			rng.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
		}
		mixed = append(mixed, part...)
	}
	r := decode(mixed, rec.Keys)
	checkChat(t, r, size)
}

// quic-go splits the ClientHello over two packets; either may come first.
func TestClientHelloMayComeInAnyOrder(t *testing.T) {
	for range 50 {
		rec := record(t, talk.Options{}, 10)
		a := rec.Packets[0]
		b := slices.IndexFunc(rec.Packets[1:], func(p talk.Packet) bool { return !rec.FromServer(p) }) + 1
		if id := a.Data[:6+a.Data[5]]; !bytes.HasPrefix(rec.Packets[b].Data[1:], id[1:]) {
			continue // an answer came between the two, and the second goes to another connection id
		}
		packets := slices.Clone(rec.Packets)
		second := packets[b]
		packets = slices.Insert(slices.Delete(packets, b, b+1), 0, second)
		checkChat(t, decode(packets, rec.Keys), 10)
		return
	}
	t.Error("no recording had both halves of the ClientHello before the first answer")
}

// Segmentation offload puts many datagrams into one record.
func TestSplitsSuperDatagrams(t *testing.T) {
	const size = 400_000
	rec := record(t, talk.Options{}, size)
	var bundled []talk.Packet
	open, segment := -1, 0 // the bundle that grows, and the size of its datagrams
	for _, p := range rec.Packets {
		if !rec.FromServer(p) || p.Data[0]&0x80 != 0 {
			bundled = append(bundled, p)
			continue
		}
		if open >= 0 && len(p.Data) <= segment && len(bundled[open].Data) < 20_000 {
			bundled[open].Data = append(slices.Clone(bundled[open].Data), p.Data...)
			if len(p.Data) < segment { // a shorter one ends a bundle
				open = -1
			}
			continue
		}
		if open, segment = len(bundled), len(p.Data); segment < minSegment {
			open = -1
		}
		bundled = append(bundled, p)
	}
	longest := 0
	for _, p := range bundled {
		longest = max(longest, len(p.Data))
	}
	if longest < 10_000 {
		t.Fatalf("the longest bundle has %d bytes", longest)
	}
	checkChat(t, decode(bundled, rec.Keys), size)
}

func TestGapsAreMarkedAndTheRestIsDecoded(t *testing.T) {
	const size = 300_000
	rec := record(t, talk.Options{}, size)
	var kept []talk.Packet
	lost := 0
	for i, p := range rec.Packets {
		if i > 20 && i < len(rec.Packets)-20 && i%17 == 0 && rec.FromServer(p) {
			lost++
			continue
		}
		kept = append(kept, p)
	}
	r := decode(kept, rec.Keys)
	got, want := r.data["< uni 3"], payload(1, size)
	same := 0
	for i := range min(len(got), len(want)) {
		if got[i] == want[i] {
			same++
		}
	}
	gaps := 0
	for _, e := range r.events {
		if strings.HasPrefix(e, "< uni 3:") {
			gaps++
		}
	}
	if lost == 0 || len(got) != size || gaps == 0 || gaps > lost || same < size-lost*1500 || same == size {
		t.Errorf("%d lost, %d gaps, %d of %d bytes, %d right", lost, gaps, len(got), size, same)
	}
	if r.ends["< uni 3"] != "fin" {
		t.Errorf("the end was %q", r.ends["< uni 3"])
	}
}

// A client that comes back from another address keeps its connection ids.
func TestFollowsAChangeOfAddress(t *testing.T) {
	const size = 100_000
	for _, id := range []int{0, -1} {
		rec := record(t, talk.Options{ClientID: id}, size)
		moved := slices.Clone(rec.Packets)
		from := slices.IndexFunc(moved[20:], func(p talk.Packet) bool { return !rec.FromServer(p) }) + 20
		for i := from; i < len(moved); i++ {
			if rec.FromServer(moved[i]) {
				moved[i].Dst = mustAddr("192.0.2.9:777")
			} else {
				moved[i].Src = mustAddr("192.0.2.9:777")
			}
		}
		r := decode(moved, rec.Keys)
		checkChat(t, r, size)
	}
}

func TestTellsApartConnectionsOfOneCapture(t *testing.T) {
	a, b := record(t, talk.Options{}, 5000), record(t, talk.Options{Protocols: []string{"other"}}, 9)
	both := append(slices.Clone(a.Packets), b.Packets...)
	slices.SortStableFunc(both, func(x, y talk.Packet) int { return 0 })
	r := decode(both, append(slices.Clone(a.Keys), b.Keys...))
	if len(r.conns) != 2 || r.conns[0].ALPN != "test" || r.conns[1].ALPN != "other" || r.d.Stats().Failed != 0 {
		t.Errorf("%+v", r.conns)
	}
}

func TestCountsWhatLeadsToNoConnection(t *testing.T) {
	rec := record(t, talk.Options{}, 1000)
	tail := rec.Packets[8:]
	r := decode(tail, rec.Keys)
	total := 0
	for _, s := range r.d.Strange() {
		total += s.Datagrams
	}
	if total != len(tail) || len(r.conns) != 0 {
		t.Errorf("%d of %d: %+v", total, len(tail), r.d.Strange())
	}
}

func TestCutPacketsAreCounted(t *testing.T) {
	rec := record(t, talk.Options{}, 100_000)
	cut := slices.Clone(rec.Packets)
	for i := range cut {
		if i > 10 && len(cut[i].Data) > 600 {
			cut[i].Data = cut[i].Data[:600]
		}
	}
	r := decode(cut, rec.Keys)
	if s := r.d.Stats(); s.Failed < 20 || s.Packets < 10 {
		t.Errorf("%+v", s)
	}
	if string(r.data["> bidi 0"]) != "question" {
		t.Error("whole packets were not decoded")
	}
}

func mustAddr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
