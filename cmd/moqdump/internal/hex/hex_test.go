package hex

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/named"
	"github.com/moqrx/moqrx/gen/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("not as in %s (%v), -update rewrites it:\n%s", name, err, got)
	}
}

func TestPrint(t *testing.T) {
	var out bytes.Buffer
	for _, c := range []struct{ version, message, text string }{
		{"draft-18", "SUBSCRIBE", "03001d080204726f6f6d05616c69636505766964656f040293880e0010ff0201"},
		{"draft-18", "SUBSCRIBE", "03001d080204726f6f6d05616c69636505766964656f040293880e0210ff0203"},
		{"draft-18", "SUBGROUP_STREAM", "1007812c640009 68656c"},
		{"lite-05", "GROUP", "020105ffff"},
	} {
		src, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		ok, err := Print(&out, c.version, c.message, src)
		fmt.Fprintf(&out, "=> %v %v\n\n", ok, err)
	}
	golden(t, "print.txt", out.Bytes())
	if _, err := Print(&out, "draft-18", "NOTHING", []byte{1}); err == nil {
		t.Error("a message without a name is printed")
	}
}

func TestPastedBytes(t *testing.T) {
	want := []byte{3, 0, 29, 8}
	for _, text := range []string{
		"03001d08", "03 00 1d 08", "0x03 0x00 0x1d 0x08", "03:00:1D:08", "03, 00, 1d, 08", "0x03001d08",
		"0000: 03 00 1d 08", "00000000  03 00 1d 08  |....|", "00000000: 0300 1d08  ....",
		"0000 03 00\n0002 1d 08\n", "0000  03 00\n0002  1d 08", `\x03\x00\x1d\x08`,
	} {
		if got, err := Parse(text); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q is %x, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "xx", "03 0", "| |"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q is %x", text, got)
		}
	}
}

// Any pasted bytes are printed as a tree, or refused by name.
func FuzzPrint(f *testing.F) {
	f.Add([]byte("03 00 1d 08"), "draft-18", "SUBSCRIBE")
	f.Add([]byte("0000: 03 00"), "lite-05", "SETUP (whole stream)")
	f.Add([]byte("03 00 1d 08"), "any", "SUBSCRIBE")
	f.Add([]byte("00000000  03 00  |..|\n*\n00000006  1d  |.|\n00000007"), "lite-05", "GROUP")
	f.Add([]byte("0000000 03 00\n*\n0000010 1d >.<"), "lite-05", "GROUP")
	f.Add([]byte("0000000 03 00\n*\n80000"), "lite-05", "GROUP") // refused, for it may be two offsets
	f.Fuzz(func(t *testing.T, in []byte, version, message string) {
		// Each value of a byte is a line of its own, and each wrong one is shown with the bytes around it.
		src, err := Parse(string(in))
		if err != nil {
			src = in
		}
		if len(src) > 2*len(in)+4096 {
			t.Skip("the lines that a * stands for are many bytes, for few in the input")
		}
		limit := 64<<10 + 1024*uint64(len(in)+len(src)+len(version)+len(message))
		if p, err := named.Find(version); err == nil && p.Any {
			limit *= uint64(len(allVersions())) // which all decode them
		}
		if bytes.Contains(in, []byte("*")) { // what it may stand for, with offsets of three bases and as it grows
			limit += 16 * maxRepeated
		}
		wiretest.Bounded(t, limit, func() {
			var out bytes.Buffer
			src, err := Parse(string(in))
			if err != nil {
				src = in
			}
			if _, err := Print(&out, version, message, src); err == nil && out.Len() == 0 {
				t.Fatal("nothing printed")
			}
		})
	})
}
