package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The examples of RFC 9000, section A.1, and of draft-ietf-moq-transport, section 1.4.1; in
// draft 17 the second of the latter is a misprint.
func TestVarintExamples(t *testing.T) {
	for _, c := range []struct {
		kind  Vi
		hex   string
		value uint64
	}{
		{RFC9000, "25", 37},
		{RFC9000, "7bbd", 15293},
		{RFC9000, "9d7f3e7d", 494878333},
		{RFC9000, "c2197c5eff14e88c", 151288809941952652},
		{RFC9000, "ffffffffffffffff", MaxVarint},
		{Vi64, "25", 37},
		{Vi64, "bbbd", 15293},
		{Vi64, "ed7f3e7d", 226442877},
		{Vi64, "faa1a0e403d8", 2893212287960},
		{Vi64, "fc8998abc66bc0", 151288809941952},
		{Vi64No7, "fe008998abc66bc0", 151288809941952},
		{Vi64, "fefa318fa8e3ca11", 70423237261249041},
		{Vi64, "ffffffffffffffffff", math.MaxUint64},
		{Vi64No7, "ffffffffffffffffff", math.MaxUint64},
	} {
		b := unhex(t, c.hex)
		v, n := c.kind.Parse(b)
		if v != c.value || n != len(b) {
			t.Errorf("kind %d: %s reads as %d in %d bytes, want %d in %d", c.kind, c.hex, v, n, c.value, len(b))
		}
		if out := c.kind.Append(nil, c.value); !bytes.Equal(out, b) {
			t.Errorf("kind %d: %d writes as %x, want %s", c.kind, c.value, out, c.hex)
		}
		for i := range b {
			if _, n := c.kind.Parse(b[:i]); n != 0 {
				t.Errorf("kind %d: %x reads in %d bytes, want short", c.kind, b[:i], n)
			}
			need := len(b)
			if i == 0 {
				need = 1 // nothing is known of it yet
			}
			if e := c.kind.Fault(b[:i]); !errors.Is(e, ErrShort) || e.Need != need {
				t.Errorf("kind %d: fault of %x is %v and needs %d, want %d", c.kind, b[:i], e, e.Need, need)
			}
		}
	}
}

func TestVarintIsMinimalAtEveryBoundary(t *testing.T) {
	for _, kind := range []Vi{RFC9000, Vi64No7, Vi64} {
		for shift := range 64 {
			for _, v := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1, math.MaxUint64} {
				if v > kind.Max() {
					continue
				}
				b := kind.Append(nil, v)
				got, n := kind.Parse(b)
				if got != v || n != len(b) || n != kind.Len(v) {
					t.Fatalf("kind %d: %d writes as %x and reads as %d in %d bytes", kind, v, b, got, n)
				}
			}
		}
	}
}

func TestSevenByteFormIsInvalidOnDraft17(t *testing.T) {
	for _, first := range []byte{0xfc, 0xfd} {
		b := append([]byte{first}, make([]byte, 8)...)
		if _, n := Vi64No7.Parse(b); n != -1 {
			t.Errorf("%x reads in %d bytes", b, n)
		}
		if e := Vi64No7.Fault(b); !errors.Is(e, ErrMalformed) {
			t.Errorf("fault of %x is %v", b, e)
		}
	}
}

func TestLongerVarintsAreAccepted(t *testing.T) {
	for s, want := range map[string]uint64{"8000": 0, "c00000": 0, "8025": 37, "ff0000000000000025": 37} {
		if v, n := Vi64.Parse(unhex(t, s)); v != want || n != len(s)/2 {
			t.Errorf("%s reads as %d in %d bytes", s, v, n)
		}
	}
	if v, n := RFC9000.Parse(unhex(t, "c000000000000025")); v != 37 || n != 8 {
		t.Errorf("reads as %d in %d bytes", v, n)
	}
}

func TestVarintParseDoesNotAllocate(t *testing.T) {
	b := unhex(t, "fefa318fa8e3ca11")
	if n := testing.AllocsPerRun(100, func() { Vi64.Parse(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
