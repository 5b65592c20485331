package wiretest

import (
	"bytes"
	"errors"
	"reflect"

	"github.com/moqrx/moqrx/gen/wire"
)

// swept are the bytes that Sweep sets: ends of ranges, and those that begin varints of each length.
var swept = []byte{0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff}

// body is where the body of the framed message b starts.
func (f Framing) body(b []byte) int {
	at := 0
	if f.Typed {
		_, at = f.Vi.Parse(b)
	}
	size := 2
	if !f.U16 {
		_, size = f.Vi.Parse(b[at:])
	}
	return at + size
}

// Sweep parses the message b with each byte, of its body where it is framed, set to each of some others. Every parse
// allocates little, and ends in one of two ways: with an error that says where the session ends with which code, or
// with a message that can be written and read again. Nothing is short in a body.
func Sweep[V any](t TB, b []byte, f Framing, framed bool, fresh func() Message[V], v V) {
	t.Helper()
	body := 0
	if framed {
		body = f.body(b)
	}
	src := bytes.Clone(b)
	for i := body; i < len(b); i++ {
		for _, x := range swept {
			src[i] = x
			var n int
			var err error
			m := fresh()
			Bounded(t, Bound(len(src)), func() { n, err = m.Parse(src, v) })
			if err != nil {
				located(t, src, err, f, framed)
			} else {
				again(t, src[:n], m, fresh(), v)
			}
		}
		src[i] = b[i]
	}
}

// located checks the error of a parse of src.
func located(t TB, src []byte, err error, f Framing, framed bool) {
	t.Helper()
	var e *wire.Error
	switch {
	case !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(src):
		t.Fatalf("parse of %x: error %v, which is not within its %d bytes", src, err, len(src))
	case errors.Is(err, wire.ErrShort) && !framed:
		if e.Need <= len(src) {
			t.Fatalf("parse of %x: error %v, which needs %d of %d bytes", src, err, e.Need, len(src))
		}
	case !errors.Is(err, wire.ErrMalformed) || f.Closes && e.Close == 0:
		t.Fatalf("parse of %x: error %v with code %#x, want malformed with a code", src, err, e.Close)
	}
}

// again checks that m, which came of a parse of src, can be written and read.
func again[V any](t TB, src []byte, m, got Message[V], v V) {
	t.Helper()
	b, err := m.Append(nil, v)
	if err != nil {
		t.Fatalf("%x parses as %+v, of which an append says %v", src, m, err)
	}
	if n, err := got.Parse(b, v); err != nil || n != len(b) || !reflect.DeepEqual(m, got) {
		t.Fatalf("%x parses as\n%+v, which is written as %x, which parses as\n%+v (%v)", src, m, b, got, err)
	}
}
