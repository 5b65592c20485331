package moqdec

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
)

// Header describes a session. It comes before the session's events.
type Header struct {
	Session        int // number of the session, from 1
	Time           time.Time
	Client, Server netip.AddrPort
	QUIC           uint32 // version
	Suite          quicdec.Suite
	ALPN           string
	Guessed        bool   // the ALPN is the only one that the client offered; the answer is not in the capture
	WebTransport   bool   // the session is one of an HTTP/3 connection
	Protocol       string // negotiated: the ALPN, or the sub-protocol of WebTransport
	Offered        []string
	SNI            string
	Path           string // of the WebTransport session
	Note           string // why the session is not decoded, or not fully
}

// Event is one thing that happened in a session.
type Event struct {
	Session int
	Time    time.Time
	Dir     quicdec.Dir
	Stream  string // "bidi 0", "uni 3", "dgram", or "" for the session as a whole
	Name    string // of the message in its draft, or FIN, RESET, STOP_SENDING, CLOSE ...
	Track   string // broadcast:track, when the event belongs to one
	Fields  []slog.Attr
	Inner   bool // part of what the stream carries: a frame of a group
	Answer  bool // Latency is the time since the request
	Latency time.Duration
	Problem *Problem
}

// Problem says which byte of a stream breaks the protocol, or why something is not decoded.
type Problem struct {
	What     string // when the fields below do not say it
	Field    string // path of the field
	Offset   uint64 // in the stream
	Expected string
	Found    string
	Dump     []byte // bytes around Offset
	DumpAt   uint64 // offset of Dump in the stream
}

func (p *Problem) Error() string {
	if p.What != "" {
		return p.What
	}
	field := p.Field
	if field != "" {
		field += ": "
	}
	s := fmt.Sprintf("offset %d: %sexpected %s", p.Offset, field, p.Expected)
	if p.Found != "" {
		s += ", found " + p.Found
	}
	return s
}

// Sink takes what a Decoder finds, in the order of the capture.
type Sink interface {
	Session(Header)
	Event(Event)
}
