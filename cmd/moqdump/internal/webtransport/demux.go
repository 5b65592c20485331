package webtransport

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/quic-go/quic-go/quicvarint"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
)

// Limits.
const (
	maxHeld     = 4 << 20  // bytes of sessions that wait for the answer to their CONNECT
	maxHeldNum  = 4096     // events of one of them
	maxSection  = 64 << 10 // a header section, or an answer that came before its request
	maxStreams  = 16384
	maxSessions = 1024
)

// Stream types and the frame type that starts a bidirectional WebTransport stream.
const (
	typeControl      = 0x00
	typePush         = 0x01
	typeQPACKEncoder = 0x02
	typeQPACKDecoder = 0x03
	typeWTUni        = 0x54
	typeWTBidi       = 0x41
)

// Info is what the CONNECT exchange of a session told.
type Info struct {
	ID              uint64 // of the stream that carried the CONNECT
	Authority, Path string
	Offered         []string // wt-available-protocols
	Protocol        string   // wt-protocol, "" when there was none
	Status          string   // of the answer, "" when it is not in the capture
	Problem         string   // why some of this is not known
}

// Accepted reports whether the server agreed to the session.
func (i Info) Accepted() bool { return len(i.Status) == 3 && i.Status[0] == '2' }

// Note is something that happened on the connection outside of a session's streams.
type Note struct {
	Time    time.Time
	Dir     quicdec.Dir
	Stream  uint64
	Name    string
	Fields  []slog.Attr
	Problem string
}

// Sink takes what a Demux finds.
type Sink interface {
	// Session starts a session: its CONNECT was answered, or nothing of that will come.
	Session(t time.Time, info Info)
	// SessionEvent is an event of an announced session. Kinds are those of quicdec for streams and
	// datagrams; Closed for the end of the session; Ended when nothing more comes.
	SessionEvent(id uint64, e quicdec.Event)
	// Note is anything else.
	Note(n Note)
}

// Demux takes apart one HTTP/3 connection.
type Demux struct {
	sink     Sink
	streams  map[uint64]*stream
	sessions map[uint64]*session
	held     int // bytes that wait in sessions
	refused  int // events of more sessions than are followed
}

// New returns a Demux for one connection.
func New(sink Sink) *Demux {
	return &Demux{sink: sink, streams: make(map[uint64]*stream), sessions: make(map[uint64]*session)}
}

// kind is what a stream turned out to be.
type kind uint8

const (
	unknown kind = iota
	request
	control
	inSession // a stream of a session
	other
)

// stream is a stream of the connection.
type stream struct {
	id      uint64
	kind    kind
	session uint64
	half    [2]half
	problem string // why the request's headers are not decoded
}

// half is one direction of a stream.
type half struct {
	buf    []byte // bytes not taken yet
	off    uint64 // offset of buf in the stream
	done   bool   // FIN or reset
	fin    bool
	frames frameReader
	lost   bool // nothing more of it can be made sense of
}

// opener is the direction in which a stream's first bytes travel.
func opener(id uint64) quicdec.Dir { return quicdec.Dir(id & 1) }

func isUni(id uint64) bool { return id&2 != 0 }

// Take decodes one event of the connection.
func (d *Demux) Take(e quicdec.Event) {
	switch e.Kind {
	case quicdec.StreamData:
		d.data(e)
	case quicdec.StreamGap:
		d.gap(e)
	case quicdec.StreamReset, quicdec.StopSending, quicdec.StreamForgotten:
		d.signal(e)
	case quicdec.Datagram:
		d.datagram(e)
	case quicdec.Ended:
		d.end(e)
	}
}

func (d *Demux) stream(id uint64) *stream {
	st := d.streams[id]
	if st == nil {
		if len(d.streams) >= maxStreams {
			d.forget()
		}
		st = &stream{id: id}
		d.streams[id] = st
	}
	return st
}

// forget drops streams of which one half ended and the other was never heard of again, and the
// oldest of the rest if that is not enough. It drops many at once, because it looks at all.
func (d *Demux) forget() {
	for id, st := range d.streams {
		if st.half[0].done || st.half[1].done {
			delete(d.streams, id)
		}
	}
	if left := len(d.streams) - maxStreams*3/4; left > 0 {
		for _, id := range slices.Sorted(maps.Keys(d.streams))[:left] {
			delete(d.streams, id)
		}
	}
}

// data takes bytes of a stream.
func (d *Demux) data(e quicdec.Event) {
	st := d.stream(e.Stream)
	h := &st.half[e.Dir]
	if st.kind == inSession {
		d.forward(st, e)
	} else {
		if len(h.buf) == 0 {
			h.off = e.Offset
		}
		h.buf = append(h.buf, e.Data...)
		h.fin = e.Fin
		d.advance(st, e)
	}
	if e.Fin {
		h.done = true
		d.release(st)
	}
}

