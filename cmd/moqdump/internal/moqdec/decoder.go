package moqdec

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/webtransport"
)

// maxNotes bounds what a connection says before it has a session.
const maxNotes = 256

// Decoder decodes the sessions of all connections of a capture.
type Decoder struct {
	sink     Sink
	links    map[*quicdec.Conn]*link
	count    int
	dialects dialects
}

// New returns a decoder that calls sink from within Take, and numbers sessions from first+1 on.
func New(sink Sink, first int) *Decoder {
	return &Decoder{sink: sink, links: make(map[*quicdec.Conn]*link), count: first, dialects: dialects{}}
}

// Take decodes one event of a connection. It starts with Opened and ends with Ended.
func (d *Decoder) Take(e quicdec.Event) {
	l := d.links[e.Conn]
	if e.Kind == quicdec.Opened {
		l = &link{d: d, conn: e.Conn, sessions: make(map[uint64]*session)}
		d.links[e.Conn] = l
		l.open(e.Time)
		return
	}
	if l == nil {
		return
	}
	l.take(e)
	if e.Kind == quicdec.Ended {
		delete(d.links, e.Conn)
	}
}

// link is one connection: a session over raw QUIC, or HTTP/3 with sessions in it.
type link struct {
	d        *Decoder
	conn     *quicdec.Conn
	demux    *webtransport.Demux
	sessions map[uint64]*session
	first    *session // carries what concerns the whole connection
	notes    []Event  // that came before the first session
}

// session is one session and its protocol.
type session struct {
	d      *Decoder
	number int
	http3  bool
	proto  protocol

	streamCodes, closeCodes map[uint64]string // their names
}

// protocol decodes the streams and datagrams of a session.
type protocol interface {
	take(e quicdec.Event)
	// track is the track that an open stream belongs to, or "".
	track(stream uint64) string
}

func (s *session) emit(e Event) {
	e.Session = s.number
	s.d.sink.Event(e)
}

func (l *link) open(t time.Time) {
	if l.conn.ALPN == "h3" {
		l.demux = webtransport.New(l)
		return
	}
	l.first = l.start(t, Header{Protocol: l.conn.ALPN})
	l.sessions[0] = l.first
}

// start numbers a session, announces it and picks its protocol.
func (l *link) start(t time.Time, h Header) *session {
	c := l.conn
	l.d.count++
	h.Session, h.Time = l.d.count, t
	h.Client, h.Server, h.QUIC, h.Suite = c.Client, c.Server, c.Version, c.Suite
	h.ALPN, h.Guessed, h.SNI = c.ALPN, c.ALPNGuessed, c.SNI
	if !h.WebTransport {
		h.Offered = c.Offered
	}
	s := &session{d: l.d, number: h.Session, http3: h.WebTransport}
	switch d := l.d.dialects.named(h.Protocol); {
	case d != nil:
		s.speak(d)
	case h.Note == "" && (h.Protocol == "moql" || h.Protocol == "" && h.WebTransport):
		s.proto = newNegotiation(s, h.Protocol)
	default:
		s.proto = newOpaque(s)
		if h.Note == "" {
			h.Note = whyOpaque(h)
		}
	}
	l.d.sink.Session(h)
	if l.first == nil {
		l.first = s
		for _, e := range l.notes {
			s.emit(e)
		}
		l.notes = nil
	}
	return s
}

// speak makes the session one of a version.
func (s *session) speak(d *dialect) {
	s.streamCodes, s.closeCodes = d.streams, d.closes
	s.proto = newLive(s, d)
}

const listed = "; its streams are listed with their size"

// whyOpaque says why a protocol is not decoded.
func whyOpaque(h Header) string {
	p := h.Protocol
	switch {
	case strings.HasPrefix(p, "moq"):
		return fmt.Sprintf("%s is no version that is known here%s", p, listed)
	case p == "" && len(h.Offered) > 0:
		return "the negotiated protocol is not known (offered: " + strings.Join(h.Offered, ", ") + ")" + listed
	case p == "":
		return "the negotiated protocol is not known" + listed
	}
	return fmt.Sprintf("%s is not a Media over QUIC protocol%s", p, listed)
}

