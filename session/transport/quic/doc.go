// Package quic carries a session on a raw QUIC connection: the token is the ALPN, streams carry
// protocol bytes from their first byte on (draft-lcurley-moq-lite, draft-ietf-moq-transport).
//
// [New] wraps a connection of quic-go; package endpoint makes such connections. The connection
// must have been configured with datagrams enabled.
//
// Codes of resets and stops are sent in the form that WebTransport maps them to, because
// deployed peers do so on raw QUIC too; plain codes are accepted. The code of a close is plain.
//
// # Limitations
//
// Path migration and 0-RTT of quic-go are not used.
package quic
