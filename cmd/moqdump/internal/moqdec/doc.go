// Package moqdec turns the streams of captured connections into Media over QUIC events.
//
// A Decoder takes the events of package quicdec, finds the sessions (a connection over raw QUIC, or
// one of package webtransport), picks the protocol by the negotiated name, and calls a Sink with a
// Header for each session and an Event for each message, frame, datagram, and end of a stream. It
// remembers the names of tracks, so that groups carry them, and when a request was made, so
// that answers carry their latency.
//
// moq-lite 03, 04 and 05 (draft-lcurley-moq-lite) are decoded; of every other protocol the streams
// are listed with their size. What breaks the protocol is an Event with a Problem that names the
// byte; decoding goes on with the next message where the length is known, else with the other
// streams.
//
// Bounds: 64 KiB of one incomplete message, 16384 open streams and 16384 subscriptions in each
// direction of a session; payloads are counted and not kept.
//
// Limitations: protocol rules between messages are not checked (that is for a checker), only
// their bytes. A Decoder is for one goroutine.
package moqdec
