package netpkt

import (
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Link types of the LINKTYPE registry.
const (
	linkNull     = 0
	linkEthernet = 1
	linkDLTRaw   = 12 // what some systems write for raw IP
	linkDLTRaw14 = 14 // the same on OpenBSD
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276
)

// maxHeaders bounds the headers between link and UDP, so that a packet of nothing but VLAN tags ends.
const maxHeaders = 16

// Datagram is one UDP datagram. Payload aliases the packet.
type Datagram struct {
	Src, Dst netip.AddrPort
	Payload  []byte
	// Missing is how many bytes of the payload the capture cut off.
	Missing int
}

// SkipError says why a packet holds no datagram, in words that many packets share.
type SkipError struct{ Reason string }

func (e *SkipError) Error() string { return e.Reason }

func skip(format string, args ...any) error { return &SkipError{Reason: fmt.Sprintf(format, args...)} }

// Parser decodes packets. The zero value is ready.
type Parser struct {
	eth  layers.Ethernet
	vlan layers.Dot1Q
	sll  layers.LinuxSLL
	sll2 layers.LinuxSLL2
	loop layers.Loopback
	ip4  layers.IPv4
	ip6  layers.IPv6
	ext  layers.IPv6ExtensionSkipper
	udp  layers.UDP

	src, dst netip.Addr
}

// Parse finds the datagram in a packet whose first header is of the given link type. The error is
// always a *SkipError.
func (p *Parser) Parse(link uint16, packet []byte) (Datagram, error) {
	typ, rest, err := p.link(link, packet)
	for range maxHeaders {
		if err != nil {
			return Datagram{}, err
		}
		if typ == layers.LayerTypeUDP {
			return p.datagram(rest)
		}
		typ, rest, err = p.header(typ, rest)
	}
	return Datagram{}, skip("more than %d headers", maxHeaders)
}

// link decodes the link layer and says what comes after it.
func (p *Parser) link(link uint16, b []byte) (gopacket.LayerType, []byte, error) {
	none := gopacket.NilDecodeFeedback
	switch link {
	case linkEthernet:
		if p.eth.DecodeFromBytes(b, none) == nil {
			return p.eth.EthernetType.LayerType(), p.eth.Payload, nil
		}
		return 0, nil, skip("cut inside the Ethernet header")
	case linkSLL:
		if p.sll.DecodeFromBytes(b, none) == nil {
			return p.sll.EthernetType.LayerType(), p.sll.Payload, nil
		}
		return 0, nil, skip("broken Linux cooked header")
	case linkSLL2:
		if p.sll2.DecodeFromBytes(b, none) == nil {
			return p.sll2.ProtocolType.LayerType(), p.sll2.Payload, nil
		}
		return 0, nil, skip("broken Linux cooked header")
	case linkNull, linkLoop:
		if p.loop.DecodeFromBytes(b, none) == nil {
			return p.loop.Family.LayerType(), p.loop.Payload, nil
		}
		return 0, nil, skip("broken loopback header")
	case linkRaw, linkIPv4, linkIPv6, linkDLTRaw, linkDLTRaw14:
		if len(b) > 0 && b[0]>>4 == 6 {
			return layers.LayerTypeIPv6, b, nil
		}
		return layers.LayerTypeIPv4, b, nil
	}
	return 0, nil, skip("link type %d", link)
}

// header decodes one header between link and UDP.
func (p *Parser) header(typ gopacket.LayerType, b []byte) (gopacket.LayerType, []byte, error) {
	none := gopacket.NilDecodeFeedback
	switch typ {
	case layers.LayerTypeDot1Q:
		if p.vlan.DecodeFromBytes(b, none) == nil {
			return p.vlan.Type.LayerType(), p.vlan.Payload, nil
		}
	case layers.LayerTypeIPv4:
		return p.ipv4(b)
	case layers.LayerTypeIPv6:
		return p.ipv6(b)
	case layers.LayerTypeIPv6Routing, layers.LayerTypeIPv6Destination:
		if p.ext.DecodeFromBytes(b, none) == nil {
			return p.ext.NextHeader.LayerType(), p.ext.Payload, nil
		}
	case layers.LayerTypeIPv6Fragment:
		return 0, nil, skip("IP fragment")
	case gopacket.LayerTypeZero, gopacket.LayerTypePayload:
		return 0, nil, skip("unknown protocol")
	default:
		return 0, nil, skip("%s", typ)
	}
	return 0, nil, skip("broken %s header", typ)
}

func (p *Parser) ipv4(b []byte) (gopacket.LayerType, []byte, error) {
	if p.ip4.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil || p.ip4.Version != 4 {
		return 0, nil, skip("broken IPv4 header")
	}
	if p.ip4.FragOffset != 0 || p.ip4.Flags&layers.IPv4MoreFragments != 0 {
		return 0, nil, skip("IP fragment")
	}
	p.src, p.dst = addr(p.ip4.SrcIP), addr(p.ip4.DstIP)
	return p.ip4.Protocol.LayerType(), p.ip4.Payload, nil
}

func (p *Parser) ipv6(b []byte) (gopacket.LayerType, []byte, error) {
	if p.ip6.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil || p.ip6.Version != 6 {
		return 0, nil, skip("broken IPv6 header")
	}
	p.src, p.dst = addr(p.ip6.SrcIP), addr(p.ip6.DstIP)
	next := p.ip6.NextHeader
	if p.ip6.HopByHop != nil {
		next = p.ip6.HopByHop.NextHeader
	}
	return next.LayerType(), p.ip6.Payload, nil
}

func (p *Parser) datagram(b []byte) (Datagram, error) {
	if p.udp.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
		return Datagram{}, skip("broken UDP header")
	}
	return Datagram{
		Src:     netip.AddrPortFrom(p.src, uint16(p.udp.SrcPort)),
		Dst:     netip.AddrPortFrom(p.dst, uint16(p.udp.DstPort)),
		Payload: p.udp.Payload,
		Missing: max(0, int(p.udp.Length)-8-len(p.udp.Payload)),
	}, nil
}

func addr(ip []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
