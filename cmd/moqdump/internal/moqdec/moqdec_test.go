package moqdec_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/moqdec"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/render"
	"github.com/moqrx/moqrx/gen/lite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files")

const up, down = quicdec.ClientToServer, quicdec.ServerToClient

// script feeds a decoder one millisecond after the other and collects what it says as text.
type script struct {
	out  bytes.Buffer
	d    *moqdec.Decoder
	text *render.Text
	conn *quicdec.Conn
	at   time.Time
	off  map[string]uint64
}

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func newScript(alpn string) *script {
	s := &script{at: start, off: map[string]uint64{}}
	s.text = render.NewText(&s.out, false)
	s.text.Start(start)
	s.d = moqdec.New(s.text, 0)
	s.conn = &quicdec.Conn{
		ID: 1, Client: netip.MustParseAddrPort("192.0.2.1:5000"), Server: netip.MustParseAddrPort("192.0.2.2:443"),
		Version: quicdec.Version1, Suite: quicdec.AES128GCM, SNI: "relay.example", ALPN: alpn, Offered: []string{"moq-lite-05", "h3"},
	}
	s.event(quicdec.Event{Kind: quicdec.Opened})
	return s
}

func (s *script) event(e quicdec.Event) {
	e.Conn, e.Time = s.conn, s.at
	s.at = s.at.Add(time.Millisecond)
	s.d.Take(e)
}

func key(dir quicdec.Dir, id uint64) string { return fmt.Sprint(dir, id) }

func (s *script) send(dir quicdec.Dir, id uint64, data []byte, fin bool) {
	off := s.off[key(dir, id)]
	s.off[key(dir, id)] += uint64(len(data))
	s.event(quicdec.Event{Kind: quicdec.StreamData, Dir: dir, Stream: id, Offset: off, Data: data, Fin: fin})
}

func (s *script) hex(dir quicdec.Dir, id uint64, data string) { s.send(dir, id, unhex(data), false) }

func (s *script) fin(dir quicdec.Dir, id uint64) { s.send(dir, id, nil, true) }

func (s *script) gap(dir quicdec.Dir, id, n uint64) {
	off := s.off[key(dir, id)]
	s.off[key(dir, id)] += n
	s.event(quicdec.Event{Kind: quicdec.StreamGap, Dir: dir, Stream: id, Offset: off, Length: n})
}

