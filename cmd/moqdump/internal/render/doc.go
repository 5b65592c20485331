// Package render writes decoded sessions and events: as aligned lines of text, or as one JSON
// object a line.
//
// Text has a line without a time for each session and a line for each event:
//
//	#1  127.0.0.1:56835 → 127.0.0.1:4443  QUIC v1  AES-128-GCM  moq-lite-05  SNI localhost
//	#1    0.001552  →  bidi 0    SUBSCRIBE         live/demo:video  id=0 priority=128
//	#1    0.001713  ←  bidi 0    SUBSCRIBE_START   live/demo:video  group=0            +0.16 ms
//
// The columns are the session, seconds since the first packet of the capture, the direction (→ is
// from the client), the stream, the message, the track, the fields, and the latency of an answer.
// What peers sent is quoted where it is not plain text, so that nothing of it reaches a terminal.
//
// Limitations: a Text or JSON writer is for one goroutine. Errors of the output stick and are
// reported by Err.
package render
