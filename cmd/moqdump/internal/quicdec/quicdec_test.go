package quicdec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/capfile"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/netpkt"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/talk"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The worked examples of RFC 9001 appendix A.1 and RFC 9369 appendix A.1.
func TestInitialKeysOfTheRFCs(t *testing.T) {
	cases := []struct {
		version uint32
		label   string
		want    [2][3]string // client, server: key, iv, hp
	}{
		{Version1, "quic ", [2][3]string{
			{"1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"},
			{"cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314"},
		}},
		{Version2, "quicv2 ", [2][3]string{
			{"8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"},
			{"82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652", "edf6d05c83121201b436e16877593c3a"},
		}},
	}
	h, _ := AES128GCM.hash()
	for _, tc := range cases {
		secrets, err := initialSecrets(tc.version, unhex("8394c8f03e515708"))
		if err != nil {
			t.Fatal(err)
		}
		for dir, want := range tc.want {
			for i, part := range []string{"key", "iv", "hp"} {
				got, err := expandLabel(h, secrets[dir], tc.label+part, len(want[i])/2)
				if err != nil || hex.EncodeToString(got) != want[i] {
					t.Errorf("version %#x %s %s: got %x, want %s", tc.version, Dir(dir), part, got, want[i])
				}
			}
		}
	}
}

// RFC 9001 appendix A.5: a short header packet under ChaCha20-Poly1305.
func TestChaChaPacketOfTheRFC(t *testing.T) {
	secret := unhex("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b")
	packet := unhex("4cfe4189655e5cd55c41f69080575d7999c25a5bfb")
	k, err := newKeys(Version1, ChaCha20, secret)
	if err != nil {
		t.Fatal(err)
	}
	h, ok := unmask(k.hp, nil, packet, 1, 654360564)
	if !ok || h.pn != 654360564 || hex.EncodeToString(h.bytes) != "4200bff4" {
		t.Fatalf("header %x packet number %d", h.bytes, h.pn)
	}
	if out, ok := k.open(nil, packet, h); !ok || hex.EncodeToString(out) != "01" {
		t.Errorf("opened to %x", out)
	}
	next, err := nextSecret(Version1, ChaCha20, secret)
	if err != nil || hex.EncodeToString(next) != "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9" {
		t.Errorf("the next secret is %x", next)
	}
}

func TestRestoresPacketNumbers(t *testing.T) {
	cases := []struct {
		pn     uint64
		size   int
		expect uint64
		want   uint64
	}{
		{0x9b32, 2, 0xa82f30eb, 0xa82f9b32}, // RFC 9000 appendix A.3
		{0, 1, 0, 0}, {255, 1, 0, 255}, {0, 1, 200, 256}, {255, 1, 257, 255}, {1, 1, 1 << 20, 1<<20 + 1},
	}
	for _, tc := range cases {
		if got := fullNumber(tc.pn, tc.size, tc.expect); got != tc.want {
			t.Errorf("%+v: got %#x", tc, got)
		}
	}
}

func TestKeyLogTakesPiecesAndSkipsTheRest(t *testing.T) {
	random, secret := strings.Repeat("ab", 32), strings.Repeat("01", 48)
	text := "# comment\nCLIENT_RANDOM " + random + " " + secret + "\r\n" +
		"EXPORTER_SECRET " + random + " " + secret + "\n" +
		"CLIENT_TRAFFIC_SECRET_0 " + random + " zz\n" +
		"CLIENT_TRAFFIC_SECRET_0 abcd " + secret + "\n" +
		strings.Repeat("x", 3*maxLine) + "\n" +
		"SERVER_TRAFFIC_SECRET_0 " + random + " " + secret + "\r\n" +
		"CLIENT_HANDSHAKE_TRAFFIC_SECRET " + random + " " + secret
	for step := 1; step < 200; step += 7 {
		k := &KeyLog{}
		for piece := range slices.Chunk([]byte(text), step) {
			_, _ = k.Write(piece)
		}
		k.Add(nil)
		s := k.sessions[clientRandom(unhex(random))]
		if k.Sessions() != 1 || s == nil || s.traffic[0] != nil || len(s.traffic[1]) != 48 || len(s.handshake[0]) != 48 {
			t.Fatalf("in pieces of %d: %+v", step, s)
		}
	}
}

