// Package sample makes sessions of moq-transport with the generated codecs, as the bytes that each side sends on
// each stream, for the tests of tools that read such sessions: moqdump, and the dissector of moqgen.
//
//	steps, err := sample.Transport(moqt.Version18)
//	for _, s := range steps {
//		// send s.Data on s.Stream, from the client or the server
//	}
//
// Every kind of stream is there, with requests of both sides, their answers, an update, objects with statuses and
// properties, objects that refer to others, datagrams, and what a version has of its own.
//
// # Limitations
//
// It is one session for each version, not a generator of many. It is for one goroutine.
package sample
