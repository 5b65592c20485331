package netpkt

import (
	"encoding/hex"
	"fmt"
	"net"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	mac  = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	src4 = net.IP{192, 0, 2, 1}
	dst4 = net.IP{192, 0, 2, 2}
	src6 = net.ParseIP("2001:db8::1")
	dst6 = net.ParseIP("2001:db8::2")
)

func build(t testing.TB, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, ls...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func v4() *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 9, Protocol: layers.IPProtocolUDP, SrcIP: src4, DstIP: dst4}
}

func v6(next layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, NextHeader: next, SrcIP: src6, DstIP: dst6}
}

func udp() *layers.UDP { return &layers.UDP{SrcPort: 1000, DstPort: 443} }

func raw(s string) gopacket.Payload {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func TestFindsTheDatagramUnderEveryLink(t *testing.T) {
	hi := gopacket.Payload("hi")
	eth := func(typ layers.EthernetType) *layers.Ethernet {
		return &layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: typ}
	}
	vlan := func(typ layers.EthernetType) *layers.Dot1Q {
		return &layers.Dot1Q{VLANIdentifier: 7, Type: typ}
	}
	const want4, want6 = `192.0.2.1:1000 192.0.2.2:443 "hi" 0`, `[2001:db8::1]:1000 [2001:db8::2]:443 "hi" 0`
	cases := map[string]struct {
		link   uint16
		packet []byte
		want   string
	}{
		"ethernet":    {1, build(t, eth(0x0800), v4(), udp(), hi), want4},
		"ethernet v6": {1, build(t, eth(0x86dd), v6(17), udp(), hi), want6},
		"vlan":        {1, build(t, eth(0x8100), vlan(0x0800), v4(), udp(), hi), want4},
		"two vlans":   {1, build(t, eth(0x88a8), vlan(0x8100), vlan(0x86dd), v6(17), udp(), hi), want6},
		"sll":         {113, build(t, raw("00000001000602000000000100000800"), v4(), udp(), hi), want4},
		"sll2":        {276, build(t, raw("86dd0000000000010304000600000000"+"00000000"), v6(17), udp(), hi), want6},
		"null little": {0, build(t, raw("02000000"), v4(), udp(), hi), want4},
		"null darwin": {0, build(t, raw("1e000000"), v6(17), udp(), hi), want6},
		"loop big":    {108, build(t, raw("00000002"), v4(), udp(), hi), want4},
		"raw v4":      {101, build(t, v4(), udp(), hi), want4},
		"raw v6":      {101, build(t, v6(17), udp(), hi), want6},
		"ipv4":        {228, build(t, v4(), udp(), hi), want4},
		"ipv6":        {229, build(t, v6(17), udp(), hi), want6},
		"hop by hop":  {101, build(t, v6(0), raw("1100010400000000"), udp(), hi), want6},
		"destination": {101, build(t, v6(60), raw("1100010400000000"), udp(), hi), want6},
		"trailer":     {1, append(build(t, eth(0x0800), v4(), udp(), hi), 0, 0, 0, 0), want4},
	}
	var p Parser // one for all: no state may leak from packet to packet
	for name, tc := range cases {
		d, err := p.Parse(tc.link, tc.packet)
		if got := fmt.Sprintf("%s %s %q %d", d.Src, d.Dst, d.Payload, d.Missing); err != nil || got != tc.want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, err, got, tc.want)
		}
	}
}

func TestSaysHowMuchTheCaptureCutOff(t *testing.T) {
	var p Parser
	whole := build(t, v4(), udp(), gopacket.Payload("hello"))
	d, err := p.Parse(101, whole[:len(whole)-3])
	if err != nil || string(d.Payload) != "he" || d.Missing != 3 {
		t.Errorf("%v %+v", err, d)
	}
}

func TestNamesWhyThereIsNoDatagram(t *testing.T) {
	fragment := v4()
	fragment.Flags = layers.IPv4MoreFragments
	tcp := v4()
	tcp.Protocol = layers.IPProtocolTCP
	cases := map[string]struct {
		link   uint16
		packet []byte
	}{
		"link type 147":                  {147, nil},
		"cut inside the Ethernet header": {1, []byte{1, 2}},
		"ARP":                            {1, raw("0200000000010200000000010806")},
		"unknown protocol":               {1, raw("0200000000010200000000019999")},
		"TCP":                            {101, build(t, tcp, gopacket.Payload("x"))},
		"IP fragment":                    {101, build(t, fragment, udp())},
		"broken IPv4 header":             {101, []byte{0x45}},
		"broken UDP header":              {101, build(t, v4(), gopacket.Payload("x"))},
		"broken Linux cooked header":     {113, []byte{0}},
		"broken loopback header":         {0, []byte{0xff, 0xff, 0xff, 0xff}},
	}
	var p Parser
	for want, tc := range cases {
		if _, err := p.Parse(tc.link, tc.packet); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(uint16(1), build(f, &layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: 0x8100}, &layers.Dot1Q{Type: 0x0800}, v4(), udp()))
	f.Add(uint16(276), build(f, raw("86dd000000000001030400060000000000000000"), v6(0), raw("1100010400000000"), udp()))
	f.Add(uint16(113), build(f, raw("00000001000602000000000100000800"), v4(), udp()))
	f.Add(uint16(0), build(f, raw("02000000"), v4(), udp()))
	var p Parser
	f.Fuzz(func(t *testing.T, link uint16, packet []byte) {
		wiretest.Bounded(t, wiretest.Bound(len(packet)), func() {
			if d, err := p.Parse(link, packet); err == nil && len(d.Payload) > len(packet) {
				t.Fatal("more payload than packet")
			}
		})
	})
}