func (s *script) end() string {
	s.event(quicdec.Event{Kind: quicdec.Ended})
	return s.out.String()
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name + ".txt"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// recorded is one event of a session of @moq/net 0.3.4, as recorded in-process.
type recorded struct {
	Version, Kind, Opener, From, Event, Hex string
	Stream                                  uint64
}

func loadSessions(t testing.TB) []recorded {
	t.Helper()
	f, err := os.Open("testdata/sessions.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var out []recorded
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r recorded
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func dirOf(side string) quicdec.Dir {
	if side == "client" {
		return up
	}
	return down
}

// play feeds a recorded session. Streams are numbered in the recording across both sides.
func play(s *script, events []recorded, split bool) {
	for _, r := range events {
		id := r.Stream*4 + uint64(dirOf(r.Opener))
		if r.Kind == "uni" {
			id += 2
		}
		dir := dirOf(r.From)
		switch r.Event {
		case "data":
			data := unhex(r.Hex)
			if r.Kind == "datagram" {
				s.event(quicdec.Event{Kind: quicdec.Datagram, Dir: dir, Data: data})
				continue
			}
			if !split {
				s.send(dir, id, data, false)
				continue
			}
			at := s.at
			for _, b := range data {
				s.at = at
				s.send(dir, id, []byte{b}, false)
			}
			s.at = at.Add(time.Millisecond)
		case "FIN":
			s.fin(dir, id)
		case "RESET":
			s.event(quicdec.Event{Kind: quicdec.StreamReset, Dir: dir, Stream: id, Offset: s.off[key(dir, id)]})
		case "STOP_SENDING":
			s.event(quicdec.Event{Kind: quicdec.StopSending, Dir: dir, Stream: id})
		}
	}
}

func TestDecodesTheSessionsOfAForeignPeer(t *testing.T) {
	all := loadSessions(t)
	for v, alpn := range map[string]string{
		"01": "moql", "02": "moql", "03": "moq-lite-03", "04": "moq-lite-04", "05": "moq-lite-05", "06-wip": "moq-lite-06-wip",
	} {
		var events []recorded
		for _, r := range all {
			if r.Version == "lite-"+v {
				events = append(events, r)
			}
		}
		s := newScript(alpn)
		play(s, events, false)
		whole := s.end()
		golden(t, "lite-"+v, whole)
		if strings.Contains(whole, "!") {
			t.Errorf("errors in the session of %s", v)
		}
		s = newScript(alpn)
		play(s, events, true)
		if diff := cmp.Diff(whole, s.end()); diff != "" {
			t.Errorf("byte by byte, %s differs: %s", v, diff)
		}
	}
}

const subscribe = "02 0c 07 03 612f62 01 76 80 01 00 00 00" // id 7, a/b, v

// Everything here breaks the protocol or the capture somewhere; the rest has to come out all the same.
func TestReportsWhatIsWrongAndGoesOn(t *testing.T) {
	s := newScript("moq-lite-05")
	// A malformed message inside its length: the next one is decoded.
	s.hex(up, 0, "02 04 07 09 61 62")
	s.hex(up, 0, "05 c8 00 41f4 01") // one byte short of its body: End Group is missing
	s.hex(up, 0, "06 c8 00 41f4 01 0a")
	s.hex(down, 0, "00 01 05  09 01 07  01 01 09")
	// Stream types that do not exist.
	s.hex(up, 4, "3f 00")
	s.hex(up, 2, "3e 00")
	// A length beyond every limit.
	s.hex(up, 8, "06 bfffffff 00")
	// More after the last message.
	s.hex(down, 3, "01 04 01010102 00")
	// Ends inside a message, a payload, a type.
	s.hex(up, 12, "01 07 0472")
	s.fin(up, 12)
	s.hex(up, 16, subscribe)
	s.hex(down, 7, "00 02 0705  00 04 616263")
	s.fin(down, 7)
	s.hex(up, 20, "80")
	s.fin(up, 20)
	// A hole in a payload does no harm; one in a header does.
	s.hex(down, 11, "00 02 0706  00 05 61")
	s.gap(down, 11, 3)
	s.hex(down, 11, "65  02 01 7a")
	s.gap(down, 11, 4)
	s.hex(down, 11, "ffff")
	s.fin(down, 11)
	// A group of an unknown subscription, and one that is reset within a frame.
	s.hex(down, 15, "00 02 0900  00 01 61")
	s.fin(down, 15)
	s.hex(down, 19, "00 02 0707  00 4400 616263")
	s.event(quicdec.Event{Kind: quicdec.StreamReset, Dir: down, Stream: 19, Offset: 9, Code: 0x52e4a40fa8db + 31 + 1})
	s.event(quicdec.Event{Kind: quicdec.StopSending, Dir: up, Stream: 15, Code: 0x10c})
	s.event(quicdec.Event{Kind: quicdec.StreamReset, Dir: down, Stream: 16, Code: 30})
	// Datagrams.
	s.event(quicdec.Event{Kind: quicdec.Datagram, Dir: down, Data: unhex("07 02 4064 6162")})
	s.event(quicdec.Event{Kind: quicdec.Datagram, Dir: down, Data: unhex("07 40")})
	// Below the protocol.
	s.event(quicdec.Event{Kind: quicdec.Malformed, Dir: up, Err: &quicdec.FrameError{Offset: 3, Type: 0x21, What: "unknown type"}})
	s.event(quicdec.Event{Kind: quicdec.Closed, Dir: down, Code: 15, App: true, Reason: "bad\x1b[31m peer"})
	golden(t, "wrong", s.end())
}

func TestDecodesWhatTheRecordedSessionsLack(t *testing.T) {
	s := newScript("moq-lite-05")
	s.hex(up, 0, "03 13 0a726f6f6d2f616c696365 05766964656f 03 00") // FETCH
	s.hex(down, 0, "8002bf20 03 6b6579  5734 00  4923 02 00ff")
	s.fin(down, 0)
	s.hex(down, 1, "05 08 07 "+hex.EncodeToString([]byte("https:/"))) // GOAWAY, by the server
	s.hex(up, 4, "02 0c 00 03 612f62 01 76 80 01 00 00 00")
	s.hex(down, 4, "02 03 010205") // DROP
	golden(t, "rest-05", s.end())
	s = newScript("moq-lite-03")
	s.hex(up, 0, "04")
	s.hex(down, 0, "01 05  04 804c4b40") // PROBE has no RTT yet
	s.hex(up, 4, "02 0c 00 03 612f62 01 76 80 01 00 00 00")
	s.hex(down, 4, "00 05 0000000000  01 03 010205") // OK, DROP
	s.hex(up, 8, "06 00")
	s.event(quicdec.Event{Kind: quicdec.Datagram, Dir: down, Data: unhex("07 02 01 00")})
	golden(t, "rest-03", s.end())
}

func TestListsTheStreamsOfOtherProtocols(t *testing.T) {
	for _, alpn := range []string{"moqt-99", "", "hq-interop"} {
		s := newScript(alpn)
		s.send(up, 0, []byte("hello"), false)
		s.send(down, 0, []byte("hi"), true)
		s.gap(up, 2, 7)
		s.send(up, 2, []byte("x"), true)
		s.send(down, 3, []byte("abc"), false)
		s.event(quicdec.Event{Kind: quicdec.StreamReset, Dir: down, Stream: 3, Offset: 3, Code: 5})
		s.event(quicdec.Event{Kind: quicdec.Datagram, Dir: down, Data: []byte("1234")})
		s.event(quicdec.Event{Kind: quicdec.StopSending, Dir: up, Stream: 3, Code: 4})
		s.event(quicdec.Event{Kind: quicdec.Closed, Dir: up, Code: 0x178, Reason: "no"})
		golden(t, "other-"+alpn, s.end())
	}
}

// h3 is enough of HTTP/3 to carry a session: literal header fields, no Huffman.
func h3(fields ...string) []byte {
	body := []byte{0, 0}
	for i := 0; i < len(fields); i += 2 {
		name, value := fields[i], fields[i+1]
		if len(name) < 7 {
			body = append(body, 0x20|byte(len(name)))
		} else {
			body = append(body, 0x27, byte(len(name)-7))
		}
		body = append(append(append(body, name...), byte(len(value))), value...)
	}
	return append([]byte{1, 0x40, byte(len(body))}, body...)
}

func TestFollowsSessionsOfOneHTTP3Connection(t *testing.T) {
	s := newScript("h3")
	connect := func(id uint64, path, status, protocol string) {
		s.send(up, id, h3(":method", "CONNECT", ":protocol", "webtransport", ":path", path, "wt-available-protocols", `"moq-lite-05", "moq-lite-04"`), false)
		answer := []string{":status", status}
		if protocol != "" {
			answer = append(answer, "wt-protocol", `"`+protocol+`"`)
		}
		s.send(down, id, h3(answer...), false)
	}
	s.hex(up, 2, "00 04 02 33 01")
	s.send(up, 100, h3(":method", "GET", ":path", "/certificate.sha256"), true)
	connect(0, "/room", "200", "moq-lite-04")
	connect(4, "/none", "200", "")
	connect(8, "/secret", "403", "")
	s.hex(up, 12, "4041 00"+subscribe)
	s.hex(down, 7, "4054 00  00 02 0705  03 616263")
	s.hex(down, 11, "4054 04  00 02 0705  03 616263")
	s.fin(down, 7)
	s.fin(down, 11)
	s.event(quicdec.Event{Kind: quicdec.StreamReset, Dir: down, Stream: 12, Code: 0x52e4a40fa8db + 30 + 1})
	s.hex(down, 0, "00 0b 6843 07 00000006 6e6f21")
	s.event(quicdec.Event{Kind: quicdec.Closed, Dir: up, Code: 0x100, App: true})
	golden(t, "h3", s.end())
	empty := newScript("h3")
	empty.hex(up, 2, "00 04 02 33 01")
	golden(t, "h3-empty", empty.end())
}

// Long sessions must not grow: names and streams are forgotten in time.
func TestForgetsOldSubscriptions(t *testing.T) {
	s := newScript("moq-lite-05")
	for i := range 20_000 {
		m := lite.Subscribe{ID: uint64(i), Broadcast: "b", Track: fmt.Sprint(i)}
		b, err := lite.AppendBidiStream(nil, lite.BidiSubscribe, lite.Version05)
		if err == nil {
			b, err = m.Append(b, lite.Version05)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.send(up, uint64(4*i), b, true)
	}
	s.out.Reset()
	s.hex(down, 3, "00 02 05 00")
	s.hex(down, 7, "00 05 80004e1f 01")
	got := s.out.String()
	if strings.Contains(got, "b:5 ") || !strings.Contains(got, "b:19999") {
		t.Error(got)
	}
}
