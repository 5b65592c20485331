package lite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/synctest"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// withInit runs a test in the versions that tell what is active in one message, in which a relay has more than other
// messages can hold.
func withInit(t *testing.T, f func(t *testing.T, v genlite.Version)) {
	for _, v := range []genlite.Version{genlite.Version01, genlite.Version02} {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, v) })
		})
	}
}

// initOf is an ANNOUNCE_INIT of this many names, of 50 bytes each.
func initOf(names int) []byte {
	body := wire.AppendVarint(nil, uint64(names))
	for i := range names {
		body = append(wire.AppendVarint(body, 50), fmt.Sprintf("%s/%09d", strings.Repeat("x", 40), i)...)
	}
	return append(wire.AppendVarint(nil, uint64(len(body))), body...)
}

// unanswered accepts the announce stream of the engine and answers nothing.
func (r *rig) unanswered() transport.Stream {
	r.t.Helper()
	s, _ := r.accept(genlite.BidiAnnounce, new(genlite.AnnounceRequest))
	return s
}

func TestLongAnnounceInitIsTaken(t *testing.T) {
	withInit(t, func(t *testing.T, v genlite.Version) {
		const names = 4000 // 204 kB
		r := newRig(t, v, consuming(""), func(c *rigConfig) {
			c.Limits.AnnouncedBytes, c.Limits.Broadcasts = math.MaxInt, math.MaxInt
		})
		s := r.unanswered()
		_, err := s.Write(append(initOf(names), r.encode(nil, active(v, "alice"))...))
		must(t, err)
		synctest.Wait()
		origin := r.engine.subscriber.origin.Consume()
		defer origin.Close()
		b, err := origin.Announced(t.Context(), "alice")
		must(t, err)
		must(t, b.Close())
		news := origin.Announcements()
		defer news.Close()
		got := 0
		for a, ok, _ := news.TryNext(); ok; a, ok, _ = news.TryNext() {
			_ = a.Broadcast.Close()
			got++
		}
		if got != names+1 {
			t.Errorf("%d broadcasts, want %d", got, names+1)
		}
		r.works()
	})
}

// The length alone is enough to refuse it: nobody waits for bytes that would be too many.
func TestAnnounceInitBeyondTheLimitsEndsTheSession(t *testing.T) {
	for name, c := range map[string]struct {
		size uint64
		want error
	}{
		"of the session": {200_000, model.ErrBoundsExceeded},
		"of all":         {1 << 29, model.ErrDecode},
	} {
		t.Run(name, func(t *testing.T) {
			withInit(t, func(t *testing.T, v genlite.Version) {
				r := newRig(t, v, consuming(""), func(c *rigConfig) {
					c.Limits.AnnouncedBytes, c.Limits.Broadcasts = 100_000, 1000
				})
				_, err := r.unanswered().Write(wire.AppendVarint(nil, c.size))
				must(t, err)
				if err := r.ended(); !errors.Is(err, c.want) {
					t.Errorf("the session ended with %v, want %v", err, c.want)
				}
			})
		})
	}
}

// source is a stream of which b is there, and nothing follows.
type source struct {
	transport.ReceiveStream
	io.Reader
}

func (s source) Read(p []byte) (int, error) { return s.Reader.Read(p) }

func TestBufferOfALongMessageGrowsWithItsBytesAndIsGivenBack(t *testing.T) {
	whole := initOf(4000)
	short := whole[:10_000]
	r := newReader(source{Reader: bytes.NewReader(short)}, genlite.Version02)
	r.limit = 1 << 20
	if err := r.message(new(genlite.AnnounceInit)); !errors.Is(err, errTruncated) || len(r.buf) > 4*len(short) {
		t.Errorf("%v, and %d bytes of buffer for %d that came", err, len(r.buf), len(short))
	}
	r = newReader(source{Reader: bytes.NewReader(append(whole, 2, 1, 0))}, genlite.Version02)
	r.limit = 1 << 20
	var init genlite.AnnounceInit
	if err := r.message(&init); err != nil || len(init.Suffixes) != 4000 {
		t.Fatalf("%d names, %v", len(init.Suffixes), err)
	}
	r.limit = messageLimit
	if err := r.message(new(genlite.Announce)); err != nil {
		t.Error(err)
	}
	if err := r.message(new(genlite.Announce)); !errors.Is(err, io.EOF) || len(r.buf) > messageLimit {
		t.Errorf("%v, and still %d bytes of buffer", err, len(r.buf))
	}
}
