package bench

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/moqt"
)

// maxRatio is how much longer a generated codec may take than the same by hand. The aim is 1.15, and on average all are below it; where
// the linker puts either of two functions makes the rest of the difference.
const maxRatio = 1.2

// A codec reads and writes one hot message with its values.
type codec struct {
	parse  func(src []byte) (int, error)
	append func(dst []byte) ([]byte, error)
}

// A pair is a generated codec and what a person would write with the same checks: straight through the
// message, on the same varints, for all versions.
type pair struct {
	name              string
	generated, byHand codec
}

// codecOf makes a codec of the functions or methods of a message.
func codecOf[M, V any](m *M, v V, parse func(*M, []byte, V) (int, error), appendTo func(*M, []byte, V) ([]byte, error)) codec {
	return codec{
		func(src []byte) (int, error) { return parse(m, src, v) },
		func(dst []byte) ([]byte, error) { return appendTo(m, dst, v) },
	}
}

func pairs() (list []pair) {
	for _, v := range []lite.Version{lite.Version04, lite.Version06Wip} {
		list = append(list, litePairs(v)...)
	}
	// The two forms of varints.
	for _, v := range []moqt.Version{moqt.Version16, moqt.Version22} {
		list = append(list, transportPairs(v)...)
	}
	return list
}

var errNotHere = errors.New("not on this version")

// wrong is the error by hand.
type wrong struct {
	field string
	off   int
}

func (w *wrong) Error() string { return w.field }

//go:noinline
func wrongAt(field string, off int) error { return &wrong{field, off} }

// By hand the bytes are the same, or the comparison would mean nothing.
func TestHandWrittenCodecsAgree(t *testing.T) {
	for _, p := range pairs() {
		want, err := p.generated.append(nil)
		got, err2 := p.byHand.append(nil)
		if err != nil || err2 != nil || !slices.Equal(got, want) {
			t.Fatalf("%s: %x (%v), by hand %x (%v)", p.name, want, err, got, err2)
		}
		for i := range want {
			if _, err := p.byHand.parse(want[:i]); (err == nil) != (parseError(p, want[:i]) == nil) {
				t.Errorf("%s: %d of %x by hand: %v", p.name, i, want, err)
			}
		}
		n, err := p.generated.parse(want)
		k, err2 := p.byHand.parse(want)
		if err != nil || err2 != nil || n != len(want) || k != n {
			t.Errorf("%s: %d bytes (%v), by hand %d (%v)", p.name, n, err, k, err2)
		}
		if again, err := p.byHand.append(nil); err != nil || !slices.Equal(again, want) {
			t.Errorf("%s: what was parsed by hand is %x (%v), not %x", p.name, again, err, want)
		}
	}
}

// A SUBSCRIBE takes one allocation for each string at most: those of moq-transport are parts of one string, and the
// list of the namespace is the other allocation.
func TestSubscribeAllocatesItsStrings(t *testing.T) {
	for v := moqt.Version14; v <= moqt.Version22; v++ {
		for _, namespace := range [][]string{{"room"}, {"room", "alice"}, strings.Split("a/namespace/of/many/parts", "/")} {
			m := moqt.Subscribe{TrackNamespace: namespace, TrackName: "video"}
			if v == moqt.Version14 {
				m.Filter.Type = 2
			}
			src, err := m.Append(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			var got moqt.Subscribe
			if n := testing.AllocsPerRun(100, func() { _, err = got.Parse(src, v) }); n > 2 || err != nil {
				t.Errorf("moq-transport-%d, %d parts: %v allocations (%v)", v, len(namespace), n, err)
			}
		}
	}
	for v := lite.Version01; v <= lite.Version06Wip; v++ {
		m := lite.Subscribe{Broadcast: "room/alice", Track: "video"}
		src, err := m.Append(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		var got lite.Subscribe
		if n := testing.AllocsPerRun(100, func() { _, err = got.Parse(src, v) }); n > 2 || err != nil {
			t.Errorf("moq-lite-%02d: %v allocations (%v)", v, n, err)
		}
	}
}

func parseError(p pair, src []byte) error {
	_, err := p.generated.parse(src)
	return err
}

// BenchmarkGeneratedByHandWritten fails when a generated codec of a hot message takes more than maxRatio of the
// time of the same by hand. Both take turns, and what counts is the median of the ratios of one turn each: what
// else the machine does slows both. One that looks slow gets some more chances.
func BenchmarkGeneratedByHandWritten(b *testing.B) {
	for _, p := range pairs() {
		src, err := p.generated.append(nil)
		if err != nil {
			b.Fatal(err)
		}
		room := make([]byte, 0, 256)
		b.Run("parse/"+p.name, func(b *testing.B) {
			enforce(b, func() error { _, err := p.generated.parse(src); return err }, func() error { _, err := p.byHand.parse(src); return err })
		})
		b.Run("append/"+p.name, func(b *testing.B) {
			enforce(b, func() error { _, err := p.generated.append(room); return err }, func() error { _, err := p.byHand.append(room); return err })
		})
	}
}

func enforce(b *testing.B, generated, byHand func() error) {
	ratio, each := math.Inf(1), time.Duration(0)
	for b.Loop() {
		for chance := 0; chance == 0 || chance < 10 && ratio > maxRatio; chance++ {
			if r, d := compare(b, generated, byHand); r < ratio {
				ratio, each = r, d
			}
		}
	}
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(float64(each)/calls, "ns/message")
	if ratio > maxRatio {
		b.Errorf("%v for %d messages: a ratio of %.2f to the same by hand is more than %v", each, calls, ratio, maxRatio)
	}
}

const turns, calls = 201, 1000

// compare gives the median of the ratios of the two, and the fastest turn of the generated one.
func compare(b *testing.B, generated, byHand func() error) (ratio float64, fastest time.Duration) {
	ratios := make([]float64, turns)
	fastest = math.MaxInt64
	for i := range ratios {
		d := timed(b, generated)
		fastest = min(fastest, d)
		ratios[i] = float64(d) / float64(timed(b, byHand))
	}
	slices.Sort(ratios)
	return ratios[turns/2], fastest
}

func timed(b *testing.B, f func() error) time.Duration {
	start := time.Now()
	for range calls {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}
