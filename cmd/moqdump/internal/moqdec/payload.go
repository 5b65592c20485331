package moqdec

import (
	"fmt"
	"log/slog"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec/tree"
)

// payload is a frame or an object whose payload has not ended.
type payload struct {
	name    string
	fields  []slog.Attr // in front of its size
	more    []slog.Attr // behind it
	item    slog.Attr   // which of its stream it is
	size    uint64
	missing uint64 // bytes that are not in the capture
	marker  bool   // it is none, but tells of a range
}

// carrier is what the header of a stream said that its payloads need, and what they add up to.
type carrier struct {
	kind      string // of the payloads: "frame"
	items     int
	bytes     uint64
	group     uint64
	subgroup  uint64
	ofFirst   bool  // the first object has the id of the subgroup
	timestamp int64 // of the frame before
	fetch     wire.FetchCursor
	endless   bool // what is passed over has no length
}

// begin takes the header of a stream.
func (c *carrier) begin(m *tree.Node) {
	c.group, _ = number(m, "Sequence")
	if id, ok := number(m, "Group ID"); ok {
		c.group = id
	}
	c.subgroup, _ = number(m, "Subgroup ID")
	if typ := m.Child(tree.Type); typ != nil {
		mode, _ := number(typ, "Subgroup Mode")
		c.ofFirst = mode == 1
	}
}

// payloadStart takes the header of a frame or an object, which starts at an offset of the stream.
func (l *live) payloadStart(st *stream, h *half, e quicdec.Event, part tree.Part, at uint64) {
	m, c := part.Root, &h.carrier
	p := &payload{name: m.Name, size: part.Bulk}
	if name, _ := number(m, "Status"); name != 0 {
		p.more = append(p.more, attr(m.Child("Status"))...)
	}
	if n := m.Child("Properties"); n != nil {
		p.more = append(p.more, attr(n)...)
	}
	switch m.Name {
	case "SUBGROUP_OBJECT":
		id, _ := number(m, "Object ID")
		if c.ofFirst && c.items == 0 {
			c.subgroup = id
		}
		p.item = slog.Uint64("object", id)
		p.fields = []slog.Attr{slog.Uint64("group", c.group), slog.Uint64("subgroup", c.subgroup), p.item}
	case "FETCH_OBJECT":
		if wrong := l.fetched(st, c, m, p); wrong != nil {
			l.emit(st, e, Event{Name: m.Name, Inner: true, Problem: &Problem{
				Field: m.Name + "." + wrong.Field, Offset: at, Expected: wrong.Expected, Found: wrong.Found,
			}})
			return
		}
	default:
		p.item = slog.Int("frame", c.items)
		if st.isUni() {
			p.fields = append(p.fields, slog.Uint64("group", c.group))
		}
		p.fields = append(p.fields, p.item)
		if d := m.Child("Timestamp Delta"); d != nil {
			c.timestamp += d.Value.(int64)
			p.fields = append(p.fields, slog.Int64("timestamp", c.timestamp))
		}
	}
	c.kind = p.item.Key
	h.payload = p
}

// fetched works out where an object of a fetch stream belongs.
func (l *live) fetched(st *stream, c *carrier, m *tree.Node, p *payload) *wire.Error {
	c.fetch.Vi = l.d.vi
	if st.request != nil {
		c.fetch.Descending = st.request.descending
	}
	step := wire.FetchStep{HasGroup: true, HasObject: true, HasPriority: true, Mode: 3}
	if flags := m.Child("Flags"); flags != nil {
		mode, _ := number(flags, "Subgroup Mode")
		step.Mode = uint8(mode)
		step.HasGroup, step.HasObject = isSet(flags, "Has Group"), isSet(flags, "Has Object")
		step.HasPriority = isSet(flags, "Has Priority")
		if kind, _ := number(flags, "Range"); kind != 0 {
			step.Marker, p.marker = true, true
			p.more = append(p.more, slog.String("range", named(flags.Child("Range"), kind)))
		}
	}
	for _, n := range []struct {
		field string
		to    *uint64
	}{{"Group ID", &step.Group}, {"Subgroup ID", &step.Subgroup}, {"Object ID", &step.Object}} {
		*n.to, _ = number(m, n.field)
		if v, ok := number(m, n.field+" Delta"); ok {
			*n.to, step.Deltas = v, true
		}
	}
	priority, _ := number(m, "Publisher Priority")
	step.Priority = uint8(priority)
	place, wrong := c.fetch.Next(step)
	p.item = slog.Uint64("object", place.Object)
	p.fields = []slog.Attr{slog.Uint64("group", place.Group)}
	if !step.Marker && step.Mode < 64 {
		p.fields = append(p.fields, slog.Uint64("subgroup", place.Subgroup))
	}
	p.fields = append(p.fields, p.item)
	if !step.Marker {
		p.fields = append(p.fields, slog.Uint64("priority", uint64(place.Priority)))
	}
	return wrong
}

func isSet(flags *tree.Node, bit string) bool {
	n := flags.Child(bit)
	return n != nil && n.Value == true
}

// payloadEnd reports a frame or an object that is complete.
func (l *live) payloadEnd(st *stream, h *half, e quicdec.Event) {
	p := h.payload
	if h.payload = nil; p == nil {
		return
	}
	fields := p.fields
	if !p.marker {
		h.carrier.items++
		h.carrier.bytes += p.size
		fields = append(fields, slog.Uint64("bytes", p.size))
	}
	if p.missing > 0 {
		fields = append(fields, slog.Uint64("missing", p.missing))
	}
	l.emit(st, e, Event{Name: p.name, Inner: true, Fields: append(fields, p.more...)})
}

// fin reports the clean end of a half, or what it cut off.
func (l *live) fin(st *stream, e quicdec.Event) {
	h := &st.half[e.Dir]
	end := e.Offset + uint64(len(e.Data))
	switch {
	case h.payload != nil:
		l.emit(st, e, Event{Name: h.payload.name, Inner: true, Problem: &Problem{
			Field: "Payload", Offset: end,
			Expected: fmt.Sprintf("%d bytes", h.payload.size), Found: fmt.Sprintf("the end of the stream after %d", h.payload.size-h.skip),
		}})
	case !h.lost && (len(h.buf) > 0 || h.skip > 0 && !h.carrier.endless):
		l.emit(st, e, Event{Name: "malformed", Problem: l.cutOff(h, end)})
	}
	var fields []slog.Attr
	c := &h.carrier
	switch {
	case c.endless:
		fields = h.unfinished()
	case c.items > 0 || st.isUni() && st.place != nil && l.d.carries(st.place):
		if c.kind == "" {
			c.kind = l.d.item(st.place)
		}
		fields = []slog.Attr{slog.Int(c.kind+"s", c.items), slog.Uint64("bytes", c.bytes)}
	}
	l.emit(st, e, Event{Name: "FIN", Inner: len(fields) > 0 && st.isUni(), Fields: fields})
}

// cutOff says what the end of a stream cut off.
func (l *live) cutOff(h *half, end uint64) *Problem {
	p := &Problem{Offset: end, Expected: "the rest of a message", Found: "the end of the stream", Dump: dump(h.buf, len(h.buf)), DumpAt: h.off + uint64(max(0, len(h.buf)-dumpSpan))}
	if h.side != nil && len(h.buf) > 0 {
		if part := h.side.Next(h.buf, l.given()...); part.More && part.Message != "" {
			p.Expected = part.Errors[0].Expected + " of " + part.Message
			p.Found = "the end of the stream after " + part.Errors[0].Found
		}
	}
	return p
}
