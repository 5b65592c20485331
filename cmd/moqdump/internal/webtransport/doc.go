// Package webtransport finds the WebTransport sessions in a decoded HTTP/3 connection.
//
// A Demux takes the events of one connection and gives out the streams and datagrams of each
// session as if it had a QUIC connection of its own, with the stream header taken off and
// offsets still those of the QUIC stream. It reads the CONNECT exchange (draft-ietf-webtrans-http3:
// path, wt-available-protocols, wt-protocol), the SETTINGS of both ends, and the capsule that
// closes a session.
//
// Bounds: per session 1 MiB of events that come before the answer to its CONNECT, 64 KiB of one
// header section, 4096 streams whose first bytes have not been seen.
//
// Limitations: header sections that use the dynamic table of QPACK are not decoded, and said so;
// peers that leave the table at its default size of zero never use it. A Demux is for one goroutine.
package webtransport
