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
	return append(dst, 1, f.value), nil
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
		return 0, e
	}
	if end-off != 1 && f.mistake != "believes any length" {
		return 0, wire.Trailing(1)
	}
	f.value = src[min(off, len(src)-1)]
	if f.mistake == "changes the value" {
		f.value++
	}
	return end, nil
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
	b := RoundTrip(r, Message[int](&faulty{value: 7, mistake: mistake}), fresh(), 1, false)
	Truncated(r, b, fresh(), 1, false)
	LengthLies(r, b, fresh(), 1, Framing{Vi: wire.RFC9000, Limit: 64})
	Missing(r, fresh(), 2)
	return ""
}

// Each check has to be able to fail.
func TestChecksFindTheMistake(t *testing.T) {
	for mistake, want := range map[string]string{
		"":                       "",
		"cannot append":          "append",
		"changes the value":      "parses as",
		"needs too much":         "needs 100",
		"calls a part malformed": "want short",
		"believes any length":    "want malformed",
		"accepts any version":    "want unsupported",
	} {
		if got := run(mistake); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", mistake, got, want)
		}
	}
}
