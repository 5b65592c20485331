// Package wire holds the primitives that the generated codecs of gen/lite and gen/moqt call:
// variable-length integers, strings, paths, tuples and key-value lists, and the one error
// type that every parse and append returns.
//
// # Usage
//
// Applications use the generated packages and meet wire only through [Optional], [Param] and
// the errors:
//
//	n, err := msg.Parse(buf, lite.Version05)
//	switch {
//	case errors.Is(err, wire.ErrShort): // read on: err.(*wire.Error).Need says how far
//	case errors.Is(err, wire.ErrMalformed): // the peer broke the protocol
//	case errors.Is(err, wire.ErrUnsupported): // this version has no such message or field
//	}
//
// Parse functions take the bytes that are left and return the value, how many bytes it took,
// and a *[Error] whose Offset is relative to those bytes; the generated callers add version,
// message, field and their own offset. Append functions add to dst as append does.
//
// # Limitations
//
// Nothing here is safe for concurrent use on the same value. No function keeps or changes
// its input; results that alias it say so. Stateful encodings (delta-coded keys and object
// ids) are implemented here once, by hand; everything else is generated from spec/.
package wire

// Format1 is the handshake between this package and generated code: each generated file
// refers to it. A change that old generated code must not compile against renames it.
const Format1 = 1
