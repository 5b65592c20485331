package moqdec

import (
	"log/slog"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
)

// opaque lists the streams of a protocol that is not decoded.
type opaque struct {
	s     *session
	bytes [2]map[uint64]*tally
}

// tally counts one half of a stream.
type tally struct {
	bytes, missing uint64
}

func newOpaque(s *session) *opaque {
	return &opaque{s: s, bytes: [2]map[uint64]*tally{{}, {}}}
}

func (o *opaque) take(e quicdec.Event) {
	switch e.Kind {
	case quicdec.StreamData, quicdec.StreamGap:
		t := o.tally(e)
		t.bytes += uint64(len(e.Data))
		t.missing += e.Length
		if e.Fin {
			o.list(e, "FIN", nil)
		}
	case quicdec.StreamReset:
		o.tally(e)
		o.list(e, "RESET", streamCode(e.Code, o.s.streamCodes))
	case quicdec.StreamForgotten:
		o.tally(e)
		o.list(e, "STREAM", []slog.Attr{slog.String("end", "unseen")})
	case quicdec.Datagram:
		o.s.emit(Event{
			Time: e.Time, Dir: e.Dir, Stream: "dgram", Name: "DATAGRAM",
			Fields: []slog.Attr{slog.Int("bytes", len(e.Data))},
		})
	case quicdec.Ended:
		for dir := range o.bytes {
			for _, id := range sortedIDs(o.bytes[dir]) {
				e.Dir, e.Stream = quicdec.Dir(dir), id
				o.list(e, "STREAM", []slog.Attr{slog.String("end", "unseen")})
			}
		}
	}
}

func (o *opaque) track(uint64) string { return "" }

func (o *opaque) tally(e quicdec.Event) *tally {
	m := o.bytes[e.Dir]
	t := m[e.Stream]
	if t == nil {
		t = &tally{}
		m[e.Stream] = t
	}
	return t
}

// list reports a half of a stream that has ended.
func (o *opaque) list(e quicdec.Event, name string, more []slog.Attr) {
	t := o.tally(e)
	fields := []slog.Attr{slog.Uint64("bytes", t.bytes)}
	if t.missing > 0 {
		fields = append(fields, slog.Uint64("missing", t.missing))
	}
	o.s.emit(Event{
		Time: e.Time, Dir: e.Dir, Stream: quicdec.StreamName(e.Stream), Name: name,
		Fields: append(fields, more...),
	})
	delete(o.bytes[e.Dir], e.Stream)
}
