package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const mib = 1 << 20

// wires are the versions as the codecs know them.
var wires = map[session.Version]lite.Version{
	session.MoqLite03: lite.Version03, session.MoqLite04: lite.Version04, session.MoqLite05: lite.Version05,
}

// forEachVersion runs the test once per version, each in its own bubble of time.
func forEachVersion(t *testing.T, f func(t *testing.T, h *host), opts ...session.Option) {
	t.Helper()
	for v := range wires {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newHost(t, v, opts...)) })
		})
	}
}

// host is a server with a publisher and a subscriber that behave. Every session has the part of
// the origin below room as its root.
type host struct {
	t      *testing.T
	v      session.Version
	opts   []session.Option
	origin *model.OriginProducer
	room   *model.OriginProducer

	track  *model.TrackProducer // of the publisher
	reader *model.TrackConsumer // of the subscriber
	groups uint64
	heap   uint64
}

func newHost(t *testing.T, v session.Version, opts ...session.Option) *host {
	t.Helper()
	h := &host{t: t, v: v, origin: model.NewOrigin()}
	var err error
	h.room, err = h.origin.WithRoot("room")
	must(t, err)
	h.opts = append([]session.Option{session.WithOrigin(h.room)}, opts...)
	near, far := model.NewOrigin(), model.NewOrigin()
	h.client(near)
	h.client(far)
	_, h.track = publish(t, near, "good", "video")
	h.reader = subscribe(t, far, "good", "video")
	synctest.Wait()
	h.goesOn()
	h.heap = heap()
	return h
}

// pair connects somebody with the server, which accepts the session. Both ends are closed with the
// test.
func (h *host) pair(c memory.Config) transport.Conn {
	h.t.Helper()
	c.Protocol = h.v.String()
	a, b := c.Pair()
	go func() {
		r, err := session.Server(context.Background(), b, h.opts...)
		if err != nil {
			return // who asks will notice
		}
		if s, err := r.Accept(); err == nil {
			<-s.Done()
		}
	}()
	h.t.Cleanup(func() {
		_ = a.CloseWithError(0, "")
		synctest.Wait()
	})
	return a
}

// client is a session that behaves.
func (h *host) client(origin *model.OriginProducer) {
	h.t.Helper()
	s, err := session.Client(h.t.Context(), h.pair(memory.Config{}), session.WithOrigin(origin))
	must(h.t, err)
	h.t.Cleanup(func() { must(h.t, s.Close()) })
}

// goesOn sends a group from the publisher that behaves to the subscriber that does, without delay.
func (h *host) goesOn() {
	h.t.Helper()
	began := time.Now()
	text := fmt.Sprintf("group %d", h.groups)
	must(h.t, h.track.WriteFrame(model.Frame{Payload: []byte(text)}))
	g, err := h.reader.RecvGroup(h.t.Context())
	must(h.t, err)
	defer g.Close()
	f, err := g.ReadFrame(h.t.Context())
	if err != nil || string(f.Payload) != text {
		h.t.Fatalf("the subscriber got %q with error %v, want %q", f.Payload, err, text)
	}
	if took := time.Since(began); took > 0 {
		h.t.Errorf("a group took %v", took)
	}
	h.groups++
}

// announced counts the broadcasts in the room below a path.
func (h *host) announced(prefix model.Path) (n int) {
	synctest.Wait()
	c := h.room.Consume()
	defer c.Close()
	news := c.Announcements()
	defer news.Close()
	for {
		a, ok, err := news.TryNext()
		if !ok || err != nil {
			return n
		}
		if a.Path.HasPrefix(prefix) {
			n++
		}
		_ = a.Broadcast.Close()
	}
}

// within checks that no more than limit bytes were allocated, and not freed, since the host was
// made.
func (h *host) within(limit uint64) {
	h.t.Helper()
	if now := heap(); now > h.heap+limit {
		h.t.Errorf("%d KiB more than at the start, want at most %d", (now-h.heap)>>10, limit>>10)
	}
}

// heap is what is allocated, without garbage.
func heap() uint64 {
	synctest.Wait()
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held has gone only now
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

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
	must(o.h.t, o.uni(lite.UniSetup, &lite.Setup{}).Close())
}

func (o *offender) encode(b []byte, messages ...lite.Message) []byte {
	o.h.t.Helper()
	for _, m := range messages {
		var err error
		b, err = m.Append(b, wires[o.h.v])
		must(o.h.t, err)
	}
	return b
}

