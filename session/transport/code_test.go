package transport_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/session/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWireCodes(t *testing.T) {
	// The first four are what deployed peers send.
	for code, wire := range map[uint64]uint64{
		0: 0x52e4a40fa8db, 5: 0x52e4a40fa8e0, 13: 0x52e4a40fa8e8, 30: 0x52e4a40fa8fa,
		transport.MaxCode: 0x52e5ac983162,
	} {
		if got := transport.WireCode(code); got != wire {
			t.Errorf("WireCode(%d) = %#x, want %#x", code, got, wire)
		}
		if got := transport.CodeFromWire(wire); got != code {
			t.Errorf("CodeFromWire(%#x) = %d, want %d", wire, got, code)
		}
	}
	for code := range uint64(1000) {
		if got := transport.CodeFromWire(transport.WireCode(code)); got != code {
			t.Errorf("code %d comes back as %d", code, got)
		}
	}
	if got := transport.WireCode(1 << 40); got != transport.WireCode(transport.MaxCode) {
		t.Errorf("a code out of range is sent as %#x", got)
	}
}

func TestPlainWireCodesAreAccepted(t *testing.T) {
	for _, wire := range []uint64{0, 13, 0x10c, 0x52e4a40fa8da, 0x52e5ac983163} {
		if got := transport.CodeFromWire(wire); got != wire {
			t.Errorf("CodeFromWire(%#x) = %#x, want the same", wire, got)
		}
	}
}

func TestCutReason(t *testing.T) {
	if got := transport.CutReason("short"); got != "short" {
		t.Errorf("a short reason became %q", got)
	}
	for _, s := range []string{strings.Repeat("a", 2000), strings.Repeat("€", 2000), strings.Repeat("\x80", 2000)} {
		got := transport.CutReason(s)
		if len(got) > transport.MaxReason || utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("%.6q... was cut to %d bytes", s, len(got))
		}
	}
}
