package codegen

// codecTests is the part of the tests that is the same for every family: what is checked of
// the messages in the tables of cases_test.go.
const codecTests = `
import (
	"log/slog"
	"slices"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/gen/wiretest"
)

// testCase is a message in the versions that have it.
type testCase struct {
	name  string
	on    []Version
	typed  []Version // with a type in front
	loose  []Version // with a field that may be left out at the end
	u16    bool      // the length has two bytes
	limit  int       // of the length, or 0 for that of all messages
	framed bool
	open  bool // it ends with its carrier
	draw  func(*rapid.T, Version) Message
	fresh func(like Message) Message // an empty one, with what is given as in like
	drops []string // fields that are left out in versions that lack them
}

func (c testCase) sample(v Version, seed int) Message {
	return rapid.Custom(func(t *rapid.T) Message {
		rapid.Bool().Draw(t, "something") // a message may have no fields
		return c.draw(t, v)
	}).Example(seed)
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What is drawn comes back from a parse, no part of it is a message, and no wrong length is one.
func TestMessages(t *testing.T) {
	for _, c := range testCases {
		for _, v := range c.on {
			t.Run(c.name+"/"+v.String(), rapid.MakeCheck(func(t *rapid.T) {
				m := c.draw(t, v)
				b := wiretest.RoundTrip[Version](t, m, c.fresh(m), v, c.open)
				wiretest.Truncated[Version](t, b, c.fresh(m), v, c.open)
				if n, err := m.Len(v); n != len(b) || err != nil {
					t.Fatalf("the length is %d, not %d (%v)", len(b), n, err)
				}
				if c.framed && !slices.Contains(c.loose, v) {
					wiretest.LengthLies[Version](t, b, c.fresh(m), v, framing(v, slices.Contains(c.typed, v), c.u16, c.limit))
				}
			}))
		}
	}
}

// What no message may hold is refused, or comes back.
func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, c := range testCases {
		for _, v := range c.on {
			t.Run(c.name+"/"+v.String(), rapid.MakeCheck(func(t *rapid.T) {
				m := c.draw(t, v)
				wiretest.Disturb(t, m)
				wiretest.Symmetric[Version](t, m, c.fresh(m), v, c.drops...)
			}))
		}
	}
}

// Wherever a byte is wrong, a parse says so, or there is another message.
func TestWrongBytes(t *testing.T) {
	for _, c := range testCases {
		for _, v := range c.on {
			for seed := range 3 {
				m := c.sample(v, seed)
				b, err := m.Append(nil, v)
				if err != nil {
					t.Fatal(err)
				}
				fresh := func() wiretest.Message[Version] { return c.fresh(m) }
				wiretest.Sweep(t, b, framing(v, slices.Contains(c.typed, v), c.u16, c.limit), c.framed, fresh, v)
			}
		}
	}
}

func TestVersionsRefuseMessagesThatTheyDoNotHave(t *testing.T) {
	for _, c := range testCases {
		for _, v := range append(Versions(), 0, 255) {
			if !slices.Contains(c.on, v) {
				wiretest.Missing[Version](t, c.fresh(nil), v)
			}
		}
	}
}

// fieldCase sets a field that some of the versions of a message lack.
type fieldCase struct {
	message, field string
	lacking        []Version
	set            func(Message)
}

func TestVersionsRefuseFieldsThatTheyDoNotHave(t *testing.T) {
	for _, f := range fieldCases {
		for _, c := range testCases {
			if c.name != f.message {
				continue
			}
			for _, v := range f.lacking {
				m := c.sample(v, 1)
				f.set(m)
				wiretest.NotCarried[Version](t, m, v, f.field)
			}
		}
	}
}

func TestMessagesHaveTheirNameAndLogTheirFields(t *testing.T) {
	for _, c := range testCases {
		m := c.sample(c.on[0], 1)
		if NewMessage(c.name) == nil || m.MessageName() != c.name {
			t.Errorf("NewMessage does not know %s, or the message is called %s", c.name, m.MessageName())
		}
		if m.LogValue().Kind() != slog.KindGroup {
			t.Errorf("%s logs as %v", c.name, m.LogValue())
		}
	}
	if NewMessage("NONE") != nil {
		t.Error("NewMessage knows a message NONE")
	}
}

func TestVersionNames(t *testing.T) {
	for _, v := range Versions() {
		if got, err := ParseVersion(v.String()); got != v || err != nil {
			t.Errorf("%s reads as %v, %v", v, got, err)
		}
		shared := 0
		for _, w := range Versions() {
			if w.ALPN() == v.ALPN() {
				shared++
			}
		}
		if got, err := ParseVersion(v.ALPN()); shared == 1 && (got != v || err != nil) || shared > 1 && err == nil {
			t.Errorf("%s reads as %v, %v", v.ALPN(), got, err)
		}
	}
	if _, err := ParseVersion("none"); err == nil {
		t.Error("none reads as a version")
	}
	if Version(0).ALPN() != "" || Version(0).String() == "" || Version(0).Code() != 0 {
		t.Error("version 0 has an ALPN or no name")
	}
}

func TestHotMessagesDoNotAllocate(t *testing.T) {
	for _, h := range hotCases {
		for _, v := range h.on {
			m := h.make(v)
			b, err := m.Append(make([]byte, 0, 256), v)
			if err != nil {
				t.Fatal(err)
			}
			if n := testing.AllocsPerRun(20, func() { _, err = m.Append(b[:0], v) }); n != 0 || err != nil {
				t.Errorf("%s on %s: append allocates %v times (%v)", m.MessageName(), v, n, err)
			}
			if n := testing.AllocsPerRun(20, func() { _, err = m.Parse(b, v) }); n != 0 || err != nil {
				t.Errorf("%s on %s: parse allocates %v times (%v)", m.MessageName(), v, n, err)
			}
		}
	}
}

// hotCase is a message on the path of every frame.
type hotCase struct {
	on   []Version
	make func(Version) Message
}

func BenchmarkHotMessages(b *testing.B) {
	for _, h := range hotCases {
		v := h.on[0]
		m := h.make(v)
		buf, err := m.Append(make([]byte, 0, 256), v)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("append/"+m.MessageName(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Append(buf[:0], v); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("parse/"+m.MessageName(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Parse(buf, v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// drawText draws UTF-8 of at most high bytes.
func drawText(t *rapid.T, high int, name string) string {
	return rapid.StringN(0, high, high).Draw(t, name)
}

// drawBytes draws bytes; they are never nil, like those of a parse.
func drawBytes(t *rapid.T, low, high int, name string) []byte {
	return append([]byte{}, rapid.SliceOfN(rapid.Byte(), low, high).Draw(t, name)...)
}

// drawPath draws a path as a parse gives it: normalized.
func drawPath(t *rapid.T, name string) string {
	return wire.NormalizePath(rapid.StringMatching("([a-z.]{1,5}/){0,5}[a-z]{0,3}").Draw(t, name))
}

// drawList draws the elements of a list; without any it is nil, like that of a parse.
func drawList[T any](t *rapid.T, low, high int, name string, elem func() T) []T {
	var list []T
	for range rapid.IntRange(low, high).Draw(t, name) {
		list = append(list, elem())
	}
	return list
}
`

