package main

import (
	"crypto/tls"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/moqrx/moqrx/cmd/internal/sample"
	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// TestDissectorReadsSessionsOfMoqTransport records a session of each version of moq-transport, with all kinds of
// streams, and compares what the dissector and moqdump read.
func TestDissectorReadsSessionsOfMoqTransport(t *testing.T) {
	script := writeDissector(t, "")
	capture := filepath.Join(t.TempDir(), "transport.pcapng")
	recordAll(t, capture, transportTalks(t))
	compareCapture(t, script, capture, map[string]int{
		"SETUP": 12, "SUBSCRIBE": 9, "SUBGROUP_OBJECT": 9 * 5, "FETCH_OBJECT": 2*3 + 7*4, "OBJECT_DATAGRAM": 18, "PADDING_STREAM": 5, "NAMESPACE": 7,
	})
}

// TestDissectorFollowsTheVersionInSetup records sessions under the name that several versions share.
func TestDissectorFollowsTheVersionInSetup(t *testing.T) {
	script := writeDissector(t, "")
	capture := filepath.Join(t.TempDir(), "moql.pcapng")
	first, err := sample.Transport(14)
	if err != nil {
		t.Fatal(err)
	}
	talks := []talk{{"moql", liteTalk(t, lite.Version01)}, {"moql", liteTalk(t, lite.Version02)}, {"moql", first}}
	recordAll(t, capture, talks)
	compareCapture(t, script, capture, map[string]int{"CLIENT_SETUP": 3, "SERVER_SETUP": 3, "ANNOUNCE_INIT": 2, "SUBSCRIBE_OK": 3, "FRAME": 4, "SUBGROUP_OBJECT": 5})
}

// TestDissectorReadsOtherTypes records a draft 18 that answers with the type which only its table has.
func TestDissectorReadsOtherTypes(t *testing.T) {
	script := writeDissector(t, "")
	capture := filepath.Join(t.TempDir(), "other.pcapng")
	steps, err := sample.Transport(18)
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]int{"REQUEST_OK": 0}
	for _, s := range steps {
		if s.FromServer && s.Stream%4 < 2 && len(s.Data) > 0 && s.Data[0] == 0x07 {
			s.Data[0] = 0x1e
			sent["REQUEST_OK"]++
		}
	}
	if sent["REQUEST_OK"] == 0 {
		t.Fatal("no REQUEST_OK in the sample")
	}
	recordAll(t, capture, []talk{{sample.ALPN(18), steps}})
	compareCapture(t, script, capture, sent)
}

// compareCapture holds the dissector against moqdump, and both against the numbers of messages that were sent.
func compareCapture(t *testing.T, script, capture string, sent map[string]int) {
	t.Helper()
	got, all := byStream(tshark(t, script, capture, nil)), dumped(t, buildMoqdump(t), capture, nil)
	want := byStream(all)
	for stream, list := range want {
		compareStream(t, stream, got[stream], list)
	}
	if len(got) != len(want) {
		t.Errorf("the dissector shows %d streams, moqdump %d", len(got), len(want))
	}
	counts := map[string]int{}
	for _, m := range all {
		counts[m.name]++
	}
	for name, n := range sent {
		if counts[name] != n {
			t.Errorf("%d %s are read, %d were sent", counts[name], name, n)
		}
	}
	t.Logf("%d messages on %d streams compared", len(all), len(want))
}

// talk is a session to record.
type talk struct {
	alpn  string
	steps []sample.Step
}

func transportTalks(t *testing.T) (talks []talk) {
	t.Helper()
	for _, v := range sample.Versions {
		steps, err := sample.Transport(v)
		if err != nil {
			t.Fatal(err)
		}
		talks = append(talks, talk{sample.ALPN(v), steps})
	}
	return talks
}

