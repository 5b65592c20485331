package named

import (
	"bytes"
	"slices"
	"testing"
)

// Drafts 14 and 15 bound the full name of a track, to 4096 bytes, and from 16 on also a namespace that stands alone.
func TestNamespaceAloneIsBoundFrom16On(t *testing.T) {
	frame := func(code byte, parts ...[]byte) []byte {
		body := slices.Concat(parts...)
		return slices.Concat([]byte{code, byte(len(body) >> 8), byte(len(body))}, body)
	}
	namespace := func(size int) []byte {
		return slices.Concat([]byte{1, 0x40 | byte(size>>8), byte(size)}, bytes.Repeat([]byte{'n'}, size))
	}
	id, none := []byte{2}, []byte{0}
	reason := []byte{0, 0}
	for _, c := range []struct {
		version, message string
		src              []byte
		accept           bool
	}{
		{"draft-14", "PUBLISH_NAMESPACE", frame(0x06, id, namespace(4097), none), true},
		{"draft-15", "PUBLISH_NAMESPACE", frame(0x06, id, namespace(4097), none), true},
		{"draft-16", "PUBLISH_NAMESPACE", frame(0x06, id, namespace(4097), none), false},
		{"draft-16", "PUBLISH_NAMESPACE", frame(0x06, id, namespace(4096), none), true},
		{"draft-14", "PUBLISH_NAMESPACE_DONE", frame(0x09, namespace(4097)), true},
		{"draft-15", "PUBLISH_NAMESPACE_DONE", frame(0x09, namespace(4097)), true},
		{"draft-15", "PUBLISH_NAMESPACE_CANCEL", frame(0x0c, namespace(4097), reason), true},
		{"draft-14", "SUBSCRIBE_NAMESPACE", frame(0x11, id, namespace(4097), none), true},
		{"draft-15", "SUBSCRIBE_NAMESPACE", frame(0x11, id, namespace(4097), none), true},
		{"draft-14", "UNSUBSCRIBE_NAMESPACE", frame(0x14, namespace(4097)), true},
		{"draft-15", "SUBSCRIBE", frame(0x03, id, namespace(4097), none, none), false},
		{"draft-15", "SUBSCRIBE", frame(0x03, id, namespace(4096), none, none), true},
		{"draft-15", "SUBSCRIBE", frame(0x03, id, namespace(4096), []byte{1, 'x'}, none), false},
	} {
		p, err := Find(c.version)
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Decode(c.message, c.src)
		if err != nil || (d.Err == nil) != c.accept || c.accept && !bytes.Equal(d.Reencoded, c.src) {
			t.Errorf("%s %s of %d bytes: %v %v", c.version, c.message, len(c.src), d.Err, err)
		}
	}
}
