// Package webtransport carries a session on a WebTransport session over HTTP/3
// (draft-ietf-webtrans-http3): the token is the wt-protocol header, every stream begins with
// the header of the WebTransport session, which is written and read here.
//
//	conn, err := webtransport.Dial(ctx, q, url, []string{"moq-lite-05"})
//
//	server := &webtransport.Server{Protocols: []string{"moq-lite-05"}}
//	err := server.Serve(q, func(conn transport.Conn, r *http.Request) { ... })
//
// [Dial] and [Server] work on connections of quic-go with the ALPN h3 and datagrams, and own
// them: one QUIC connection carries one session. Package endpoint makes such connections. The
// peer may be of any draft from 02 to 15, which it tells by its settings or by its request.
//
// A close travels as a WT_CLOSE_SESSION capsule. The end that closes then waits a moment for
// the peer to end the QUIC connection before it does so itself, because a CONNECTION_CLOSE
// overtakes the capsule; it repeats code and reason there for peers that see only that.
//
// Streams have priorities as on raw QUIC, and the statistics are those of the QUIC connection.
//
// # Limitations
//
// quic-go queues 32 datagrams of a session and drops what comes on top. WT_DRAIN_SESSION is
// not sent, and is ignored when it comes: MoQ has its own goaway. The flow control of
// sessions, which is for several on a connection, is not offered.
//
// A reset loses what was not yet delivered. That can be the header of the stream, and then the
// peer never hears of the stream, unless it knows RESET_STREAM_AT
// (draft-ietf-quic-reliable-stream-reset), which is used when it does. Servers built on quinn
// do not, and neither do browsers.
package webtransport
