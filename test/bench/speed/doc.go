// Command speed measures publish-to-receive over loopback between separate processes, beside the same bytes
// over plain quic-go in the same run, and prints a table of ratios:
//
//	go run ./test/bench/speed
//	go run ./test/bench/speed -for 3s -rounds 3 -only "relay 1:50"
//
// A group is a unidirectional stream with the length and the payload of each frame. The contenders:
//
//	plain         plain quic-go, one write for each length and each payload
//	buffered      plain quic-go with a buffer of 32 KiB, flushed when nothing more is ready
//	quic          moqrx, moq-lite-05 on raw QUIC
//	webtransport  moqrx, moq-lite-05 on WebTransport
//
// They carry groups of 30 x 1200 bytes and of 1 x 64 KiB from one publisher to one subscriber, to 50 directly, and
// to 1 and 50 through a relay: examples/relay, and for the plain ones a toy relay that forwards each frame as it
// comes. Publisher, relay and subscribers are a process each; all subscribers share one. The publisher is at
// most 64 groups ahead of the slowest subscriber. A second part sends 30 frames a second and measures how long
// each takes.
//
// Columns: MB/s of payload delivered to all subscribers together; CPU seconds of all processes for each GB
// delivered; allocations of publisher and subscribers for each frame delivered; the largest resident memory
// of all processes together; groups that did not arrive; the ratio of MB/s to that of plain. Rows are medians
// of the rounds, which take the contenders in turn. Absolute figures say little about another machine; ratios
// of one run do.
//
// It exits with 1 when a group is lost.
package main
