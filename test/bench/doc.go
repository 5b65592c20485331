// Package bench measures the generated codecs beside hand-written ones in the same run, so that a figure can be
// read as a ratio. What sessions do is measured by the command in its folder speed.
//
// Usage:
//
//	go test -run '^$' -bench . ./test/bench
//	go run ./test/bench/speed
package bench
