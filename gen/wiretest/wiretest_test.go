package wiretest

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// faulty is a message of one byte behind its length, with a mistake of choice.
type faulty struct {
	value   byte
	tail    []byte // none
	mistake string
}

func (*faulty) MessageName() string { return "FAULTY" }

func (f *faulty) Append(dst []byte, v int) ([]byte, error) {
	if v != 1 && f.mistake != "accepts any version" {
		return dst, wire.Unsupported("")
	}
	if f.mistake == "cannot append" {
		return dst, wire.Malformed("", "")
	}
	value := f.value
	switch {
	case value == 0xff && f.mistake == "reads what it does not write":
		return dst, wire.Malformed("", "")
	case value == 0xff && f.mistake == "writes something else":
		value = 0
	}
	return append(dst, 1, value), nil
}

func (f *faulty) Parse(src []byte, v int) (int, error) {
	if v != 1 && f.mistake != "accepts any version" {
		return 0, wire.Unsupported("")
	}
	off, end, e := wire.RFC9000.Body(src, 0, 64)
	if e != nil {
		if f.mistake == "needs too much" {
			e.Need = 100
		}
		if f.mistake == "calls a part malformed" {
			e = e.Closed()
		}
		if f.mistake == "has enough" && len(src) == 2 {
			e.Need = 1
		}
		return 0, f.fault(e)
	}
	if end-off != 1 && f.mistake != "believes any length" {
		return 0, f.fault(wire.Trailing(1))
	}
	if f.mistake == "allocates" {
		kept = make([]byte, 100_000)
	}
	f.value = src[min(off, len(src)-1)]
	f.tail = []byte{}
	if f.mistake == "leaves room" {
		f.tail = src[:0]
	}
	if f.mistake == "changes the value" {
		f.value++
	}
	return end, nil
}

func (f *faulty) fault(e *wire.Error) error {
	if f.mistake == "points elsewhere" {
		e.Offset = 100
	}
	if f.mistake == "has no code" {
		return e
	}
	return e.Closing(3)
}

// recorder notes that a check failed.
type recorder struct{ failed string }

func (*recorder) Helper() {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	panic(r)
}

func run(mistake string) (failed string) {
	r := &recorder{}
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
		failed = r.failed
	}()
	fresh := func() Message[int] { return &faulty{mistake: mistake} }
	b := RoundTrip(r, Message[int](&faulty{value: 7, tail: []byte{}, mistake: mistake}), fresh(), 1, false)
	Truncated(r, b, fresh(), 1, false)
	LengthLies(r, b, fresh(), 1, Framing{Vi: wire.RFC9000, Limit: 64})
	Sweep(r, b, Framing{Closes: true}, false, fresh, 1)
	Missing(r, fresh(), 2)
	return ""
}

// Each check has to be able to fail.
func TestChecksFindTheMistake(t *testing.T) {
	for mistake, want := range map[string]string{
		"":                       "",
		"cannot append":          "append",
		"changes the value":      "parses as",
		"leaves room":            "room for",
		"needs too much":         "needs 100",
		"calls a part malformed": "want short",
		"believes any length":    "want malformed",
		"accepts any version":    "want unsupported",

		"allocates":                    "bytes allocated",
		"points elsewhere":             "not within",
		"has no code":                  "with code 0x0",
		"has enough":                   "which needs",
		"reads what it does not write": "of which an append says",
		"writes something else":        "which is written as",
	} {
		if got := run(mistake); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", mistake, got, want)
		}
	}
}
