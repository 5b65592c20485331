package hex

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
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

func TestLinesAreAnsweredOneByOne(t *testing.T) {
	in, err := os.ReadFile("testdata/lines.in")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Lines(bytes.NewReader(in), &out); !errors.Is(err, ErrLines) {
		t.Errorf("error %v, want %v", err, ErrLines)
	}
	golden(t, "lines.out", out.Bytes())
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

// differs are keys in which vectors have what an encoder was asked for, not what is on the wire.
var differs = []struct {
	reason string
	fits   func(version, message, key string, want any) bool
}{
	{"what is unknown is 0 on the wire", func(_, _, key string, want any) bool {
		return want == nil && slices.Contains([]string{"bitrate", "rtt", "cost", "type"}, key)
	}},
	{"what is measured as 0 is sent as 1", func(_, message, _ string, want any) bool {
		return message == "PROBE" && want == 0.0
	}},
	{"before draft 17 these vectors have the names of message parameters for those of SETUP", func(_, message, key string, _ any) bool {
		return key == "params" && strings.HasSuffix(message, "_SETUP")
	}},
	{"the names of properties are left out by most vectors", func(_, message, key string, want any) bool {
		return message == "SUBGROUP_STREAM" && key == "objects" && strings.Contains(fmt.Sprint(want), "name:")
	}},
	{"an encoder's number behind an odd type is bytes to the vectors", func(_, message, key string, want any) bool {
		return key == "options" && strings.Contains(fmt.Sprint(want), "0x40b55")
	}},
}

// Fields have the names and values of the vectors that they are shaped after.
func TestFieldsAreShapedAsInTheVectors(t *testing.T) {
	dir := os.Getenv("MOQRX_VECTORS")
	if dir == "" {
		dir = "../../../../test/vectors/testdata"
	}
	equal := 0
	for _, name := range []string{"ietf.jsonl", "lite.jsonl"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Skipf("no vectors: %v", err)
		}
		for line := range bytes.Lines(data) {
			var v struct {
				Version, Message, Source, Error string
				Hex                             *string
				Fields                          map[string]any
			}
			if err := json.Unmarshal(line, &v); err != nil {
				t.Fatal(err)
			}
			if v.Hex == nil || v.Error != "" || !strings.HasPrefix(v.Source, "spec-derived") && !strings.HasPrefix(v.Source, "run:@moq") {
				continue
			}
			res, err := answer(line)
			if err != nil || !res.OK {
				continue // which of them have to be accepted is the business of test/vectors
			}
			text, err := json.Marshal(res.Fields)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			for key, want := range v.Fields {
				have, ok := got[key]
				if !ok {
					continue // an encoder's input that this version has no place for
				}
				if loose(want) == loose(have) || excused(v.Version, v.Message, key, want) {
					equal++
					continue
				}
				t.Errorf("%s %s %s: %s is %v, want %v", v.Version, v.Message, *v.Hex, key, have, want)
			}
		}
	}
	if equal < 1000 {
		t.Errorf("only %d fields are equal", equal)
	}
}

func excused(version, message, key string, want any) bool {
	for _, d := range differs {
		if d.fits(version, message, key, want) {
			return true
		}
	}
	return false
}

// loose is a value as text, in which numbers, strings of digits, 0 and false are the same.
func loose(v any) string {
	switch v := v.(type) {
	case bool:
		return map[bool]string{true: "1", false: "0"}[v]
	case float64:
		return fmt.Sprintf("%.0f", v)
	case []any:
		var b strings.Builder
		for _, e := range v {
			b.WriteString(loose(e) + ",")
		}
		return "[" + b.String() + "]"
	case map[string]any:
		var parts []string
		for k, e := range v {
			if e != nil {
				parts = append(parts, k+":"+loose(e))
			}
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, " ") + "}"
	}
	return fmt.Sprint(v)
}

// Any input is answered: each line with one line of JSON, pasted bytes with a tree or an error.
func FuzzLines(f *testing.F) {
	in, err := os.ReadFile("testdata/lines.in")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(in) {
		f.Add(line, "draft-18", "SUBSCRIBE")
	}
	f.Add([]byte("0000: 03 00"), "lite-05", "SETUP (whole stream)")
	f.Fuzz(func(t *testing.T, in []byte, version, message string) {
		var out bytes.Buffer
		if err := Lines(bytes.NewReader(in), &out); err != nil && !errors.Is(err, ErrLines) {
			t.Fatal(err)
		}
		for line := range bytes.Lines(out.Bytes()) {
			if !json.Valid(line) {
				t.Fatalf("answer %q", line)
			}
		}
		src, err := Parse(string(in))
		if err != nil {
			src = in
		}
		out.Reset()
		if _, err := Print(&out, version, message, src); err == nil && out.Len() == 0 {
			t.Fatal("nothing printed")
		}
	})
}
