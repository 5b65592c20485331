// Package vectors runs recorded and derived byte vectors through the decoders. It has no code of its own, only tests:
//
//	go test -v ./test/vectors                            # the vectors in testdata
//	MOQRX_VECTORS=/some/dir go test -v ./test/vectors    # those of another directory
//
// Each vector becomes a line of JSON that gen/named answers, as moqdump hex does, and the answer is held against the
// vector: accepted or not, fields, bytes taken, bytes written again. It prints how many passed, how many failed, how
// many a rule sets aside as neither, and how many each rule fits. Go shows this with -v, or when something failed.
//
// # Formats
//
// Files are *.jsonl, one JSON object a line; what is in a line tells its format, not the name of the
// file. A vector has version, message, fields and hex, and may have error or decode_error (must be rejected), canonical
// (false: only decoding counts) and encode_error (the fields must be refused). A disputed input has
// the verdicts of two implementations, js and rust. A session has the bytes of both directions of one
// stream, or one chunk of them.
//
// # Limitations
//
// The makers of vectors have their own names for fields, which synonyms_test.go and special_test.go bring together; what
// two implementations see differently is an exception with a reason, in exceptions_test.go; with a directory that holds more
// vectors than testdata, a rule that fits none of them fails the test. A field of a vector
// that its version has no place for is what an encoder was asked for, and is not compared; fields of an answer that a vector
// does not mention are not either, but for the items of lists. Vectors are evidence only as far as they come
// from elsewhere: testdata has runs of other implementations, and derivations from the drafts.
package vectors
