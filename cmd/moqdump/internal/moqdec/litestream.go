package moqdec

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/quic-go/quic-go/quicvarint"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
)

// liteHalf is one direction of a stream.
type liteHalf struct {
	buf   []byte // bytes not decoded yet
	off   uint64 // offset of buf in the stream
	skip  uint64 // bytes to pass over: the rest of a payload, or of a message that is malformed
	frame *frame // whose payload is being passed over
	count int    // messages so far
	group groupState
	lost  bool // where the next message starts is not known
	ended bool
}

// frame is a frame whose payload has not ended.
type frame struct {
	index     int
	timestamp int64
	size      uint64
	missing   uint64 // bytes of the payload that are not in the capture
}

// groupState is what the frames of a stream add up to.
type groupState struct {
	frames    int
	bytes     uint64
	timestamp int64
	sequence  uint64
}

// data takes bytes of a stream, in order.
func (d *liteDecoder) data(st *liteStream, e quicdec.Event) {
	h := &st.half[e.Dir]
	h.append(e.Offset, e.Data)
	d.decode(st, e)
	if e.Dir == st.opener() && st.typed { // an answer may have waited for this
		other := e
		other.Dir = e.Dir.Other()
		d.decode(st, other)
	}
}

func (h *liteHalf) append(off uint64, data []byte) {
	if h.lost || len(data) == 0 {
		return
	}
	if len(h.buf) == 0 {
		h.off, h.buf = off, nil
	}
	h.buf = append(h.buf, data...)
}

func (h *liteHalf) take(n int) {
	h.buf, h.off = h.buf[n:], h.off+uint64(n)
}

// decode goes on as far as the bytes go.
func (d *liteDecoder) decode(st *liteStream, e quicdec.Event) {
	h := &st.half[e.Dir]
	for !h.lost {
		if h.skip > 0 || h.frame != nil {
			n := min(h.skip, uint64(len(h.buf)))
			h.take(int(n))
			h.skip -= n
			if h.skip > 0 {
				return
			}
			d.frameEnd(st, h, e)
			continue
		}
		if len(h.buf) == 0 || !d.next(st, h, e) {
			break
		}
	}
	if len(h.buf) > maxMessage && !h.lost {
		d.lose(st, h, e, &Problem{What: fmt.Sprintf("offset %d: no message within %d bytes", h.off, len(h.buf))})
	}
}

// next decodes what stands at the start of the buffer. It reports false while bytes are missing.
func (d *liteDecoder) next(st *liteStream, h *liteHalf, e quicdec.Event) bool {
	switch {
	case !st.typed:
		return e.Dir == st.opener() && d.streamType(st, h, e)
	case st.isUni() && st.uni == lite.UniGroup && h.count > 0,
		!st.isUni() && st.bidi == lite.BidiFetch && e.Dir != st.opener():
		return d.frameStart(st, h, e)
	}
	return d.message(st, h, e)
}

// streamType decodes the type of the stream.
func (d *liteDecoder) streamType(st *liteStream, h *liteHalf, e quicdec.Event) bool {
	var n int
	var err error
	if st.isUni() {
		st.uni, n, err = lite.ParseUniStream(h.buf, d.v)
	} else {
		st.bidi, n, err = lite.ParseBidiStream(h.buf, d.v)
	}
	if errors.Is(err, wire.ErrShort) {
		return false
	}
	if err != nil {
		d.lose(st, h, e, problem(err, h.off, h.buf))
		st.half[e.Dir.Other()].lost = true
		return false
	}
	st.typed = true
	h.take(n)
	return true
}

// expected is the message that may stand at this place, or nil.
func (d *liteDecoder) expected(st *liteStream, h *liteHalf, opener bool) lite.Message {
	switch {
	case st.isUni():
		if h.count > 0 {
			return nil
		}
		if st.uni == lite.UniSetup {
			return new(lite.Setup)
		}
		return new(lite.Group)
	case opener:
		return request(st.bidi, h.count)
	}
	return d.answer(st.bidi, h.count)
}

// request is what the opener of a stream sends.
func request(t lite.BidiStream, count int) lite.Message {
	if count > 0 {
		if t == lite.BidiSubscribe {
			return new(lite.SubscribeUpdate)
		}
		return nil
	}
	switch t {
	case lite.BidiAnnounce:
		return new(lite.AnnounceRequest)
	case lite.BidiSubscribe:
		return new(lite.Subscribe)
	case lite.BidiFetch:
		return new(lite.Fetch)
	case lite.BidiGoaway:
		return new(lite.Goaway)
	case lite.BidiTrack:
		return new(lite.Track)
	}
	return nil
}

