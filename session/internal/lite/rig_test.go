package lite

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// forEachVersion runs the test once per version, each in its own bubble of time.
// newest is the newest version that the engine speaks. It goes up with dialectOf: the codecs may know a
// draft before that.
const newest = genlite.Version06Wip

func forEachVersion(t *testing.T, f func(t *testing.T, v genlite.Version)) {
	t.Helper()
	for _, v := range genlite.Versions() {
		if v > newest {
			continue
		}
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, v) })
		})
	}
}

// The ids that the recorded peers had.
const (
	clientOrigin model.OriginID = 0x1111
	serverOrigin model.OriginID = 0x2222
)

// rig runs an engine on one end of an in-process connection. The test is the peer, and
// writes and reads bytes on the other end.
type rig struct {
	t      *testing.T
	v      genlite.Version
	engine *Engine
	peer   transport.Conn
	origin *model.OriginProducer // what the engine serves, and where it puts what the peer announces
	done   chan error
	cancel context.CancelCauseFunc

	answers transport.Stream // of the subscription that subscribed made
	session transport.Stream // of the exchange, on moq-lite-01 and -02
}

// rigConfig is what a test may change about the engine.
type rigConfig struct {
	Config
	transport memory.Config
	publish   *model.OriginConsumer
	consume   *model.OriginProducer
	wrap      func(transport.Conn) transport.Conn // of the engine's end; may be nil
	link      Link
	client    bool   // the engine is the client
	setup     string // what the peer says in SETUP of moq-lite-06, in hex; nothing if empty
}

// newRig starts an engine that serves an origin, and consumes if it is told to.
func newRig(t *testing.T, v genlite.Version, change ...func(*rigConfig)) *rig {
	t.Helper()
	origin := model.NewOrigin(model.WithOriginID(serverOrigin))
	cfg := rigConfig{publish: origin.Consume(), transport: memory.Config{Protocol: v.ALPN()}, setup: "01 01 00"}
	cfg.Version = v
	for _, f := range change {
		f(&cfg)
	}
	peer, own := cfg.transport.Pair()
	cfg.Conn = own
	if cfg.wrap != nil {
		cfg.Conn = cfg.wrap(own)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	r := &rig{t: t, v: v, peer: peer, origin: origin, done: make(chan error, 1), cancel: cancel}
	if v <= genlite.Version02 {
		r.exchange(&cfg)
	}
	r.engine = New(cfg.Config)
	r.engine.SetLink(cfg.link)
	r.engine.Grant(cfg.publish, cfg.consume)
	if err := r.engine.SendSetup(ctx); err != nil {
		t.Fatal(err)
	}
	if v <= genlite.Version02 && !cfg.client {
		wantBytes(t, r.session, "21 0009 c0000000ff0dad0"+v.String()[len("moq-lite-0"):]+" 00")
	}
	go func() { r.done <- r.engine.Run(ctx) }()
	if v == genlite.Version06Wip && cfg.setup != "" {
		must(t, r.uni(unhex(t, cfg.setup)).Close())
		synctest.Wait()
	}
	t.Cleanup(func() {
		cancel(context.Canceled)
		_ = r.ended()
	})
	return r
}

// exchange agrees on the version, with what the recorded peer said.
func (r *rig) exchange(cfg *rigConfig) {
	t := r.t
	t.Helper()
	rec := recorded(t, r.v, "bidi", "client", "20")[0]
	question, _ := rec.said("client")
	if cfg.client {
		answer, _ := rec.said("server")
		go func() {
			s, err := r.peer.AcceptBidi(t.Context())
			if err == nil {
				r.session = s
				_, _ = s.Write(unhex(t, answer))
			}
		}()
		x, code, err := Offer(t.Context(), cfg.Conn, []uint64{r.v.Code()}, Limits{})
		must(t, err)
		if code != r.v.Code() {
			t.Fatalf("the server chose %#x", code)
		}
		cfg.Exchange = x
		wantBytes(t, r.session, "20 0011 01 c0000000ff0dad0"+r.v.String()[len("moq-lite-0"):]+" 01 07 05 6d6f717278")
		return
	}
	r.session = r.raw(unhex(t, question))
	x, err := AwaitOffer(t.Context(), cfg.Conn, Limits{})
	must(t, err)
	if code, ok := x.Choose([]uint64{r.v.Code()}); !ok || code != r.v.Code() {
		t.Fatalf("chose %#x, %v of %#x", code, ok, x.Offered)
	}
	cfg.Exchange = x
}

// consuming makes the engine ask for announcements under some prefixes.
func consuming(prefixes ...model.Path) func(*rigConfig) {
	return func(c *rigConfig) {
		c.consume, _ = model.NewOrigin(model.WithOriginID(clientOrigin)).Scope(prefixes...)
	}
}

// ended waits for the end of the engine's session.
func (r *rig) ended() error {
	err := <-r.done
	r.done <- err
	return err
}

func (r *rig) alive() {
	r.t.Helper()
	synctest.Wait()
	select {
	case err := <-r.done:
		r.done <- err
		r.t.Fatalf("the session has ended: %v", err)
	default:
	}
}

// works checks that the session still serves: the peer subscribes to a fresh track.
func (r *rig) works() {
	r.t.Helper()
	r.alive()
	b, err := r.origin.CreateBroadcast("fresh", model.Route{})
	must(r.t, err)
	track, err := b.CreateTrack("track", model.TrackInfo{})
	must(r.t, err)
	s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 1 << 20, Broadcast: "fresh", Track: "track"})
	synctest.Wait()
	must(r.t, track.WriteFrame(model.Frame{Payload: []byte("works")}))
	for { // other group streams may be on their way
		u, err := r.peer.AcceptUni(r.t.Context())
		must(r.t, err)
		var m genlite.Group
		in := newReader(u, r.v)
		if kind, err := in.uniType(); err == nil && kind == genlite.UniGroup && in.message(&m) == nil && m.Subscribe == 1<<20 {
			u.Stop(0)
			break
		}
	}
	must(r.t, s.Close())
	must(r.t, b.Finish())
	must(r.t, track.Close())
	must(r.t, b.Close())
	synctest.Wait()
}

