// Package interop runs this module against foreign implementations of Media over QUIC.
//
// The peers are Node programs in peers/ that drive the public API of @moq/net over
// WebTransport. They publish and subscribe through examples/relay, which runs as a process of
// its own, beside publishers and subscribers made with this module. Whatever arrives is
// compared with what was published, byte by byte. A WebTransport server on quinn, in Node too, is
// dialed by the transport of this module.
//
// Usage: test/interop/run.sh installs the peers and runs the suite. When they are installed,
// `go test ./test/interop` runs it too. Without them the tests skip and say so; with
// MOQRX_INTEROP=1 they fail instead.
//
// Limitations: the peers need Linux on x86-64 or arm64 and npm. moq-lite 01 to 06-wip over
// WebTransport are covered.
package interop
