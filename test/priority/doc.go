// Package priority tests that priorities reach the network: through a line of 6 Mbit/s with a delay of 40 ms and a
// loss of 2 % in each direction, on raw QUIC and WebTransport, in real time.
//
// Usage: go test -v ./test/priority prints the figures, go test -short leaves them out.
//
// Limitations: half a minute of real time, most of it waiting. On a host that stops for more than some milliseconds
// at a time, delays measure the host.
package priority
