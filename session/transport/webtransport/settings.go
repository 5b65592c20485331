package webtransport

import (
	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// What begins a stream, before the id of the session.
const (
	uniStream  = 0x54
	bidiStream = 0x41
)

// The settings that tell of WebTransport, by the draft of draft-ietf-webtrans-http3 that has them.
const (
	settingDraft02 = 0x2b603742 // ENABLE_WEBTRANSPORT, until draft-06
	settingDraft07 = 0xc671706a // WEBTRANSPORT_MAX_SESSIONS, until draft-12
	settingDraft13 = 0x14e9cd29 // WT_MAX_SESSIONS, until draft-14
	settingDraft15 = 0x2c7cf000 // WT_ENABLED
)

// clientSettings please servers of any draft.
var clientSettings = map[uint64]uint64{settingDraft02: 1, settingDraft07: 1, settingDraft13: 1, settingDraft15: 1}

// serverSettings leave out draft-07: Chromium would pick it instead of draft-02, and not get on with it.
var serverSettings = map[uint64]uint64{settingDraft02: 1, settingDraft13: 1, settingDraft15: 1}

// The :protocol of the request, and the header that drafts before 07 want with it.
const (
	protocolDraft15 = "webtransport-h3"
	protocolDraft02 = "webtransport"
	headerDraft02   = "Sec-Webtransport-Http3-Draft02"
)

// protocolFor is what to ask a server for, or "" when it has no WebTransport.
func protocolFor(server *http3.Settings) string {
	if server.Other[settingDraft15] != 0 {
		return protocolDraft15
	}
	for _, setting := range []uint64{settingDraft13, settingDraft07, settingDraft02} {
		if server.Other[setting] != 0 {
			return protocolDraft02
		}
	}
	return ""
}

// The codes of HTTP/3 that a session uses by itself (draft-ietf-webtrans-http3-15, section 9.5).
const (
	codeSessionGone      quicgo.StreamErrorCode = 0x170d7b68
	codeBufferedRejected quicgo.StreamErrorCode = 0x3994bd84
)

func closeConnection(q *quicgo.Conn, code http3.ErrCode, reason string) {
	_ = q.CloseWithError(quicgo.ApplicationErrorCode(code), reason)
}
