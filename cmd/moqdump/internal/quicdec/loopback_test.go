package quicdec

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/talk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// payload is n bytes that differ everywhere.
func payload(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return b
}

// halfName names one direction of a stream.
func halfName(dir Dir, id uint64) string {
	return map[Dir]string{ClientToServer: "> ", ServerToClient: "< "}[dir] + StreamName(id)
}

// result is what came out of a decoder, stream by stream.
type result struct {
	data   map[string][]byte
	ends   map[string]string
	events []string
	d      *Decoder
	conns  []*Conn
}

func (r *result) take(e Event) {
	name := halfName(e.Dir, e.Stream)
	switch e.Kind {
	case Opened:
		r.conns = append(r.conns, e.Conn)
	case StreamData:
		if have := uint64(len(r.data[name])); have != e.Offset {
			r.events = append(r.events, fmt.Sprintf("%s: data at %d after %d", name, e.Offset, have))
		}
		r.data[name] = append(r.data[name], e.Data...)
		if e.Fin {
			r.ends[name] += "fin"
		}
	case StreamGap:
		r.events = append(r.events, fmt.Sprintf("%s: %d bytes missing", name, e.Length))
		r.data[name] = append(r.data[name], make([]byte, e.Length)...)
	case StreamReset:
		r.ends[name] += fmt.Sprintf("reset %d at %d of %d", e.Code, e.Offset, e.Length)
	case StopSending:
		r.ends[name] += fmt.Sprintf("stop %d", e.Code)
	case Datagram:
		r.events = append(r.events, fmt.Sprintf("datagram %s", e.Data))
	case Closed:
		r.events = append(r.events, fmt.Sprintf("closed %d %q app %v", e.Code, e.Reason, e.App))
	case Ended:
	default:
		r.events = append(r.events, fmt.Sprintf("kind %d %v", e.Kind, e.Err))
	}
}

// decode runs packets through a decoder that has the keys from the start.
func decode(packets []talk.Packet, keys []byte) *result {
	r := &result{data: map[string][]byte{}, ends: map[string]string{}}
	log := &KeyLog{}
	log.Add(keys)
	r.d = New(log, r.take)
	feed(r.d, packets)
	return r
}

func feed(d *Decoder, packets []talk.Packet) {
	var last time.Time
	for _, p := range packets {
		d.Datagram(p.Time, p.Src, p.Dst, p.Data)
		last = p.Time
	}
	d.Flush(last)
}

// chat is a conversation with every kind of frame that a decoder shows, and enough packets for
// several key updates when size is large.
func chat(size int) (server, client talk.Script) {
	server = func(ctx context.Context, c talk.Conn) error {
		s, err := c.AcceptBidi(ctx)
		if err != nil {
			return err
		}
		ask, err := io.ReadAll(s)
		if err != nil {
			return err
		}
		// First, so that it is out before anything else; whether it arrives is another matter.
		if err := c.SendDatagram([]byte("over")); err != nil {
			return err
		}
		if _, err := s.Write(append([]byte("re: "), ask...)); err != nil {
			return err
		}
		s.Reset(7)
		u, err := c.OpenUni(ctx)
		if err != nil {
			return err
		}
		if _, err := u.Write(payload(1, size)); err != nil {
			return err
		}
		if err := u.Close(); err != nil {
			return err
		}
		<-c.Done()
		return nil
	}
	client = func(ctx context.Context, c talk.Conn) error {
		s, err := c.OpenBidi(ctx)
		if err != nil {
			return err
		}
		if _, err := s.Write([]byte("question")); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
		u, err := c.AcceptUni(ctx)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, u); err != nil {
			return err
		}
		s.Stop(9)
		return c.Close(3, "bye")
	}
	return server, client
}

