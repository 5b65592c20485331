// Package interop runs this module against foreign implementations of Media over QUIC.
//
// The peers are programs in peers/ that drive the public API of @moq/net over WebTransport, in Node
// and in a page of Debian's Chromium. They publish and subscribe through examples/relay, which runs as a process of
// its own, beside publishers and subscribers made with this module. Whatever arrives is
// compared with what was published, byte by byte. A WebTransport server on quinn, in Node too, is
// dialed by the transport of this module. The Rust relay, moq-relay, carries tracks between sessions of this
// module, and stands beside examples/relay in a chain.
//
// Usage: test/interop/run.sh installs the peers and runs the suite. When they are installed,
// `go test ./test/interop` runs it too. Without them the tests skip and say so; with
// MOQRX_INTEROP=1 they fail instead. test/interop/rust.sh does the same for the Rust peers, whose build takes
// long: `rust.sh install` does it once, outside the checkout.
//
// Limitations: the peers need Linux on x86-64 or arm64 and npm. moq-lite 01 to 06-wip over
// WebTransport are covered with @moq/net, 03 to 05 over raw QUIC and WebTransport with moq-relay, and 03 to
// 05 in the browser.
package interop
