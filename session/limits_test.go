package session_test

import (
	"context"
	"crypto/tls"
	"net/url"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// The credit on the network follows the limit, so that a peer that obeys is not refused.
func TestLimitOnStreamsIsTheCreditOfThePeer(t *testing.T) {
	l, _ := serving(t, func(context.Context, *session.Request) (session.Grant, error) {
		return session.Grant{}, nil
	}, session.WithLimits(session.Limits{Streams: 10}))
	conn, err := endpoint.Dial(t.Context(), &url.URL{Scheme: "moqt", Host: l.Addr().String()}, endpoint.Config{
		TLS:       &tls.Config{InsecureSkipVerify: true}, // nothing is sent
		Protocols: []string{session.MoqLite04.String()},
	})
	must(t, err)
	defer func() {
		must(t, conn.CloseWithError(0, ""))
		<-conn.Closed()
	}()
	open := 0
	for ; open < 20; open++ {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		s, err := conn.OpenUni(ctx)
		cancel()
		if err != nil {
			break
		}
		_, err = s.Write([]byte{0x40}) // half a type, which has 10 s for the rest
		must(t, err)
	}
	if open != 10 {
		t.Errorf("%d streams could be opened", open)
	}
}

func TestLimitsOfARequest(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		for _, name := range []model.Path{"one", "two", "three"} {
			publish(t, near, name, "video")
		}
		c, s := connect(t, v, with(session.WithConsume(far), session.WithLimits(session.Limits{Broadcasts: 2})), with(session.WithPublish(near.Consume())))
		for _, end := range []*session.Session{c, s} {
			wantErr(t, "too many broadcasts", end.Wait(t.Context()), model.ErrBoundsExceeded)
		}
	})
}
