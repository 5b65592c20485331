package webtransport

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go/quicvarint"
	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/talk"
	"github.com/moqrx/moqrx/gen/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lines collects what a Demux says, one line per event.
type lines struct {
	out   []string
	bytes int
}

func arrow(d quicdec.Dir) string { return [2]string{">", "<"}[d] }

func (l *lines) add(format string, args ...any) { l.out = append(l.out, fmt.Sprintf(format, args...)) }

func (l *lines) Session(_ time.Time, i Info) {
	l.add("session %d %s%s offers %q chose %q status %s %s", i.ID, i.Authority, i.Path, i.Offered, i.Protocol, i.Status, i.Problem)
}

func (l *lines) SessionEvent(id uint64, e quicdec.Event) {
	l.bytes += len(e.Data)
	at := fmt.Sprintf("%d %s %s", id, arrow(e.Dir), quicdec.StreamName(e.Stream))
	switch e.Kind {
	case quicdec.StreamData:
		l.add("%s %q at %d fin %v", at, e.Data, e.Offset, e.Fin)
	case quicdec.Datagram:
		l.add("%d %s datagram %q", id, arrow(e.Dir), e.Data)
	case quicdec.Closed:
		l.add("%d %s closed %d %q", id, arrow(e.Dir), e.Code, e.Reason)
	case quicdec.Ended:
		l.add("%d ended", id)
	case quicdec.StreamGap:
		l.add("%s gap %d at %d", at, e.Length, e.Offset)
	default:
		l.add("%s kind %d code %#x", at, e.Kind, e.Code)
	}
}

func (l *lines) Note(n Note) {
	l.add("note %s %s %s %v %s", arrow(n.Dir), quicdec.StreamName(n.Stream), n.Name, n.Fields, n.Problem)
}

// has reports whether a line with these words, in order, is there.
func (l *lines) has(words ...string) bool {
	return slices.ContainsFunc(l.out, func(line string) bool {
		for _, w := range words {
			_, after, ok := strings.Cut(line, w)
			if !ok {
				return false
			}
			line = after
		}
		return true
	})
}

// run decodes a recording.
func run(rec *talk.Recording) *lines {
	l := &lines{}
	keys := &quicdec.KeyLog{}
	keys.Add(rec.Keys)
	d := New(l)
	q := quicdec.New(keys, d.Take)
	for _, p := range rec.Packets {
		q.Datagram(p.Time, p.Src, p.Dst, p.Data)
	}
	q.Flush(rec.Packets[len(rec.Packets)-1].Time)
	return l
}

func TestFollowsASessionOfWebTransportGo(t *testing.T) {
	server := func(ctx context.Context, c talk.Conn) error {
		s, err := c.AcceptBidi(ctx)
		if err != nil {
			return err
		}
		if _, err := io.ReadAll(s); err != nil {
			return err
		}
		if err := c.SendDatagram([]byte("dgram")); err != nil {
			return err
		}
		if _, err := s.Write([]byte("answer")); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
		u, err := c.OpenUni(ctx)
		if err != nil {
			return err
		}
		if _, err := u.Write([]byte("uni")); err != nil {
			return err
		}
		u.Reset(31)
		// The server closes: a client of webtransport-go may drop the connection before its capsule is out.
		bye, err := c.AcceptUni(ctx)
		if err != nil {
			return err
		}
		if _, err := io.ReadAll(bye); err != nil {
			return err
		}
		return c.Close(5, "enough")
	}
	client := func(ctx context.Context, c talk.Conn) error {
		s, err := c.OpenBidi(ctx)
		if err != nil {
			return err
		}
		if _, err := s.Write([]byte("ask")); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
		if _, err := io.ReadAll(s); err != nil {
			return err
		}
		bye, err := c.OpenUni(ctx)
		if err != nil {
			return err
		}
		if err := bye.Close(); err != nil {
			return err
		}
		<-c.Done()
		return nil
	}
	rec, err := talk.WebTransport(talk.Options{Protocols: []string{"moq-lite-05", "moqt-18"}, Path: "/room?x=1"}, server, client)
	if err != nil {
		t.Fatal(err)
	}
	l := run(rec)
	for _, want := range [][]string{
		{`session 0 localhost/room?x=1 offers ["moq-lite-05" "moqt-18"] chose "moq-lite-05" status 200`},
		{`note > uni 2 SETTINGS`, `h3_datagram=1`},
		{`note < uni 3 SETTINGS`, `enable_connect_protocol=1`},
		{`note > bidi 0 CONNECT`, `path=/room?x=1`, `protocol=webtransport-h3`},
		{`note < bidi 0 RESPONSE [status=200 wt-protocol=moq-lite-05]`},
		{`0 > bidi 4 "ask" at 3 fin`},
		{`0 < bidi 4 "answer" at 0 fin`},
		{`0 < uni 7 kind 3 code 0x52e4a40fa8fb`},
		{`0 < datagram "dgram"`},
		{`0 < closed 5 "enough"`},
		{"0 ended"},
	} {
		if !l.has(want...) {
			t.Errorf("missing %q", want)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(l.out, "\n"))
	}
}

