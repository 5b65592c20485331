package moqdec

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/spec"
	"github.com/moqrx/moqrx/spec/tree"
)

// Limits of one session.
const (
	maxMessage = 4<<20 + 16 // a message that is not complete: an ANNOUNCE_INIT
	maxStreams = 16384
	maxTracks  = 16384
)

// live decodes a session as the spec describes its version.
type live struct {
	s       *session
	d       *dialect
	streams map[uint64]*stream
	names   names
}

// stream is a stream and what its first message said.
type stream struct {
	id      uint64
	place   *spec.Stream // nil until its type is known
	track   string
	request *request
	await   bool        // a request has no answer yet
	asker   quicdec.Dir // whose it is
	asked   time.Time   // when it was complete
	half    [2]half
}

func (st *stream) isUni() bool         { return st.id&2 != 0 }
func (st *stream) opener() quicdec.Dir { return quicdec.Dir(st.id & 1) }

// half is one direction of a stream.
type half struct {
	side    *tree.Side // nil until the type of the stream is known
	buf     []byte     // bytes not decoded yet
	off     uint64     // offset of buf in the stream
	need    uint64     // bytes that it takes to go on
	skip    uint64     // bytes to pass over: the rest of a payload
	payload *payload   // which is being passed over
	count   int        // messages so far
	carrier carrier
	lost    bool // where the next message starts is not known
	ended   bool
}

func newLive(s *session, d *dialect) *live {
	return &live{s: s, d: d, streams: make(map[uint64]*stream)}
}

func (l *live) take(e quicdec.Event) {
	switch e.Kind {
	case quicdec.StreamData:
		st := l.stream(e.Stream)
		l.data(st, e)
		if e.Fin {
			l.fin(st, e)
			l.end(st, e.Dir)
		}
	case quicdec.StreamGap:
		l.gap(l.stream(e.Stream), e)
	case quicdec.StreamReset:
		st := l.stream(e.Stream)
		fields := append(streamCode(e.Code, l.d.streams), st.half[e.Dir].unfinished()...)
		l.emit(st, e, Event{Name: "RESET", Fields: fields})
		l.end(st, e.Dir)
	case quicdec.StreamForgotten:
		st := l.stream(e.Stream)
		l.unseen(st, e)
		l.end(st, e.Dir)
	case quicdec.Datagram:
		l.datagram(e)
	case quicdec.Ended:
		for _, id := range sortedIDs(l.streams) {
			for dir := range l.streams[id].half {
				e.Dir = quicdec.Dir(dir)
				l.unseen(l.streams[id], e)
			}
		}
	}
}

func (l *live) track(id uint64) string {
	if st := l.streams[id]; st != nil {
		return st.track
	}
	return ""
}

func (l *live) stream(id uint64) *stream {
	st := l.streams[id]
	if st == nil {
		if len(l.streams) >= maxStreams {
			for _, old := range sortedIDs(l.streams)[:maxStreams/4] {
				delete(l.streams, old)
			}
		}
		st = &stream{id: id}
		l.streams[id] = st
	}
	return st
}

// end closes a half and forgets a stream of which nothing more comes.
func (l *live) end(st *stream, dir quicdec.Dir) {
	st.half[dir].ended = true
	if st.half[st.opener()].ended && (st.isUni() || st.half[st.opener().Other()].ended) {
		delete(l.streams, st.id)
	}
}

// emit reports an event of a stream, with its track, and with the latency of the first answer.
func (l *live) emit(st *stream, e quicdec.Event, out Event) {
	out.Time, out.Dir, out.Stream = e.Time, e.Dir, quicdec.StreamName(st.id)
	if out.Track == "" {
		out.Track = st.track
	}
	if st.await && e.Dir != st.asker && out.Problem == nil {
		st.await = false
		out.Answer, out.Latency = true, e.Time.Sub(st.asked)
	}
	l.s.emit(out)
}

// data takes bytes of a stream, in order.
func (l *live) data(st *stream, e quicdec.Event) {
	h := &st.half[e.Dir]
	h.append(e.Offset, e.Data)
	l.decode(st, e)
	if e.Dir == st.opener() && st.place != nil { // an answer may have waited for this
		other := e
		other.Dir = e.Dir.Other()
		l.decode(st, other)
	}
}

