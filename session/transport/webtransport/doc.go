// Package webtransport carries a session on a WebTransport session over HTTP/3
// (draft-ietf-webtrans-http3): the token is the wt-protocol header, every stream begins with
// the header of the WebTransport session, which webtransport-go writes and reads.
//
// [New] wraps an established session together with the QUIC connection below it, which it owns:
// one QUIC connection carries one session. Package endpoint makes such pairs.
//
// A close travels as a WT_CLOSE_SESSION capsule. The end that closes then waits a moment for
// the peer to end the QUIC connection before it does so itself, because a CONNECTION_CLOSE
// overtakes the capsule; it repeats code and reason there for peers that see only that.
//
// # Limitations
//
// webtransport-go queues 32 datagrams and drops what comes on top. It does not pass stream
// priorities on.
package webtransport