// script feeds a Demux by hand.
type script struct {
	*lines
	d   *Demux
	off map[string]uint64
}

func newScript() *script {
	l := &lines{}
	return &script{l, New(l), map[string]uint64{}}
}

func (s *script) send(dir quicdec.Dir, id uint64, data string, fin bool) {
	key := arrow(dir) + quicdec.StreamName(id)
	s.d.Take(quicdec.Event{Kind: quicdec.StreamData, Dir: dir, Stream: id, Offset: s.off[key], Data: []byte(data), Fin: fin})
	s.off[key] += uint64(len(data))
}

func vi(vs ...uint64) string {
	var b []byte
	for _, v := range vs {
		b = quicvarint.Append(b, v)
	}
	return string(b)
}

func frame(typ uint64, body string) string { return vi(typ, uint64(len(body))) + body }

// Literal field lines without name reference, no Huffman (RFC 9204 section 4.5.6).
func literal(pairs ...string) string {
	out := "\x00\x00"
	for i := 0; i < len(pairs); i += 2 {
		name, value := pairs[i], pairs[i+1]
		if len(name) < 7 {
			out += string(rune(0x20 | len(name)))
		} else {
			out += "\x27" + string(rune(len(name)-7))
		}
		out += name + string(rune(len(value))) + value
	}
	return out
}

const up, down = quicdec.ClientToServer, quicdec.ServerToClient

var connect = literal(":method", "CONNECT", ":protocol", "webtransport", ":path", "/p", "wt-available-protocols", `"a;b", "c\"d"; q=1`)

func TestHoldsStreamsBackUntilTheAnswer(t *testing.T) {
	s := newScript()
	s.send(down, 3, vi(0x54, 0)+"early", false)
	s.send(down, 4, "reply", false) // before its request
	s.d.Take(quicdec.Event{Kind: quicdec.Datagram, Dir: down, Data: []byte(vi(0) + "d")})
	s.send(up, 0, frame(1, connect), false)
	s.send(up, 4, vi(0x41, 0)+"ask", false)
	if len(s.out) != 1 {
		t.Errorf("too early: %q", s.out)
	}
	s.send(down, 0, frame(1, literal(":status", "103"))+frame(1, literal(":status", "200", "wt-protocol", `"c\"d"`)), false)
	s.send(down, 3, " late", true)
	want := []string{
		`note > bidi 0 CONNECT [path=/p protocol=webtransport wt-available-protocols=a;b,c"d] `,
		`note < bidi 0 RESPONSE [status=103] `,
		`note < bidi 0 RESPONSE [status=200 wt-protocol=c"d] `,
		`session 0 /p offers ["a;b" "c\"d"] chose "c\"d" status 200 `,
		`0 < uni 3 "early" at 3 fin false`,
		`0 < datagram "d"`,
		`0 > bidi 4 "ask" at 3 fin false`,
		`0 < bidi 4 "reply" at 0 fin false`,
		`0 < uni 3 " late" at 8 fin true`,
	}
	if diff := cmp.Diff(want, s.out); diff != "" {
		t.Error(diff)
	}
}

func TestEveryByteMayComeAlone(t *testing.T) {
	whole := map[bool]*script{}
	for _, single := range []bool{false, true} {
		s := newScript()
		send := func(dir quicdec.Dir, id uint64, data string, fin bool) {
			if !single {
				s.send(dir, id, data, fin)
				return
			}
			for i := range len(data) {
				s.send(dir, id, data[i:i+1], fin && i == len(data)-1)
			}
		}
		send(up, 2, vi(0)+frame(4, vi(0x33, 1, 0x21, 7, 0x2c7cf000, 1, 0x999, 2))+frame(7, vi(8)), false)
		send(up, 0, frame(0x40, "grease")+frame(1, connect), false)
		send(down, 0, frame(1, literal(":status", "200")), false)
		capsules := frame(0x78ae, "") + frame(0x190b4d3d, vi(9)) + frame(0x2843, "\x00\x00\x00\x07bye")
		send(down, 0, frame(0, capsules[:3])+frame(0, capsules[3:]), true)
		whole[single] = s
	}
	want := []string{
		`note > uni 2 SETTINGS [h3_datagram=1 wt_enabled=1 0x999=2] `,
		`note > uni 2 HTTP3_GOAWAY [id=8] `,
		`note > bidi 0 CONNECT [path=/p protocol=webtransport wt-available-protocols=a;b,c"d] `,
		`note < bidi 0 RESPONSE [status=200] `,
		`session 0 /p offers ["a;b" "c\"d"] chose "" status 200 `,
		`note < bidi 0 DRAIN_WEBTRANSPORT_SESSION [] `,
		`note < bidi 0 CAPSULE [type=0x190b4d3d length=1] `,
		`0 < closed 7 "bye"`,
	}
	for single, s := range whole {
		if diff := cmp.Diff(want, s.out); diff != "" {
			t.Errorf("single bytes %v: %s", single, diff)
		}
	}
}