// encode is the bytes of a stream type and messages.
func (r *rig) encode(kind []byte, messages ...genlite.Message) []byte {
	r.t.Helper()
	for _, m := range messages {
		var err error
		kind, err = m.Append(kind, r.v)
		must(r.t, err)
	}
	return kind
}

// bidi opens a stream of the peer with a type and messages.
func (r *rig) bidi(kind genlite.BidiStream, messages ...genlite.Message) transport.Stream {
	r.t.Helper()
	b, err := genlite.AppendBidiStream(nil, kind, r.v)
	must(r.t, err)
	return r.raw(r.encode(b, messages...))
}

// raw opens a bidirectional stream of the peer with bytes.
func (r *rig) raw(b []byte) transport.Stream {
	r.t.Helper()
	s, err := r.peer.OpenBidi(r.t.Context())
	must(r.t, err)
	if len(b) > 0 {
		_, err = s.Write(b)
		must(r.t, err)
	}
	return s
}

// uni opens a unidirectional stream of the peer with bytes.
func (r *rig) uni(b []byte) transport.SendStream {
	r.t.Helper()
	s, err := r.peer.OpenUni(r.t.Context())
	must(r.t, err)
	if len(b) > 0 {
		_, err = s.Write(b)
		must(r.t, err)
	}
	return s
}

// group opens a group stream of the peer: header, then these bytes.
func (r *rig) group(subscribe, sequence uint64, b []byte) transport.SendStream {
	r.t.Helper()
	kind, err := genlite.AppendUniStream(nil, genlite.UniGroup, r.v)
	must(r.t, err)
	return r.uni(append(r.encode(kind, &genlite.Group{Subscribe: subscribe, Sequence: sequence}), b...))
}

// frame is the bytes of a frame.
func (r *rig) frame(payload string) []byte {
	r.t.Helper()
	h := genlite.FrameHeader{PayloadLength: uint64(len(payload))}
	b, err := h.Append(nil, r.v)
	must(r.t, err)
	return append(b, payload...)
}

// accept waits for a bidirectional stream of the engine and reads its type and first message.
func (r *rig) accept(kind genlite.BidiStream, m genlite.Message) (transport.Stream, *reader) {
	r.t.Helper()
	s, err := r.peer.AcceptBidi(r.t.Context())
	must(r.t, err)
	in := newReader(s, r.v)
	got, err := in.bidiType()
	must(r.t, err)
	if got != kind {
		r.t.Fatalf("the engine opened a %v stream, want %v", got, kind)
	}
	must(r.t, in.message(m))
	return s, in
}

// write sends messages on a stream.
func (r *rig) write(s io.Writer, messages ...genlite.Message) {
	r.t.Helper()
	_, err := s.Write(r.encode(nil, messages...))
	must(r.t, err)
}

// wantBytes reads exactly these bytes, in hex with spaces anywhere.
func wantBytes(t *testing.T, s io.Reader, want string) {
	t.Helper()
	b := unhex(t, want)
	got := make([]byte, len(b))
	n, err := io.ReadFull(s, got)
	if err != nil || string(got) != string(b) {
		t.Fatalf("read %x, %v; want %x", got[:n], err, b)
	}
}

// wantEnd reads the end of a stream: -1 is a FIN, anything else the code of a reset.
func wantEnd(t *testing.T, s io.Reader, code int) {
	t.Helper()
	rest, err := io.ReadAll(s)
	if len(rest) > 0 {
		t.Errorf("%x before the end", rest)
	}
	var reset *transport.StreamError
	switch {
	case code < 0 && err != nil:
		t.Errorf("the stream ended with %v, want a FIN", err)
	case code >= 0 && (!errors.As(err, &reset) || !reset.Remote || reset.Code != uint64(code)):
		t.Errorf("the stream ended with %v, want a reset with code %d", err, code)
	}
}

// wantStop waits for the peer's stop of our half.
func wantStop(t *testing.T, s transport.SendStream, code uint64) {
	t.Helper()
	<-s.Context().Done()
	var stop *transport.StreamError
	if err := context.Cause(s.Context()); !errors.As(err, &stop) || !stop.Remote || stop.Code != code {
		t.Errorf("the stream was stopped with %v, want code %d", err, code)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	must(t, err)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
