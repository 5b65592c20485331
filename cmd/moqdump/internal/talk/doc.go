// Package talk records real QUIC and WebTransport connections for the tests of the decoder.
//
// It runs a client and a server of quic-go or webtransport-go over loopback, notes every datagram
// at the server's socket together with the TLS secrets, and writes what it noted as a pcapng. The
// tests then damage the recording as captures are damaged: lose packets, bundle them, cut them.
//
// Limitations: it is for tests only, and one recording runs at a time where a cipher suite is
// asked for, because that sets a global of crypto/tls.
package talk