// model applies pieces to a reassembler and checks every byte that comes out.
func TestReassemblesAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	want := payload(5, 4000)
	for round := range 200 {
		var r reassembler
		total := 0
		r.total = &total
		var got []byte
		out := func(off uint64, data []byte, gap uint64) {
			if off != uint64(len(got)) || data == nil {
				t.Fatalf("round %d: %d bytes and a gap of %d at %d after %d", round, len(data), gap, off, len(got))
			}
			got = append(got, data...)
		}
		var cuts []int
		for range 40 {
			cuts = append(cuts, rng.IntN(len(want)))
		}
		pieces := [][2]int{}
		cuts = append(cuts, 0, len(want))
		slices.Sort(cuts)
		for i := range len(cuts) - 1 {
			from, to := cuts[i], cuts[i+1]
			pieces = append(pieces, [2]int{max(0, from-rng.IntN(50)), min(len(want), to+rng.IntN(50))})
		}
		rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		for _, p := range pieces {
			r.push(time.Time{}, uint64(p[0]), want[p[0]:p[1]], out)
			sum := 0
			for i, s := range r.segments {
				sum += len(s.data)
				if s.off <= r.next || i > 0 && r.segments[i-1].end() > s.off {
					t.Fatalf("round %d: segments overlap", round)
				}
			}
			if sum != r.buffered || sum != total {
				t.Fatalf("round %d: %d buffered, counted %d and %d", round, sum, r.buffered, total)
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("round %d: %d bytes", round, len(got))
		}
	}
}

func TestReassemblerBoundsWhatWaits(t *testing.T) {
	var r reassembler
	gaps, bytes := uint64(0), 0
	out := func(_ uint64, data []byte, gap uint64) { gaps += gap; bytes += len(data) }
	for i := range 3 * maxSegments {
		r.push(time.Time{}, uint64(2*i+1), []byte{1}, out)
		if len(r.segments) > maxSegments {
			t.Fatalf("%d segments", len(r.segments))
		}
	}
	for i := range 40 {
		r.push(time.Time{}, uint64(1e6+1e5*i), make([]byte, 60_000), out)
		if r.buffered > maxBehindGap+60_000 {
			t.Fatalf("%d bytes", r.buffered)
		}
	}
	r.flush(out)
	if bytes != 3*maxSegments+40*60_000 || gaps+uint64(bytes) != r.next || r.buffered != 0 {
		t.Errorf("%d bytes, %d missing, next %d", bytes, gaps, r.next)
	}
}

func TestIDSetHoldsWhatWasAdded(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var s idSet
	model := map[uint64]bool{}
	for range 20_000 {
		id := uint64(rng.IntN(3000))
		if s.add(id) == model[id] {
			t.Fatalf("add %d, which was there: %v", id, model[id])
		}
		model[id] = true
		if q := uint64(rng.IntN(3000)); s.has(q) != model[q] {
			t.Fatalf("has %d", q)
		}
	}
	s = idSet{}
	for i := range uint64(10 * maxSpans) {
		s.add(2 * i)
	}
	if len(s.spans) > maxSpans || !s.has(20*maxSpans-2) || s.has(20*maxSpans-3) {
		t.Errorf("%d spans", len(s.spans))
	}
}

// frames holds one of every frame type, with what a decoder takes from it.
var frames = []struct {
	hex  string
	want frame
}{
	{"000000", frame{}},
	{"01", frame{typ: framePing}},
	{"02 0a 00 02 03 01 02 03 04", frame{typ: frameAck}},
	{"03 0a 00 00 03 01 02 03", frame{typ: frameAckECN}},
	{"04 05 4007 09", frame{typ: frameResetStream, stream: 5, code: 7, final: 9}},
	{"24 05 07 09 03", frame{typ: frameResetStreamAt, stream: 5, code: 7, final: 9, reliable: 3}},
	{"05 05 07", frame{typ: frameStopSending, stream: 5, code: 7}},
	{"06 02 03 616263", frame{typ: frameCrypto, offset: 2, data: []byte("abc")}},
	{"07 02 aabb", frame{typ: frameNewToken}},
	{"0a 04 02 6162", frame{typ: 0x0a, stream: 4, data: []byte("ab")}},
	{"0f 04 4100 02 6162", frame{typ: 0x0f, stream: 4, offset: 256, data: []byte("ab"), fin: true}},
	{"09 04 6162", frame{typ: 0x09, stream: 4, data: []byte("ab"), fin: true}},
	{"10 05", frame{typ: frameMaxData}},
	{"11 05 06", frame{typ: 0x11}},
	{"17 05", frame{typ: 0x17}},
	{"18 01 00 02 aabb 00112233445566778899aabbccddeeff", frame{typ: frameNewCID, data: []byte{0xaa, 0xbb}}},
	{"19 01", frame{typ: frameRetireCID}},
	{"1a 0011223344556677", frame{typ: framePathChallenge}},
	{"1c 0a 06 02 6869", frame{typ: frameClose, code: 10, stream: 6, data: []byte("hi")}},
	{"1d 0a 02 6869", frame{typ: frameCloseApp, code: 10, data: []byte("hi")}},
	{"1e", frame{typ: frameHandshakeDone}},
	{"1f", frame{typ: frameImmediateAck}},
	{"30 6869", frame{typ: frameDatagram, data: []byte("hi")}},
	{"31 02 6869", frame{typ: frameDatagramLen, data: []byte("hi")}},
	{"40af 01 02 03 04", frame{typ: frameAckFrequency}},
}

