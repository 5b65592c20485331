package transport

import "unicode/utf8"

// The range of HTTP/3 error codes that carries WebTransport application codes
// (draft-ietf-webtrans-http3, "Resetting Data Streams").
const (
	firstWireCode = 0x52e4a40fa8db
	lastWireCode  = 0x52e5ac983162
)

// WireCode maps the application code of a stream's reset or stop to the code in the QUIC
// frame. Codes above MaxCode become MaxCode.
func WireCode(code uint64) uint64 {
	n := min(code, MaxCode)
	return firstWireCode + n + n/30
}

// CodeFromWire undoes WireCode. A code outside the mapped range is taken as it is: some peers
// send plain codes on raw QUIC.
func CodeFromWire(wire uint64) uint64 {
	if wire < firstWireCode || wire > lastWireCode || isReserved(wire) {
		return wire
	}
	n := wire - firstWireCode
	return n - n/31
}

// isReserved tells the codepoints of the form 0x1f*N+0x21, which HTTP/3 reserves and the
// mapping therefore skips (RFC 9114, section 8.1).
func isReserved(wire uint64) bool { return (wire-0x21)%0x1f == 0 }

// CutReason shortens the reason of a close to MaxReason bytes without splitting a character.
func CutReason(reason string) string {
	if len(reason) <= MaxReason {
		return reason
	}
	n := MaxReason
	for n > 0 && !utf8.RuneStart(reason[n]) {
		n--
	}
	return reason[:n]
}
