// Package netpkt finds the UDP datagram in a captured packet.
//
// It goes through the link layers that captures of QUIC come with (Ethernet with VLAN tags, Linux
// cooked v1 and v2, BSD loopback, raw IP), IPv4 and IPv6 with their extension headers, and says
// in a word why a packet holds no datagram, so that a summary can count such packets by reason.
//
// Limitations: IP fragments are not put together, and tunnels (MPLS, PPPoE, GRE, VXLAN) are not
// entered. A Parser is for one goroutine.
package netpkt
