package render_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/moqdec"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/render"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var at = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

var header = moqdec.Header{
	Session: 1, Time: at, Client: netip.MustParseAddrPort("[2001:db8::1]:5000"), Server: netip.MustParseAddrPort("192.0.2.2:443"),
	QUIC: quicdec.Version2, Suite: quicdec.ChaCha20, ALPN: "h3", WebTransport: true, Protocol: "moq-lite-05",
	SNI: "relay.example", Path: "/a room", Note: "odd\x07",
}

var events = []moqdec.Event{
	{
		Session: 1, Time: at.Add(1552 * time.Microsecond), Stream: "bidi 0", Name: "SUBSCRIBE", Track: "live/demo:video",
		Fields: []slog.Attr{slog.Uint64("id", 0), slog.String("suffix", "with space"), slog.String("prefix", ""), slog.String("long", strings.Repeat("x", 300))},
	},
	{
		Session: 1, Time: at.Add(time.Second), Dir: quicdec.ServerToClient, Stream: "bidi 0", Name: "SUBSCRIBE_START", Track: "live/demo:video",
		Fields: []slog.Attr{slog.Uint64("group", 7)}, Answer: true, Latency: 161 * time.Microsecond,
	},
	{Session: 12, Time: at.Add(time.Hour), Stream: "uni 400000000", Name: "RESET", Track: "a:\x1b[2J", Fields: []slog.Attr{slog.Uint64("code", 5), slog.String("meaning", "message failed to decode")}},
	{Session: 1, Time: at, Stream: "uni 3", Name: "FRAME", Inner: true},
	{Session: 1, Time: at, Stream: "bidi 0", Name: "SUBSCRIBE", Fields: []slog.Attr{
		slog.Group("filter", slog.Uint64("type", 3), slog.Group("start", slog.Uint64("group", 1))), slog.String("twice", "a"), slog.String("twice", "b"),
	}},
	{Session: 1, Time: at, Name: "malformed", Problem: &moqdec.Problem{What: "something\nelse"}},
	{
		Session: 1, Time: at, Stream: "uni 3", Name: "GROUP", Problem: &moqdec.Problem{
			Field: "GROUP.Sequence", Offset: 10, Expected: "8 bytes", Found: "2", DumpAt: 1,
			Dump: []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17},
		},
	},
}

func feed(out moqdec.Sink) {
	out.Session(header)
	for _, e := range events {
		out.Event(e)
	}
}

const wantText = `#1  [2001:db8::1]:5000 → 192.0.2.2:443  QUIC v2  ChaCha20-Poly1305  h3 WebTransport moq-lite-05  SNI relay.example  path "/a room"
#1  ! "odd\a"
#1    0.001552  →  bidi 0    SUBSCRIBE          live/demo:video  id=0 suffix="with space" prefix="" long="XX"
#1    1.000000  ←  bidi 0    SUBSCRIBE_START    live/demo:video  group=7                        +0.16 ms
#12 3600.000000  →  uni 400000000 RESET              "a:\x1b[2J"  code=5 (message failed to decode)
#1    0.000000  →  uni 3       FRAME
#1    0.000000  →  bidi 0    SUBSCRIBE          filter.type=3 filter.start.group=1 twice=a twice=b
#1    0.000000  →            ! malformed        "something\nelse"
#1    0.000000  →  uni 3     ! GROUP            offset 10: GROUP.Sequence: expected 8 bytes, found 2
                             000001  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f
                                                                 ^^ GROUP.Sequence
                             000011  10 11
`

func TestTextIsAlignedAndQuoted(t *testing.T) {
	var b bytes.Buffer
	out := render.NewText(&b, false)
	out.Start(at)
	out.Start(at.Add(time.Hour)) // later starts do not count
	feed(out)
	want := strings.Replace(wantText, `"XX"`, `"`+strings.Repeat("x", 200)+`... (300 bytes)"`, 1)
	if diff := cmp.Diff(want, b.String()); diff != "" || out.Err() != nil {
		t.Error(out.Err(), diff)
	}
}

func TestColorChangesNothingButColor(t *testing.T) {
	var plain, colored bytes.Buffer
	p, c := render.NewText(&plain, false), render.NewText(&colored, true)
	for _, out := range []*render.Text{p, c} {
		out.Start(at)
		feed(out)
	}
	var b strings.Builder
	for rest := colored.String(); rest != ""; {
		before, after, found := strings.Cut(rest, "\x1b[")
		b.WriteString(before)
		if found {
			_, after, _ = strings.Cut(after, "m")
		}
		rest = after
	}
	if diff := cmp.Diff(plain.String(), b.String()); diff != "" || plain.String() == colored.String() {
		t.Error(diff)
	}
}

const wantJSON = `{"type":"session","session":1,"time":"2026-11-01T12:00:00Z","client":"[2001:db8::1]:5000","server":"192.0.2.2:443","quic_version":1798521807,"cipher_suite":"ChaCha20-Poly1305","alpn":"h3","webtransport":true,"protocol":"moq-lite-05","sni":"relay.example","path":"/a room","note":"odd\u0007"}
{"type":"event","session":1,"time":"2026-11-01T12:00:00.001552Z","seconds":0.001552,"from":"client","stream":"bidi 0","name":"SUBSCRIBE","track":"live/demo:video","fields":{"id":0,"long":"XX","prefix":"","suffix":"with space"}}
{"type":"event","session":1,"time":"2026-11-01T12:00:01Z","seconds":1,"from":"server","stream":"bidi 0","name":"SUBSCRIBE_START","track":"live/demo:video","fields":{"group":7},"latency_ms":0.161}
{"type":"event","session":12,"time":"2026-11-01T13:00:00Z","seconds":3600,"from":"client","stream":"uni 400000000","name":"RESET","track":"a:\u001b[2J","fields":{"code":5,"meaning":"message failed to decode"}}
{"type":"event","session":1,"time":"2026-11-01T12:00:00Z","seconds":0,"from":"client","stream":"uni 3","name":"FRAME"}
{"type":"event","session":1,"time":"2026-11-01T12:00:00Z","seconds":0,"from":"client","stream":"bidi 0","name":"SUBSCRIBE","fields":{"filter":{"start":{"group":1},"type":3},"twice":["a","b"]}}
{"type":"event","session":1,"time":"2026-11-01T12:00:00Z","seconds":0,"from":"client","name":"malformed","problem":{"text":"something\nelse"}}
{"type":"event","session":1,"time":"2026-11-01T12:00:00Z","seconds":0,"from":"client","stream":"uni 3","name":"GROUP","problem":{"text":"offset 10: GROUP.Sequence: expected 8 bytes, found 2","field":"GROUP.Sequence","offset":10,"expected":"8 bytes","found":"2","bytes":"000102030405060708090a0b0c0d0e0f1011","bytes_offset":1}}
`

func TestJSONHasEverything(t *testing.T) {
	var b bytes.Buffer
	out := render.NewJSON(&b)
	out.Start(at)
	feed(out)
	want := strings.Replace(wantJSON, `XX`, strings.Repeat("x", 300), 1)
	if diff := cmp.Diff(want, b.String()); diff != "" || out.Err() != nil {
		t.Error(out.Err(), diff)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestErrorsOfTheOutputStick(t *testing.T) {
	text, js := render.NewText(full{}, false), render.NewJSON(full{})
	feed(text)
	feed(js)
	if !errors.Is(text.Err(), errFull) || !errors.Is(js.Err(), errFull) {
		t.Error(text.Err(), js.Err())
	}
}