func TestSaysWhatItCannotDecode(t *testing.T) {
	s := newScript()
	s.send(up, 0, frame(1, "\x02\x00\x80"), false) // refers to the dynamic table
	s.send(down, 0, frame(1, literal(":status", "200")), false)
	s.send(up, 4, frame(1, literal(":method", "GET", ":path", "/")), true)
	s.send(up, 6, vi(0x99), false)
	s.send(up, 8, vi(0x41, 0)+"data", false)
	s.d.Take(quicdec.Event{Kind: quicdec.Datagram, Dir: up})
	s.d.Take(quicdec.Event{Kind: quicdec.StreamGap, Dir: up, Stream: 8, Offset: 7, Length: 5})
	s.d.Take(quicdec.Event{Kind: quicdec.StreamGap, Dir: down, Stream: 0, Offset: 70, Length: 5})
	s.d.Take(quicdec.Event{Kind: quicdec.StreamReset, Dir: up, Stream: 0, Code: 0x10c})
	s.d.Take(quicdec.Event{Kind: quicdec.Ended})
	want := []string{
		"note > bidi 0 HEADERS [] the headers are not decoded: expected Required Insert Count to be zero",
		`note < bidi 0 RESPONSE [status=200] `,
		`note > bidi 4 GET [path=/] `,
		`note > uni 6 STREAM [type=153] `,
		`note > bidi 0 DATAGRAM [] no quarter stream id`,
		`note < bidi 0 STREAM [] bytes are missing in the capture; the rest of the stream is not decoded`,
		`note > bidi 0 RESET [code=268] `,
		`session 0  offers [] chose "" status  the answer to the CONNECT is not in the capture`,
		`0 > bidi 8 "data" at 3 fin false`,
		`0 > bidi 8 gap 5 at 7`,
		`0 ended`,
	}
	if diff := cmp.Diff(want, s.out); diff != "" {
		t.Error(diff)
	}
}

func TestWhatWaitsIsBounded(t *testing.T) {
	s := newScript()
	for i := range uint64(3 * maxSessions) {
		s.send(up, 2+4*i, vi(0x54, 4*i)+strings.Repeat("x", 4000), true)
	}
	if s.d.held > maxHeld || len(s.d.sessions) > maxSessions || len(s.d.streams) > maxStreams {
		t.Errorf("%d bytes, %d sessions, %d streams", s.d.held, len(s.d.sessions), len(s.d.streams))
	}
	for i := range uint64(2 * maxStreams) {
		s.send(up, 4*i, "\x40", false)
	}
	s.d.Take(quicdec.Event{Kind: quicdec.Ended})
	if s.d.held != 0 || len(s.d.streams) > maxStreams || !s.has("2048 events of more than 1024 sessions are not decoded") {
		t.Errorf("%d bytes, %d streams, %q", s.d.held, len(s.d.streams), s.out[len(s.out)-1])
	}
}

func FuzzDemux(f *testing.F) {
	f.Add([]byte(frame(1, connect)), []byte(frame(1, literal(":status", "200"))+frame(0, frame(0x2843, "\x00\x00\x00\x07bye"))), uint64(0))
	f.Add([]byte(vi(0)+frame(4, vi(0x33, 1))), []byte(vi(0x41, 0)+"abc"), uint64(2))
	f.Add([]byte(vi(0x54, 0)+"abc"), []byte{}, uint64(6))
	decode := func(t testing.TB, a, b []byte, id uint64) {
		s := newScript()
		id %= 1 << 20
		for chunk := range slices.Chunk(a, 5) {
			s.send(up, id, string(chunk), false)
		}
		s.send(down, id, string(b), true)
		s.d.Take(quicdec.Event{Kind: quicdec.Datagram, Data: a})
		s.d.Take(quicdec.Event{Kind: quicdec.StreamGap, Dir: up, Stream: id, Length: 1 << 60})
		s.send(up, id, string(b), true)
		s.d.Take(quicdec.Event{Kind: quicdec.Ended})
		if s.bytes > 3*(len(a)+len(b)) {
			t.Fatalf("%d bytes out of %d", s.bytes, len(a)+len(b))
		}
	}
	// What it takes to set everything up is no matter of the input.
	none := wiretest.Allocated(func() { decode(f, nil, nil, 0) })
	f.Fuzz(func(t *testing.T, a, b []byte, id uint64) {
		// Three bytes can be HEADERS that are not decoded, of which a note tells.
		wiretest.Bounded(t, none+4096+512*uint64(2*len(a)+2*len(b)), func() { decode(t, a, b, id) })
	})
}
