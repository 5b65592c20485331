package tree

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/gen/wiretest"
)

// target is the part of what stands at the places of a family that one fuzz target is about.
type target struct {
	name   string
	family string
	has    func(at place) bool
}

var targets = []target{
	{"FuzzLiteOpener", "lite", func(at place) bool { return at.kind == "bidi" && at.role == "opener" }},
	{"FuzzLiteAcceptor", "lite", func(at place) bool { return at.kind == "bidi" && at.role == "acceptor" }},
	{"FuzzLiteUni", "lite", func(at place) bool { return at.kind == "uni" }},
	{"FuzzLiteDatagram", "lite", func(at place) bool { return at.kind == "datagram" }},
	{"FuzzTransportControl", "moqt", func(at place) bool { return at.stream == "Control" }},
	{"FuzzTransportRequest", "moqt", func(at place) bool { return at.stream == "Request" && at.role == "opener" }},
	{"FuzzTransportResponse", "moqt", func(at place) bool { return at.stream == "Request" && at.role == "acceptor" }},
	{"FuzzTransportUni", "moqt", func(at place) bool { return at.kind == "uni" && at.stream != "Control" }},
	{"FuzzTransportDatagram", "moqt", func(at place) bool { return at.kind == "datagram" }},
}

// FuzzLiteOpener decodes what the openers of the bidirectional streams of moq-lite send.
func FuzzLiteOpener(f *testing.F) { fuzz(f) }

// FuzzLiteAcceptor decodes what the acceptors of those streams answer.
func FuzzLiteAcceptor(f *testing.F) { fuzz(f) }

// FuzzLiteUni decodes group streams and those with a SETUP.
func FuzzLiteUni(f *testing.F) { fuzz(f) }

// FuzzLiteDatagram decodes datagrams of moq-lite.
func FuzzLiteDatagram(f *testing.F) { fuzz(f) }

// FuzzTransportControl decodes either side of the control streams of moq-transport, on some versions one
// stream, on others two.
func FuzzTransportControl(f *testing.F) { fuzz(f) }

// FuzzTransportRequest decodes what the openers of request streams send.
func FuzzTransportRequest(f *testing.F) { fuzz(f) }

// FuzzTransportResponse decodes what the acceptors of request streams answer.
func FuzzTransportResponse(f *testing.F) { fuzz(f) }

// FuzzTransportUni decodes the streams of subgroups, of fetches, and of padding.
func FuzzTransportUni(f *testing.F) { fuzz(f) }

// FuzzTransportDatagram decodes datagrams of moq-transport.
func FuzzTransportDatagram(f *testing.F) { fuzz(f) }

// fuzz decodes any bytes as anything that stands at the places of the target that has the name of the test, on
// any version. Both decoders have to agree, the codecs append what they parse so that it parses to the same, and
// neither allocates more than the bound.
func fuzz(f *testing.F) {
	var cases []decoding
	for _, tg := range targets {
		if tg.name == f.Name() {
			cases = tg.decodings()
		}
	}
	seedAll(f, cases)
	f.Fuzz(func(t *testing.T, which uint16, pick uint64, src []byte) {
		if err := cases[int(which)%len(cases)].check(t, pick, src); err != nil {
			t.Fatal(err)
		}
	})
}

// decoding is an entry on a version.
type decoding struct {
	p *protocol
	entry
}

// decodings lists what a target is about. A message that may stand on both sides is there once.
func (tg target) decodings() (list []decoding) {
	for _, name := range order {
		p, seen := protocols[name], map[string]bool{}
		for _, e := range p.entries() {
			if p.family.Name == tg.family && tg.has(e.at) && (e.name == "" || !seen[e.name]) {
				seen[e.name] = true
				list = append(list, decoding{p, e})
			}
		}
	}
	return list
}

// check decodes src both ways; pick chooses what is given.
func (d decoding) check(t *testing.T, pick uint64, src []byte) (err error) {
	wiretest.Bounded(t, wiretest.Bound(len(src)), func() {
		if d.name == "" {
			_, _ = d.p.placeTree(d.at, src)
		} else {
			_, _ = d.p.tree.Message(d.name, src)
		}
	})
	if d.name == "" {
		return d.p.walk(d.at, src)
	}
	given := d.p.given(d.name, pick)
	c := d.p.strict(d.name, given)
	wiretest.Bounded(t, wiretest.Bound(len(src)), func() { _, _ = c.parse(src) })
	_, err = d.p.compare(d.name, src, given)
	return err
}

// seedAll adds the recorded vectors of the messages and streams, and messages that are made at random.
func seedAll(f *testing.F, cases []decoding) {
	random := rand.New(rand.NewPCG(5, 6))
	recorded := seeds(f)
	for i, d := range cases {
		for _, s := range recorded {
			// As in "SUBGROUP_STREAM" and "Group stream (whole)".
			whole := strings.HasPrefix(strings.ToLower(s.message), strings.ToLower(d.at.stream)) && strings.Contains(strings.ToLower(s.message), "stream")
			if protocols[s.version] == d.p && (s.message == d.name || d.name == "" && whole) {
				f.Add(uint16(i), uint64(0), s.src)
			}
		}
		for _, pick := range []uint64{0, 1<<20 + 7} {
			if src := d.sample(random, pick); len(src) > 0 {
				f.Add(uint16(i), pick, src)
			}
		}
	}
}

// Each place belongs to one target, or what stands there would not be fuzzed.
func TestEveryPlaceIsFuzzed(t *testing.T) {
	for name, p := range protocols {
		for _, e := range p.entries() {
			n := 0
			for _, tg := range targets {
				if tg.family == p.family.Name && tg.has(e.at) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s: %d targets for %v", name, n, e.at)
			}
		}
	}
}
