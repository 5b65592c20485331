package endpoint_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// safeBuffer may be written by several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}

// exchange sends known bytes both ways between the two ends of a connection, and closes it.
func exchange(t *testing.T, client, server transport.Conn) {
	t.Helper()
	ctx := within(t)
	mine, err := client.OpenBidi(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = mine.Write(question); err == nil {
		err = mine.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := server.AcceptBidi(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(theirs); err != nil || !bytes.Equal(got, question) {
		t.Fatalf("the server read %d bytes, %v", len(got), err)
	}
	if _, err = theirs.Write(answer); err == nil {
		err = theirs.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(mine); err != nil || !bytes.Equal(got, answer) {
		t.Fatalf("the client read %d bytes, %v", len(got), err)
	}
	_ = client.CloseWithError(0, "")
	<-server.Context().Done()
}

// Recognizable pieces, more of them than fit into a few packets.
var (
	question = bytes.Repeat([]byte("What is in this capture? "), 800)
	answer   = bytes.Repeat([]byte("Everything that was said. "), 4000)
)

// run exchanges data over a new listener on addr and one connection per URL scheme.
func run(t *testing.T, addr string, server, client endpoint.Config, schemes ...string) {
	t.Helper()
	l := listen(t, addr, server)
	for _, scheme := range schemes {
		u := at(l, scheme, "/")
		if addr == ":0" {
			u.Host = "127.0.0.1:" + u.Port()
		}
		c := dial(t, u, client)
		exchange(t, c, accept(t, l).Conn)
	}
	_ = l.Close()
}

func TestCaptureOfOneEnd(t *testing.T) {
	for _, scheme := range []string{"moqt", "https"} {
		for _, addr := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
			t.Run(scheme+" listener on "+addr, func(t *testing.T) {
				t.Parallel() // most of it is waiting for the close to get through
				var out safeBuffer
				server := serverConfig(t, "moq-lite-05")
				server.Capture = endpoint.NewCapture(&out)
				run(t, addr, server, clientConfig("moq-lite-05"), scheme)
				checkCapture(t, out.Bytes(), 1)
			})
		}
		t.Run(scheme+" dialer", func(t *testing.T) {
			t.Parallel()
			var out safeBuffer
			client := clientConfig("moq-lite-05")
			client.Capture = endpoint.NewCapture(&out)
			run(t, "127.0.0.1:0", serverConfig(t, "moq-lite-05"), client, scheme)
			checkCapture(t, out.Bytes(), 1)
		})
	}
}

func TestCaptureOfBothEndsHasEveryDatagramOnce(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", ":0"} {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			var out safeBuffer
			server, client := serverConfig(t, "moq-lite-05"), clientConfig("moq-lite-05")
			server.Capture = endpoint.NewCapture(&out)
			client.Capture = server.Capture
			run(t, addr, server, client, "moqt", "https", "moqt")
			checkCapture(t, out.Bytes(), 3)
		})
	}
}

