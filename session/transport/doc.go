// Package transport says what a session needs of a connection. Each folder below it adapts
// one carrier (quic, webtransport, memory), and endpoint dials and listens for the first two.
//
// Nothing here knows a Media over QUIC message: a connection carries streams and datagrams,
// and names the protocol that was negotiated for it.
//
// Codes are plain application codes on this side of the interface. On the wire of QUIC they
// travel mapped into the range that HTTP/3 leaves to WebTransport, also on raw QUIC, because
// that is what deployed peers send and expect; see WireCode.
//
// Streams have priorities, so that a session keeps its control streams above its data. The
// statistics of a connection come with an estimate of what it could send; see SendRate.
package transport