// advance goes on with a stream that has new bytes.
func (d *Demux) advance(st *stream, e quicdec.Event) {
	if st.kind == unknown {
		if e.Dir != opener(st.id) {
			if len(st.half[e.Dir].buf) > maxSection {
				d.problem(e, "the answer came before the request, and is too long to be kept")
				st.kind = other
			}
			return
		}
		if !d.classify(st, e) {
			return
		}
	}
	for dir := range st.half {
		h := &st.half[dir]
		at := e
		at.Dir = quicdec.Dir(dir)
		switch {
		case st.kind == inSession:
			if len(h.buf) > 0 || h.fin {
				d.forward(st, quicdec.Event{
					Kind: quicdec.StreamData, Time: e.Time, Conn: e.Conn, Dir: at.Dir,
					Stream: st.id, Offset: h.off, Data: h.buf, Fin: h.fin,
				})
			}
			h.buf = nil
		case h.lost || st.kind == other:
			h.buf = nil
		case st.kind == request:
			d.request(st, h, at)
		case st.kind == control:
			d.control(h, at)
		}
	}
}

// classify reads the type of a stream. It reports false while that is not complete.
func (d *Demux) classify(st *stream, e quicdec.Event) bool {
	h := &st.half[e.Dir]
	typ, n, err := quicvarint.Parse(h.buf)
	if err != nil {
		return false
	}
	wt := typ == typeWTBidi && !isUni(st.id) || typ == typeWTUni && isUni(st.id)
	switch {
	case wt:
		id, m, err := quicvarint.Parse(h.buf[n:])
		if err != nil {
			return false
		}
		n += m
		st.kind, st.session = inSession, id
	case !isUni(st.id):
		st.kind, n = request, 0
	case typ == typeControl:
		st.kind = control
	case typ == typeQPACKEncoder || typ == typeQPACKDecoder || typ == typePush:
		st.kind = other
	default:
		st.kind = other
		d.sink.Note(Note{Time: e.Time, Dir: e.Dir, Stream: st.id, Name: "STREAM", Fields: []slog.Attr{slog.Uint64("type", typ)}})
	}
	h.take(n)
	return true
}

func (h *half) take(n int) {
	h.buf, h.off = h.buf[n:], h.off+uint64(n)
}

// forward gives an event to the session that a stream belongs to.
func (d *Demux) forward(st *stream, e quicdec.Event) { d.give(st.session, e) }

// gap marks lost bytes. A session's streams go on; HTTP/3 frames cannot be found again.
func (d *Demux) gap(e quicdec.Event) {
	st := d.stream(e.Stream)
	if st.kind == inSession {
		d.forward(st, e)
		return
	}
	h := &st.half[e.Dir]
	if st.kind == other || h.lost {
		return
	}
	if st.kind == unknown && e.Dir == opener(st.id) {
		st.kind = other
	}
	h.lost, h.buf = true, nil
	d.problem(e, "bytes are missing in the capture; the rest of the stream is not decoded")
}

func (d *Demux) problem(e quicdec.Event, what string) {
	d.sink.Note(Note{Time: e.Time, Dir: e.Dir, Stream: e.Stream, Name: "STREAM", Problem: what})
}

// signal takes a reset, a stop, or a stream that was given up.
func (d *Demux) signal(e quicdec.Event) {
	st := d.streams[e.Stream]
	switch {
	case st != nil && st.kind == inSession:
		d.forward(st, e)
	case st == nil && len(d.sessions) == 1: // an answer to a stream that has ended
		for id := range d.sessions {
			d.give(id, e)
		}
	case st != nil && st.kind == other:
	default:
		d.sink.Note(Note{Time: e.Time, Dir: e.Dir, Stream: e.Stream, Name: signalName(e.Kind), Fields: []slog.Attr{slog.Uint64("code", e.Code)}})
	}
	if st != nil && e.Kind != quicdec.StopSending {
		st.half[e.Dir].done = true
		d.release(st)
	}
}

func signalName(k quicdec.Kind) string {
	switch k {
	case quicdec.StopSending:
		return "STOP_SENDING"
	case quicdec.StreamReset:
		return "RESET"
	}
	return "STREAM"
}

// release forgets a stream that has ended in all its directions.
func (d *Demux) release(st *stream) {
	if st.half[opener(st.id)].done && (isUni(st.id) || st.half[opener(st.id).Other()].done) {
		delete(d.streams, st.id)
	}
}

// datagram takes off the quarter stream id (RFC 9297 section 2.1).
func (d *Demux) datagram(e quicdec.Event) {
	quarter, n, err := quicvarint.Parse(e.Data)
	if err != nil || quarter > 1<<60 {
		d.sink.Note(Note{Time: e.Time, Dir: e.Dir, Name: "DATAGRAM", Problem: "no quarter stream id"})
		return
	}
	e.Data = e.Data[n:]
	d.give(quarter*4, e)
}
