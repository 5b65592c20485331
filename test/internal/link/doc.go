// Package link is a slow and lossy network path on loopback, for tests: a relay of UDP datagrams that needs no
// privileges.
//
// # Usage
//
// A client dials the address of the link instead of the server's:
//
//	l, err := link.New(server.Addr(), link.Config{
//		Bandwidth: 6_000_000, Delay: 40 * time.Millisecond, Loss: 0.02, Seed: 1,
//	})
//	defer l.Close()
//	session, err := session.Dial(ctx, "moqt://"+l.Addr().String(), session.WithInsecure())
//
// Each direction is a queue in front of a line: a datagram waits until those before it are on the line, takes its
// own time on it (its bytes and those of its IPv4 and UDP headers, divided by the bandwidth), and arrives after the
// delay, or is lost. Datagrams never overtake each other. Those that find the queue full are dropped.
//
// # Limitations
//
// All clients of a link share both lines. Time is real: a datagram is up to about a millisecond late, never early,
// and how a seed falls on the datagrams depends on how many there are. The peer that the server sees is the link,
// one port for each client; these ports stay open until Close.
package link
