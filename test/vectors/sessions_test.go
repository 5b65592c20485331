package vectors

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/named"
	"github.com/moqrx/moqrx/gen/wire"
)

// halves says what each side of a stream sends: the messages in order, the last of them as
// often as it likes. "" stands for nothing more.
var halves = map[string]struct{ opener, acceptor []string }{
	"bidi Setup":     {[]string{"CLIENT_SETUP", "SESSION_INFO"}, []string{"SERVER_SETUP", "SESSION_INFO"}},
	"bidi Announce":  {[]string{"ANNOUNCE_REQUEST", ""}, []string{"ANNOUNCE_INIT", "ANNOUNCE_OK", "ANNOUNCEMENT"}},
	"bidi Subscribe": {[]string{"SUBSCRIBE", "SUBSCRIBE_UPDATE"}, []string{"SUBSCRIBE_RESPONSE"}},
	"bidi Fetch":     {[]string{"FETCH", ""}, []string{"FRAME"}},
	"bidi Probe":     {[]string{""}, []string{"PROBE"}},
	"bidi Goaway":    {[]string{"GOAWAY", ""}, []string{""}},
	"bidi Track":     {[]string{"TRACK", ""}, []string{"TRACK_INFO", ""}},
	"uni Group":      {[]string{"GROUP", "FRAME"}, []string{""}},
	"uni Setup":      {[]string{"SETUP", ""}, []string{""}},
}

// half reads one direction of a stream, in pieces of any size.
type half struct {
	p        *named.Protocol
	typ      string   // "uni Group"; "" until it is read
	sequence []string // of messages to come
	buf      []byte
	again    []byte // everything, encoded again
	need     int    // how many bytes have to be there before another try makes sense
	messages []any
}

// open reads the type, the first thing that an opener sends.
func (h *half) open(kind string) error {
	if kind == "uni" {
		t, n, err := lite.ParseUniStream(h.buf, lite.Version(h.p.Version))
		return h.begin(kind, t.String(), n, err)
	}
	if h.p.Version <= 2 && len(h.buf) > 0 && h.buf[0] == 0x20 { // which is the type of CLIENT_SETUP
		return h.begin(kind, "Setup", 0, nil)
	}
	t, n, err := lite.ParseBidiStream(h.buf, lite.Version(h.p.Version))
	return h.begin(kind, t.String(), n, err)
}

func (h *half) begin(kind, name string, n int, err error) error {
	if errors.Is(err, wire.ErrShort) {
		return nil
	}
	if err != nil {
		return err
	}
	h.typ = kind + " " + name
	h.sequence = halves[h.typ].opener
	h.again = append(h.again, h.buf[:n]...)
	h.buf = h.buf[n:]
	return nil
}

// feed takes the next bytes and reads as many messages as there are.
func (h *half) feed(kind string, data []byte) error {
	h.buf = append(h.buf, data...)
	if h.typ == "" {
		if err := h.open(kind); err != nil || h.typ == "" {
			return err
		}
	}
	for len(h.buf) > 0 && len(h.buf) >= h.need {
		c, err := h.next()
		var e *wire.Error
		if errors.Is(err, wire.ErrShort) && errors.As(err, &e) {
			if e.Need <= len(h.buf) {
				return fmt.Errorf("%w, with %d bytes there and a need of %d", err, len(h.buf), e.Need)
			}
			h.need = e.Need
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", h.typ, err)
		}
		if h.again, err = c.Append(h.again); err != nil {
			return err
		}
		h.need = 0
		h.messages = append(h.messages, c.Value)
	}
	return nil
}

// next reads one message, whichever stands here.
func (h *half) next() (*named.Codec, error) {
	name := h.sequence[0]
	for !h.p.Has(name) && len(h.sequence) > 1 {
		h.sequence = h.sequence[1:] // this version starts with the next
		name = h.sequence[0]
	}
	var c *named.Codec
	var n int
	var err error
	switch name {
	case "":
		return nil, fmt.Errorf("%d bytes where nothing stands", len(h.buf))
	case "SUBSCRIBE_RESPONSE", "ANNOUNCEMENT":
		v := lite.Version(h.p.Version)
		var m lite.Message = new(lite.Announce)
		switch {
		case name == "SUBSCRIBE_RESPONSE":
			m, n, err = lite.ParseSubscribeResponse(h.buf, v)
		case h.p.Has("ANNOUNCE"):
			n, err = m.Parse(h.buf, v)
		default:
			m, n, err = lite.ParseAnnouncement(h.buf, v)
		}
		c = &named.Codec{Append: func(dst []byte) ([]byte, error) { return m.Append(dst, v) }, Value: m}
	default:
		c = h.p.Codec(name)
		n, err = c.Parse(h.buf)
	}
	if err != nil {
		return nil, err
	}
	h.buf = h.buf[n:]
	if len(h.sequence) > 1 {
		h.sequence = h.sequence[1:]
	}
	return c, nil
}

// end checks that nothing is left over, and that everything encodes as it came.
func (h *half) end(all []byte) error {
	if len(h.buf) > 0 {
		return fmt.Errorf("%s ends with %x left over", h.typ, h.buf)
	}
	if !bytes.Equal(h.again, all) {
		return fmt.Errorf("%s: encoded as %x, came as %x", h.typ, h.again, all)
	}
	return nil
}

// stream is one recorded stream: whole, or the pieces that each side sent, or both.
type stream struct {
	p      *named.Protocol
	whole  *vector
	pieces map[bool][]*vector // by whether the opener sent them
}

