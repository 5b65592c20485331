package vectors

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/moqrx/moqrx/gen/lite"
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
	p        protocol
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
		t, n, err := lite.ParseUniStream(h.buf, lite.Version(h.p.version))
		return h.begin(kind, t.String(), n, err)
	}
	if h.p.version <= 2 && len(h.buf) > 0 && h.buf[0] == 0x20 { // which is the type of CLIENT_SETUP
		return h.begin(kind, "Setup", 0, nil)
	}
	t, n, err := lite.ParseBidiStream(h.buf, lite.Version(h.p.version))
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
		if h.again, err = c.append(h.again); err != nil {
			return err
		}
		h.need = 0
		h.messages = append(h.messages, c.value)
	}
	return nil
}

// next reads one message, whichever stands here.
func (h *half) next() (*codec, error) {
	name := h.sequence[0]
	for !h.p.has(name) && len(h.sequence) > 1 {
		h.sequence = h.sequence[1:] // this version starts with the next
		name = h.sequence[0]
	}
	var c *codec
	var n int
	var err error
	switch name {
	case "":
		return nil, fmt.Errorf("%d bytes where nothing stands", len(h.buf))
	case "SUBSCRIBE_RESPONSE", "ANNOUNCEMENT":
		v := lite.Version(h.p.version)
		var m lite.Message = new(lite.Announce)
		switch {
		case name == "SUBSCRIBE_RESPONSE":
			m, n, err = lite.ParseSubscribeResponse(h.buf, v)
		case h.p.has("ANNOUNCE"):
			n, err = m.Parse(h.buf, v)
		default:
			m, n, err = lite.ParseAnnouncement(h.buf, v)
		}
		c = &codec{append: func(dst []byte) ([]byte, error) { return m.Append(dst, v) }, value: m}
	default:
		c = h.p.codec(name)
		n, err = c.parse(h.buf)
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

// runLiteStream runs a whole group or setup stream.
func runLiteStream(p protocol, v *vector, src []byte) error {
	h := &half{p: p}
	if err := h.feed("uni", src); err != nil {
		return err
	}
	if len(h.messages) == 0 {
		return errors.New("no message on the stream")
	}
	if err := h.end(src); err != nil {
		return err
	}
	frames, ok := v.Fields["frames"].([]any)
	if !ok {
		return nil
	}
	if len(frames) != len(h.messages)-1 {
		return fmt.Errorf("%d frames, want %d", len(h.messages)-1, len(frames))
	}
	now := int64(0)
	for i, f := range frames {
		want, got := f.(map[string]any), h.messages[i+1].(*lite.Frame)
		now += got.TimestampDelta
		if err := sameBytes(want["payload"], got.Payload); err != nil {
			return fmt.Errorf("frame %d: %w", i, err)
		}
		if ts := want["timestamp"]; ts != nil && fmt.Sprint(ts) != fmt.Sprint(now) {
			return fmt.Errorf("frame %d: timestamp is %d, want %v", i, now, ts)
		}
	}
	return nil
}

// TestVectorsOfSessions walks recorded streams to their end: whole, and in the pieces in which they came.
func TestVectorsOfSessions(t *testing.T) {
	whole := map[direction]*vector{}
	pieces := map[direction][]*vector{}
	for _, v := range load(t) {
		if v.Stream == nil {
			continue
		}
		p, ok := protocolOf(v.Version)
		switch {
		case !ok:
			notYet[missing(v)]++
		case v.Event == "data":
			d := direction{v.Version, *v.Stream, v.From == v.Opener}
			pieces[d] = append(pieces[d], v)
		case v.Event == "":
			whole[direction{v.Version, *v.Stream, true}] = v
			whole[direction{v.Version, *v.Stream, false}] = v
			count(t, v, runSession(t, p, v))
		}
	}
	gaps := 0
	for d, list := range pieces {
		ok, err := runPieces(t, d, list, whole[d])
		if !ok {
			gaps++
			continue
		}
		count(t, list[len(list)-1], err)
	}
	if gaps > 0 {
		fmt.Printf("vectors: %d recordings in pieces of which some are missing, and no whole one to fill them in\n", gaps)
	}
}

// direction is one half of a recorded stream.
type direction struct {
	version string
	stream  int
	opener  bool
}

// runPieces feeds a direction in the pieces that were recorded. Where the whole is known, it fills in
// pieces that are not there; ok is false when something is missing for good.
func runPieces(t *testing.T, d direction, list []*vector, whole *vector) (ok bool, err error) {
	p, _ := protocolOf(d.version)
	var cuts [][]byte
	for _, v := range list {
		cuts = append(cuts, unhex(t, *v.Hex))
	}
	all := bytes.Join(cuts, nil)
	if whole != nil {
		text := whole.OpenerHex
		if !d.opener {
			text = whole.AcceptorHex
		}
		all = unhex(t, *text)
		if cuts, err = cutAt(all, cuts); err != nil {
			return true, err
		}
	}
	kind := list[0].Kind
	if kind == "datagram" {
		return true, runMessage(p, &vector{}, "DATAGRAM", all)
	}
	h := &half{p: p}
	if !d.opener {
		if whole == nil {
			return false, nil // what stands there depends on the type that the opener sent
		}
		opener := &half{p: p}
		if err := opener.feed(kind, unhex(t, *whole.OpenerHex)); err != nil {
			return true, err
		}
		h.typ, h.sequence = opener.typ, halves[opener.typ].acceptor
	}
	for _, c := range cuts {
		if err := h.feed(kind, c); err != nil {
			return whole != nil, err
		}
	}
	err = h.end(all)
	return whole != nil || err == nil, err
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

// runSession walks both directions of a stream to the end.
func runSession(t *testing.T, p protocol, v *vector) error {
	if v.Kind == "datagram" {
		return runMessage(p, &vector{}, "DATAGRAM", unhex(t, *v.OpenerHex))
	}
	opener := &half{p: p}
	all := unhex(t, *v.OpenerHex)
	if err := opener.feed(v.Kind, all); err != nil {
		return fmt.Errorf("opener: %w", err)
	}
	if err := opener.end(all); err != nil {
		return fmt.Errorf("opener: %w", err)
	}
	if v.AcceptorHex == nil {
		return nil
	}
	acceptor := &half{p: p, typ: opener.typ, sequence: halves[opener.typ].acceptor}
	all = unhex(t, *v.AcceptorHex)
	if err := acceptor.feed(v.Kind, all); err != nil {
		return fmt.Errorf("acceptor: %w", err)
	}
	return acceptor.end(all)
}