// uni opens a stream and writes its type and messages, for as long as it may.
func (o *offender) uni(kind lite.UniStream, messages ...lite.Message) transport.SendStream {
	o.h.t.Helper()
	b, err := lite.AppendUniStream(nil, kind, wires[o.h.v])
	must(o.h.t, err)
	return o.rawUni(o.encode(b, messages...))
}

// bidi does the same in both directions.
func (o *offender) bidi(kind lite.BidiStream, messages ...lite.Message) transport.Stream {
	o.h.t.Helper()
	b, err := lite.AppendBidiStream(nil, kind, wires[o.h.v])
	must(o.h.t, err)
	return o.rawBidi(o.encode(b, messages...))
}

func (o *offender) rawUni(b []byte) transport.SendStream {
	o.h.t.Helper()
	s, err := o.OpenUni(o.h.t.Context())
	must(o.h.t, err)
	_, _ = s.Write(b) // the server may have stopped it
	return s
}

func (o *offender) rawBidi(b []byte) transport.Stream {
	o.h.t.Helper()
	s, err := o.OpenBidi(o.h.t.Context())
	must(o.h.t, err)
	_, _ = s.Write(b)
	return s
}

// asked waits for the next bidirectional stream of the server and reads its type and message.
func (o *offender) asked(kind lite.BidiStream, m lite.Message) transport.Stream {
	o.h.t.Helper()
	s, err := o.AcceptBidi(o.h.t.Context())
	must(o.h.t, err)
	b := make([]byte, 4096)
	n, err := s.Read(b) // types and messages come in one write
	must(o.h.t, err)
	got, skip, err := lite.ParseBidiStream(b[:n], wires[o.h.v])
	must(o.h.t, err)
	if got != kind {
		o.h.t.Fatalf("the server opened a %v stream, want %v", got, kind)
	}
	_, err = m.Parse(b[skip:n], wires[o.h.v])
	must(o.h.t, err)
	return s
}

// announces answers the server, which asks what there is.
func (o *offender) announces() transport.Stream {
	o.h.t.Helper()
	s := o.asked(lite.BidiAnnounce, &lite.AnnounceRequest{})
	if o.h.v >= session.MoqLite05 {
		_, err := s.Write(o.encode(nil, &lite.AnnounceOK{Origin: 77}))
		must(o.h.t, err)
	}
	o.announce = s
	return s
}

// active is an announcement.
func (o *offender) active(path string) *lite.Announce {
	m := &lite.Announce{Status: lite.AnnounceStatusActive, Suffix: path}
	switch {
	case o.h.v == session.MoqLite03:
		m.HopCount = 1
	case o.h.v == session.MoqLite04:
		m.Hops = []uint64{77}
	}
	return m
}

// publishes announces a broadcast and answers the server, which subscribes to its track for a
// local reader.
func (o *offender) publishes(path, track string) (id uint64, reader *model.TrackConsumer) {
	o.h.t.Helper()
	_, err := o.announces().Write(o.encode(nil, o.active(path)))
	must(o.h.t, err)
	reader = subscribe(o.h.t, o.h.room, model.Path(path), track)
	if o.h.v >= session.MoqLite05 {
		s := o.asked(lite.BidiTrack, &lite.Track{})
		_, err := s.Write(o.encode(nil, &lite.TrackInfo{MaxLatency: 5000, Timescale: 1000}))
		must(o.h.t, err)
		_ = s.Close() // the server may have stopped it
	}
	var m lite.Subscribe
	s := o.asked(lite.BidiSubscribe, &m)
	if o.h.v < session.MoqLite05 {
		_, err := s.Write(o.encode(nil, &lite.SubscribeOK{}))
		must(o.h.t, err)
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
	must(o.h.t, err)
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

// publish makes a broadcast with one track.
func publish(t *testing.T, o *model.OriginProducer, path model.Path, track string) (*model.BroadcastProducer, *model.TrackProducer) {
	t.Helper()
	b, err := o.CreateBroadcast(path, model.Route{})
	must(t, err)
	p, err := b.CreateTrack(track, model.TrackInfo{})
	must(t, err)
	return b, p
}

// subscribe waits for a broadcast and subscribes to a track of it.
func subscribe(t *testing.T, o *model.OriginProducer, path model.Path, track string) *model.TrackConsumer {
	t.Helper()
	c := o.Consume()
	defer c.Close()
	b, err := c.Announced(t.Context(), path)
	must(t, err)
	defer b.Close()
	tc, err := b.SubscribeTrack(track, model.Subscription{})
	must(t, err)
	t.Cleanup(func() { _ = tc.Close() })
	return tc
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
