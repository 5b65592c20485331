package webtransport

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"log/slog"

	"github.com/quic-go/quic-go/quicvarint"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
)

// HTTP/3 frame types (RFC 9114 section 7.2) and capsule types.
const (
	frameData     = 0x0
	frameHeaders  = 0x1
	frameSettings = 0x4
	frameGoaway   = 0x7

	capsuleDatagram = 0x00
	capsuleClose    = 0x2843
	capsuleDrain    = 0x78ae
)

// frameReader takes type-length-value items from bytes that arrive in pieces: HTTP/3 frames and,
// inside of DATA, capsules.
type frameReader struct {
	skip     uint64 // bytes of an item nobody wants
	inData   bool   // skip counts bytes of a DATA frame, which are capsules
	capsules *half
}

// next takes the header of an item, and its value if want says so. ok is false while bytes are
// missing. Values that are not wanted are passed over as they arrive.
func (h *half) next(want func(typ, size uint64) bool) (typ uint64, value []byte, ok bool) {
	typ, n, err := quicvarint.Parse(h.buf)
	if err != nil {
		return 0, nil, false
	}
	size, m, err := quicvarint.Parse(h.buf[n:])
	if err != nil {
		return 0, nil, false
	}
	if !want(typ, size) {
		h.take(n + m)
		h.frames.skip = size
		return typ, nil, true
	}
	if uint64(len(h.buf)-n-m) < size {
		return 0, nil, false
	}
	value = h.buf[n+m : n+m+int(size)]
	h.take(n + m + int(size))
	return typ, value, true
}

// pass takes the bytes of an item that is being passed over.
func (h *half) pass() []byte {
	n := min(h.frames.skip, uint64(len(h.buf)))
	out := h.buf[:n]
	h.take(int(n))
	h.frames.skip -= n
	return out
}

// request reads the frames of a request stream.
func (d *Demux) request(st *stream, h *half, e quicdec.Event) {
	for len(h.buf) > 0 && !h.lost {
		if h.frames.skip > 0 {
			part := h.pass()
			if h.frames.inData && d.sessions[st.id] != nil {
				d.capsule(st, h, e, part)
			}
			continue
		}
		typ, value, ok := h.next(func(typ, size uint64) bool { return typ == frameHeaders && size <= maxSection })
		if !ok {
			break
		}
		h.frames.inData = typ == frameData
		switch {
		case value != nil:
			d.headers(st, e, value)
		case typ == frameHeaders:
			d.problem(e, fmt.Sprintf("a header section of %d bytes is not decoded", h.frames.skip))
		}
	}
	if s := d.sessions[st.id]; h.fin && s != nil && (!s.answered || s.info.Accepted()) {
		d.closeSession(st.id, quicdec.Event{Kind: quicdec.Closed, Time: e.Time, Dir: e.Dir, App: true})
	}
}

// headers takes a header section of a request or of its answer.
func (d *Demux) headers(st *stream, e quicdec.Event, section []byte) {
	fields, err := decodeSection(section)
	note := Note{Time: e.Time, Dir: e.Dir, Stream: st.id, Name: "HEADERS"}
	if err != nil {
		note.Problem = err.Error()
	}
	if e.Dir == quicdec.ClientToServer {
		note.Name, note.Fields = requestNote(fields)
		st.problem = note.Problem
		if fields.isWebTransport() {
			if s := d.session(st.id); s != nil {
				s.info.Authority, s.info.Path = fields[":authority"], fields[":path"]
				s.info.Offered = parseStrings(fields["wt-available-protocols"])
			}
		}
		d.sink.Note(note)
		return
	}
	status := fields[":status"]
	note.Name, note.Fields = "RESPONSE", responseNote(fields)
	d.sink.Note(note)
	if s := d.sessions[st.id]; s != nil && (len(status) != 3 || status[0] != '1') {
		s.info.Status, s.info.Problem = status, cmp.Or(st.problem, note.Problem)
		if protos := parseStrings(fields["wt-protocol"]); len(protos) == 1 {
			s.info.Protocol = protos[0]
		}
		d.announce(e.Time, s)
	}
}

