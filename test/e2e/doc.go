// Package e2e tests the whole path in one process, over real QUIC and WebTransport on
// loopback: publish through rx, carry with session, relay through a shared origin, and consume
// through rx. It also sets hostile peers beside well-behaved ones.
//
// Usage: go test ./test/e2e
//
// Limitations: moq-lite 03, 04 and 05. Foreign implementations are in test/interop.
package e2e
