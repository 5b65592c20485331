package hostile

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

// offender is a peer that writes its bytes by hand.
type offender struct {
	transport.Conn
	h *host
	r *rand.Rand

	announce transport.Stream // that the server has opened
}

// offender connects without a session, and says what every client says first.
func (h *host) offender(c memory.Config) *offender {
	h.t.Helper()
	o := &offender{Conn: h.pair(c), h: h, r: rand.New(rand.NewPCG(1, uint64(h.v)))}
	if h.v >= session.MoqLite05 {
		o.setup()
	}
	synctest.Wait()
	return o
}

func (o *offender) setup() {
	o.h.t.Helper()
	moqtest.Must(o.h.t, o.uni(lite.UniSetup, &lite.Setup{}).Close())
}

func (o *offender) encode(b []byte, messages ...lite.Message) []byte {
	o.h.t.Helper()
	for _, m := range messages {
		var err error
		b, err = m.Append(b, wires[o.h.v])
		moqtest.Must(o.h.t, err)
	}
	return b
}

// uni opens a stream and writes its type and messages, for as long as it may.
func (o *offender) uni(kind lite.UniStream, messages ...lite.Message) transport.SendStream {
	o.h.t.Helper()
	b, err := lite.AppendUniStream(nil, kind, wires[o.h.v])
	moqtest.Must(o.h.t, err)
	return o.rawUni(o.encode(b, messages...))
}

// bidi does the same in both directions.
func (o *offender) bidi(kind lite.BidiStream, messages ...lite.Message) transport.Stream {
	o.h.t.Helper()
	b, err := lite.AppendBidiStream(nil, kind, wires[o.h.v])
	moqtest.Must(o.h.t, err)
	return o.rawBidi(o.encode(b, messages...))
}

func (o *offender) rawUni(b []byte) transport.SendStream {
	o.h.t.Helper()
	s, err := o.OpenUni(o.h.t.Context())
	moqtest.Must(o.h.t, err)
	_, _ = s.Write(b) // the server may have stopped it
	return s
}

func (o *offender) rawBidi(b []byte) transport.Stream {
	o.h.t.Helper()
	s, err := o.OpenBidi(o.h.t.Context())
	moqtest.Must(o.h.t, err)
	_, _ = s.Write(b)
	return s
}

// asked waits for the next bidirectional stream of the server and reads its type and message.
func (o *offender) asked(kind lite.BidiStream, m lite.Message) transport.Stream {
	o.h.t.Helper()
	s, err := o.AcceptBidi(o.h.t.Context())
	moqtest.Must(o.h.t, err)
	b := make([]byte, 4096)
	n, err := s.Read(b) // types and messages come in one write
	moqtest.Must(o.h.t, err)
	got, skip, err := lite.ParseBidiStream(b[:n], wires[o.h.v])
	moqtest.Must(o.h.t, err)
	if got != kind {
		o.h.t.Fatalf("the server opened a %v stream, want %v", got, kind)
	}
	_, err = m.Parse(b[skip:n], wires[o.h.v])
	moqtest.Must(o.h.t, err)
	return s
}

// announces answers the server, which asks what there is.
func (o *offender) announces() transport.Stream {
	o.h.t.Helper()
	s := o.asked(lite.BidiAnnounce, &lite.AnnounceRequest{})
	if o.h.v >= session.MoqLite05 {
		_, err := s.Write(o.encode(nil, &lite.AnnounceOK{Origin: 77}))
		moqtest.Must(o.h.t, err)
	}
	o.announce = s
	return s
}

// active is an announcement.
func (o *offender) active(path string) *lite.Announce {
	m := &lite.Announce{Status: lite.AnnounceStatusActive, Suffix: path}
	switch o.h.v {
	case session.MoqLite03:
		m.HopCount = 1
	case session.MoqLite04:
		m.Hops = []uint64{77}
	}
	return m
}

// publishes announces a broadcast and answers the server, which subscribes to its track for a
// local reader.
func (o *offender) publishes(path, track string) (id uint64, reader *model.TrackConsumer) {
	o.h.t.Helper()
	_, err := o.announces().Write(o.encode(nil, o.active(path)))
	moqtest.Must(o.h.t, err)
	reader = moqtest.Subscribe(o.h.t.Context(), o.h.t, o.h.room.Consume(), model.Path(path), track, model.Subscription{})
	if o.h.v >= session.MoqLite05 {
		s := o.asked(lite.BidiTrack, &lite.Track{})
		_, err := s.Write(o.encode(nil, &lite.TrackInfo{MaxLatency: 5000, Timescale: 1000}))
		moqtest.Must(o.h.t, err)
		_ = s.Close() // the server may have stopped it
	}
	var m lite.Subscribe
	s := o.asked(lite.BidiSubscribe, &m)
	if o.h.v < session.MoqLite05 {
		_, err := s.Write(o.encode(nil, &lite.SubscribeOK{}))
		moqtest.Must(o.h.t, err)
	}
	synctest.Wait()
	return m.ID, reader
}

// group opens a group stream with as many frames as there are payloads.
func (o *offender) group(subscribe, sequence uint64, payloads ...[]byte) transport.SendStream {
	o.h.t.Helper()
	s := o.uni(lite.UniGroup, &lite.Group{Subscribe: subscribe, Sequence: sequence})
	for _, p := range payloads {
		_, _ = s.Write(append(o.frame(uint64(len(p))), p...))
	}
	return s
}

// frame is the header of a frame.
func (o *offender) frame(size uint64) []byte {
	o.h.t.Helper()
	h := lite.FrameHeader{PayloadLength: size}
	b, err := h.Append(nil, wires[o.h.v])
	moqtest.Must(o.h.t, err)
	return b
}

// wantStopped waits until the server stops a stream.
func wantStopped(t *testing.T, s transport.SendStream, want model.Code) {
	t.Helper()
	<-s.Context().Done()
	wantCode(t, "STOP_SENDING", context.Cause(s.Context()), want)
}

// wantReset waits until the server resets its half of a stream.
func wantReset(t *testing.T, s transport.ReceiveStream, want model.Code) {
	t.Helper()
	_, err := io.Copy(io.Discard, s)
	wantCode(t, "RESET_STREAM", err, want)
}

func wantCode(t *testing.T, what string, err error, want model.Code) {
	t.Helper()
	var end *transport.StreamError
	if !errors.As(err, &end) || !end.Remote || end.Code != uint64(want) {
		t.Errorf("%s is %v, want code %d (%v)", what, err, want, want)
	}
}

// wantClosed waits until the server closes the session.
func (o *offender) wantClosed(want model.Code) {
	o.h.t.Helper()
	<-o.Context().Done()
	var end *transport.ConnError
	if err := context.Cause(o.Context()); !errors.As(err, &end) || !end.Remote || end.Code != uint64(want) {
		o.h.t.Errorf("the session ended with %v, want code %d (%v)", err, want, want)
	}
}

// alive checks that the session of the offender goes on.
func (o *offender) alive() {
	o.h.t.Helper()
	synctest.Wait()
	if err := context.Cause(o.Context()); err != nil {
		o.h.t.Errorf("the session has ended: %v", err)
	}
}
