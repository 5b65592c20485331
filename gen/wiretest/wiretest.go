// Package wiretest has the properties that the generated tests check of every message: it
// comes out of a parse as it went into an append, a part of it is short, a wrong length is malformed, values that it may
// not have are not written, and a wrong byte is an error with its place or makes another message.
//
// Generated tests call it with values that they draw at random:
//
//	b := wiretest.RoundTrip(t, want, new(lite.Group), v)
//	wiretest.Truncated(t, b, new(lite.Group), v, false)
//
// # Limitations
//
// A round trip shows that parse and append agree, not that either is right; recorded vectors
// do that.
package wiretest

import (
	"bytes"
	"errors"
	"reflect"

	"github.com/moqrx/moqrx/gen/wire"
)

// Message is a generated message of a family whose versions have the type V.
type Message[V any] interface {
	MessageName() string
	Append(dst []byte, v V) ([]byte, error)
	Parse(src []byte, v V) (int, error)
}

// TB is what the checks need of a test.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// RoundTrip appends want behind other bytes, parses it into got with more bytes behind, and compares.
// It returns the message.
func RoundTrip[V any](t TB, want, got Message[V], v V, open bool) []byte {
	t.Helper()
	front := []byte("front")
	b, err := want.Append(front, v)
	if err != nil {
		t.Fatalf("append %+v: %v", want, err)
	}
	if !bytes.HasPrefix(b, front) {
		t.Fatalf("append changed what was there: %x", b)
	}
	b = b[len(front):]
	src := b
	if !open {
		src = append(bytes.Clone(b), "behind"...)
	}
	n, err := got.Parse(src, v)
	if err != nil || n != len(b) {
		t.Fatalf("parse of %x took %d bytes, error %v; it was made of %+v", b, n, err, want)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%x parses as\n%+v, it was made of\n%+v", b, got, want)
	}
	if !open {
		closed(t, reflect.ValueOf(got).Elem())
	}
	return b
}

// closed checks that nobody who appends to a payload writes over what stands behind it.
func closed(t TB, m reflect.Value) {
	t.Helper()
	for i := range m.NumField() {
		f := m.Field(i)
		if f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Uint8 && f.Cap() != f.Len() {
			t.Fatalf("%s has %d bytes, and room for %d", m.Type().Field(i).Name, f.Len(), f.Cap())
		}
	}
}

// Truncated parses every part of b from its start: all are short, and say how much is needed.
// open says that the message ends with its carrier, so that a part of it may be a message too.
func Truncated[V any](t TB, b []byte, m Message[V], v V, open bool) {
	t.Helper()
	for i := range b {
		_, err := m.Parse(b[:i], v)
		if open && err == nil {
			return
		}
		var e *wire.Error
		if !errors.Is(err, wire.ErrShort) || !errors.As(err, &e) {
			t.Fatalf("parse of %x, %d of %d bytes: error %v, want short", b[:i], i, len(b), err)
		}
		if e.Need <= i || e.Need > len(b) {
			t.Fatalf("parse of %x, %d of %d bytes: needs %d", b[:i], i, len(b), e.Need)
		}
	}
}

// Framing is how a message says where it ends.
type Framing struct {
	Vi    wire.Vi
	Typed bool // a type stands in front of the length
	U16   bool // the length has two bytes
	Limit int  // of the length

	Closes bool // a session ends with a code after what is malformed
}

// LengthLies parses b with lengths that are too small, too large, and above the limit: all are malformed.
func LengthLies[V any](t TB, b []byte, m Message[V], v V, f Framing) {
	t.Helper()
	at := 0
	if f.Typed {
		_, at = f.Vi.Parse(b)
	}
	body := b[f.body(b):]
	try := func(what string, size int, body []byte) {
		lie := append(f.length(bytes.Clone(b[:at]), size), body...)
		if _, err := m.Parse(lie, v); !errors.Is(err, wire.ErrMalformed) {
			t.Fatalf("parse with a length %s, %x: error %v, want malformed", what, lie, err)
		}
	}
	if len(body) > 0 {
		try("too small", len(body)-1, body)
	}
	try("too large", len(body)+1, append(bytes.Clone(body), 0))
	if !f.U16 {
		try("above the limit", f.Limit+1, body)
	}
}

func (f Framing) length(dst []byte, size int) []byte {
	if f.U16 {
		return append(dst, byte(size>>8), byte(size))
	}
	return f.Vi.Append(dst, uint64(size))
}

// Missing checks that a version refuses a message that it does not have.
func Missing[V any](t TB, m Message[V], v V) {
	t.Helper()
	if b, err := m.Append([]byte{1}, v); !errors.Is(err, wire.ErrUnsupported) || len(b) != 1 {
		t.Fatalf("append gives %x, %v, want unsupported", b, err)
	}
	if n, err := m.Parse(make([]byte, 16), v); !errors.Is(err, wire.ErrUnsupported) || n != 0 {
		t.Fatalf("parse takes %d bytes, %v, want unsupported", n, err)
	}
}

// NotCarried checks that a version refuses a message with a field that it cannot carry.
func NotCarried[V any](t TB, m Message[V], v V, field string) {
	t.Helper()
	if b, err := m.Append([]byte{1}, v); !errors.Is(err, wire.ErrUnsupported) || len(b) != 1 {
		t.Fatalf("append with %s gives %x, %v, want unsupported", field, b, err)
	}
}