func TestParsesEveryFrame(t *testing.T) {
	for _, tc := range frames {
		b := unhex(tc.hex)
		got, n, err := parseFrame(b)
		if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(frame{})); diff != "" || err != nil || n != len(b) {
			t.Errorf("%s: %v, %d of %d bytes\n%s", tc.hex, err, n, len(b), diff)
		}
		for i := 1; i < len(b); i++ {
			_, n, err := parseFrame(b[:i])
			// Padding, and data up to the end of the packet, have no length of their own.
			if err == nil && (n != i || !slices.Contains([]uint64{framePadding, 0x09, frameDatagram}, got.typ)) {
				t.Errorf("%s cut to %d bytes: %v", tc.hex, i, err)
			}
		}
	}
	for in, want := range map[string]string{
		"21":                             "frame type 0x21 at byte 0 of the packet: unknown type, the rest of the packet is not decoded",
		"06 00 05 61":                    "frame type 0x6 at byte 0 of the packet: Crypto Data of 5 bytes, 1 are left",
		"02 00 00 ffffffffffffffff 00":   "frame type 0x2 at byte 0 of the packet: ACK Range is cut short",
		"0e 00 ffffffffffffffff 02 6162": "frame type 0xe at byte 0 of the packet: data beyond the largest stream offset",
	} {
		if _, _, err := parseFrame(unhex(in)); err == nil || err.Error() != want {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// bare is a connection that takes frames without packets around them.
func bare() (*Conn, *result) {
	r := &result{data: map[string][]byte{}, ends: map[string]string{}}
	r.d = New(&KeyLog{}, r.take)
	c := &Conn{d: r.d, opened: true}
	r.d.conns = []*Conn{c}
	return c, r
}

func streamFrame(id, off uint64, data string, fin bool) []byte {
	b := []byte{0x0e}
	if fin {
		b[0] = 0x0f
	}
	b = quicvarint.Append(b, id)
	b = quicvarint.Append(b, off)
	b = quicvarint.Append(b, uint64(len(data)))
	return append(b, data...)
}

func TestAMalformedFrameLeavesTheRestOfTheConnection(t *testing.T) {
	c, r := bare()
	at := time.Unix(0, 0)
	c.payload(at, ClientToServer, levelApp, append(streamFrame(0, 0, "one", false), 0x21, 0, 0))
	c.payload(at, ClientToServer, levelApp, streamFrame(0, 3, "two", true))
	if got := string(r.data["> bidi 0"]); got != "onetwo" || r.ends["> bidi 0"] != "fin" {
		t.Errorf("%q %s", got, r.ends["> bidi 0"])
	}
	want := []string{"kind 7 frame type 0x21 at byte 7 of the packet: unknown type, the rest of the packet is not decoded"}
	if diff := cmp.Diff(want, r.events); diff != "" {
		t.Error(diff)
	}
}

func TestAGapIsGivenUpAfterAWhile(t *testing.T) {
	c, r := bare()
	at := time.Unix(0, 0)
	c.payload(at, ServerToClient, levelApp, streamFrame(3, 10, "late", false))
	c.payload(at, ServerToClient, levelApp, streamFrame(7, 5, "", true)) // the FIN of a stream whose data is lost
	c.sweep(at.Add(maxGapAge - 1))
	if len(r.events) != 0 {
		t.Errorf("too early: %q", r.events)
	}
	c.sweep(at.Add(2 * maxGapAge))
	want := []string{"< uni 3: 10 bytes missing", "< uni 7: 5 bytes missing"}
	if diff := cmp.Diff(want, r.events); diff != "" {
		t.Error(diff)
	}
	if string(r.data["< uni 3"][10:]) != "late" || r.ends["< uni 7"] != "fin" {
		t.Errorf("%q %q", r.data, r.ends)
	}
}

func TestAResetWaitsForItsReliablePart(t *testing.T) {
	c, r := bare()
	at := time.Unix(0, 0)
	c.payload(at, ServerToClient, levelApp, unhex("24 03 07 09 04")) // reliable up to 4
	if r.ends["< uni 3"] != "" {
		t.Errorf("ended early: %s", r.ends["< uni 3"])
	}
	c.payload(at, ServerToClient, levelApp, streamFrame(3, 0, "head", false))
	c.payload(at, ServerToClient, levelApp, unhex("24 03 07 09 04")) // repeated
	c.payload(at, ServerToClient, levelApp, unhex("05 03 08 05 03 08"))
	if r.ends["< uni 3"] != "reset 7 at 4 of 9stop 8" || string(r.data["< uni 3"]) != "head" {
		t.Errorf("%q %q", r.data, r.ends)
	}
}

func TestOpenStreamsAreBounded(t *testing.T) {
	c, r := bare()
	at := time.Unix(0, 0)
	for i := range uint64(maxStreams + 2) {
		c.payload(at.Add(time.Duration(i)), ServerToClient, levelApp, streamFrame(4*i+3, 1, "x", false))
	}
	if n := len(c.streams[ServerToClient].open); n != maxStreams-maxStreams/8+2 {
		t.Errorf("%d streams", n)
	}
	want := []string{"< uni 3: 1 bytes missing", "kind 8 <nil>", "< uni 7: 1 bytes missing", "kind 8 <nil>"}
	if diff := cmp.Diff(want, r.events[:4]); diff != "" {
		t.Error(diff)
	}
	if c.buffered != len(c.streams[ServerToClient].open) {
		t.Errorf("%d bytes counted", c.buffered)
	}
}

func TestWaitingPacketsAreBounded(t *testing.T) {
	rec := record(t, talk.Options{}, 10)
	r := decode(nil, nil)
	for _, p := range rec.Packets {
		r.d.Datagram(p.Time, p.Src, p.Dst, p.Data)
	}
	short := slices.IndexFunc(rec.Packets, func(p talk.Packet) bool { return p.Data[0]&0x80 == 0 })
	p := rec.Packets[short]
	p.Data = append(slices.Clone(p.Data), make([]byte, 1200)...)
	for range 2 * maxPending / len(p.Data) {
		r.d.Datagram(p.Time, p.Src, p.Dst, p.Data)
	}
	c := r.d.conns[0]
	if c.pendingBytes > maxPending || r.d.pendingBytes != c.pendingBytes || c.stats.dropped == 0 {
		t.Errorf("%d bytes wait, %d packets dropped", c.pendingBytes, c.stats.dropped)
	}
}

// seal makes a client's Initial packet for a connection id.
func seal(t testing.TB, dcid, frames []byte) []byte {
	t.Helper()
	secrets, err := initialSecrets(Version1, dcid)
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKeys(Version1, AES128GCM, secrets[ClientToServer])
	if err != nil {
		t.Fatal(err)
	}
	return sealLong(k, levelInitial, 0, dcid, nil, frames)
}

// sealLong makes a long header packet of version 1 with a packet number of two bytes.
func sealLong(k *packetKeys, lvl level, pn uint16, dcid, scid, frames []byte) []byte {
	b := append([]byte{0xc1 | byte(lvl)<<4, 0, 0, 0, 1, byte(len(dcid))}, dcid...)
	b = append(append(b, byte(len(scid))), scid...)
	if lvl == levelInitial {
		b = append(b, 0) // no token
	}
	b = quicvarint.AppendWithLen(b, uint64(2+len(frames)+16), 2)
	pnOff := len(b)
	b = append(b, byte(pn>>8), byte(pn))
	nonce := k.iv
	nonce[10] ^= byte(pn >> 8)
	nonce[11] ^= byte(pn)
	b = k.aead.Seal(b, nonce[:], frames, b)
	mask := k.hp(b[pnOff+4 : pnOff+20])
	b[0] ^= mask[0] & 0x0f
	b[pnOff] ^= mask[1]
	b[pnOff+1] ^= mask[2]
	return b
}

func TestConnectionsAreBounded(t *testing.T) {
	r := decode(nil, nil)
	server := mustAddr("192.0.2.2:443")
	for i := range 2 * maxConns {
		client := mustAddr(fmt.Sprintf("192.0.2.1:%d", 1000+i))
		dcid := []byte(fmt.Sprintf("connection %d", i))
		at := time.Unix(int64(i), 0)
		r.d.Datagram(at, client, server, seal(t, dcid, make([]byte, 30)))
		r.d.Datagram(at, client, server, make([]byte, 30)) // kept for a connection without keys
	}
	s := r.d.Stats()
	if len(r.d.conns) != maxConns || s.Connections != 2*maxConns || s.Packets != 2*maxConns || len(r.d.Strange()) != 0 {
		t.Errorf("%d connections, %+v, %v", len(r.d.conns), s, r.d.Strange())
	}
	if len(r.d.routes) > 2*maxConns || len(r.d.newest) > 2*maxConns || len(r.d.anyPath) > 2*maxConns || len(r.d.lengths) > 2*maxConns {
		t.Errorf("%d routes, %d paths, %d ids", len(r.d.routes), len(r.d.newest), len(r.d.anyPath))
	}
	if r.d.pendingBytes != 30*maxConns || r.d.conns[0].Client.Port() != 1000+maxConns {
		t.Errorf("%d bytes wait, the oldest is %v", r.d.pendingBytes, r.d.conns[0].Client)
	}
}

func FuzzFrames(f *testing.F) {
	for _, tc := range frames {
		f.Add(unhex(tc.hex))
	}
	f.Add(append(streamFrame(0, 0, "abc", false), streamFrame(0, 7, "abc", true)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		next := map[string]uint64{}
		c := &Conn{opened: true}
		c.d = New(&KeyLog{}, func(e Event) {
			if e.Kind != StreamData && e.Kind != StreamGap {
				return
			}
			name := halfName(e.Dir, e.Stream)
			if e.Offset != next[name] {
				t.Fatalf("%s: offset %d after %d", name, e.Offset, next[name])
			}
			next[name] += uint64(len(e.Data)) + e.Length
		})
		for dir := range c.dirs {
			c.payload(time.Unix(0, 0), Dir(dir), levelApp, b)
			c.payload(time.Unix(9, 0), Dir(dir), levelInitial, b)
		}
		c.sweep(time.Unix(99, 0))
		c.flush(time.Unix(99, 0))
		if c.buffered != 0 {
			t.Fatalf("%d bytes are left behind", c.buffered)
		}
	})
}

var recordFlag = flag.Bool("record", false, "record testdata/chat.pcapng anew")

// TestRecording decodes a committed capture, which also seeds the fuzzing.
func TestRecording(t *testing.T) {
	const name = "testdata/chat.pcapng"
	if *recordFlag {
		rec := record(t, talk.Options{}, 2000)
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(rec.WritePCAPNG(f, true), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	packets, keys := load(t, name)
	checkChat(t, decode(packets, keys), 2000)
}

// load reads the datagrams and the secrets of a capture.
func load(t testing.TB, name string) (packets []talk.Packet, keys []byte) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := capfile.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var p netpkt.Parser
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return packets, keys
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Secrets != nil {
			keys = append(keys, rec.Secrets...)
			continue
		}
		if g, err := p.Parse(uint16(rec.Link), rec.Data); err == nil {
			packets = append(packets, talk.Packet{Time: rec.Time, Src: g.Src, Dst: g.Dst, Data: slices.Clone(g.Payload)})
		}
	}
}

func FuzzDatagrams(f *testing.F) {
	packets, keys := load(f, "testdata/chat.pcapng")
	var all []byte
	for i, p := range packets {
		f.Add(p.Data, i%2 == 0)
		all = append(all, p.Data...)
	}
	f.Add(all, true)
	f.Fuzz(func(t *testing.T, b []byte, early bool) {
		r := decode(nil, nil)
		if early {
			r.d.keys.Add(keys)
		}
		first := packets[0]
		r.d.Datagram(first.Time, first.Src, first.Dst, b)
		for _, p := range packets[:5] {
			r.d.Datagram(p.Time, p.Src, p.Dst, p.Data)
		}
		r.d.Datagram(first.Time, first.Src, first.Dst, b)
		r.d.Datagram(first.Time, first.Dst, first.Src, b)
		r.d.keys.Add(keys)
		r.d.KeysChanged()
		r.d.Flush(first.Time)
	})
}
