package lite

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// What no message can carry costs itself and nothing else: names of one peer may become too long below
// the root of another.
func TestBroadcastThatCannotBeAnnouncedHidesNoOther(t *testing.T) {
	for name, path := range map[string]model.Path{
		"not UTF-8": "a\xff",
		"too long":  model.Path(strings.Repeat("x", 1<<16)),
	} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				r := newRig(t, v)
				before, err := r.origin.CreateBroadcast("b"+path, model.Route{})
				must(t, err)
				heard := record(r.watches(""))
				synctest.Wait()
				after, err := r.origin.CreateBroadcast(path, model.Route{})
				must(t, err)
				synctest.Wait()
				r.publish("good", "video")
				synctest.Wait()
				must(t, before.Finish())
				must(t, after.Finish())
				synctest.Wait()
				want := unhex(t, emptyAnswer(v))
				want = r.encode(want, active(v, "good"))
				if data, end := heard.said(); data != hex.EncodeToString(want) || end != "" {
					t.Errorf("said %.80s %s, want %x", data, end, want)
				}
			})
		})
	}
}

// wantDeclined reads an answer that says that there is nothing, and the code of the refusal. A reset would
// be the end of the session to deployed subscribers.
func wantDeclined(t *testing.T, s transport.Stream, v genlite.Version, code uint64) {
	t.Helper()
	wantStop(t, s, code)
	wantBytes(t, s, emptyAnswer(v))
	wantEnd(t, s, -1)
}

func TestRefusedRequestForAnnouncementsIsNotReset(t *testing.T) {
	for name, c := range map[string]struct {
		bytes string
		fin   bool
		code  uint64
	}{
		"bad string":              {"01 03 02 ffff", false, 5},
		"huge prefix":             {"01 04 8fffffff", false, 5},
		"fields it does not have": {"01 05 00 01 02 03 04", false, 5},
		"33 segments":             {"01 4044 4041 61" + strings.Repeat("2f61", 32) + "00", false, 5},
		"FIN before the message":  {"01", true, 5},
		"FIN inside the message":  {"01 05", true, 5},
		"never complete":          {"01 05", false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				r := newRig(t, v)
				s := r.raw(unhex(t, c.bytes))
				if c.fin {
					must(t, s.Close())
					wantBytes(t, s, emptyAnswer(v))
					wantEnd(t, s, -1)
				} else {
					wantDeclined(t, s, v, c.code)
				}
				s.Reset(0)
				r.works()
			})
		})
	}
}

// A refusal is told to who reads the log, and ends nothing.
func TestRefusalToAnnounceIsHeard(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		var log bytes.Buffer
		r := newRig(t, v, consuming(""), func(c *rigConfig) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		var m genlite.AnnounceRequest
		s, _ := r.accept(genlite.BidiAnnounce, &m)
		s.Stop(uint64(model.CodeBoundsExceeded))
		r.write(s, dialectOf(v).begin(serverOrigin, nil)...)
		must(t, s.Close())
		r.works()
		if said := log.String(); !strings.Contains(said, "refused to announce") || !strings.Contains(said, "(code 11)") {
			t.Errorf("logged %q", said)
		}
	})
}

// unawareConn hears of the end of its connection later than its streams do.
type unawareConn struct {
	transport.Conn
	ctx context.Context
}

func (c *unawareConn) Context() context.Context { return c.ctx }

func (c *unawareConn) AcceptUni(context.Context) (transport.ReceiveStream, error) {
	<-c.ctx.Done()
	return nil, context.Cause(c.ctx)
}

func (c *unawareConn) AcceptBidi(context.Context) (transport.Stream, error) {
	<-c.ctx.Done()
	return nil, context.Cause(c.ctx)
}

func TestEndOfTheConnectionIsNoRefusalToAnnounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ctx, end := context.WithCancelCause(t.Context())
		r := newRig(t, genlite.Version04, consuming(""), func(c *rigConfig) {
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			c.wrap = func(conn transport.Conn) transport.Conn { return &unawareConn{conn, ctx} }
		})
		r.listening()
		synctest.Wait()
		must(t, r.peer.CloseWithError(6, "no more"))
		synctest.Wait()
		end(&transport.ConnError{Code: 6, Reason: "no more", Remote: true})
		var closed *transport.ConnError
		if err := r.ended(); !errors.As(err, &closed) || closed.Code != 6 {
			t.Errorf("the session ended with %v", err)
		}
		if log.Len() > 0 {
			t.Errorf("logged %q", log.String())
		}
	})
}