func record(t testing.TB, o talk.Options, size int) *talk.Recording {
	t.Helper()
	server, client := chat(size)
	rec, err := talk.QUIC(o, server, client)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// checkChat compares what was decoded with what was said.
func checkChat(t *testing.T, r *result, size int) {
	t.Helper()
	if got := string(r.data["> bidi 0"]); got != "question" || r.ends["> bidi 0"] != "fin" {
		t.Errorf("client said %q %s", got, r.ends["> bidi 0"])
	}
	if !bytes.Equal(r.data["< uni 3"], payload(1, size)) || r.ends["< uni 3"] != "fin" {
		t.Errorf("server sent %d of %d bytes, %s", len(r.data["< uni 3"]), size, r.ends["< uni 3"])
	}
	if !slices.Contains(r.events, "datagram over") || !slices.Contains(r.events, `closed 3 "bye" app true`) {
		t.Errorf("events %q", r.events)
	}
	if s := r.d.Stats(); s.Failed+s.Waiting+s.Dropped != 0 || len(r.d.Strange()) != 0 {
		t.Errorf("%+v %v %v", s, r.d.Problems(), r.d.Strange())
	}
}

func TestDecodesEveryVersionSuiteAndConnectionIDLength(t *testing.T) {
	cases := map[string]talk.Options{
		"v1":             {},
		"v2":             {Version: quic.Version2},
		"v2 chacha":      {Version: quic.Version2, Suite: tls.TLS_CHACHA20_POLY1305_SHA256},
		"aes 256":        {Suite: tls.TLS_AES_256_GCM_SHA384},
		"chacha":         {Suite: tls.TLS_CHACHA20_POLY1305_SHA256},
		"retry":          {Retry: true},
		"retry v2":       {Retry: true, Version: quic.Version2},
		"no client id":   {ClientID: -1, ServerID: 20},
		"long client id": {ClientID: 18, ServerID: 1},
	}
	for name, o := range cases {
		rec := record(t, o, 1000)
		r := decode(rec.Packets, rec.Keys)
		checkChat(t, r, 1000)
		if len(r.conns) != 1 {
			t.Errorf("%s: %d connections", name, len(r.conns))
			continue
		}
		c := r.conns[0]
		wantVersion, wantSuite := uint32(Version1), AES128GCM
		if o.Version != 0 {
			wantVersion = uint32(o.Version)
		}
		if o.Suite != 0 {
			wantSuite = Suite(o.Suite)
		}
		if c.Version != wantVersion || c.Suite != wantSuite || c.ALPN != "test" || c.ALPNGuessed || c.SNI != "localhost" || c.Server != rec.Server {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestFollowsKeyUpdates(t *testing.T) {
	const size = 2 << 20
	rec := record(t, talk.Options{}, size)
	r := decode(rec.Packets, rec.Keys)
	checkChat(t, r, size)
	if n := r.conns[0].dirs[ServerToClient].app.current; n == 0 {
		t.Error("the recording had no key update")
	}
}

// The secrets may stand anywhere in the file, and connection ids are announced under their protection.
func TestSecretsMayComeLate(t *testing.T) {
	rec := record(t, talk.Options{ServerID: 8}, 50_000)
	for _, when := range []int{1, 3, 5, len(rec.Packets) - 1} {
		r := decode(nil, nil)
		for i, p := range rec.Packets {
			if i == when {
				if i > 8 && !r.d.Waiting() {
					t.Error("nothing waits for secrets")
				}
				_, _ = r.d.keys.Write(rec.Keys)
				r.d.KeysChanged()
			}
			r.d.Datagram(p.Time, p.Src, p.Dst, p.Data)
		}
		r.d.Flush(rec.Packets[len(rec.Packets)-1].Time)
		checkChat(t, r, 50_000)
		if r.d.Waiting() {
			t.Error("something still waits for secrets")
		}
	}
}

func TestSaysWhichSecretsAreMissing(t *testing.T) {
	rec := record(t, talk.Options{}, 1000)
	other := record(t, talk.Options{}, 10)
	random := strings.Fields(string(rec.Keys))[1]
	var traffic []byte
	for line := range strings.Lines(string(rec.Keys)) {
		if !strings.Contains(line, "HANDSHAKE") {
			traffic = append(traffic, line...)
		}
	}
	cases := map[string]string{
		"":                                       "there are no secrets, neither in the capture nor in a key log (client random " + random + ")",
		string(other.Keys):                       "client random " + random + " is not in the key log; 1 other is",
		strings.Split(string(rec.Keys), "\n")[0]: "the key log lacks some of the secrets of client random " + random,
	}
	for keys, want := range cases {
		r := decode(rec.Packets, []byte(keys))
		p := r.d.Problems()
		if len(p) != 1 || p[0].Reason != want || p[0].Packets < 5 {
			t.Errorf("got %+v, want %s", p, want)
		}
	}
	// Without the handshake secrets the server's choice stays hidden; the streams do not, and they
	// come at once.
	r := decode(nil, traffic)
	for _, p := range rec.Packets {
		r.d.Datagram(p.Time, p.Src, p.Dst, p.Data)
	}
	if string(r.data["> bidi 0"]) != "question" || !r.conns[0].ALPNGuessed || r.conns[0].ALPN != "test" {
		t.Errorf("%q %+v", r.data, r.conns[0])
	}
}

// quic-go does not log the secret of early data, so that part stays closed, and nothing else does.
func TestEarlyDataDoesNotHoldUpTheRest(t *testing.T) {
	rec := record(t, talk.Options{Early: true}, 5000)
	early := 0
	for _, p := range rec.Packets {
		if h, err := parseLong(p.Data); err == nil && h.level == levelEarly {
			early++
		} else if err == nil && h.size < len(p.Data) {
			if h, err := parseLong(p.Data[h.size:]); err == nil && h.level == levelEarly {
				early++
			}
		}
	}
	if early == 0 {
		t.Fatal("the recording has no early data")
	}
	r := decode(rec.Packets, rec.Keys)
	p := r.d.Problems()
	if len(p) != 1 || p[0].Packets != early || !strings.HasPrefix(p[0].Reason, "the key log lacks some of the secrets of client random ") {
		t.Errorf("%d early packets, %+v", early, p)
	}
	if !bytes.Equal(r.data["< uni 3"], payload(1, 5000)) || r.ends["< uni 3"] != "fin" || !slices.Contains(r.events, `closed 3 "bye" app true`) {
		t.Errorf("%q %q", r.ends, r.events)
	}
	if len(r.data["> bidi 0"]) > 0 && !slices.Contains(r.events, "> bidi 0: 8 bytes missing") {
		t.Errorf("%q", r.data["> bidi 0"])
	}
}

// With its secret, early data is decoded like the rest.
func TestEarlyDataIsDecodedWithItsSecret(t *testing.T) {
	rec := record(t, talk.Options{}, 1000)
	secret := bytes.Repeat([]byte{7}, 32)
	k, err := newKeys(Version1, AES128GCM, secret)
	if err != nil {
		t.Fatal(err)
	}
	first := rec.Packets[0]
	h, err := parseLong(first.Data)
	if err != nil {
		t.Fatal(err)
	}
	sealed := sealLong(k, levelEarly, 900, h.dcid, h.scid, streamFrame(400, 0, "early", true))
	early := talk.Packet{Time: first.Time, Src: first.Src, Dst: first.Dst, Data: sealed}
	random := strings.Fields(string(rec.Keys))[1]
	keys := append(slices.Clone(rec.Keys), fmt.Sprintf("CLIENT_EARLY_TRAFFIC_SECRET %s %x\n", random, secret)...)
	r := decode(slices.Insert(slices.Clone(rec.Packets), 1, early), keys)
	checkChat(t, r, 1000)
	if string(r.data["> bidi 400"]) != "early" || r.ends["> bidi 400"] != "fin" {
		t.Errorf("%q %v", r.data["> bidi 400"], r.d.Problems())
	}
}

func TestPutsReorderedAndRepeatedPacketsInOrder(t *testing.T) {
	const size = 200_000
	rec := record(t, talk.Options{}, size)
	rng := rand.New(rand.NewPCG(1, 2))
	var mixed []talk.Packet
	for chunk := range slices.Chunk(rec.Packets, 6) {
		part := append(slices.Clone(chunk), chunk[rng.IntN(len(chunk))])
		if len(mixed) > 0 { // the very first packet creates the connection
			rng.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
		}
		mixed = append(mixed, part...)
	}
	r := decode(mixed, rec.Keys)
	checkChat(t, r, size)
}

// quic-go splits the ClientHello over two packets; either may come first.
func TestClientHelloMayComeInAnyOrder(t *testing.T) {
	for range 50 {
		rec := record(t, talk.Options{}, 10)
		a := rec.Packets[0]
		b := slices.IndexFunc(rec.Packets[1:], func(p talk.Packet) bool { return !rec.FromServer(p) }) + 1
		if id := a.Data[:6+a.Data[5]]; !bytes.HasPrefix(rec.Packets[b].Data[1:], id[1:]) {
			continue // an answer came between the two, and the second goes to another connection id
		}
		packets := slices.Clone(rec.Packets)
		second := packets[b]
		packets = slices.Insert(slices.Delete(packets, b, b+1), 0, second)
		checkChat(t, decode(packets, rec.Keys), 10)
		return
	}
	t.Error("no recording had both halves of the ClientHello before the first answer")
}

// Segmentation offload puts many datagrams into one record.
func TestSplitsSuperDatagrams(t *testing.T) {
	const size = 400_000
	rec := record(t, talk.Options{}, size)
	var bundled []talk.Packet
	open, segment := -1, 0 // the bundle that grows, and the size of its datagrams
	for _, p := range rec.Packets {
		if !rec.FromServer(p) || p.Data[0]&0x80 != 0 {
			bundled = append(bundled, p)
			continue
		}
		if open >= 0 && len(p.Data) <= segment && len(bundled[open].Data) < 20_000 {
			bundled[open].Data = append(slices.Clone(bundled[open].Data), p.Data...)
			if len(p.Data) < segment { // a shorter one ends a bundle
				open = -1
			}
			continue
		}
		if open, segment = len(bundled), len(p.Data); segment < minSegment {
			open = -1
		}
		bundled = append(bundled, p)
	}
	longest := 0
	for _, p := range bundled {
		longest = max(longest, len(p.Data))
	}
	if longest < 10_000 {
		t.Fatalf("the longest bundle has %d bytes", longest)
	}
	checkChat(t, decode(bundled, rec.Keys), size)
}

func TestGapsAreMarkedAndTheRestIsDecoded(t *testing.T) {
	const size = 300_000
	rec := record(t, talk.Options{}, size)
	var kept []talk.Packet
	lost := 0
	for i, p := range rec.Packets {
		if i > 20 && i < len(rec.Packets)-20 && i%17 == 0 && rec.FromServer(p) {
			lost++
			continue
		}
		kept = append(kept, p)
	}
	r := decode(kept, rec.Keys)
	got, want := r.data["< uni 3"], payload(1, size)
	same := 0
	for i := range min(len(got), len(want)) {
		if got[i] == want[i] {
			same++
		}
	}
	gaps := 0
	for _, e := range r.events {
		if strings.HasPrefix(e, "< uni 3:") {
			gaps++
		}
	}
	if lost == 0 || len(got) != size || gaps == 0 || gaps > lost || same < size-lost*1500 || same == size {
		t.Errorf("%d lost, %d gaps, %d of %d bytes, %d right", lost, gaps, len(got), size, same)
	}
	if r.ends["< uni 3"] != "fin" {
		t.Errorf("the end was %q", r.ends["< uni 3"])
	}
}

// A client that comes back from another address keeps its connection ids.
func TestFollowsAChangeOfAddress(t *testing.T) {
	const size = 100_000
	for _, id := range []int{0, -1} {
		rec := record(t, talk.Options{ClientID: id}, size)
		moved := slices.Clone(rec.Packets)
		from := slices.IndexFunc(moved[20:], func(p talk.Packet) bool { return !rec.FromServer(p) }) + 20
		for i := from; i < len(moved); i++ {
			if rec.FromServer(moved[i]) {
				moved[i].Dst = mustAddr("192.0.2.9:777")
			} else {
				moved[i].Src = mustAddr("192.0.2.9:777")
			}
		}
		r := decode(moved, rec.Keys)
		checkChat(t, r, size)
	}
}

func TestTellsApartConnectionsOfOneCapture(t *testing.T) {
	a, b := record(t, talk.Options{}, 5000), record(t, talk.Options{Protocols: []string{"other"}}, 9)
	both := append(slices.Clone(a.Packets), b.Packets...)
	slices.SortStableFunc(both, func(x, y talk.Packet) int { return 0 })
	r := decode(both, append(slices.Clone(a.Keys), b.Keys...))
	if len(r.conns) != 2 || r.conns[0].ALPN != "test" || r.conns[1].ALPN != "other" || r.d.Stats().Failed != 0 {
		t.Errorf("%+v", r.conns)
	}
}

func TestCountsWhatLeadsToNoConnection(t *testing.T) {
	rec := record(t, talk.Options{}, 1000)
	tail := rec.Packets[8:]
	r := decode(tail, rec.Keys)
	total := 0
	for _, s := range r.d.Strange() {
		total += s.Datagrams
	}
	if total != len(tail) || len(r.conns) != 0 {
		t.Errorf("%d of %d: %+v", total, len(tail), r.d.Strange())
	}
}

func TestCutPacketsAreCounted(t *testing.T) {
	rec := record(t, talk.Options{}, 100_000)
	cut := slices.Clone(rec.Packets)
	for i := range cut {
		if i > 10 && len(cut[i].Data) > 600 {
			cut[i].Data = cut[i].Data[:600]
		}
	}
	r := decode(cut, rec.Keys)
	if s := r.d.Stats(); s.Failed < 20 || s.Packets < 10 {
		t.Errorf("%+v", s)
	}
	if string(r.data["> bidi 0"]) != "question" {
		t.Error("whole packets were not decoded")
	}
}

func mustAddr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