// answer is what the other end sends, but for what carries a type of its own.
func (d *liteDecoder) answer(t lite.BidiStream, count int) lite.Message {
	switch t {
	case lite.BidiAnnounce:
		if count == 0 && d.v >= lite.Version05 {
			return new(lite.AnnounceOK)
		}
		return new(lite.Announce)
	case lite.BidiTrack:
		if count == 0 {
			return new(lite.TrackInfo)
		}
	case lite.BidiProbe:
		return new(lite.Probe)
	}
	return nil
}

// message decodes one message.
func (d *liteDecoder) message(st *liteStream, h *liteHalf, e quicdec.Event) bool {
	opener := e.Dir == st.opener()
	typed := !st.isUni() && !opener && st.bidi == lite.BidiSubscribe
	var m lite.Message
	var n int
	var err error
	if typed {
		m, n, err = lite.ParseSubscribeResponse(h.buf, d.v)
	} else {
		if m = d.expected(st, h, opener); m == nil {
			d.lose(st, h, e, &Problem{Offset: h.off, Expected: "the end of the stream", Found: "more bytes", Dump: dump(h.buf, 0), DumpAt: h.off})
			return false
		}
		n, err = m.Parse(h.buf, d.v)
	}
	switch {
	case errors.Is(err, wire.ErrShort):
		return false
	case err != nil:
		d.malformed(st, h, e, m, typed, err)
		return true
	}
	h.take(n)
	h.count++
	d.say(st, h, e, m)
	return true
}

// malformed reports a message and passes over it where its length can be read.
func (d *liteDecoder) malformed(st *liteStream, h *liteHalf, e quicdec.Event, m lite.Message, typed bool, err error) {
	p := problem(err, h.off, h.buf)
	size, ok := messageSize(h.buf, typed)
	if !ok {
		d.lose(st, h, e, p)
		return
	}
	name := "malformed"
	if m != nil {
		name = m.MessageName()
	}
	d.emit(st, e, Event{Name: name, Problem: p})
	h.skip = size
	h.count++
}

// messageSize is how many bytes the message at the start of b says it has.
func messageSize(b []byte, typed bool) (uint64, bool) {
	at := 0
	if typed {
		_, n, err := quicvarint.Parse(b)
		if err != nil {
			return 0, false
		}
		at = n
	}
	size, n, err := quicvarint.Parse(b[at:])
	return uint64(at+n) + size, err == nil && size <= maxMessage
}

// lose gives up a half of a stream.
func (d *liteDecoder) lose(st *liteStream, h *liteHalf, e quicdec.Event, p *Problem) {
	d.emit(st, e, Event{Name: "malformed", Problem: p})
	h.lost, h.buf, h.frame, h.skip = true, nil, nil, 0
}

// say reports a message, and remembers what later events need of it.
func (d *liteDecoder) say(st *liteStream, h *liteHalf, e quicdec.Event, m lite.Message) {
	out := Event{Name: m.MessageName(), Fields: m.LogValue().Group()}
	ask := e.Dir == st.opener() && h.count == 1
	switch m := m.(type) {
	case *lite.Subscribe:
		st.track = trackName(m.Broadcast, m.Track)
		d.subs[e.Dir].set(m.ID, st.track)
	case *lite.Track:
		st.track = trackName(m.Broadcast, m.Track)
	case *lite.Fetch:
		st.track = trackName(m.Broadcast, m.Track)
	case *lite.Group:
		st.track = d.subs[e.Dir.Other()].track[m.Subscribe]
		h.group.sequence = m.Sequence
	case *lite.Announce:
		out.Fields = announceFields(m, d.v)
	case *lite.Goaway, *lite.Setup:
		ask = false
	}
	if st.track != "" {
		out.Fields = without(out.Fields, "broadcast", "track")
	}
	d.emit(st, e, out)
	if ask && !st.isUni() {
		st.await, st.asked = true, e.Time
	}
}

// announceFields leave out the hops that a version does not have.
func announceFields(m *lite.Announce, v lite.Version) []slog.Attr {
	out := []slog.Attr{slog.String("status", m.Status.String()), slog.String("suffix", m.Suffix)}
	if v == lite.Version03 {
		return append(out, slog.Uint64("hops", m.HopCount))
	}
	return append(out, slog.Any("hops", m.Hops))
}

// trackName is how a track is written.
func trackName(broadcast, track string) string { return broadcast + ":" + track }

func without(fields []slog.Attr, keys ...string) []slog.Attr {
	var out []slog.Attr
next:
	for _, f := range fields {
		for _, k := range keys {
			if f.Key == k {
				continue next
			}
		}
		out = append(out, f)
	}
	return out
}
