package moqdec

import (
	"log/slog"
	"slices"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/spec/tree"
)

// given is what messages of the session need to know that is not in them.
func (l *live) given() []tree.Given {
	if l.names.cluster[0] && l.names.cluster[1] {
		return []tree.Given{{Field: "Cluster", Value: 1, Set: true}}
	}
	return nil
}

// message decodes one message, or its part in front of its payload.
func (l *live) message(st *stream, h *half, e quicdec.Event) bool {
	if h.side.Over() {
		l.lose(st, h, e, &Problem{Offset: h.off, Expected: "the end of the stream", Found: "more bytes", Dump: dump(h.buf, 0), DumpAt: h.off})
		return false
	}
	if uint64(len(h.buf)) < h.need {
		return false
	}
	part := h.side.Next(h.buf, l.given()...)
	h.need = part.Need
	switch {
	case part.More:
		return false
	case part.Err() != nil:
		l.malformed(st, h, e, &part)
		return true
	}
	at := h.off
	h.take(part.Size)
	h.count++
	h.skip = part.Bulk
	switch {
	case l.d.carried(part.Message):
		l.payloadStart(st, h, e, part, at)
	default:
		h.carrier.endless = part.Bulk == tree.Endless
		l.say(st, h, e, part.Root, nil)
	}
	return true
}

// malformed reports a message and passes over it where its end is known.
func (l *live) malformed(st *stream, h *half, e quicdec.Event, part *tree.Part) {
	p := problem(part.Errors[0], h.off, h.buf)
	if !part.Whole {
		l.lose(st, h, e, p)
		return
	}
	h.take(part.Size)
	h.skip = part.Bulk
	h.count++
	switch {
	case part.Message == "":
		l.emit(st, e, Event{Name: "malformed", Problem: p})
	case l.d.carried(part.Message):
		l.emit(st, e, Event{Name: part.Message, Problem: p})
	default:
		l.say(st, h, e, part.Root, p)
	}
}

// say reports a message, or what is wrong with it, and remembers what later events need of it.
func (l *live) say(st *stream, h *half, e quicdec.Event, m *tree.Node, p *Problem) {
	out := Event{Name: m.Name, Problem: p}
	if p == nil {
		out.Fields = l.fields(m)
	}
	first := h.count == 1 && e.Dir == st.opener()
	ask := m.Name == "REQUEST_UPDATE"
	switch {
	case st.isUni() && l.d.carries(st.place):
		st.track = l.names.track(m, e.Dir)
		if id, ok := number(m, "Request ID"); ok {
			st.request = l.names.requests.of[id]
		}
		h.carrier.begin(m)
	case st.place.Name == "Control":
		r, made := l.names.note(m, e.Dir, nil, e.Time)
		out.Track = r.track
		if id, ok := number(m, "Request ID"); ok && !made && !r.answered && owner(id) != e.Dir && !r.asked.IsZero() {
			r.answered, out.Answer, out.Latency = true, true, e.Time.Sub(r.asked)
		}
		ask = m.Name == "CLIENT_SETUP"
	default:
		r, _ := l.names.note(m, e.Dir, st.request, e.Time)
		if st.request == nil && e.Dir == st.opener() {
			st.request, st.track = r, r.track
		}
		ask = ask || first && m.Name != "GOAWAY"
	}
	if namedTrack(m) != "" {
		out.Fields = without(out.Fields, "broadcast", "track", "track_namespace", "track_name")
	}
	l.emit(st, e, out)
	if ask && p == nil && !st.isUni() {
		st.await, st.asker, st.asked = true, e.Dir, e.Time
	}
}

// renamed are fields that lines have under another name than the spec, by their message.
var renamed = map[string]map[string]string{
	"ANNOUNCE":         {"hop_count": "hops"},
	"DATAGRAM":         {"sequence": "group", "payload_length": "bytes"},
	"OBJECT_DATAGRAM":  {"payload_length": "bytes"},
	"PADDING_DATAGRAM": {"padding_length": "bytes"},
}

// fields are those of a message as its line has them.
func (l *live) fields(m *tree.Node) []slog.Attr {
	out := attrs(m)
	for i, f := range out {
		if name := renamed[m.Name][f.Key]; name != "" {
			out[i].Key = name
		}
		if m.Name == "SERVER_SETUP" && (f.Key == "version" || f.Key == "selected_version") {
			if d := l.s.d.dialects.coded(f.Value.Uint64()); d != nil {
				out = slices.Insert(out, i+1, slog.String("meaning", d.name))
				break
			}
		}
	}
	return out
}

// datagram decodes a datagram.
func (l *live) datagram(e quicdec.Event) {
	out := Event{Time: e.Time, Dir: e.Dir, Stream: "dgram", Name: l.d.datagram}
	var t *tree.Tree
	var m *tree.Node
	var err error
	if t, err = l.d.Place("datagram", "", e.Data); err == nil {
		for c := range t.Root.Children() {
			m = c
			break
		}
	}
	if m == nil { // it is empty, or of a version that has none
		t, err = l.d.Message(l.d.datagram, e.Data)
	}
	switch {
	case err != nil:
		out.Problem = &Problem{What: err.Error()}
	case t.Err() != nil:
		out.Problem = problem(t.Errors[0], 0, e.Data)
	default:
		out.Name, out.Track, out.Fields = m.Name, l.names.track(m, e.Dir), l.fields(m)
	}
	l.s.emit(out)
}
