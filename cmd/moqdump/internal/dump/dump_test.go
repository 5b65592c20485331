package dump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/render"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/talk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// record makes a connection whose protocol is not decoded, which is enough here.
func record(t *testing.T) *talk.Recording {
	t.Helper()
	rec, err := talk.QUIC(talk.Options{Protocols: []string{"moqt-99"}}, func(ctx context.Context, c talk.Conn) error {
		u, err := c.AcceptUni(ctx)
		if err != nil {
			return err
		}
		if _, err := io.ReadAll(u); err != nil {
			return err
		}
		return c.Close(0, "bye")
	}, func(ctx context.Context, c talk.Conn) error {
		u, err := c.OpenUni(ctx)
		if err != nil {
			return err
		}
		if _, err := u.Write([]byte("hello")); err != nil {
			return err
		}
		if err := u.Close(); err != nil {
			return err
		}
		<-c.Done()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func file(t *testing.T, rec *talk.Recording, keys bool) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	if err := rec.WritePCAPNG(&b, keys); err != nil {
		t.Fatal(err)
	}
	return &b
}

func decode(t *testing.T, in io.Reader, opts Options) (string, Summary) {
	t.Helper()
	var out bytes.Buffer
	sum, err := Run(in, render.NewText(&out, false), opts)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), sum
}

func TestSecretsInTheCaptureAndBesideIt(t *testing.T) {
	rec := record(t)
	want, sum := decode(t, file(t, rec, true), Options{})
	if !strings.Contains(want, "FIN                bytes=5") || !strings.Contains(want, `CONNECTION_CLOSE   code=0 (no error) reason=bye`) {
		t.Errorf("%s", want)
	}
	if sum.Packets != len(rec.Packets) || sum.Sessions != 1 || sum.Events != 2 || sum.QUIC.Failed != 0 || len(sum.Lines()) != 1 {
		t.Errorf("%+v", sum)
	}
	// A key log that is still being written, as beside a live capture.
	name := filepath.Join(t.TempDir(), "keys.log")
	log, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	keys, err := OpenKeys(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = keys.Close() }()
	records := 0
	got, sum := decode(t, file(t, rec, false), Options{Keys: keys, AfterRecord: func() error {
		records++
		if records == 6 {
			_, err := log.Write(rec.Keys)
			return err
		}
		return nil
	}})
	if diff := cmp.Diff(want, got); diff != "" || len(sum.Lost) != 0 || keys.Sessions() != 1 {
		t.Errorf("%+v\n%s", sum, diff)
	}
	// The same keys serve the next capture.
	if got, _ := decode(t, file(t, rec, false), Options{Keys: keys, First: 3}); got != strings.ReplaceAll(want, "#1 ", "#4 ") {
		t.Errorf("%s", got)
	}
}

func TestStopsWhenTheOutputFails(t *testing.T) {
	failed := errors.New("no space")
	_, err := Run(file(t, record(t), true), render.NewText(io.Discard, false), Options{AfterRecord: func() error { return failed }})
	if !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
}

// mixed is a capture in which QUIC is the exception.
func mixed(t *testing.T, rec *talk.Recording) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	mac := []byte{2, 0, 0, 0, 0, 1}
	add := func(typ layers.EthernetType, ls ...gopacket.SerializableLayer) {
		buf := gopacket.NewSerializeBuffer()
		all := append([]gopacket.SerializableLayer{&layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: typ}}, ls...)
		if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, all...); err != nil {
			t.Fatal(err)
		}
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(1, 0), CaptureLength: len(buf.Bytes()), Length: len(buf.Bytes())}
		if err := w.WritePacket(ci, buf.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	ip := func(proto layers.IPProtocol, port int) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 1, Protocol: proto, SrcIP: []byte{192, 0, 2, 1}, DstIP: []byte{192, 0, 2, byte(port)}}
	}
	add(layers.EthernetTypeARP, gopacket.Payload("who has"))
	add(layers.EthernetTypeIPv4, ip(layers.IPProtocolTCP, 2), gopacket.Payload("segment"))
	add(layers.EthernetTypeIPv4, ip(layers.IPProtocolUDP, 2), &layers.UDP{SrcPort: 5353, DstPort: 53}, gopacket.Payload("query"))
	add(layers.EthernetTypeIPv4, ip(layers.IPProtocolUDP, 2), &layers.UDP{SrcPort: 5353, DstPort: 53}, gopacket.Payload("again"))
	if err := w.WriteDecryptionSecretsBlock(pcapgo.DSB_SECRETS_TYPE_SSH, []byte("x")); err != nil {
		t.Fatal(err)
	}
	p := rec.Packets[0]
	add(layers.EthernetTypeIPv4, ip(layers.IPProtocolUDP, 3), &layers.UDP{SrcPort: 1, DstPort: 443}, gopacket.Payload(p.Data))
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestNamesEverythingThatIsNotDecoded(t *testing.T) {
	in := mixed(t, record(t))
	in.Truncate(in.Len() - 1)
	in.Write([]byte{0, 6, 0, 0, 0, 200, 0}) // the beginning of a further block
	out, sum := decode(t, in, Options{})
	if out != "" || sum.Sessions != 0 {
		t.Errorf("%s", out)
	}
	want := []string{
		"5 packets, 1 QUIC packet decrypted, 0 sessions, 0 events",
		"BROKEN",
		"192.0.2.1:5353 → 192.0.2.2:53: 2 UDP datagrams not decoded: the start of the connection is not in the capture, or it is not QUIC",
		"1 packet without a UDP datagram: ARP",
		"1 packet without a UDP datagram: TCP",
		"1 packet without a UDP datagram: secrets of type 0x5353484b",
	}
	got := sum.Lines()
	if i := slices.IndexFunc(got, func(l string) bool { return strings.Contains(l, "the capture ends inside a record") }); i > 0 {
		got[i] = "BROKEN"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCutPacketsAreNamed(t *testing.T) {
	rec := record(t)
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriter(&b, layers.LinkTypeRaw)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteDecryptionSecretsBlock(pcapgo.DSB_SECRETS_TYPE_TLS, rec.Keys); err != nil {
		t.Fatal(err)
	}
	cut := 0
	for i, p := range rec.Packets {
		buf := gopacket.NewSerializeBuffer()
		ip := &layers.IPv4{Version: 4, TTL: 1, Protocol: layers.IPProtocolUDP, SrcIP: p.Src.Addr().AsSlice(), DstIP: p.Dst.Addr().AsSlice()}
		udp := &layers.UDP{SrcPort: layers.UDPPort(p.Src.Port()), DstPort: layers.UDPPort(p.Dst.Port())}
		if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, ip, udp, gopacket.Payload(p.Data)); err != nil {
			t.Fatal(err)
		}
		data, length := buf.Bytes(), len(buf.Bytes())
		if i > 2 && len(data) > 45 {
			data = data[:45]
			cut++
		}
		ci := gopacket.CaptureInfo{Timestamp: p.Time, CaptureLength: len(data), Length: length}
		if err := w.WritePacket(ci, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	_, sum := decode(t, &b, Options{})
	if sum.Cut != cut || cut == 0 || !slices.Contains(sum.Lines(), fmt.Sprintf("%s cut short by the capture", count(cut, "packet"))) {
		t.Errorf("%d cut: %q", cut, sum.Lines())
	}
}
