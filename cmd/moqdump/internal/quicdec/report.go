package quicdec

import (
	"errors"
	"fmt"
	"net/netip"
)

// Strange counts datagrams between two addresses that lead to no connection.
type Strange struct {
	Src, Dst  netip.AddrPort
	Datagrams int
	Reason    string
}

// Problem says what of a connection could not be decoded, and why.
type Problem struct {
	Conn    *Conn
	Packets int
	Reason  string
}

var errStranger = errors.New("the start of the connection is not in the capture, or it is not QUIC")

// stranger counts a datagram without a connection.
func (d *Decoder) stranger(src, dst netip.AddrPort, reason error) {
	path := [2]netip.AddrPort{src, dst}
	s := d.strange[path]
	if s == nil {
		if len(d.strange) >= maxStrange {
			d.beyond++
			return
		}
		s = &Strange{Src: src, Dst: dst, Reason: reason.Error()}
		d.strange[path] = s
		d.order = append(d.order, path)
	}
	s.Datagrams++
}

// Strange lists the datagrams that lead to no connection, by their addresses. Datagrams on more
// than 256 paths come as one entry without addresses.
func (d *Decoder) Strange() []Strange {
	var out []Strange
	for _, path := range d.order {
		out = append(out, *d.strange[path])
	}
	if d.beyond > 0 {
		out = append(out, Strange{Datagrams: d.beyond, Reason: "between further addresses"})
	}
	return out
}

// Stats returns the counts so far.
func (d *Decoder) Stats() Stats {
	s := d.stats
	for _, c := range d.conns {
		c.addTo(&s)
	}
	s.Connections = d.count
	return s
}

func (c *Conn) addTo(s *Stats) {
	s.Packets += c.stats.opened
	s.Failed += c.stats.failed
	s.Cut += c.stats.cut
	s.Waiting += len(c.pending)
	s.Dropped += c.stats.dropped
}

// Problems lists what could not be decoded of which connection.
func (d *Decoder) Problems() []Problem {
	out := append([]Problem(nil), d.gone...)
	for _, c := range d.conns {
		out = append(out, c.problems()...)
	}
	return out
}

func (c *Conn) problems() []Problem {
	var out []Problem
	add := func(n int, reason string) {
		if n > 0 {
			out = append(out, Problem{c, n, reason})
		}
	}
	add(len(c.pending), c.whyWaiting())
	add(c.stats.dropped, "more packets waited for secrets than are kept; "+c.whyWaiting())
	add(c.stats.failed, "does not open with the keys of its connection: damaged, cut short by the capture, or not part of it")
	add(c.stats.cut, "cut short by the capture")
	return out
}

// whyWaiting says what is missing to open the packets that wait.
func (c *Conn) whyWaiting() string {
	k := c.d.keys
	switch {
	case !c.hello:
		return "the ClientHello is not complete in the capture"
	case !c.hasSuite:
		return "the ServerHello is not in the capture"
	case k.Sessions() == 0:
		return fmt.Sprintf("there are no secrets, neither in the capture nor in a key log (client random %s)", c.random)
	case k.sessions[c.random] == nil && k.Sessions() == 1:
		return fmt.Sprintf("client random %s is not in the key log; 1 other is", c.random)
	case k.sessions[c.random] == nil:
		return fmt.Sprintf("client random %s is not in the key log; %d others are", c.random, k.Sessions())
	}
	return fmt.Sprintf("the key log lacks some of the secrets of client random %s", c.random)
}
