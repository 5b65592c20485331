package moqdec

import (
	"fmt"
	"log/slog"
)

// The range that WebTransport maps application codes into (draft-ietf-webtrans-http3 section 4.4).
const (
	firstMapped = 0x52e4a40fa8db
	lastMapped  = 0x52e5ac983162
)

// unmap undoes the mapping of a stream's code. moq-lite endpoints map on raw QUIC as well.
func unmap(code uint64) (uint64, bool) {
	if code < firstMapped || code > lastMapped || (code-0x21)%0x1f == 0 {
		return code, false
	}
	shifted := code - firstMapped
	return shifted - shifted/0x1f, true
}

// liteCodes are the codes of deployed moq-lite endpoints; the draft assigns none.
var liteCodes = map[uint64]string{
	0: "cancel", 1: "required extension", 2: "too old", 3: "timeout", 4: "transport failure",
	5: "message failed to decode", 6: "unauthorized", 9: "version", 10: "unexpected stream",
	11: "integer out of range", 12: "duplicate", 13: "not found", 14: "frame size mismatch",
	15: "protocol violation", 16: "unexpected message", 17: "unsupported", 18: "encode failed",
	19: "too many parameters", 20: "invalid role", 21: "unknown ALPN", 24: "producer dropped",
	25: "closed", 26: "lagged", 27: "frame too large", 29: "timestamp does not match the timescale",
	30: "unroutable", 31: "evicted",
}

// http3Codes are codes that can end a stream or a connection of HTTP/3 below a session.
var http3Codes = map[uint64]string{
	0x100: "H3_NO_ERROR", 0x101: "H3_GENERAL_PROTOCOL_ERROR", 0x102: "H3_INTERNAL_ERROR",
	0x103: "H3_STREAM_CREATION_ERROR", 0x104: "H3_CLOSED_CRITICAL_STREAM", 0x105: "H3_FRAME_UNEXPECTED",
	0x106: "H3_FRAME_ERROR", 0x107: "H3_EXCESSIVE_LOAD", 0x108: "H3_ID_ERROR", 0x109: "H3_SETTINGS_ERROR",
	0x10a: "H3_MISSING_SETTINGS", 0x10b: "H3_REQUEST_REJECTED",
	0x10c: "H3_REQUEST_CANCELLED", //nolint:misspell // as RFC 9114 has it
	0x10d: "H3_REQUEST_INCOMPLETE", 0x10e: "H3_MESSAGE_ERROR", 0x10f: "H3_CONNECT_ERROR", 0x110: "H3_VERSION_FALLBACK",
	0x3994bd84: "WT_BUFFERED_STREAM_REJECTED", 0x170d7b68: "WT_SESSION_GONE", 0x045d4487: "WT_FLOW_CONTROL_ERROR",
	0x212c0d48: "WT_REQUIREMENTS_NOT_MET",
}

// quicCodes are the transport errors of RFC 9000 section 20.1.
var quicCodes = map[uint64]string{
	0x0: "NO_ERROR", 0x1: "INTERNAL_ERROR", 0x2: "CONNECTION_REFUSED", 0x3: "FLOW_CONTROL_ERROR",
	0x4: "STREAM_LIMIT_ERROR", 0x5: "STREAM_STATE_ERROR", 0x6: "FINAL_SIZE_ERROR", 0x7: "FRAME_ENCODING_ERROR",
	0x8: "TRANSPORT_PARAMETER_ERROR", 0x9: "CONNECTION_ID_LIMIT_ERROR", 0xa: "PROTOCOL_VIOLATION",
	0xb: "INVALID_TOKEN", 0xc: "APPLICATION_ERROR", 0xd: "CRYPTO_BUFFER_EXCEEDED", 0xe: "KEY_UPDATE_ERROR",
	0xf: "AEAD_LIMIT_REACHED", 0x10: "NO_VIABLE_PATH", 0x178: "no application protocol in common",
}

// streamCode writes the code of a reset or a stop, with its meaning in moq-lite if names says so.
func streamCode(code uint64, names map[uint64]string) []slog.Attr {
	if app, ok := unmap(code); ok {
		return withMeaning(app, names[app])
	}
	if name := http3Codes[code]; name != "" {
		return withMeaning(code, name)
	}
	return withMeaning(code, names[code])
}

// closeCode writes the code of a closed session or connection.
func closeCode(code uint64, app, http3 bool, names map[uint64]string) []slog.Attr {
	switch {
	case !app && code&^0xff == 0x100 && quicCodes[code] == "":
		return withMeaning(code, fmt.Sprintf("TLS alert %d", code&0xff))
	case !app:
		return withMeaning(code, quicCodes[code])
	case http3:
		mapped, ok := unmap(code)
		if !ok {
			return withMeaning(code, http3Codes[code])
		}
		code = mapped
	}
	if code == 0 {
		return withMeaning(code, "no error")
	}
	return withMeaning(code, names[code])
}

func withMeaning(code uint64, meaning string) []slog.Attr {
	out := []slog.Attr{slog.Uint64("code", code)}
	if meaning != "" {
		out = append(out, slog.String("meaning", meaning))
	}
	return out
}
