// Package faults breaks what sessions rest on, over real QUIC, and looks at what arrives and what stays
// behind.
//
// Usage: go test ./test/faults
//
// Limitations: the relay is closed, and comes back at once on the same port; a connection that is cut without a word
// is tested beside the sessions, in memory. Priorities on a lossy line are in test/priority.
package faults