// streamID tells the streams of all recordings apart.
type streamID struct {
	version string
	number  int
}

// TestVectorsOfSessions walks recorded streams to their end: whole, and in the pieces in which they came.
func TestVectorsOfSessions(t *testing.T) {
	ran++
	streams := map[streamID]*stream{}
	var order []*stream
	for _, v := range load(t) {
		if v.Stream == nil {
			continue
		}
		p, err := named.Find(v.Version)
		if err != nil {
			t.Errorf("%s: %v", v.at, err)
			continue
		}
		id := streamID{v.Version, *v.Stream}
		s := streams[id]
		if s == nil {
			s = &stream{p: p, pieces: map[bool][]*vector{}}
			streams[id] = s
			order = append(order, s)
		}
		switch v.Event {
		case "":
			s.whole = v
		case "data":
			s.pieces[v.From == v.Opener] = append(s.pieces[v.From == v.Opener], v)
		}
	}
	for _, s := range order {
		if s.whole != nil {
			count(t, s.whole, s.walkWhole(t))
		}
		for _, opener := range []bool{true, false} {
			if list := s.pieces[opener]; len(list) > 0 {
				s.countPieces(t, list, opener)
			}
		}
	}
}

// countPieces runs one direction in pieces. Where the whole is not known and the pieces lead nowhere, some may not be
// there.
func (s *stream) countPieces(t *testing.T, list []*vector, opener bool) {
	t.Helper()
	err := s.walkPieces(t, list, opener)
	last := list[len(list)-1]
	last.gaps = err != nil && s.whole == nil
	if last.rule() != ambiguous {
		count(t, last, err)
	}
}

// walkWhole walks both directions of a stream to the end.
func (s *stream) walkWhole(t *testing.T) error {
	opener, err := s.walk(s.whole.Kind, "", [][]byte{unhex(t, *s.whole.OpenerHex)})
	if err != nil {
		return fmt.Errorf("opener: %w", err)
	}
	if s.whole.AcceptorHex == nil || s.whole.Kind == "datagram" {
		return nil
	}
	if _, err = s.walk(s.whole.Kind, opener, [][]byte{unhex(t, *s.whole.AcceptorHex)}); err != nil {
		return fmt.Errorf("acceptor: %w", err)
	}
	return nil
}

// walkPieces feeds a direction in the pieces that were recorded. Where the whole is known, it fills in
// pieces that are not there.
func (s *stream) walkPieces(t *testing.T, list []*vector, opener bool) error {
	var typ string
	if !opener {
		first := &half{p: s.p}
		_ = first.feed(list[0].Kind, s.opened(t)) // what stands here depends on the type that the opener sent
		if typ = first.typ; typ == "" {
			return errors.New("nothing of what the opener sent")
		}
	}
	cuts := s.cuts(t, opener)
	if s.whole != nil {
		text := s.whole.OpenerHex
		if !opener {
			text = s.whole.AcceptorHex
		}
		var err error
		if cuts, err = cutAt(unhex(t, *text), cuts); err != nil {
			return err
		}
	}
	_, err := s.walk(list[0].Kind, typ, cuts)
	return err
}

// opened is what the opener sent, as far as it is known.
func (s *stream) opened(t *testing.T) []byte {
	t.Helper()
	if s.whole != nil {
		return unhex(t, *s.whole.OpenerHex)
	}
	return bytes.Join(s.cuts(t, true), nil)
}

// cuts are the pieces of a direction.
func (s *stream) cuts(t *testing.T, opener bool) (cuts [][]byte) {
	t.Helper()
	for _, v := range s.pieces[opener] {
		cuts = append(cuts, unhex(t, *v.Hex))
	}
	return cuts
}

// walk reads a direction to its end; typ is that of the stream for what its acceptor sends. It gives the type.
func (s *stream) walk(kind, typ string, cuts [][]byte) (string, error) {
	all := bytes.Join(cuts, nil)
	if kind == "datagram" {
		d, err := s.p.Decode("DATAGRAM", all)
		switch {
		case err != nil:
			return "", err
		case d.Err != nil:
			return "", d.Err
		case d.Consumed != len(all) || !bytes.Equal(d.Reencoded, all):
			return "", fmt.Errorf("%d of %d bytes consumed, encoded as %x", d.Consumed, len(all), d.Reencoded)
		}
		return "", nil
	}
	h := &half{p: s.p, typ: typ, sequence: halves[typ].acceptor}
	for _, c := range cuts {
		if err := h.feed(kind, c); err != nil {
			return h.typ, err
		}
	}
	return h.typ, h.end(all)
}

// cutAt cuts all at the pieces, which stand in it in this order with gaps between them.
func cutAt(all []byte, pieces [][]byte) ([][]byte, error) {
	var cuts [][]byte
	for _, piece := range pieces {
		i := bytes.Index(all, piece)
		if i < 0 {
			return nil, fmt.Errorf("%x does not stand in the rest of the stream, %x", piece, all)
		}
		cuts = append(cuts, all[:i], piece)
		all = all[i+len(piece):]
	}
	return append(cuts, all), nil
}

func count(t *testing.T, v *vector, err error) {
	t.Helper()
	if err == nil {
		passed++
		return
	}
	failed++
	t.Errorf("%s: %s stream %d: %v", v.at, v.Version, *v.Stream, err)
}
