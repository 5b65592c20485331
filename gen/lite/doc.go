// Package lite is the wire layer of moq-lite (draft-lcurley-moq-lite): every message, stream
// type and parameter of its versions, generated from spec/lite.moq.
//
// # Usage
//
// A stream starts with its type, and messages follow. Each message has one struct for all
// versions; the version is an argument of Append and Parse:
//
//	buf, err := lite.AppendBidiStream(nil, lite.BidiSubscribe, v)
//	sub := lite.Subscribe{ID: 1, Broadcast: "room/alice", Track: "video", Priority: 128}
//	buf, err = sub.Append(buf, v)
//
//	var got lite.Subscribe
//	n, err := got.Parse(buf, v) // errors.Is(err, wire.ErrShort): read more, then parse again
//
// Errors are *wire.Error. A field that is set but that the version cannot carry is an error
// of Append, unless its comment says that it is dropped.
//
// # Limitations
//
// Where deployed endpoints differ from the text of the draft, the package does as they do;
// comments in the spec say where. Bodies are limited to 64 KiB; payloads of frames are not
// limited here: a session that streams them reads a [FrameHeader] and sets its own bound.
// Nothing here keeps state between messages: timestamps stay deltas.
package lite
