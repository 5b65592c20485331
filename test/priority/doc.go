// Package priority tests that priorities reach the network: through a line of 6 Mbit/s with a delay of 40 ms and a
// loss of 2 % in each direction, on raw QUIC and WebTransport, in real time.
//
// Usage: go test -v ./test/priority -realtime prints the figures. Without -realtime there is nothing to do.
//
// Limitations: three quarters of a minute of real time, most of it waiting. On a machine that has other work to do,
// delays measure the machine.
package priority
