package pcapng_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/session/internal/pcapng"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var at = time.Date(2026, 11, 5, 12, 30, 0, 123456789, time.UTC)

func TestBytes(t *testing.T) {
	var out bytes.Buffer
	w, err := pcapng.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Secrets([]byte("KEY 01 02\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Packet(time.Unix(1, 2), netip.MustParseAddrPort("10.0.0.1:4443"), netip.MustParseAddrPort("10.0.0.2:1"), []byte{0xc0, 1, 2}); err != nil {
		t.Fatal(err)
	}
	want := strings.Join(strings.Fields(`
		0a0d0d0a 2c000000 4d3c2b1a 0100 0000 ffffffffffffffff 0400 0500 6d6f717278 000000 0000 0000 2c000000
		01000000 20000000 6500 0000 00000000 0900 0100 09 000000 0000 0000 20000000
		0a000000 20000000 4b534c54 0a000000 4b4559203031203032 0a 0000 20000000
		06000000 40000000 00000000 00000000 02ca9a3b 1f000000 1f000000
			4500001f 00004000 401126cc 0a000001 0a000002
			115b 0001 000b 1878 c00102 00
		40000000`), "")
	if got := hex.EncodeToString(out.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPacketsReadBack(t *testing.T) {
	var out bytes.Buffer
	w, err := pcapng.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	v4 := [2]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:4443"), netip.MustParseAddrPort("192.0.2.7:65535")}
	v6 := [2]netip.AddrPort{netip.MustParseAddrPort("[::1]:4443"), netip.MustParseAddrPort("[2001:db8::7]:1")}
	mapped := [2]netip.AddrPort{netip.MustParseAddrPort("[::ffff:127.0.0.1]:4443"), v4[1]}
	type packet struct {
		ends    [2]netip.AddrPort
		payload []byte
	}
	var packets []packet
	for _, ends := range [][2]netip.AddrPort{v4, v6, mapped} {
		for _, n := range []int{0, 1, 2, 3, 4, 1199, 1452, 65507, 70000} {
			packets = append(packets, packet{ends, bytes.Repeat([]byte{0xab}, n)})
		}
	}
	for i, p := range packets {
		if err := w.Packet(at.Add(time.Duration(i)), p.ends[0], p.ends[1], p.payload); err != nil {
			t.Fatal(err)
		}
	}
	r, err := pcapgo.NewNgReader(&out, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	if r.LinkType() != layers.LinkTypeRaw {
		t.Errorf("the link type is %v, want raw IP", r.LinkType())
	}
	for i, p := range packets {
		data, info, err := r.ReadPacketData()
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if !info.Timestamp.Equal(at.Add(time.Duration(i))) {
			t.Errorf("packet %d: time %v", i, info.Timestamp)
		}
		checkPacket(t, i, data, p.ends, p.payload[:min(len(p.payload), 65507)])
	}
	if _, _, err := r.ReadPacketData(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last packet: %v", err)
	}
}

func checkPacket(t *testing.T, i int, data []byte, ends [2]netip.AddrPort, payload []byte) {
	t.Helper()
	first := gopacket.Decoder(layers.LayerTypeIPv4)
	if data[0]>>4 == 6 {
		first = layers.LayerTypeIPv6
	}
	p := gopacket.NewPacket(data, first, gopacket.Default)
	if p.ErrorLayer() != nil {
		t.Errorf("packet %d: %v", i, p.ErrorLayer().Error())
		return
	}
	udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	if !ok {
		t.Errorf("packet %d is not UDP: %v", i, p)
		return
	}
	network := p.NetworkLayer().NetworkFlow()
	for end, got := range [2]netip.AddrPort{
		addrPort(network.Src().Raw(), uint16(udp.SrcPort)), addrPort(network.Dst().Raw(), uint16(udp.DstPort)),
	} {
		if want := netip.AddrPortFrom(ends[end].Addr().Unmap(), ends[end].Port()); got != want {
			t.Errorf("packet %d: address %v, want %v", i, got, want)
		}
	}
	if !bytes.Equal(udp.Payload, payload) {
		t.Errorf("packet %d: %d bytes of payload, want %d", i, len(udp.Payload), len(payload))
	}
	if err := udp.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
		t.Errorf("packet %d: %v", i, err)
	}
	if err, bad := p.VerifyChecksums(); err != nil || len(bad) > 0 {
		t.Errorf("packet %d: checksums %v %v", i, err, bad)
	}
}

func addrPort(ip []byte, port uint16) netip.AddrPort {
	a, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(a, port)
}

// chunks notes each Write by itself, and fails after a number of them.
type chunks struct {
	got   [][]byte
	after int
}

var errFull = errors.New("disk full")

func (c *chunks) Write(p []byte) (int, error) {
	if c.after--; c.after < 0 {
		return 0, errFull
	}
	c.got = append(c.got, bytes.Clone(p))
	return len(p), nil
}

func TestEveryBlockIsOneWrite(t *testing.T) {
	c := &chunks{after: 100}
	w, err := pcapng.NewWriter(c)
	if err != nil {
		t.Fatal(err)
	}
	end := netip.MustParseAddrPort("127.0.0.1:1")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			_ = w.Packet(at, end, end, make([]byte, 33))
			_ = w.Secrets([]byte("odd"))
		})
	}
	wg.Wait()
	if len(c.got) != 22 {
		t.Fatalf("%d writes, want 22", len(c.got))
	}
	for i, b := range c.got {
		if n := int(binary.LittleEndian.Uint32(b[4:])); n != len(b) || n%4 != 0 || !bytes.Equal(b[4:8], b[len(b)-4:]) {
			t.Errorf("block %d of %d bytes says %d", i, len(b), n)
		}
	}
}

func TestFirstErrorEndsTheCapture(t *testing.T) {
	end := netip.MustParseAddrPort("127.0.0.1:1")
	for after := range 3 {
		w, err := pcapng.NewWriter(&chunks{after: after})
		errs := 0
		for _, err := range []error{err, w.Packet(at, end, end, nil), w.Secrets(nil), w.Packet(at, end, end, nil)} {
			if err != nil {
				errs++
				if !errors.Is(err, errFull) {
					t.Errorf("error %v", err)
				}
			}
		}
		if errs != 1 {
			t.Errorf("failing at write %d: %d errors, want 1", after, errs)
		}
	}
}

type flusher struct {
	chunks
	flushed int
}

func (f *flusher) Flush() error { f.flushed = len(f.got); return nil }

func TestBufferedWriterIsFlushed(t *testing.T) {
	f := &flusher{chunks: chunks{after: 100}}
	w, err := pcapng.NewWriter(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Secrets([]byte("x")); err != nil || f.flushed != 3 {
		t.Errorf("%d of 3 blocks are flushed, %v", f.flushed, err)
	}
}