// liteTalk is a session of moq-lite 01 or 02.
func liteTalk(t *testing.T, v lite.Version) []sample.Step {
	t.Helper()
	put := func(list ...lite.Message) (b []byte) {
		for _, m := range list {
			var err error
			if b, err = m.Append(b, v); err != nil {
				t.Fatal(err)
			}
		}
		return b
	}
	typed := func(typ byte, b []byte) []byte { return append([]byte{typ}, b...) }
	code := uint64(0xff0dad00) + uint64(v)
	ok := lite.SubscribeOK{}
	if v == lite.Version01 {
		ok.Priority = 3
	}
	return []sample.Step{
		{Stream: 0, Data: put(&lite.ClientSetup{Versions: []uint64{0xff0dad02, 0xff0dad01, 0xff00000e}})},
		{FromServer: true, Stream: 0, Data: put(&lite.ServerSetup{Version: code})},
		{Stream: 4, Data: typed(byte(lite.BidiAnnounce), put(&lite.AnnounceRequest{Prefix: "room"}))},
		{FromServer: true, Stream: 4, Data: put(&lite.AnnounceInit{Suffixes: []string{"alice"}}, &lite.Announce{Status: lite.AnnounceStatusActive, Suffix: "bob"})},
		{Stream: 8, Data: typed(byte(lite.BidiSubscribe), put(&lite.Subscribe{ID: 7, Broadcast: "room/alice", Track: "video", Priority: 3}))},
		{FromServer: true, Stream: 8, Data: put(&ok)},
		{FromServer: true, Stream: 3, Fin: true, Data: typed(byte(lite.UniGroup), put(&lite.Group{Subscribe: 7, Sequence: 1}, &lite.Frame{Payload: []byte("a")}, &lite.Frame{Payload: make([]byte, 3000)}))},
	}
}

// recordAll plays sessions over raw QUIC, one after the other, into one capture.
func recordAll(t *testing.T, capture string, talks []talk) {
	t.Helper()
	file, err := os.Create(capture)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	certificate, err := endpoint.SelfSignedCertificate()
	if err != nil {
		t.Fatal(err)
	}
	record := endpoint.NewCapture(file)
	for _, talk := range talks {
		config := endpoint.Config{
			TLS:       &tls.Config{Certificates: []tls.Certificate{certificate}, InsecureSkipVerify: true},
			Protocols: []string{talk.alpn}, Capture: record,
		}
		l, err := endpoint.Listen("127.0.0.1:0", config)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := endpoint.Dial(t.Context(), &url.URL{Scheme: "moqt", Host: l.Addr().String()}, config)
		if err != nil {
			t.Fatal(err)
		}
		in, err := l.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p := player{t: t, sides: [2]transport.Conn{conn, in.Conn}, from: map[[2]uint64]io.Writer{}, to: map[[2]uint64]io.Reader{}}
		for _, step := range talk.steps {
			if err := p.play(step); err != nil {
				t.Fatal(talk.alpn, err)
			}
		}
		_ = conn.CloseWithError(0, "done")
		<-conn.Closed()
		<-in.Conn.Closed()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// player plays both ends of a session: what one has sent the other has read before the next step.
type player struct {
	t     *testing.T
	sides [2]transport.Conn       // the client, the server
	from  map[[2]uint64]io.Writer // by side and stream
	to    map[[2]uint64]io.Reader
}

func (p *player) play(s sample.Step) error {
	side := uint64(0)
	if s.FromServer {
		side = 1
	}
	if s.Datagram {
		if err := p.sides[side].SendDatagram(s.Data); err != nil {
			return err
		}
		_, err := p.sides[1-side].ReceiveDatagram(p.t.Context())
		return err
	}
	out := p.from[[2]uint64{side, s.Stream}]
	var err error
	if out == nil {
		if out, err = p.open(side, s.Stream); err != nil {
			return err
		}
	}
	if _, err = out.Write(s.Data); err != nil {
		return err
	}
	if s.Reset {
		out.(transport.SendStream).Reset(s.Code)
	} else if s.Fin {
		err = out.(io.Closer).Close()
	}
	if err != nil {
		return err
	}
	in := p.to[[2]uint64{1 - side, s.Stream}]
	if in == nil {
		if in, err = p.accept(1-side, s.Stream); err != nil {
			return err
		}
	}
	if _, err = io.ReadFull(in, make([]byte, len(s.Data))); err == nil && s.Fin {
		_, err = io.Copy(io.Discard, in)
	}
	return err
}

func (p *player) open(side, id uint64) (io.Writer, error) {
	if id&2 != 0 {
		out, err := p.sides[side].OpenUni(p.t.Context())
		p.from[[2]uint64{side, id}] = out
		return out, err
	}
	st, err := p.sides[side].OpenBidi(p.t.Context())
	p.from[[2]uint64{side, id}], p.to[[2]uint64{side, id}] = st, st
	return st, err
}

func (p *player) accept(side, id uint64) (io.Reader, error) {
	if id&2 != 0 {
		in, err := p.sides[side].AcceptUni(p.t.Context())
		p.to[[2]uint64{side, id}] = in
		return in, err
	}
	st, err := p.sides[side].AcceptBidi(p.t.Context())
	p.from[[2]uint64{side, id}], p.to[[2]uint64{side, id}] = st, st
	return st, err
}
