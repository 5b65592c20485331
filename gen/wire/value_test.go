package wire

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestErrorIsOneLineThatSaysWhere(t *testing.T) {
	for _, c := range []struct {
		e    *Error
		want string
	}{
		{
			Short(5, 3).At("Track", 7).Closed().In("moq-lite-05", "SUBSCRIBE"),
			"moq-lite-05 SUBSCRIBE: field Track at offset 7: expected 5 bytes, found 3",
		},
		{
			MalformedNumber("at most 32", 33).At("[3]", 1).At("Hops", 4).In("moq-lite-04", "ANNOUNCE"),
			"moq-lite-04 ANNOUNCE: field Hops[3] at offset 5: expected at most 32, found 33",
		},
		{
			Malformed("UTF-8", "").At("PATH", 2).At("Parameters", 3).In("v", "SETUP"),
			"v SETUP: field Parameters.PATH at offset 5: expected UTF-8",
		},
		{Trailing(1).At("", 9).In("v", "M"), "v M: at offset 9: expected the end, found 1 byte more"},
		{Unsupported("").In("v", "M"), "v M: not in this version"},
		{Unsupported("stream type Track").At("Type", 0).In("v", "stream"), "v stream: field Type not in this version (stream type Track)"},
		{MalformedCode("0x3", 0x2f00).In("v", "M"), "v M: at offset 0: expected 0x3, found 0x2f00"},
	} {
		if got := c.e.Error(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestErrorKindsAndNeeds(t *testing.T) {
	e := Short(4, 1).At("X", 10)
	if !errors.Is(e, ErrShort) || e.Need != 14 || e.Offset != 10 {
		t.Errorf("short: %+v", e)
	}
	if e = e.Closed(); !errors.Is(e, ErrMalformed) || e.Need != 0 {
		t.Errorf("short inside a declared length: %+v", e)
	}
	if e := Unsupported("x").Closed(); !errors.Is(e, ErrUnsupported) {
		t.Errorf("closing changed the kind: %+v", e)
	}
}

func TestZigzagAndOptions(t *testing.T) {
	for _, n := range []int64{0, -1, 1, -2, 1<<61 - 1, -1 << 61, math.MaxInt64, math.MinInt64} {
		if got := Unzigzag(Zigzag(n)); got != n {
			t.Errorf("%d comes back as %d", n, got)
		}
	}
	if Zigzag(-1) != 1 || Zigzag(1) != 2 {
		t.Error("small numbers do not stay small")
	}
	for _, o := range []Optional[uint64]{{}, Some[uint64](0), Some[uint64](MaxVarint - 1)} {
		if got := OptionOf(OptionValue(o)); got != o {
			t.Errorf("%+v comes back as %+v", o, got)
		}
	}
}

func TestBytesStopAtTheLimitAndAtTheEnd(t *testing.T) {
	vi := RFC9000
	if p, n, e := vi.ParseBytes([]byte("\x03abcd"), 3); string(p) != "abc" || n != 4 || e != nil {
		t.Errorf("%q %d %v", p, n, e)
	}
	if _, _, e := vi.ParseBytes([]byte("\x04abcd"), 3); !errors.Is(e, ErrMalformed) {
		t.Errorf("above the limit: %v", e)
	}
	if _, _, e := vi.ParseBytes([]byte("\x05abcd"), 9); !errors.Is(e, ErrShort) || e.Need != 6 {
		t.Errorf("past the end: %v, needs %d", e, e.Need)
	}
	if _, _, e := vi.ParseBytes([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, math.MaxInt); !errors.Is(e, ErrShort) {
		t.Errorf("a huge length: %v", e)
	}
	if _, _, e := vi.ParseString([]byte{1, 0xff}, 9); !errors.Is(e, ErrMalformed) {
		t.Errorf("not UTF-8: %v", e)
	}
	if b, e := vi.AppendString([]byte{7}, "\xff", 9); !errors.Is(e, ErrMalformed) || len(b) != 1 {
		t.Errorf("not UTF-8: %x, %v", b, e)
	}
	for _, long := range []func() ([]byte, *Error){
		func() ([]byte, *Error) { return vi.AppendString(nil, "abcd", 3) },
		func() ([]byte, *Error) { return vi.AppendText(nil, "abcd", 3) },
		func() ([]byte, *Error) { return vi.AppendBytes(nil, []byte("abcd"), 3) },
	} {
		if b, e := long(); !errors.Is(e, ErrMalformed) || len(b) != 0 {
			t.Errorf("above the limit: %x, %v", b, e)
		}
	}
}

func TestDataThatIsMissing(t *testing.T) {
	src := []byte("abcd")
	if e := ShortData(src, 5); !errors.Is(e, ErrShort) || e.Need != 5 {
		t.Errorf("%v needs %d", e, e.Need)
	}
	if e := ShortData(src, math.MaxUint64); !errors.Is(e, ErrShort) || e.Need <= 0 {
		t.Errorf("a huge length: %v, needs %d", e, e.Need)
	}
}

func TestBodyLengths(t *testing.T) {
	vi := RFC9000
	for _, size := range []int{0, 1, 63, 64, 16383, 16384, 65536} {
		body := bytes.Repeat([]byte{0xab}, size)
		b := append([]byte("front"), 0)
		b, e := vi.EndBody(append(b, body...), 5, 65536)
		if e != nil {
			t.Fatal(e)
		}
		off, end, e := vi.Body(b, 5, 65536)
		if e != nil || !bytes.Equal(b[off:end], body) || string(b[:5]) != "front" || end != len(b) {
			t.Errorf("a body of %d bytes comes back as %d", size, end-off)
		}
	}
	if _, e := vi.EndBody(make([]byte, 65538), 0, 65536); !errors.Is(e, ErrMalformed) {
		t.Errorf("append above the limit: %v", e)
	}
	if _, _, e := vi.Body([]byte{0x80, 1, 0, 1}, 0, 65536); !errors.Is(e, ErrMalformed) {
		t.Errorf("parse above the limit: %v", e)
	}
	if _, e := EndBodyU16(make([]byte, 65538), 0); !errors.Is(e, ErrMalformed) {
		t.Errorf("65536 bytes in a length of two bytes: %v", e)
	}
	b, e := EndBodyU16(append([]byte{9, 0, 0}, make([]byte, 258)...), 1)
	if off, end, e2 := BodyU16(b, 1); e != nil || e2 != nil || off != 3 || end != 261 {
		t.Errorf("%d to %d, %v, %v", off, end, e, e2)
	}
	if _, _, e := BodyU16([]byte{9, 0}, 1); !errors.Is(e, ErrShort) || e.Need != 3 {
		t.Errorf("half a length: %v, needs %d", e, e.Need)
	}
}

func TestPathsAreNormalized(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "/": "", "//": "", "a": "a", "/a//b/": "a/b", "a///b": "a/b", "/a/b/": "a/b", "a/b": "a/b",
	} {
		if got := NormalizePath(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
		b, e := RFC9000.AppendPath(nil, in, 99)
		if got, n, e2 := RFC9000.ParsePath(b, 99); e != nil || e2 != nil || got != want || n != len(b) {
			t.Errorf("%q comes back as %q (%v, %v)", in, got, e, e2)
		}
	}
	for segments, ok := range map[int]bool{32: true, 33: false} {
		path := strings.TrimSuffix(strings.Repeat("a/", segments), "/")
		_, e := RFC9000.AppendPath(nil, path, 99)
		b, _ := RFC9000.AppendString(nil, path, 99)
		_, _, e2 := RFC9000.ParsePath(b, 99)
		if (e == nil) != ok || (e2 == nil) != ok {
			t.Errorf("%d segments: append %v, parse %v", segments, e, e2)
		}
	}
}

func TestIDsAscendAndDoNotOverflow(t *testing.T) {
	first := Optional[uint64]{}
	for _, c := range []struct {
		vi    Vi
		prior Optional[uint64]
		delta uint64
		id    uint64
		ok    bool
	}{
		{Vi64, first, 0, 0, true},
		{Vi64, first, math.MaxUint64, math.MaxUint64, true},
		{Vi64, Some[uint64](0), 0, 1, true},
		{Vi64, Some[uint64](7), 2, 10, true},
		{Vi64, Some[uint64](math.MaxUint64 - 1), 0, math.MaxUint64, true},
		{Vi64, Some[uint64](math.MaxUint64), 0, 0, false},
		{Vi64, Some[uint64](1), math.MaxUint64 - 1, 0, false},
		{Vi64, Some[uint64](0), math.MaxUint64, 0, false},
		{Vi64No7, Some[uint64](math.MaxUint64 - 1), 0, math.MaxUint64, true},
		{RFC9000, first, MaxVarint, MaxVarint, true},
		{RFC9000, Some[uint64](MaxVarint - 1), 0, MaxVarint, true},
		{RFC9000, Some[uint64](MaxVarint), 0, 0, false},
		{RFC9000, Some[uint64](MaxVarint - 1), 1, 0, false},
		{RFC9000, Some[uint64](1), MaxVarint - 1, 0, false},
		{RFC9000, Some[uint64](math.MaxUint64), 0, 0, false},
	} {
		id, ok := c.vi.NextID(c.prior, c.delta)
		if ok != c.ok || ok && id != c.id {
			t.Errorf("%v: %+v and %d give %d, %v", c.vi, c.prior, c.delta, id, ok)
		}
		if !c.ok {
			continue
		}
		if delta, ok := c.vi.IDDelta(c.prior, id); delta != c.delta || !ok {
			t.Errorf("%v: %+v to %d is %d, %v", c.vi, c.prior, id, delta, ok)
		}
	}
	if _, ok := Vi64.IDDelta(Some[uint64](5), 5); ok {
		t.Error("the same id again")
	}
	for _, prior := range []Optional[uint64]{first, Some[uint64](MaxVarint)} {
		if _, ok := RFC9000.IDDelta(prior, MaxVarint+1); ok {
			t.Errorf("an id above all, after %+v", prior)
		}
	}
	if e := RFC9000.IDFault(7); !errors.Is(e, ErrMalformed) || e.Expected != "an id above the one before, of at most 62 bits" {
		t.Error(e)
	}
}
