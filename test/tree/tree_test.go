package tree

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Both decoders see every vector as every message of its version: as it is, cut off at each byte, and mutated.
func TestTreeAgreesWithTheCodecs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	tried, accepted := 0, 0
	for _, s := range seeds(t) {
		p := protocols[s.version]
		if p == nil {
			continue
		}
		for _, name := range p.messages() {
			own := name == s.message
			for _, src := range variants(s.src, own, random) {
				given := p.given(name, random.Uint64()>>uint(random.IntN(64)))
				ok, err := p.compare(name, src, given)
				if err != nil {
					t.Fatalf("%s %s %v %x: %v", s.version, name, given, src, err)
				}
				tried++
				if ok {
					accepted++
				}
			}
		}
	}
	t.Logf("%d inputs, %d of them accepted", tried, accepted)
	if accepted < 1000 {
		t.Errorf("only %d inputs were accepted", accepted)
	}
}

// What one version wrote may reach a reader of another: both decoders read it, or refuse it, alike.
func TestVersionsReadEachOther(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	tried, accepted := 0, 0
	messages := map[string][]string{}
	for _, name := range order {
		messages[name] = protocols[name].messages()
	}
	for _, from := range order {
		for _, name := range messages[from] {
			src, _ := protocols[from].draw(name, protocols[from].given(name, random.Uint64()), random)
			for _, to := range order {
				p := protocols[to]
				if len(src) == 0 || to == from || !slices.Contains(messages[to], name) {
					continue
				}
				ok, err := p.compare(name, src, p.given(name, random.Uint64()))
				if err != nil {
					t.Errorf("%s of %s on %s %x: %v", name, from, to, src, err)
				}
				tried++
				if ok {
					accepted++
				}
			}
		}
	}
	t.Logf("%d messages on other versions, %d of them accepted", tried, accepted)
	if tried < 1000 || accepted == 0 || accepted == tried {
		t.Errorf("%d of %d messages were accepted on other versions", accepted, tried)
	}
}

// A whole stream is the messages that its codecs give one after the other, each with what those before
// it said.
func TestPlaceAgreesWithTheCodecs(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	streams := map[string]place{"SUBGROUP_STREAM": {"uni", "Subgroup", "opener"}, "FETCH_STREAM": {"uni", "Fetch", "opener"}}
	walked := 0
	for _, s := range seeds(t) {
		p, at := protocols[s.version], streams[s.message]
		if p == nil || at.stream == "" {
			continue
		}
		for _, src := range variants(s.src, true, random) {
			if err := p.walk(at, src); err != nil {
				t.Errorf("%s %s %x: %v", s.version, s.message, src, err)
			}
		}
		walked++
	}
	if walked < 20 {
		t.Errorf("only %d streams", walked)
	}
}

// variants are the bytes of a vector, and bytes like them.
func variants(src []byte, own bool, random *rand.Rand) [][]byte {
	list := [][]byte{src}
	if !own {
		return append(list, mutate(src, random))
	}
	for i := range src {
		list = append(list, src[:i])
	}
	for range 40 {
		list = append(list, mutate(src, random))
	}
	return list
}

func mutate(src []byte, random *rand.Rand) []byte {
	out := bytes.Clone(src)
	for range 1 + random.IntN(3) {
		i := random.IntN(len(out))
		switch random.IntN(4) {
		case 0:
			out[i] = byte(random.Uint32())
		case 1:
			out[i] ^= 1 << random.IntN(8)
		case 2:
			out = append(out[:i], append([]byte{byte(random.IntN(4))}, out[i:]...)...)
		default:
			out[i] = byte(random.IntN(6))
		}
	}
	return out
}