// streamTests are those of a family whose streams have types; the line with Kind is repeated
// for each kind that has.
const streamTests = `
import (
	"errors"
	"testing"

	"github.com/moqrx/moqrx/gen/wire"
)

func TestStreamTypes(t *testing.T) {
	for _, v := range Versions() {
		for n := range uint64(64) {
			testStreamType(t, n, v, AppendKindStream, ParseKindStream)
		}
	}
}

// A type can be written where it can be read, and is refused both ways where it cannot.
func testStreamType[T ~uint64](t *testing.T, n uint64, v Version,
	appendTo func([]byte, T, Version) ([]byte, error), parse func([]byte, Version) (T, int, error),
) {
	b, err := appendTo([]byte{9}, T(n), v)
	src := []byte{byte(n)} // below 64 all varints are the same
	got, size, perr := parse(src, v)
	if (err == nil) != (perr == nil) || got != T(n) || size != len(src) {
		t.Errorf("type 0x%x on %s: append %v, parse %v in %d bytes, %v", n, v, err, got, size, perr)
	}
	if err == nil && string(b[1:]) != string(src) || err != nil && len(b) != 1 {
		t.Errorf("type 0x%x on %s appends as %x", n, v, b)
	}
	if err != nil && errors.Is(err, wire.ErrUnsupported) != errors.Is(perr, wire.ErrUnsupported) {
		t.Errorf("type 0x%x on %s: append %v, parse %v", n, v, err, perr)
	}
	if _, _, err := parse(nil, v); !errors.Is(err, wire.ErrShort) {
		t.Errorf("no bytes parse as a stream type: %v", err)
	}
}
`
