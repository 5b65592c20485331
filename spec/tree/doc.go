// Package tree decodes bytes by interpreting a spec, for people who look at them: it tells of
// every byte what it is, and goes on after an error. The generated codecs of gen/lite and gen/moqt
// are strict and fast; this is a second opinion on them, made from the same text alone.
//
// # Usage
//
//	family, err := spec.Transport()
//	d, err := tree.New(family, 18)
//	t, err := d.Message("SUBSCRIBE", src)   // one message
//	t, err = d.Place("Subgroup", "opener", src) // all that one side of a stream sent
//	for depth, n := range t.Root.All() {
//		fmt.Println(strings.Repeat("  ", depth), n.Offset, n.Size, n.Name, n.Value, n.Note, n.Err)
//	}
//
// A stream that comes in pieces is decoded with a [Side] for each direction: [Decoder.Stream] says
// which stream begins, and each call of Next gives one message and how many bytes of payload follow it.
//
// The leaves of a tree tile the bytes: each starts where the one before it ends. Nodes of size 0
// say what is not written by itself, such as the bits of a type. What cannot be decoded is a
// node too, named [Undecoded].
//
// A message is accepted exactly when [Tree.Errors] is empty, and then the values are those of
// the generated codecs. After an error the decoder goes on behind what encloses it: a bad value
// does not matter to what follows; a bad extent ends the part that has a length, and where nothing has
// one, the bytes.
//
// # Concurrency
//
// A [Decoder] is read-only and may be used by several goroutines at once. Trees are plain data.
//
// # Limitations
//
// A tree takes memory in proportion to the bytes, at most 64 times as much and 4 KB: where
// values are tiny and very many, the last of them share a node named [Omitted], and of very many errors
// the last are only counted. [Decoder.Detailed] takes more and omits less. Values of strings and lists alias or copy the bytes; those of
// payloads alias them.
package tree
