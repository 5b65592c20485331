// Package e2e tests the whole path in one process, over real QUIC and WebTransport on
// loopback: publish through rx, carry with session, relay through a shared origin, and consume
// through rx. It also sets hostile peers beside well-behaved ones.
//
// Usage: go test ./test/e2e
//
// Limitations: moq-lite 03 to 06-wip, since those before cannot ask for a track from its start. The hostile peers
// here speak 03 to 05; test/hostile has more of them. Foreign implementations are in test/interop.
package e2e
