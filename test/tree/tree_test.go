package tree

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec/tree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seed is the bytes of one vector, under the name that the vector has for its message.
type seed struct {
	version, message string
	src              []byte
}

func seeds(t testing.TB) []seed {
	t.Helper()
	dir := os.Getenv("MOQRX_VECTORS")
	if dir == "" {
		dir = "../vectors/testdata"
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors in %s (%v)", dir, err)
	}
	var list []seed
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		scan := bufio.NewScanner(bytes.NewReader(data))
		scan.Buffer(nil, 64<<20)
		for scan.Scan() {
			var v struct {
				Version, Message, Hex string
				OpenerHex             string `json:"opener_hex"`
				AcceptorHex           string `json:"acceptor_hex"`
			}
			if json.Unmarshal(scan.Bytes(), &v) != nil {
				continue // chunks of sessions have numbers for names
			}
			for _, text := range []string{v.Hex, v.OpenerHex, v.AcceptorHex} {
				if src, err := hex.DecodeString(text); err == nil && len(src) > 0 {
					list = append(list, seed{v.Version, v.Message, src})
				}
			}
		}
	}
	return list
}

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

// A whole stream is the messages that its codecs give one after the other, each with what those before
// it said.
func TestPlaceAgreesWithTheCodecs(t *testing.T) {
	streams := 0
	for _, s := range seeds(t) {
		p := protocols[s.version]
		if p == nil || s.message != "SUBGROUP_STREAM" {
			continue
		}
		tr, err := p.tree.Place("Subgroup", "opener", s.src)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.tiles(tr.Root, s.src); err != nil {
			t.Fatalf("%s %x: %v", s.version, s.src, err)
		}
		if err := p.sameSubgroup(tr, s.src); err != nil {
			t.Errorf("%s %x: %v", s.version, s.src, err)
		}
		streams++
	}
	if streams < 20 {
		t.Errorf("only %d streams", streams)
	}
}

// sameSubgroup walks a subgroup stream with the codecs.
func (p *protocol) sameSubgroup(tr *tree.Tree, src []byte) error {
	var header moqt.SubgroupHeader
	v := moqt.Version(p.version)
	off, err := header.Parse(src, v)
	if err != nil {
		return sameError(err, tr.Err())
	}
	o := moqt.SubgroupObject{HasProperties: header.Properties}
	given := []tree.Given{{Field: "Has Properties"}, {Field: "Prior Object ID"}}
	for n := range tr.Root.Children() {
		if n.Name == "SUBGROUP_HEADER" {
			continue
		}
		from := off
		var size int
		if size, err = o.Parse(src[off:], v); err != nil {
			break
		}
		off += size
		want := ofStruct(reflect.ValueOf(&o).Elem(), given)
		if got := ofTree(n, p.family); !reflect.DeepEqual(got, want) || n.Offset != from || n.End() != off {
			return fmt.Errorf("at %d-%d %v, want at %d-%d %v", n.Offset, n.End(), got, from, off, want)
		}
		o.PriorObjectID = wire.Some(o.ObjectID)
	}
	if (err == nil) != (tr.Err() == nil) || err == nil && off != len(src) {
		return fmt.Errorf("the codecs say %w at %d, the tree %w", or(err), off, or(tr.Err()))
	}
	return nil
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
