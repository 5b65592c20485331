package moqdec_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wiretest"
)

// FuzzSession decodes any bytes on both sides of a stream, whole and in parts, with a gap, and as a
// datagram, on every version.
func FuzzSession(f *testing.F) {
	var alpns []string
	number := map[string]uint8{}
	for _, v := range lite.Versions() {
		number[v.String()] = uint8(len(alpns))
		alpns = append(alpns, v.ALPN())
	}
	for _, v := range moqt.Versions() {
		number[v.String()] = uint8(len(alpns))
		alpns = append(alpns, v.ALPN())
	}
	type half struct {
		version, from string
		stream        uint64
	}
	halves := map[half][]byte{}
	for _, r := range loadSessions(f) {
		k := half{r.Version, r.From, r.Stream}
		halves[k] = append(halves[k], unhex(r.Hex)...)
	}
	for k, b := range halves {
		v, err := lite.ParseVersion(k.version)
		name := v.String()
		if err != nil {
			v, err := moqt.ParseVersion(k.version)
			if err != nil {
				f.Fatal(err)
			}
			name = v.String()
		}
		f.Add(b, b, number[name], uint8(0), uint8(3))
		f.Add(b, b, number[name], uint8(3), uint8(200))
	}
	f.Add(unhex(subscribe), unhex("00 01 05"), uint8(1), uint8(0), uint8(1))
	decode := func(t testing.TB, a, b []byte, version, id, step uint8) {
		s := newScript(alpns[int(version)%len(alpns)])
		stream := uint64(id)
		for chunk := range slices.Chunk(a, 1+int(step)) {
			s.send(quicdec.Dir(id&1), stream, chunk, false)
		}
		s.send(quicdec.Dir(id&1).Other(), stream, b, false)
		s.gap(quicdec.Dir(id&1), stream, uint64(step)<<50)
		s.send(quicdec.Dir(id&1), stream, b, true)
		s.event(quicdec.Event{Kind: quicdec.Datagram, Dir: down, Data: a})
		if got := s.end(); strings.ContainsFunc(got, func(r rune) bool { return r < ' ' && r != '\n' }) {
			t.Fatalf("control characters in %q", got)
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte, version, id, step uint8) {
		// Each message becomes a line of text, each wrong one, and it may have two bytes, a dump of several
		// lines, and each event that ends amid a message a look at its parts.
		wiretest.Bounded(t, 64<<10+4096*uint64(len(a)+len(b)), func() { decode(t, a, b, version, id, step) })
	})
}
