// Package hostile holds peers that break rules, or strain what the rules permit, against a server
// with two well-behaved sessions: those must notice nothing, the memory must stay within a bound, and
// the offender must get the code that is due.
//
// Usage: go test ./test/hostile
//
// Most of it runs in memory, in a bubble of time; network_test.go repeats what the stacks of QUIC have a say in. The
// newest version, moq-lite-05, gets the whole of each flood, and older ones a fifth.
//
// Limitations: moq-lite 03 to 05. Other versions, and breaches that only one version permits, are tested beside the
// engine.
package hostile
