package talk

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Packet is one UDP datagram.
type Packet struct {
	Time     time.Time
	Src, Dst netip.AddrPort
	Data     []byte
}

// Recording is everything that passed the server's socket, and the secrets to read it.
type Recording struct {
	Server  netip.AddrPort
	Packets []Packet
	Keys    []byte
}

// FromServer reports the direction of a packet.
func (r *Recording) FromServer(p Packet) bool { return p.Src == r.Server }

// WritePCAPNG writes the recording with raw IP packets, the secrets first unless they are left out.
func (r *Recording) WritePCAPNG(w io.Writer, keys bool) error {
	ng, err := pcapgo.NewNgWriter(w, layers.LinkTypeRaw)
	if err != nil {
		return err
	}
	if keys {
		if err := ng.WriteDecryptionSecretsBlock(pcapgo.DSB_SECRETS_TYPE_TLS, r.Keys); err != nil {
			return err
		}
	}
	for _, p := range r.Packets {
		raw, err := p.ip()
		if err != nil {
			return err
		}
		ci := gopacket.CaptureInfo{Timestamp: p.Time, CaptureLength: len(raw), Length: len(raw)}
		if err := ng.WritePacket(ci, raw); err != nil {
			return err
		}
	}
	return ng.Flush()
}

// ip builds the IP packet around a datagram.
func (p Packet) ip() ([]byte, error) {
	ip := &layers.IPv4{
		Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP,
		SrcIP: p.Src.Addr().AsSlice(), DstIP: p.Dst.Addr().AsSlice(),
	}
	udp := &layers.UDP{SrcPort: layers.UDPPort(p.Src.Port()), DstPort: layers.UDPPort(p.Dst.Port())}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		return nil, err
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	err := gopacket.SerializeLayers(buf, opts, ip, udp, gopacket.Payload(p.Data))
	return buf.Bytes(), err
}

// plain is a UDP socket that hides most of what it can do, so that every datagram is written by itself.
type plain struct{ net.PacketConn }

func (p plain) SetReadBuffer(n int) error  { return p.PacketConn.(*net.UDPConn).SetReadBuffer(n) }
func (p plain) SetWriteBuffer(n int) error { return p.PacketConn.(*net.UDPConn).SetWriteBuffer(n) }

// tap is a socket that notes what passes.
type tap struct {
	plain
	mu      sync.Mutex
	packets []Packet
}

func (t *tap) note(src, dst net.Addr, p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.packets = append(t.packets, Packet{time.Now(), addrPort(src), addrPort(dst), bytes.Clone(p)})
}

// forget drops what was noted so far.
func (t *tap) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.packets = nil
}

func (t *tap) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := t.PacketConn.ReadFrom(p)
	if err == nil {
		t.note(from, t.LocalAddr(), p[:n])
	}
	return n, from, err
}

func (t *tap) WriteTo(p []byte, to net.Addr) (int, error) {
	t.note(t.LocalAddr(), to, p)
	return t.PacketConn.WriteTo(p, to)
}

func addrPort(a net.Addr) netip.AddrPort { return a.(*net.UDPAddr).AddrPort() }

// keyLog collects the secrets of both ends, which are the same.
type keyLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (k *keyLog) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.buf.Write(p)
}
