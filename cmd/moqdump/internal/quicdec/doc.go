// Package quicdec decodes QUIC from the outside: datagrams of a capture and a TLS key log in,
// streams and datagrams of each connection out.
//
// It removes the packet protection of QUIC versions 1 and 2 (RFC 9001, RFC 9369) for all three
// cipher suites, follows connection ids, Retry, key updates and address changes, splits the
// super-datagrams that segmentation offload leaves in captures, reads as much of the TLS handshake
// as is needed (client random, server name, cipher suite, ALPN), and puts streams together.
//
// Usage: a Decoder takes datagrams in the order of the capture and calls a function with an Event
// for everything that happened, at the time of the packet that made it happen. Packets that come
// before their secrets are kept and decoded when KeysChanged is called after the secrets were
// added. Flush at the end of the capture gives what is still held back.
//
// Bounds: per connection 4 MiB of packets that wait for secrets, 1 MiB of one stream behind a gap
// and 16 MiB of all its streams, 4096 open streams in each direction; 1024 connections. Beyond
// these the oldest is given up, and said so by an event or by the report.
//
// Limitations: a connection is followed from its first Initial packet on, so captures that start in
// the middle of one are counted and not decoded; packets cut short by the capture cannot be
// authenticated and are counted; 0-RTT is decoded with the cipher suite of the ServerHello; the
// integrity tags of Retry packets are not verified. A Decoder is for one goroutine.
package quicdec
