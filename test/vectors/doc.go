// Package vectors runs recorded and derived byte vectors through the generated codecs. It has
// no code of its own, only tests:
//
//	go test -v ./test/vectors                            # the vectors in testdata
//	MOQRX_VECTORS=/some/dir go test -v ./test/vectors    # those of another directory
//
// It prints how many vectors passed, how many failed, and how many are about messages or versions that
// the specs do not have yet, by message. Go shows this with -v, or when something failed.
//
// # Formats
//
// Files are *.jsonl, one JSON object a line; what is in a line tells its format, not the name of the
// file. A vector has version, message, fields and hex, and may have error (must be rejected), canonical
// (false: only decoding counts) and encode_error (the fields must be refused). A disputed input has
// the verdicts of two implementations, js and rust. A session has the bytes of both directions of one
// stream, or one chunk of them.
//
// # Limitations
//
// Field names are matched by rule, in fields_test.go; what two implementations see differently
// is an exception with a reason, in exceptions_test.go. Vectors are evidence only as far as they come
// from elsewhere: testdata has runs of other implementations, and derivations from the drafts.
package vectors
