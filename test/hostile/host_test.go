package hostile

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
	"github.com/moqrx/moqrx/test/internal/moqtest"
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

// lighter is how much less an older version is given to do. It shares the code that enforces limits with
// the newest, which has those of a server that was told none.
const lighter = 5

// many is n things for the newest version, and fewer for the older ones.
func (h *host) many(n int) int {
	if h.v == session.MoqLite05 {
		return n
	}
	return n / lighter
}

// host is a server with a publisher and a subscriber that behave. Every session has the part of
// the origin below room as its root.
type host struct {
	t      *testing.T
	v      session.Version
	opts   []session.Option
	limits session.Limits // unless opts has others
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
	moqtest.Must(t, err)
	h.limits = session.DefaultLimits()
	for _, limit := range []*int{
		&h.limits.Streams, &h.limits.Subscriptions, &h.limits.Announces, &h.limits.Broadcasts, &h.limits.AnnouncedBytes,
	} {
		*limit = h.many(*limit)
	}
	h.opts = append([]session.Option{session.WithOrigin(h.room), session.WithLimits(h.limits)}, opts...)
	near, far := model.NewOrigin(), model.NewOrigin()
	h.client(near)
	h.client(far)
	_, h.track = moqtest.Publish(t, near, "good", "video", model.TrackInfo{})
	h.reader = moqtest.Subscribe(t.Context(), t, far.Consume(), "good", "video", model.Subscription{})
	synctest.Wait()
	h.goesOn()
	synctest.Wait()
	h.heap = moqtest.Heap()
	return h
}

// pair connects somebody with the server, which accepts the session. Both ends are closed with the
// test.
func (h *host) pair(c memory.Config) transport.Conn {
	h.t.Helper()
	c.Protocol = h.v.String()
	c.MaxUniStreams, c.MaxBidiStreams = max(c.MaxUniStreams, h.limits.Streams), h.limits.Streams
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
	moqtest.Must(h.t, err)
	h.t.Cleanup(func() { moqtest.Must(h.t, s.Close()) })
}

// goesOn sends a group from the publisher that behaves to the subscriber that does, without delay.
func (h *host) goesOn() {
	h.t.Helper()
	began := time.Now()
	text := fmt.Sprintf("group %d", h.groups)
	moqtest.Must(h.t, h.track.WriteFrame(model.Frame{Payload: []byte(text)}))
	g, err := h.reader.RecvGroup(h.t.Context())
	moqtest.Must(h.t, err)
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
	for _, path := range moqtest.Paths(h.room.Consume()) {
		if path.HasPrefix(prefix) {
			n++
		}
	}
	return n
}

// within checks that no more than limit bytes were allocated, and not freed, since the host was
// made.
func (h *host) within(limit uint64) {
	h.t.Helper()
	synctest.Wait()
	if now := moqtest.Heap(); now > h.heap+limit {
		h.t.Errorf("%d KiB more than at the start, want at most %d", (now-h.heap)>>10, limit>>10)
	}
}
