// Package demo shows the whole of moqrx in one process: a relay on loopback, a clock that is
// published through it and read back, once over raw QUIC and once over WebTransport, and the
// capture of all that, decoded while it is recorded.
//
// Limitations: it listens on a free port of 127.0.0.1 and is no example of a relay for others;
// examples/relay is.
package demo
