package moqdec

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
)

// frameStart decodes the header of a frame. Its payload is passed over as it arrives.
func (d *liteDecoder) frameStart(st *liteStream, h *liteHalf, e quicdec.Event) bool {
	var m lite.FrameHeader
	n, err := m.Parse(h.buf, d.v)
	switch {
	case errors.Is(err, wire.ErrShort):
		return false
	case err != nil:
		d.lose(st, h, e, problem(err, h.off, h.buf))
		return false
	}
	h.group.timestamp += m.TimestampDelta
	h.frame = &frame{index: h.group.frames, timestamp: h.group.timestamp, size: m.PayloadLength}
	h.skip = m.PayloadLength
	h.take(n)
	return true
}

// frameEnd reports a frame whose payload is complete.
func (d *liteDecoder) frameEnd(st *liteStream, h *liteHalf, e quicdec.Event) {
	f := h.frame
	h.frame = nil
	if f == nil {
		return
	}
	h.group.frames++
	h.group.bytes += f.size
	fields := []slog.Attr{slog.Int("frame", f.index)}
	if st.isUni() {
		fields = []slog.Attr{slog.Uint64("group", h.group.sequence), slog.Int("frame", f.index)}
	}
	if d.v >= lite.Version05 {
		fields = append(fields, slog.Int64("timestamp", f.timestamp))
	}
	fields = append(fields, slog.Uint64("bytes", f.size))
	if f.missing > 0 {
		fields = append(fields, slog.Uint64("missing", f.missing))
	}
	d.emit(st, e, Event{Name: "FRAME", Inner: true, Fields: fields})
}

// gap passes over bytes that are not in the capture. Inside of a payload nothing else is lost.
func (d *liteDecoder) gap(st *liteStream, e quicdec.Event) {
	h := &st.half[e.Dir]
	fields := []slog.Attr{slog.Uint64("offset", e.Offset), slog.Uint64("missing", e.Length)}
	switch {
	case h.lost:
		return
	case e.Length <= h.skip:
		h.skip -= e.Length
		if h.frame != nil {
			h.frame.missing += e.Length
		}
		d.emit(st, e, Event{Name: "GAP", Fields: fields})
		d.decode(st, e) // the gap may end the frame
	default:
		d.emit(st, e, Event{Name: "GAP", Problem: &Problem{
			What: fmt.Sprintf("offset %d: %d bytes are not in the capture; where the next message starts is not known", e.Offset, e.Length),
		}})
		h.lost, h.buf, h.frame, h.skip = true, nil, nil, 0
		if e.Dir == st.opener() && !st.typed {
			st.half[e.Dir.Other()].lost = true
		}
	}
}

// fin reports the clean end of a half, or what it cut off.
func (d *liteDecoder) fin(st *liteStream, e quicdec.Event) {
	h := &st.half[e.Dir]
	end := e.Offset + uint64(len(e.Data))
	switch {
	case h.frame != nil:
		d.emit(st, e, Event{Name: "FRAME", Inner: true, Problem: &Problem{
			Field: "Payload", Offset: end,
			Expected: fmt.Sprintf("%d bytes", h.frame.size), Found: fmt.Sprintf("the end of the stream after %d", h.frame.size-h.skip),
		}})
	case !h.lost && (len(h.buf) > 0 || h.skip > 0):
		d.emit(st, e, Event{Name: "malformed", Problem: d.cutOff(st, h, e, end)})
	}
	var fields []slog.Attr
	if h.group.frames > 0 || st.isUni() && st.typed && st.uni == lite.UniGroup {
		fields = []slog.Attr{slog.Int("frames", h.group.frames), slog.Uint64("bytes", h.group.bytes)}
	}
	d.emit(st, e, Event{Name: "FIN", Inner: len(fields) > 0 && st.isUni(), Fields: fields})
}

// cutOff says what the end of a stream cut off.
func (d *liteDecoder) cutOff(st *liteStream, h *liteHalf, e quicdec.Event, end uint64) *Problem {
	p := &Problem{Offset: end, Expected: "the rest of a message", Found: "the end of the stream", Dump: dump(h.buf, len(h.buf)), DumpAt: h.off + uint64(max(0, len(h.buf)-dumpSpan))}
	if m := d.expected(st, h, e.Dir == st.opener()); st.typed && m != nil && len(h.buf) > 0 {
		_, err := m.Parse(h.buf, d.v)
		var we *wire.Error
		if errors.As(err, &we) && errors.Is(err, wire.ErrShort) {
			p.Expected = fmt.Sprintf("%s of %s", we.Expected, m.MessageName())
			p.Found = fmt.Sprintf("the end of the stream after %s", we.Found)
		}
	}
	return p
}

// dumpSpan is how many bytes before and after an error are shown.
const dumpSpan = 16

// problem turns an error of a codec into one with a place in the stream. off is the offset of b.
func problem(err error, off uint64, b []byte) *Problem {
	var we *wire.Error
	if !errors.As(err, &we) {
		return &Problem{What: err.Error()}
	}
	at := min(we.Offset, len(b))
	p := &Problem{
		Field: we.Field, Offset: off + uint64(at), Expected: we.Expected, Found: we.Found,
		Dump: dump(b, at), DumpAt: off + uint64(max(0, at-dumpSpan)),
	}
	switch {
	case we.Message == "stream":
		p.Field = "Stream " + we.Field
	case we.Message != "" && we.Field != "":
		p.Field = we.Message + "." + we.Field
	}
	if errors.Is(err, wire.ErrUnsupported) && p.Expected == "" {
		p.Expected = "what " + we.Version + " has"
	}
	return p
}

// dump copies the bytes around an offset.
func dump(b []byte, at int) []byte {
	return append([]byte(nil), b[max(0, at-dumpSpan):min(len(b), at+dumpSpan)]...)
}
