package render

import (
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/moqdec"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
)

// Widths of the columns. What is longer shifts the rest of its line.
const (
	widthStream  = 9
	widthName    = 18
	widthDetails = 46
)

// maxText bounds what is shown of one text that a peer sent.
const maxText = 200

// Text writes lines for people.
type Text struct {
	w     io.Writer
	style styles
	start time.Time
	err   error
}

// styles are the colors of a terminal; the zero value writes none.
type styles struct {
	on                                           bool
	header, up, down, name, track, dim, bad, ans lipgloss.Style
}

// NewText returns a writer of text, with colors if color is set.
func NewText(w io.Writer, color bool) *Text {
	t := &Text{w: w}
	if color {
		s := lipgloss.NewStyle()
		t.style = styles{
			on: true, header: s.Bold(true),
			up: s.Foreground(lipgloss.Blue), down: s.Foreground(lipgloss.Green),
			name: s.Bold(true), track: s.Foreground(lipgloss.Cyan), dim: s.Faint(true),
			bad: s.Foreground(lipgloss.Red).Bold(true), ans: s.Foreground(lipgloss.Yellow),
		}
	}
	return t
}

// Err is the first error of the output.
func (t *Text) Err() error { return t.err }

// Start sets the time that events are relative to. The first call counts.
func (t *Text) Start(at time.Time) {
	if t.start.IsZero() {
		t.start = at
	}
}

func (t *Text) print(line string) {
	if t.err == nil {
		_, t.err = io.WriteString(t.w, line+"\n")
	}
}

func (t *Text) paint(s lipgloss.Style, text string) string {
	if !t.style.on || text == "" {
		return text
	}
	return s.Render(text)
}

func tag(session int) string { return fmt.Sprintf("#%-2d", session) }

// Session implements [moqdec.Sink].
func (t *Text) Session(h moqdec.Header) {
	parts := []string{fmt.Sprintf("%s → %s", h.Client, h.Server), quicName(h.QUIC), suiteName(h.Suite)}
	proto := plain(h.Protocol)
	switch {
	case h.WebTransport && h.Protocol == "":
		proto = "h3 WebTransport"
	case h.WebTransport:
		proto = "h3 WebTransport " + proto
	case h.ALPN == "":
		proto = "no ALPN"
	case h.Protocol == "":
		proto = plain(h.ALPN)
	case h.Guessed:
		proto += " (offered)"
	}
	parts = append(parts, proto)
	if h.SNI != "" {
		parts = append(parts, "SNI "+plain(h.SNI))
	}
	if h.WebTransport && h.Path != "" {
		parts = append(parts, "path "+plain(h.Path))
	}
	t.print(t.paint(t.style.header, tag(h.Session)+" "+strings.Join(parts, "  ")))
	if h.Note != "" {
		t.print(tag(h.Session) + " " + t.paint(t.style.bad, "! "+plainText(h.Note)))
	}
}

func quicName(version uint32) string {
	switch version {
	case quicdec.Version1:
		return "QUIC v1"
	case quicdec.Version2:
		return "QUIC v2"
	}
	return fmt.Sprintf("QUIC %#x", version)
}

func suiteName(s quicdec.Suite) string {
	if s == 0 {
		return "no cipher suite yet"
	}
	return s.String()
}

// Event implements [moqdec.Sink].
func (t *Text) Event(e moqdec.Event) {
	arrow := t.paint(t.style.up, "→")
	if e.Dir == quicdec.ServerToClient {
		arrow = t.paint(t.style.down, "←")
	}
	name, style := e.Name, t.style.name
	if e.Inner {
		name = "  " + name
	}
	if e.Problem != nil {
		name, style = "! "+e.Name, t.style.bad
	}
	details, width := t.details(e)
	if e.Answer {
		details += pad(width, widthDetails) + "  " + t.paint(t.style.ans, latency(e.Latency))
	}
	line := fmt.Sprintf("%s %10s  %s  %s%s %s%s %s", t.paint(t.style.dim, tag(e.Session)), t.since(e.Time), arrow,
		e.Stream, pad(len(e.Stream), widthStream), t.paint(style, name), pad(len(name), widthName), details)
	t.print(strings.TrimRight(line, " "))
	if p := e.Problem; p != nil && len(p.Dump) > 0 {
		t.dump(p)
	}
}

func (t *Text) since(at time.Time) string {
	return strconv.FormatFloat(at.Sub(t.start).Seconds(), 'f', 6, 64)
}

// details are the track and the fields, and their width.
func (t *Text) details(e moqdec.Event) (string, int) {
	var out []string
	width := 0
	add := func(s lipgloss.Style, text string) {
		out = append(out, t.paint(s, text))
		width += utf8.RuneCountInString(text)
	}
	if e.Track != "" {
		add(t.style.track, plain(e.Track))
	}
	if fields := fieldsText(e.Fields); fields != "" {
		add(lipgloss.NewStyle(), fields)
	}
	if e.Problem != nil {
		add(t.style.bad, plainText(e.Problem.Error()))
	}
	return strings.Join(out, "  "), width + 2*max(0, len(out)-1)
}

func fieldsText(fields []slog.Attr) string {
	var b strings.Builder
	addFields(&b, "", fields)
	return b.String()
}

// addFields writes the fields of groups with the name of the group in front.
func addFields(b *strings.Builder, prefix string, fields []slog.Attr) {
	for _, f := range fields {
		if f.Value.Kind() == slog.KindGroup {
			addFields(b, prefix+f.Key+".", f.Value.Group())
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		if f.Key == "meaning" {
			b.WriteString("(" + plainText(f.Value.String()) + ")")
		} else {
			b.WriteString(prefix + f.Key + "=" + plain(f.Value.String()))
		}
	}
}

func latency(d time.Duration) string {
	return "+" + strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 2, 64) + " ms"
}

func pad(have, want int) string { return strings.Repeat(" ", max(0, want-have)) }

// indent is where the details of a line start.
const indent = 3 + 1 + 10 + 2 + 1 + 2 + widthStream + 1

// dump shows the bytes around an error and points at the one that is wrong.
func (t *Text) dump(p *moqdec.Problem) {
	const perLine = 16
	for at := 0; at < len(p.Dump); at += perLine {
		part := p.Dump[at:min(len(p.Dump), at+perLine)]
		from := p.DumpAt + uint64(at)
		var b strings.Builder
		for i, c := range part {
			if i == perLine/2 {
				b.WriteByte(' ')
			}
			b.WriteString(" " + hex.EncodeToString([]byte{c}))
		}
		t.print(pad(0, indent) + t.paint(t.style.dim, fmt.Sprintf("%06x", from)) + " " + b.String())
		end := from + uint64(len(part))
		if last := at+perLine >= len(p.Dump); p.Offset >= from && (p.Offset < end || last && p.Offset == end) {
			col := int(p.Offset - from)
			shift := 3*col + 1
			if col >= perLine/2 {
				shift++
			}
			t.print(pad(0, indent+7+shift) + t.paint(t.style.bad, strings.TrimSpace("^^ "+plainText(p.Field))))
		}
	}
}

// plain writes a word that a peer may have chosen: as it is when it is printable and has no
// spaces, else quoted.
func plain(s string) string {
	if s = short(s); s == "" {
		return `""`
	}
	for _, r := range s {
		if r == ' ' || r == '"' || r == utf8.RuneError || !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

// plainText is plain for text in which spaces are fine.
func plainText(s string) string {
	s = short(s)
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

func short(s string) string {
	if len(s) <= maxText {
		return s
	}
	return s[:maxText] + fmt.Sprintf("... (%d bytes)", len(s))
}
