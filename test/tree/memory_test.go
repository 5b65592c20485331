package tree

import (
	"bytes"
	"testing"

	"github.com/moqrx/moqrx/gen/wiretest"
)

// What is dense costs most: many tiny items, many tiny messages, many errors.
func TestMemoryIsBounded(t *testing.T) {
	bounded := func(name string, src []byte, decode func()) {
		t.Helper()
		if got := wiretest.Allocated(decode); got > wiretest.Bound(len(src)) {
			t.Errorf("%s: %d bytes allocated for the %d of %.20x", name, got, len(src), src)
		}
	}
	both := func(version, message, head, tail string, n int) {
		p, src := protocols[version], append([]byte(head), bytes.Repeat([]byte(tail), n)...)
		bounded(version+" "+message, src, func() { _, _ = p.tree.Message(message, src) })
		c := p.strict(message, nil)
		bounded(version+" "+message+" strict", src, func() { _, _ = c.parse(src) })
	}
	for _, n := range []int{0, 1, 10, 30, 100, 1000, 10000} {
		size := string([]byte{byte(2 * n >> 8), byte(2 * n)})
		both("draft-18", "SETUP", "\xaf\x00"+size, "\x00\x01", n)
		both("draft-18", "SETUP", "\xaf\x00"+size, "\x01\x00", n)
		both("draft-14", "SUBSCRIBE", "\x03"+string([]byte{byte(n >> 8), byte(n)})+"\x00\x20", "\x00", n)
		both("draft-16", "SUBSCRIBE_OK", "\x04\xff\xff\x00\x00\x00", "\x00\xff", n)
		both("lite-04", "ANNOUNCE_INIT", "\x80\x00\xff\xff\x80\x00\x7f\xff", "\x00", n)
		both("lite-02", "ANNOUNCE_INIT", "\x80\x00\xff\xff\x80\x00\x7f\xff", "\x00", n)
		for _, tail := range []string{"\x00\x00\x00", "\x00\x00\x09", "\xff"} {
			src := append([]byte("\x10\x00\x00\x00"), bytes.Repeat([]byte(tail), n)...)
			bounded("subgroup", src, func() { _, _ = protocols["draft-18"].tree.Place("Subgroup", "opener", src) })
		}
	}
}
