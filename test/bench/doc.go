// Package bench measures the path from publish to receive over loopback, beside the same bytes
// over plain quic-go in the same run, so that a figure can be read as a ratio.
//
// Usage:
//
//	go test -run '^$' -bench . -benchtime 2s ./test/bench
//
// One operation is one group. Every benchmark reports MB/s of payload, frames/s, and allocs/frame
// of the whole process, publisher and subscriber together. A group that does not arrive whole
// fails the benchmark.
//
// Limitations: publisher and subscriber share a process and its cores; absolute figures say
// little, ratios within one run do.
package bench
