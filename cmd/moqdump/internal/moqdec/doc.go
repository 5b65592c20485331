// Package moqdec turns the streams of captured connections into Media over QUIC events.
//
// A Decoder takes the events of package quicdec, finds the sessions (a connection over raw QUIC, or
// one of package webtransport), picks the protocol by the negotiated name, and calls a Sink with a
// Header for each session and an Event for each message, frame, datagram, and end of a stream. It
// remembers the names of tracks, so that groups carry them, and when a request was made, so
// that answers carry their latency.
//
// Every version of the specs is decoded, both of moq-lite (draft-lcurley-moq-lite) and of moq-transport
// (draft-ietf-moq-transport), by interpreting the spec with package tree: which messages may stand on a
// stream, their fields, and the names of codes. Where the negotiated name leaves the version open ("moql", or
// WebTransport without a sub-protocol), the SERVER_SETUP in the session picks it. Objects get their group and
// id from what stands before them on the stream. Of every other protocol the streams are listed with their size.
//
// What breaks the protocol is an Event with a Problem that names the byte; decoding goes on with the next
// message where the length is known, else with the other streams.
//
// Bounds: 320 KiB of one incomplete message, 1 MiB of a session before its version is known, 16384 open
// streams, requests, aliases and subscriptions of a session; payloads are counted and not kept.
//
// Limitations: protocol rules between messages are not checked (that is for a checker), only
// their bytes. A Decoder is for one goroutine.
package moqdec
