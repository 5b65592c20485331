package tree_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/spec"
	"github.com/moqrx/moqrx/spec/tree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden file")

// cases are inputs with everything that a tree can show. A role makes a message a place.
var cases = []struct{ version, message, role, text string }{
	{"moq-lite-05", "SUBSCRIBE", "", "18010a726f6f6d2f616c69636505766964656f800140fa010a"},
	{"moq-lite-05", "Group", "opener", "00020105 0401aabb 0002cc"},
	{"moq-lite-05", "Subscribe", "acceptor", "000107 7f02aabb 010109"},
	{"moq-lite-05", "TRACK_INFO", "", "0407014700"},
	{"moq-transport-18", "SUBSCRIBE", "", "03001d080204726f6f6d05616c69636505766964656f040293880e0010ff0201"},
	{"moq-transport-20", "SUBSCRIBE", "", "0300100801017201610221030105030e03aabbcc"},
	{"moq-transport-18", "Subgroup", "opener", "7107812c02043c0102020568656c6c6f0000017803000000"},
	{"moq-transport-18", "Subgroup", "opener", "1007812c64 0009 68656c"},
	{"moq-transport-14", "CLIENT_SETUP", "", "20001401c0000000ff00000e0202406403050300746f6b"},
	{"moq-transport-17", "SETUP", "", "af0000070103612f620201"},
	{"moq-transport-18", "SUBSCRIBE_OK", "", "0400030102"},
}

// The trees are those of the golden file, and end where the bytes or the message do.
func TestGolden(t *testing.T) {
	var b strings.Builder
	for _, c := range cases {
		src, err := hex.DecodeString(strings.ReplaceAll(c.text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %s %x\n", c.version, c.message, c.role, src)
		tr := decode(t, c.version, c.message, c.role, src)
		for depth, n := range tr.Root.All() {
			fmt.Fprintf(&b, "%3d +%-3d %s%s", n.Offset, n.Size, strings.Repeat("  ", depth), n.Name)
			if n.Value != nil {
				fmt.Fprintf(&b, " = %v", n.Value)
			}
			if n.Note() != "" {
				fmt.Fprintf(&b, " (%s)", n.Note())
			}
			b.WriteByte('\n')
		}
		for _, e := range tr.Errors {
			fmt.Fprintf(&b, "! %v [%d bytes]\n", e, e.Size)
		}
		b.WriteByte('\n')
	}
	const name = "testdata/trees.golden"
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || b.String() != string(want) {
		t.Errorf("not as in %s (%v), -update rewrites it:\n%s", name, err, b.String())
	}
}

func decode(t *testing.T, version, message, role string, src []byte) *tree.Tree {
	t.Helper()
	for _, load := range []func() (*spec.Family, error){spec.Lite, spec.Transport} {
		f, err := load()
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range f.Versions {
			if v.Name != version {
				continue
			}
			d, err := tree.New(f, v.Number)
			if err != nil {
				t.Fatal(err)
			}
			tr, err := d.Message(message, src)
			if role != "" {
				tr, err = d.Place(message, role, src)
			}
			if err != nil {
				t.Fatal(err)
			}
			return tr
		}
	}
	t.Fatalf("no version %s", version)
	return nil
}

func TestErrorsSayWhatKindTheyAre(t *testing.T) {
	short := decode(t, "moq-lite-05", "GROUP", "", []byte{5, 1})
	long := decode(t, "moq-lite-05", "GROUP", "", []byte{3, 1, 2, 3})
	none := decode(t, "moq-transport-14", "SETUP", "", []byte{3, 1, 2, 3})
	if err := short.Err(); !errors.Is(err, tree.ErrShort) {
		t.Errorf("a cut message: %v", err)
	}
	if err := long.Err(); !errors.Is(err, tree.ErrMalformed) {
		t.Errorf("bytes behind the fields: %v", err)
	}
	if err := none.Err(); !errors.Is(err, tree.ErrUnsupported) {
		t.Errorf("a message of other versions: %v", err)
	}
}

func TestUnknownNamesAreErrors(t *testing.T) {
	f, err := spec.Lite()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.New(f, 63); err == nil {
		t.Error("version 63 exists")
	}
	d, err := tree.New(f, f.Versions[0].Number)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Message("NOTHING", nil); err == nil {
		t.Error("message NOTHING exists")
	}
	if _, err := d.Place("Nowhere", "opener", nil); err == nil {
		t.Error("place Nowhere exists")
	}
}

// A kind that was added to the notation alone must not go unnoticed.
func TestUnknownKindsAreErrors(t *testing.T) {
	f, err := spec.Lite()
	if err != nil {
		t.Fatal(err)
	}
	f.Messages[0].Blocks[0].Fields[0].Kind.Name = "novelty"
	if _, err := tree.New(f, f.Versions[0].Number); err == nil || !strings.Contains(err.Error(), "novelty") {
		t.Errorf("a kind that nobody knows: %v", err)
	}
}