func (l *link) take(e quicdec.Event) {
	switch e.Kind {
	case quicdec.Closed:
		for _, id := range sortedIDs(l.sessions) {
			l.sessions[id].settle(e.Time)
		}
		l.say(e.Time, Event{
			Dir: e.Dir, Name: "CONNECTION_CLOSE",
			Fields: reason(closeCode(e.Code, e.App, l.demux != nil, l.names()), e.Reason),
		})
	case quicdec.Malformed:
		l.say(e.Time, Event{Dir: e.Dir, Name: "malformed", Problem: &Problem{What: "QUIC " + e.Err.Error()}})
	default:
		if l.demux != nil {
			l.demux.Take(e)
		} else {
			l.sessions[0].take(e)
		}
	}
	if e.Kind == quicdec.Ended && l.first == nil {
		l.start(e.Time, Header{Note: "an HTTP/3 connection without a WebTransport session"})
	}
}

func (l *link) names() map[uint64]string {
	if l.first != nil {
		return l.first.closeCodes
	}
	return nil
}

func reason(fields []slog.Attr, text string) []slog.Attr {
	if text != "" {
		fields = append(fields, slog.String("reason", text))
	}
	return fields
}

// say reports something about the connection, under its first session.
func (l *link) say(t time.Time, e Event) {
	e.Time = t
	switch {
	case l.first != nil:
		l.first.emit(e)
	case len(l.notes) < maxNotes:
		l.notes = append(l.notes, e)
	case len(l.notes) == maxNotes:
		l.notes = append(l.notes, Event{Time: t, Name: "malformed", Problem: &Problem{What: "more happened before a session began than is kept"}})
	}
}

// Session implements [webtransport.Sink].
func (l *link) Session(t time.Time, info webtransport.Info) {
	h := Header{WebTransport: true, Protocol: info.Protocol, Offered: info.Offered, Path: info.Path, Note: info.Problem}
	if info.Status != "" && !info.Accepted() {
		h.Note = "the server refused the session with status " + info.Status
	}
	l.sessions[info.ID] = l.start(t, h)
}

// SessionEvent implements [webtransport.Sink].
func (l *link) SessionEvent(id uint64, e quicdec.Event) {
	if s := l.sessions[id]; s != nil {
		s.take(e)
	}
}

// Note implements [webtransport.Sink].
func (l *link) Note(n webtransport.Note) {
	e := Event{Dir: n.Dir, Name: n.Name, Fields: n.Fields, Stream: quicdec.StreamName(n.Stream)}
	if n.Name == "RESET" || n.Name == "STOP_SENDING" {
		e.Fields = streamCode(n.Fields[0].Value.Uint64(), nil)
	}
	if n.Problem != "" {
		e.Problem = &Problem{What: n.Problem}
	}
	l.say(n.Time, e)
}

// take decodes an event of the session.
func (s *session) take(e quicdec.Event) {
	if n, ok := s.proto.(*negotiation); ok {
		n.take(e)
		return
	}
	if e.Kind == quicdec.Closed {
		s.emit(Event{
			Time: e.Time, Dir: e.Dir, Stream: quicdec.StreamName(e.Stream), Name: "CLOSE",
			Fields: reason(closeCode(e.Code, true, false, s.closeCodes), e.Reason),
		})
		return
	}
	if e.Kind == quicdec.StopSending {
		s.emit(Event{
			Time: e.Time, Dir: e.Dir, Stream: quicdec.StreamName(e.Stream), Name: "STOP_SENDING",
			Track: s.proto.track(e.Stream), Fields: streamCode(e.Code, s.streamCodes),
		})
		return
	}
	s.proto.take(e)
}

// settle lets a session go on whose version will not be known.
func (s *session) settle(at time.Time) {
	if n, ok := s.proto.(*negotiation); ok {
		n.end(n.fallback, at)
	}
}

// sortedIDs are the ids of a map of streams.
func sortedIDs[T any](m map[uint64]T) []uint64 {
	ids := make([]uint64, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
