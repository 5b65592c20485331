// Package tree holds the two decoders of the project against each other: the generated codecs and
// the interpreter of spec/tree, which share nothing but the text of the specs. It has no code of its own,
// only tests: on recorded vectors, their truncations and mutations, and on fuzzed bytes both have to
// accept the same with the same values, fail at the same field and offset, and the leaves of the tree have
// to tile the bytes.
//
//	MOQRX_VECTORS=/some/dir go test ./test/tree
//	go test -fuzz FuzzLite ./test/tree
//
// # Limitations
//
// What both get wrong alike shows only against bytes from elsewhere, which test/vectors runs.
package tree
