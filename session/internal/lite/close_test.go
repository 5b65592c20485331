package lite

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// resets counts the streams of a connection that are reset while it is open.
type resets struct {
	transport.Conn
	t *testing.T
}

func (c resets) OpenUni(ctx context.Context) (transport.SendStream, error) {
	s, err := c.Conn.OpenUni(ctx)
	return watchedReset{s, c}, err
}

type watchedReset struct {
	transport.SendStream
	conn resets
}

func (s watchedReset) Reset(code uint64) {
	if s.conn.Context().Err() == nil {
		s.conn.t.Errorf("a group is reset with %d before the connection is closed", code)
	}
	s.SendStream.Reset(code)
}

// A peer takes the reset of a group for what it says of the group. When a session is closed, the close
// says it, and comes first.
func TestCloseComesBeforeTheEndsOfStreams(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, func(c *rigConfig) {
			c.wrap = func(conn transport.Conn) transport.Conn { return resets{conn, t} }
		})
		_, track := r.publish("alice", "video")
		g, err := track.AppendGroup()
		must(t, err)
		defer g.Close()
		must(t, g.WriteFrame(model.Frame{Payload: []byte("first")}))
		r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 7, Broadcast: "alice", Track: "video"})
		synctest.Wait()
		if v > genlite.Version04 {
			_, err = r.peer.AcceptUni(t.Context()) // SETUP
			must(t, err)
		}
		s, err := r.peer.AcceptUni(t.Context())
		must(t, err)

		r.cancel(context.Canceled)
		if err := r.ended(); !errors.Is(err, context.Canceled) {
			t.Errorf("the session ended with %v", err)
		}
		_, err = io.ReadAll(s)
		var closed *transport.ConnError
		if !errors.As(err, &closed) || closed.Code != uint64(model.CodeCancel) {
			t.Errorf("the group ended with %v, want the close of the connection", err)
		}
	})
}
