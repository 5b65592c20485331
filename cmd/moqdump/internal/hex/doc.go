// Package hex decodes bytes that a person or a program has outside of a capture: one message, or all of
// a stream, whose version and name are known.
//
//	err := hex.Lines(in, out)                            // one JSON object a line, in and out
//	src, err := hex.Parse("0000: 03 00 1d 08")           // pasted bytes
//	ok, err := hex.Print(out, "draft-18", "SUBSCRIBE", src) // a tree with offsets
//
// Whether bytes are accepted, and what they are when they are written again, is the word of the generated
// codecs; names and values of fields come from the tree that spec/tree makes.
//
// # Limitations
//
// A message alone does not tell what others before it on the stream said. What a SUBGROUP_OBJECT needs
// of its header is 0 unless the input gives it.
package hex
