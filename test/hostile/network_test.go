package hostile

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

// On the network, where the stacks of both ends have their own say.
func TestOverTheNetwork(t *testing.T) {
	for name, attack := range map[string]func(t *testing.T, n *network, o transport.Conn){
		"ten thousand streams":      leaveStreams,
		"a reader that never reads": neverRead,
	} {
		for _, scheme := range []string{"moqt", "https"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				n := newNetwork(t)
				o := n.offender(t, scheme)
				attack(t, n, o)
				n.goesOn(t)
				if now := moqtest.Heap(); now > n.heap+64*mib {
					t.Errorf("%d MiB more than at the start", (now-n.heap)>>20)
				}
			})
		}
	}
}

// network is a relay on loopback with a publisher and a subscriber that behave.
type network struct {
	listener *session.Listener
	track    *model.TrackProducer
	reader   *model.TrackConsumer
	far      *model.OriginProducer // of the subscriber
	groups   int
	heap     uint64
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	limits := session.Limits{FirstBytes: 100 * time.Millisecond}
	l, err := session.Listen("127.0.0.1:0", session.WithLimits(limits))
	moqtest.Must(t, err)
	origin := model.NewOrigin()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- l.Serve(ctx, func(_ context.Context, r *session.Request) (session.Grant, error) {
			return session.GrantRoot(origin, r.Path())
		})
	}()
	t.Cleanup(func() {
		stop()
		moqtest.Must(t, <-served)
	})
	n := &network{listener: l}
	near, far := model.NewOrigin(), model.NewOrigin()
	for _, o := range []*model.OriginProducer{near, far} {
		s, err := session.Dial(t.Context(), "https://"+l.Addr().String(), session.WithFingerprint(l.CertificateSHA256()), session.WithOrigin(o))
		moqtest.Must(t, err)
		t.Cleanup(func() { moqtest.Must(t, s.Close()) })
	}
	_, n.track = moqtest.Publish(t, near, "good", "video", model.TrackInfo{})
	n.far = far
	n.reader = moqtest.Subscribe(t.Context(), t, far.Consume(), "good", "video", model.Subscription{})
	moqtest.Must(t, n.track.Used(t.Context()))
	n.goesOn(t)
	n.heap = moqtest.Heap()
	return n
}

// goesOn sends a group, which has to come in time.
func (n *network) goesOn(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	text := fmt.Sprint("group ", n.groups)
	n.groups++
	moqtest.Must(t, n.track.WriteFrame(model.Frame{Payload: []byte(text)}))
	g, err := n.reader.RecvGroup(ctx)
	moqtest.Must(t, err)
	defer g.Close()
	f, err := g.ReadFrame(ctx)
	if err != nil || string(f.Payload) != text {
		t.Errorf("the subscriber got %q, %v, want %q", f.Payload, err, text)
	}
}

func (n *network) offender(t *testing.T, scheme string) transport.Conn {
	t.Helper()
	u := &url.URL{Scheme: scheme, Host: n.listener.Addr().String(), Path: "/"}
	conn, err := endpoint.Dial(t.Context(), u, endpoint.Config{
		TLS:       &tls.Config{InsecureSkipVerify: true}, // nothing secret is said
		Protocols: []string{session.MoqLite05.String()},
	})
	moqtest.Must(t, err)
	t.Cleanup(func() {
		_ = conn.CloseWithError(0, "")
		<-conn.Closed()
	})
	setup, err := conn.OpenUni(t.Context())
	moqtest.Must(t, err)
	_, err = setup.Write([]byte{byte(lite.UniSetup), 1, 0})
	moqtest.Must(t, err)
	moqtest.Must(t, setup.Close())
	_, err = conn.AcceptUni(t.Context()) // its SETUP
	moqtest.Must(t, err)
	return conn
}

// leaveStreams opens as many streams as the server permits, again and again.
func leaveStreams(t *testing.T, n *network, o transport.Conn) {
	t.Helper()
	var codes [32]atomic.Int64
	ended := make(chan struct{}, 100)
	done := make(chan error, 1)
	const streams = 10_000
	go func() {
		for range streams {
			s, err := o.OpenUni(t.Context())
			if err == nil {
				_, err = s.Write([]byte{0x40})
			}
			if err != nil {
				done <- err
				return
			}
			go func() {
				<-s.Context().Done()
				var end *transport.StreamError
				if errors.As(context.Cause(s.Context()), &end) && end.Remote && end.Code < uint64(len(codes)) {
					codes[end.Code].Add(1)
				}
				s.Reset(0) // an offender that keeps it has no further one
				ended <- struct{}{}
			}()
		}
		done <- nil
	}()
	for i := range streams {
		<-ended
		if i%1000 == 0 {
			n.goesOn(t)
		}
	}
	moqtest.Must(t, <-done)
	if got := codes[model.CodeTimeout].Load(); got != streams {
		t.Errorf("%d of %d streams ended with code 3", got, streams)
	}
}

// neverRead subscribes and reads nothing of what it gets.
func neverRead(t *testing.T, n *network, o transport.Conn) {
	t.Helper()
	own := model.NewOrigin()
	s, err := session.Dial(t.Context(), "moqt://"+n.listener.Addr().String(), session.WithInsecure(), session.WithOrigin(own))
	moqtest.Must(t, err)
	defer s.Close()
	_, large := moqtest.Publish(t, own, "large", "video", model.TrackInfo{})
	b, err := n.far.Consume().Announced(t.Context(), "large") // so the relay has it
	moqtest.Must(t, err)
	_ = b.Close()
	m := &lite.Subscribe{Broadcast: "large", Track: "video"}
	bytes, err := lite.AppendBidiStream(nil, lite.BidiSubscribe, lite.Version05)
	moqtest.Must(t, err)
	bytes, err = m.Append(bytes, lite.Version05)
	moqtest.Must(t, err)
	q, err := o.OpenBidi(t.Context())
	moqtest.Must(t, err)
	_, err = q.Write(bytes)
	moqtest.Must(t, err)
	moqtest.Must(t, large.Used(t.Context()))
	payload := make([]byte, 100<<10)
	for i := range 200 {
		moqtest.Must(t, large.WriteFrame(model.Frame{Payload: payload}))
		if i%20 == 0 {
			n.goesOn(t)
		}
	}
}
