package spec

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEmbeddedSpecsAreValid(t *testing.T) {
	for name, load := range map[string]func() (*Family, error){"lite": Lite, "moqt": Transport} {
		if f, err := load(); err != nil {
			t.Errorf("%s:\n%v", name, err)
		} else if f.Name != name {
			t.Errorf("%s is called %s", name, f.Name)
		}
	}
}

const small = `family demo "draft-demo" {
  length vi
  01 02 03  name "demo-%02d"  alpn "demo-%02d"  vi rfc9000
  04 = 03   name "demo-%02d"  alpn "demo-%02d"
}
stream bidi Talk 0x1 by either
`

func parse(t *testing.T, text string) *Family {
	t.Helper()
	f, err := Parse("x.moq", small+text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The bytes of an alias are those of another version, but its text has sections of its own.
func TestSectionsAreThoseOfOneText(t *testing.T) {
	f := parse(t, "message A on Talk opener {\n  §1 03  §2 04  §3 01-02\n}\n")
	for i, want := range []Set{Set(0).With(3), Set(0).With(4), Set(0).With(1).With(2)} {
		if r := f.Messages[0].Blocks[0].Refs[i]; r.On != want {
			t.Errorf("section %s is of %v, want %v", r.Section, r.On.Numbers(), want.Numbers())
		}
	}
}

func TestRangesNameVersionsAndTheirAliases(t *testing.T) {
	f := parse(t, `message A on Talk opener {
  All     vi
  First   vi  01
  Both    vi  01-02
  Last    vi  03
  Open    vi  02+
  Parted  vi  01, 03
}
`)
	for i, want := range [][]int{{1, 2, 3, 4}, {1}, {1, 2}, {3, 4}, {2, 3, 4}, {1, 3, 4}} {
		field := f.Messages[0].Blocks[0].Fields[i]
		var all Set
		for _, n := range want {
			all = all.With(n)
		}
		if field.On != all {
			t.Errorf("%s is in %v, want %v", field.Name, field.On.Numbers(), want)
		}
	}
}

func TestSetFormat(t *testing.T) {
	all := Set(0).With(14).With(15).With(16).With(18)
	for want, s := range map[string]Set{
		"none":   0,
		"14":     Set(0).With(14),
		"14-15":  Set(0).With(14).With(15),
		"15+":    Set(0).With(15).With(16).With(18),
		"14, 18": Set(0).With(14).With(18),
	} {
		if got := s.Format(all, 2); got != want {
			t.Errorf("%v: %s, want %s", s.Numbers(), got, want)
		}
	}
}

func TestAMessageMayChangeItsLayout(t *testing.T) {
	f := parse(t, `message A 0x1 01 on Talk opener {
  X  vi
}
message A 0x2 02+ on Talk opener {
  Y  string
}
`)
	m := f.Message("A")
	if len(f.Messages) != 1 || len(m.Blocks) != 2 || m.On() != f.All() {
		t.Fatalf("%d messages, %d layouts", len(f.Messages), len(m.Blocks))
	}
	if m.Layout(1).Fields[0].Name != "X" || m.Layout(4).Fields[0].Name != "Y" || m.Layout(9) != nil {
		t.Error("a version has the wrong layout")
	}
}

func TestCommentsAreKept(t *testing.T) {
	f := parse(t, `
# A thing
# of two lines.
message A on Talk opener {   # to be seen
  # Not a number.
  X  string   # but text
  Y  vi
}
`)
	m := f.Message("A")
	if m.Doc != "A thing\nof two lines.\nto be seen" {
		t.Errorf("message: %q", m.Doc)
	}
	fields := m.Blocks[0].Fields
	if fields[0].Doc != "Not a number.\nbut text" || fields[1].Doc != "" {
		t.Errorf("fields: %q, %q", fields[0].Doc, fields[1].Doc)
	}
}

func TestEachLineGivesOneError(t *testing.T) {
	_, err := Parse("x.moq", small+`message A on Talk opener {
  X  vi vi vi as as as
  Y  vi
  Z  nothing if Nothing = nothing
}
`)
	var list Errors
	if !errors.As(err, &list) || len(list) != 2 {
		t.Fatalf("got %v", err)
	}
	if list[0].Pos != (Pos{"x.moq", 8, 9}) || !strings.HasPrefix(list[0].Error(), "x.moq:8:9: expected ") {
		t.Errorf("got %v", list[0])
	}
}

// No text makes the parser fail in another way than with an error, or run without an end.
func FuzzParse(f *testing.F) {
	f.Add(small)
	f.Add(liteText)
	f.Add(transportText)
	f.Add("family x \"\" {\n 01 vi vi64\n}\nmessage A on\nparams P {\n X 0x1 sized [..")
	f.Fuzz(func(t *testing.T, text string) {
		var fam *Family
		var err error
		// People write specs, and all of their checks compare lines with each other.
		wiretest.Bounded(t, 4096*uint64(len(text))+65536, func() { fam, err = Parse("x.moq", text) })
		if (fam == nil) != (err != nil) {
			t.Errorf("family %v, error %v", fam != nil, err)
		}
	})
}
