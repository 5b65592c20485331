// Package soak keeps a relay busy over real QUIC and looks at what stays behind: publishers and sessions
// come and go, subscriptions join and leave at random, over both transports and in several versions at
// a time. Every frame is compared with what was written, and the memory and the goroutines after the
// load with those after a warm-up of the same load.
//
//	go test ./test/soak -v -soak 60s
//
// Without -soak it takes a few seconds. The seed that it prints, given as -seed, repeats who does
// what, but not when: the network and the scheduler are real.
package soak