// checkCapture reads a capture of so many connections of exchange, block by block.
func checkCapture(t *testing.T, data []byte, connections int) {
	t.Helper()
	var sections, secrets, packets, again int
	var keys strings.Builder
	seen := map[string]bool{}
	for rest := data; len(rest) > 0; {
		n := int(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[8 : n-4]
		switch binary.LittleEndian.Uint32(rest) {
		case 0x0a0d0d0a:
			sections++
		case 10:
			secrets++
			keys.Write(body[8 : 8+binary.LittleEndian.Uint32(body[4:])])
		case 6:
			packets++
			packet := body[20 : 20+binary.LittleEndian.Uint32(body[12:])]
			if seen[string(packet)] {
				again++
			}
			seen[string(packet)] = true
			// Nothing with a short header can be read without the last secrets.
			if udpPayload(t, packet)[0]&0x80 == 0 {
				for _, label := range []string{"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "} {
					if !strings.Contains(keys.String(), label) {
						t.Fatalf("packet %d comes before %s", packets, label)
					}
				}
			}
		}
		rest = rest[n:]
	}
	if sections != 1 {
		t.Errorf("%d section headers", sections)
	}
	if again > packets/10 { // some are really sent again: those that close a connection
		t.Errorf("%d of %d packets are there twice", again, packets)
	}
	if want := 4 * connections; secrets < want {
		t.Errorf("%d secrets, want %d", secrets, want)
	}
	if want := connections * (len(question) + len(answer)) / 1500; packets < want {
		t.Errorf("%d packets, want more than %d", packets, want)
	}
	checkWithTshark(t, data, connections)
}

func udpPayload(t *testing.T, packet []byte) []byte {
	t.Helper()
	first := gopacket.Decoder(layers.LayerTypeIPv4)
	if packet[0]>>4 == 6 {
		first = layers.LayerTypeIPv6
	}
	udp, ok := gopacket.NewPacket(packet, first, gopacket.Default).Layer(layers.LayerTypeUDP).(*layers.UDP)
	if !ok || len(udp.Payload) == 0 {
		t.Fatalf("not a UDP datagram: %x", packet)
	}
	if addr := packet[12:16]; packet[0]>>4 == 4 && binary.BigEndian.Uint32(addr) == 0 {
		t.Errorf("an address is unspecified")
	}
	return udp.Payload
}

// checkWithTshark is the second opinion: it must decrypt every packet, and find the data.
func checkWithTshark(t *testing.T, data []byte, connections int) {
	t.Helper()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Log("NOT CHECKED BY TSHARK: it is not installed")
		return
	}
	file := filepath.Join(t.TempDir(), "capture.pcapng")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(within(t), tshark, "-n", "-r", file, "-T", "fields",
		"-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
		"-e", "quic.stream_data", "-e", "quic.packet_length", "-e", "ip.checksum.status", "-e", "udp.checksum.status",
		"-e", "quic.decryption_failed", "-e", "_ws.malformed")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, stderr.String())
	}
	var text []byte
	for i, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		f := strings.Split(line, "\t")
		quicLength, ipSum, udpSum, trouble := f[1], f[2], f[3], f[4]+f[5]
		if quicLength == "" || ipSum == "0" || udpSum != "1" || trouble != "" { // 1 is good, 0 bad
			t.Errorf("tshark does not like packet %d: %q", i+1, f[1:])
		}
		part, err := hex.DecodeString(strings.NewReplacer(",", "", "<MISSING>", "").Replace(f[0]))
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, part...)
	}
	for _, part := range [][]byte{question[:25], answer[:26]} {
		// Most are within one packet.
		if got, want := bytes.Count(text, part), connections*400; got < want {
			t.Errorf("tshark finds %q %d times, want more than %d", part, got, want)
		}
	}
}

var errFull = errors.New("disk full")

// failing fails after a number of writes.
type failing struct {
	mu    sync.Mutex
	after int
}

func (f *failing) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.after--; f.after < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestCaptureErrorIsLoggedOnceAndHarmsNobody(t *testing.T) {
	for _, after := range []int{0, 1, 2, 5, 20} {
		var log safeBuffer
		server, client := serverConfig(t, "moq-lite-05"), clientConfig("moq-lite-05")
		server.Logger = slog.New(slog.NewTextHandler(&log, nil))
		client.Logger = server.Logger
		server.Capture = endpoint.NewCapture(&failing{after: after})
		client.Capture = server.Capture
		run(t, "127.0.0.1:0", server, client, "moqt", "https")
		got := string(log.Bytes())
		if strings.Count(got, "\n") != 1 || !strings.Contains(got, `msg="the capture has stopped" error="disk full"`) {
			t.Errorf("failing at write %d, the log is:\n%s", after, got)
		}
	}
}

func TestCaptureOfAFailedDial(t *testing.T) {
	var out safeBuffer
	l := listen(t, "127.0.0.1:0", serverConfig(t, "moq-lite-05"))
	client := clientConfig("moqt-18")
	client.Capture = endpoint.NewCapture(&out)
	if _, err := endpoint.Dial(within(t), &url.URL{Scheme: "moqt", Host: l.Addr().String()}, client); err == nil {
		t.Fatal("dialed without a common protocol")
	}
	if got := out.Bytes(); !bytes.Contains(got, []byte{127, 0, 0, 1, 127, 0, 0, 1}) {
		t.Errorf("the handshake that failed is not in the %d bytes of the capture", len(got))
	}
}

func TestKeyLog(t *testing.T) {
	var all, own safeBuffer
	var log safeBuffer
	server, client := serverConfig(t, "moq-lite-05"), clientConfig("moq-lite-05")
	client.KeyLog, client.TLS.KeyLogWriter = &all, &own
	server.KeyLog = &failing{}
	server.Logger = slog.New(slog.NewTextHandler(&log, nil))
	run(t, "127.0.0.1:0", server, client, "moqt", "https")
	if got := bytes.Count(all.Bytes(), []byte("\n")); got != 8 || !bytes.Equal(all.Bytes(), own.Bytes()) {
		t.Errorf("%d key log lines for two connections, want 8, the same in both logs", got)
	}
	if got := string(log.Bytes()); strings.Count(got, "\n") != 1 || !strings.Contains(got, "key log is incomplete") {
		t.Errorf("the log of a key log that fails is:\n%s", got)
	}
}
