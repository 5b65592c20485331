package moqdec

import (
	"log/slog"
	"time"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/gen/lite"
)

// Limits of one session.
const (
	maxMessage = 64<<10 + 32 // a whole message with its type and length
	maxStreams = 16384
	maxTracks  = 16384
)

// liteDecoder decodes a session of moq-lite 03, 04 or 05.
type liteDecoder struct {
	s       *session
	v       lite.Version
	streams map[uint64]*liteStream
	subs    [2]names // by the direction of the SUBSCRIBE
}

// names remembers the tracks of subscriptions, the newest of them.
type names struct {
	track map[uint64]string
	order []uint64
}

func (n *names) set(id uint64, track string) {
	if n.track == nil {
		n.track = make(map[uint64]string)
	}
	if _, ok := n.track[id]; !ok {
		n.order = append(n.order, id)
	}
	n.track[id] = track
	if len(n.order) > maxTracks {
		delete(n.track, n.order[0])
		n.order = n.order[1:]
	}
}

// liteStream is a stream and what its first message said.
type liteStream struct {
	id    uint64
	typed bool
	uni   lite.UniStream
	bidi  lite.BidiStream
	track string
	asked time.Time // when the request was complete
	await bool      // the request has no answer yet
	half  [2]liteHalf
}

func (st *liteStream) isUni() bool         { return st.id&2 != 0 }
func (st *liteStream) opener() quicdec.Dir { return quicdec.Dir(st.id & 1) }

func newLite(s *session, v lite.Version) *liteDecoder {
	return &liteDecoder{s: s, v: v, streams: make(map[uint64]*liteStream)}
}

func (d *liteDecoder) take(e quicdec.Event) {
	switch e.Kind {
	case quicdec.StreamData:
		st := d.stream(e.Stream)
		d.data(st, e)
		if e.Fin {
			d.fin(st, e)
			d.end(st, e.Dir)
		}
	case quicdec.StreamGap:
		d.gap(d.stream(e.Stream), e)
	case quicdec.StreamReset:
		st := d.stream(e.Stream)
		fields := streamCode(e.Code, d.s.names)
		if h := &st.half[e.Dir]; h.frame != nil {
			fields = append(fields, slog.Int("frame", h.frame.index), slog.Uint64("received", h.frame.size-h.skip), slog.Uint64("bytes", h.frame.size))
		}
		d.emit(st, e, Event{Name: "RESET", Fields: fields})
		d.end(st, e.Dir)
	case quicdec.StreamForgotten:
		d.end(d.stream(e.Stream), e.Dir)
	case quicdec.Datagram:
		d.datagram(e)
	}
}

func (d *liteDecoder) track(stream uint64) string {
	if st := d.streams[stream]; st != nil {
		return st.track
	}
	return ""
}

func (d *liteDecoder) stream(id uint64) *liteStream {
	st := d.streams[id]
	if st == nil {
		if len(d.streams) >= maxStreams {
			for _, old := range sortedIDs(d.streams)[:maxStreams/4] {
				delete(d.streams, old)
			}
		}
		st = &liteStream{id: id}
		d.streams[id] = st
	}
	return st
}

// end closes a half and forgets a stream of which nothing more comes.
func (d *liteDecoder) end(st *liteStream, dir quicdec.Dir) {
	st.half[dir].ended = true
	if st.half[st.opener()].ended && (st.isUni() || st.half[st.opener().Other()].ended) {
		delete(d.streams, st.id)
	}
}

// emit reports an event of a stream, with its track, and with the latency of the first answer.
func (d *liteDecoder) emit(st *liteStream, e quicdec.Event, out Event) {
	out.Time, out.Dir, out.Stream = e.Time, e.Dir, quicdec.StreamName(st.id)
	if out.Track == "" {
		out.Track = st.track
	}
	if st.await && e.Dir != st.opener() && out.Problem == nil {
		st.await = false
		out.Answer, out.Latency = true, e.Time.Sub(st.asked)
	}
	d.s.emit(out)
}

// datagram decodes a datagram, which is a group of one frame.
func (d *liteDecoder) datagram(e quicdec.Event) {
	out := Event{Time: e.Time, Dir: e.Dir, Stream: "dgram", Name: "DATAGRAM"}
	var m lite.Datagram
	if _, err := m.Parse(e.Data, d.v); err != nil {
		out.Problem = problem(err, 0, e.Data)
		d.s.emit(out)
		return
	}
	out.Track = d.subs[e.Dir.Other()].track[m.Subscribe]
	out.Fields = []slog.Attr{
		slog.Uint64("subscribe", m.Subscribe), slog.Uint64("group", m.Sequence),
		slog.Uint64("timestamp", m.Timestamp), slog.Int("bytes", len(m.Payload)),
	}
	d.s.emit(out)
}