// capsule reads the capsules inside of DATA frames (RFC 9297 section 3.2).
func (d *Demux) capsule(st *stream, h *half, e quicdec.Event, data []byte) {
	if h.frames.capsules == nil {
		h.frames.capsules = &half{}
	}
	c := h.frames.capsules
	c.buf = append(c.buf, data...)
	for len(c.buf) > 0 {
		if c.frames.skip > 0 {
			c.pass()
			continue
		}
		typ, value, ok := c.next(func(typ, size uint64) bool { return typ == capsuleClose && size <= maxSection })
		if !ok {
			return
		}
		note := Note{Time: e.Time, Dir: e.Dir, Stream: st.id, Name: "CAPSULE"}
		switch typ {
		case capsuleClose:
			if len(value) < 4 {
				note.Problem = "a CLOSE_WEBTRANSPORT_SESSION capsule without a code"
				d.sink.Note(note)
				continue
			}
			d.closeSession(st.id, quicdec.Event{
				Kind: quicdec.Closed, Time: e.Time, Dir: e.Dir, App: true,
				Code: uint64(binary.BigEndian.Uint32(value)), Reason: string(value[4:]),
			})
		case capsuleDrain:
			note.Name = "DRAIN_WEBTRANSPORT_SESSION"
			d.sink.Note(note)
		case capsuleDatagram:
			note.Problem = "a datagram in a capsule is not decoded"
			d.sink.Note(note)
		default:
			note.Fields = []slog.Attr{slog.String("type", fmt.Sprintf("%#x", typ)), slog.Uint64("length", c.frames.skip)}
			d.sink.Note(note)
		}
	}
}

// closeSession gives out the first of the signs that a session has ended.
func (d *Demux) closeSession(id uint64, e quicdec.Event) {
	s := d.session(id)
	if s == nil || s.closed {
		return
	}
	s.closed = true
	e.Stream = id
	d.give(id, e)
}

// control reads the frames of a control stream.
func (d *Demux) control(h *half, e quicdec.Event) {
	for len(h.buf) > 0 && !h.lost {
		if h.frames.skip > 0 {
			h.pass()
			continue
		}
		typ, value, ok := h.next(func(typ, size uint64) bool {
			return (typ == frameSettings || typ == frameGoaway) && size <= maxSection
		})
		if !ok {
			return
		}
		note := Note{Time: e.Time, Dir: e.Dir, Stream: e.Stream}
		switch {
		case typ == frameSettings && value != nil:
			note.Name = "SETTINGS"
			note.Fields, note.Problem = parseSettings(value)
			d.sink.Note(note)
		case typ == frameGoaway && value != nil:
			id, _, err := quicvarint.Parse(value)
			note.Name, note.Fields = "HTTP3_GOAWAY", []slog.Attr{slog.Uint64("id", id)}
			if err != nil {
				note.Problem = "the stream id is cut short"
			}
			d.sink.Note(note)
		}
	}
}

// settingNames are the settings that matter to WebTransport.
var settingNames = map[uint64]string{
	0x01:       "qpack_max_table_capacity",
	0x06:       "max_field_section_size",
	0x07:       "qpack_blocked_streams",
	0x08:       "enable_connect_protocol",
	0x33:       "h3_datagram",
	0xffd277:   "h3_datagram_draft04",
	0x2b603742: "enable_webtransport_draft02",
	0xc671706a: "wt_max_sessions_draft07",
	0x14e9cd29: "wt_max_sessions",
	0x2c7cf000: "wt_enabled",
	0x2b61:     "wt_initial_max_data",
	0x2b64:     "wt_initial_max_streams_uni",
	0x2b65:     "wt_initial_max_streams_bidi",
}

func parseSettings(b []byte) (fields []slog.Attr, problem string) {
	for len(b) > 0 {
		id, n, err := quicvarint.Parse(b)
		if err != nil {
			return fields, "the last setting is cut short"
		}
		v, m, err := quicvarint.Parse(b[n:])
		if err != nil {
			return fields, "the last setting is cut short"
		}
		b = b[n+m:]
		name := settingNames[id]
		if name == "" {
			if id >= 0x21 && (id-0x21)%0x1f == 0 {
				continue // reserved so that peers learn to pass over what they do not know
			}
			name = fmt.Sprintf("%#x", id)
		}
		fields = append(fields, slog.Uint64(name, v))
	}
	return fields, ""
}
