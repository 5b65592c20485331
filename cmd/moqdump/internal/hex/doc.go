// Package hex prints bytes that a person has outside of a capture: one message, or all of a stream, whose version
// and name are known. What they are is the word of gen/named, which also answers lines of JSON.
//
//	src, err := hex.Parse("0000: 03 00 1d 08")              // pasted bytes
//	ok, err := hex.Print(out, "draft-18", "SUBSCRIBE", src) // a tree with offsets
//	ok, err = hex.Print(out, "any", "SUBSCRIBE", src)       // the versions that take them
//
// # Limitations
//
// A message alone does not tell what others before it on the stream said; see gen/named for how it is read.
package hex