func (h *half) append(off uint64, data []byte) {
	if h.lost || len(data) == 0 {
		return
	}
	if len(h.buf) == 0 {
		h.off, h.buf = off, nil
	}
	h.buf = append(h.buf, data...)
}

func (h *half) take(n int) {
	h.buf, h.off = h.buf[n:], h.off+uint64(n)
}

// decode goes on as far as the bytes go.
func (l *live) decode(st *stream, e quicdec.Event) {
	h := &st.half[e.Dir]
	for !h.lost {
		if h.skip > 0 || h.payload != nil {
			n := min(h.skip, uint64(len(h.buf)))
			h.take(int(n))
			h.skip -= n
			if h.skip > 0 {
				return
			}
			l.payloadEnd(st, h, e)
			continue
		}
		if len(h.buf) == 0 || !l.next(st, h, e) {
			break
		}
	}
	if len(h.buf) > maxMessage && !h.lost {
		l.lose(st, h, e, &Problem{What: fmt.Sprintf("offset %d: no message within %d bytes", h.off, len(h.buf))})
	}
}

// next decodes what stands at the start of the buffer. It reports false while bytes are missing.
func (l *live) next(st *stream, h *half, e quicdec.Event) bool {
	if st.place == nil {
		return e.Dir == st.opener() && l.begin(st, h, e)
	}
	if h.side == nil {
		role := "acceptor"
		if e.Dir == st.opener() {
			role = "opener"
		}
		h.side = l.d.Side(st.place.Name, role)
	}
	return l.message(st, h, e)
}

// begin finds out what stream it is.
func (l *live) begin(st *stream, h *half, e quicdec.Event) bool {
	kind := "bidi"
	if st.isUni() {
		kind = "uni"
	}
	place, n, err := l.d.Stream(kind, h.buf)
	switch {
	case err != nil && errors.Is(err, tree.ErrShort):
		return false
	case err != nil:
		l.lose(st, h, e, problem(err, h.off, h.buf))
		st.half[e.Dir.Other()].lost = true
		return false
	}
	st.place = place
	h.take(n)
	return true
}

// lose gives up a half of a stream.
func (l *live) lose(st *stream, h *half, e quicdec.Event, p *Problem) {
	l.emit(st, e, Event{Name: "malformed", Problem: p})
	h.lost, h.buf, h.payload, h.skip = true, nil, nil, 0
}

// gap passes over bytes that are not in the capture. Inside of a payload nothing else is lost.
func (l *live) gap(st *stream, e quicdec.Event) {
	h := &st.half[e.Dir]
	fields := []slog.Attr{slog.Uint64("offset", e.Offset), slog.Uint64("missing", e.Length)}
	switch {
	case h.lost:
		return
	case e.Length <= h.skip:
		h.skip -= e.Length
		if h.payload != nil {
			h.payload.missing += e.Length
		}
		l.emit(st, e, Event{Name: "GAP", Fields: fields})
		l.decode(st, e) // the gap may end the payload
	default:
		l.emit(st, e, Event{Name: "GAP", Problem: &Problem{
			What: fmt.Sprintf("offset %d: %d bytes are not in the capture; where the next message starts is not known", e.Offset, e.Length),
		}})
		h.lost, h.buf, h.payload, h.skip = true, nil, nil, 0
		if e.Dir == st.opener() && st.place == nil {
			st.half[e.Dir.Other()].lost = true
		}
	}
}

// unfinished says what a half breaks off in the middle of.
func (h *half) unfinished() []slog.Attr {
	switch {
	case h.payload != nil:
		return []slog.Attr{h.payload.item, slog.Uint64("received", h.payload.size-h.skip), slog.Uint64("bytes", h.payload.size)}
	case h.skip > 0 && h.carrier.endless:
		return []slog.Attr{slog.Uint64("bytes", tree.Endless-h.skip)}
	case len(h.buf) > 0:
		return []slog.Attr{slog.Int("undecoded", len(h.buf))}
	}
	return nil
}

// unseen says what of a half without an end was not decoded.
func (l *live) unseen(st *stream, e quicdec.Event) {
	if fields := st.half[e.Dir].unfinished(); fields != nil && !st.half[e.Dir].ended {
		l.emit(st, e, Event{Name: "STREAM", Fields: append(fields, slog.String("end", "unseen"))})
	}
}
