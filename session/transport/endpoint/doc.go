// Package endpoint dials and listens: it turns a URL or an address into carriers of a session,
// on raw QUIC and on WebTransport.
//
//	conn, err := endpoint.Dial(ctx, url, endpoint.Config{TLS: tlsConfig, Protocols: []string{"moq-lite-05"}})
//
//	l, err := endpoint.Listen("127.0.0.1:4443", config)
//	for {
//		in, err := l.Accept(ctx)
//		...
//	}
//
// # Negotiation
//
// One UDP port serves both carriers: the ALPN list of a listener is its MoQ tokens, in its order
// of preference, and then h3. Raw QUIC ends up with the first token of the listener that the
// client offers; without one in common the handshake fails. WebTransport ends up with the first
// token of the client (wt-available-protocols) that the listener knows; without one in common
// the session opens without a token (draft-lcurley-moq-lite, "Session").
//
// The same port number on TCP answers GET /certificate.sha256 with the SHA-256 of the
// certificate in hex, over plain HTTP: what a browser needs to trust a self-signed one.
//
// # Captures
//
// A [Capture] records what passes the sockets of its endpoints, with the TLS secrets, as a
// pcapng. Endpoints may share one. A connection dialed to a listener of the same Capture is
// recorded by the listener alone, so each datagram appears once. Recording turns off
// segmentation offload and batched reads: every record is one QUIC datagram, and throughput is
// lower. What is dialed is recorded from the end of the handshake on, beginning with the
// handshake: readers want the secrets first.
//
// # Traces
//
// A [Qlog] writes what quic-go tells of each connection, and events of the session beside it, as one trace for each
// end. What depends on quic-go's interface for that, which changes between its minor versions, is in qlog.go here and in
// the carriers.
//
// # Limits
//
// A peer that is slow with the handshake or with the request of a WebTransport session is
// dropped after [Config.HandshakeTimeout], and at most [Config.MaxPending] connections may be
// on their way to Accept; beyond that new ones are refused. From half of it on, clients must
// prove their address first (RFC 9000, section 8.1.2).
//
// # Limitations
//
// A name with several addresses is dialed at the first one, IPv4 before IPv6. There is no
// session resumption and no 0-RTT.
package endpoint
