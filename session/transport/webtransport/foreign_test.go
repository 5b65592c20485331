package webtransport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	wt "github.com/quic-go/webtransport-go"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
	"github.com/moqrx/moqrx/session/transport/webtransport"
)

// foreign connects a session of ours with one of webtransport-go, which is the server if serve is set.
func foreign(t *testing.T, serve bool) (context.Context, *wt.Session, transport.Conn) {
	t.Helper()
	if !serve {
		ctx, q, l := plainPeer(t)
		client, err := (&wt.Transport{ApplicationProtocols: []string{"moqt-18", "moq-lite-05"}}).NewClientConn(q)
		if err != nil {
			t.Fatal(err)
		}
		_, s, err := client.Dial(ctx, "https://"+l.Addr().String()+"/", nil) //nolint:bodyclose // it is the session
		if err != nil {
			t.Fatal(err)
		}
		in, err := l.Accept(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return ctx, s, in.Conn
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	accepted := make(chan *wt.Session, 1)
	server := &wt.Server{H3: &http3.Server{}, ApplicationProtocols: []string{"moq-lite-05"}}
	server.H3.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != "webtransport-h3" || r.URL.String() != "/room?token=x" {
			t.Errorf("the request is for %s at %s", r.Proto, r.URL)
		}
		s, err := server.Upgrade(w, r)
		if err != nil {
			t.Errorf("Upgrade: %v", err)
			return
		}
		accepted <- s
	})
	c, err := webtransport.Dial(ctx, dialHTTP3(ctx, t, server.ServeQUICConn), &url.URL{
		Scheme: "https", Host: "relay.example", Path: "/room", RawQuery: "token=x",
	}, []string{"moqt-18", "moq-lite-05"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.CloseWithError(0, "")
		<-c.Closed()
		_ = server.Close()
	})
	return ctx, <-accepted, c
}

// dialHTTP3 connects to a server that serve makes of a connection.
func dialHTTP3(ctx context.Context, t *testing.T, serve func(*quicgo.Conn) error) *quicgo.Conn {
	t.Helper()
	cert, err := endpoint.SelfSignedCertificate()
	if err != nil {
		t.Fatal(err)
	}
	config := &quicgo.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true}
	l, err := quicgo.ListenAddr("127.0.0.1:0",
		&tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{http3.NextProtoH3}}, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		if q, err := l.Accept(ctx); err == nil {
			t.Cleanup(func() { _ = q.CloseWithError(0, "") })
			_ = serve(q)
		}
	}()
	q, err := quicgo.DialAddr(ctx, l.Addr().String(),
		&tls.Config{InsecureSkipVerify: true, NextProtos: []string{http3.NextProtoH3}}, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.CloseWithError(0, "") })
	return q
}

// TestForeignPeer has a session of webtransport-go at the other end.
func TestForeignPeer(t *testing.T) {
	for name, serve := range map[string]bool{"as the server": true, "as the client": false} {
		t.Run("streams, "+name, func(t *testing.T) { foreignStreams(t, serve) })
		t.Run("datagrams, "+name, func(t *testing.T) {
			ctx, s, c := foreign(t, serve)
			if err := errors.Join(s.SendDatagram([]byte("theirs")), c.SendDatagram([]byte("ours"))); err != nil {
				t.Fatal(err)
			}
			ours, err := s.ReceiveDatagram(ctx)
			theirs, also := c.ReceiveDatagram(ctx)
			if string(ours) != "ours" || string(theirs) != "theirs" {
				t.Errorf("%q and %q: %v", ours, theirs, errors.Join(err, also))
			}
		})
		t.Run("close by it, "+name, func(t *testing.T) {
			_, s, c := foreign(t, serve)
			_ = s.CloseWithError(30, "unroutable")
			wantClose(t, c, 30, "unroutable")
		})
		t.Run("close by us, "+name, func(t *testing.T) {
			ctx, s, c := foreign(t, serve)
			_ = c.CloseWithError(transport.MaxCode, strings.Repeat("r", 900))
			_, err := s.AcceptStream(ctx)
			var e *wt.SessionError
			if !errors.As(err, &e) || !e.Remote || e.ErrorCode != transport.MaxCode || len(e.Message) != 900 {
				t.Errorf("%v, want our code and reason", err)
			}
		})
	}
}

func foreignStreams(t *testing.T, serve bool) {
	ctx, s, c := foreign(t, serve)
	if c.Protocol() != "moq-lite-05" || s.SessionState().ApplicationProtocol != "moq-lite-05" {
		t.Errorf("protocols %q and %q", c.Protocol(), s.SessionState().ApplicationProtocol)
	}
	fatal := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// A question of theirs, and the answer.
	theirs, err := s.OpenStreamSync(ctx)
	fatal(err)
	_, err = io.WriteString(theirs, "question")
	fatal(errors.Join(err, theirs.Close()))
	in, err := c.AcceptBidi(ctx)
	fatal(err)
	b, err := io.ReadAll(in)
	fatal(err)
	_, err = in.Write([]byte(strings.ToUpper(string(b))))
	fatal(errors.Join(err, in.Close()))
	if b, err = io.ReadAll(theirs); err != nil || string(b) != "QUESTION" {
		t.Errorf("%q, %v", b, err)
	}
	// A stream of ours that they stop, and one that we reset before its first byte.
	out, err := c.OpenUni(ctx)
	fatal(err)
	_, err = io.WriteString(out, "x")
	fatal(err)
	stopped, err := s.AcceptUniStream(ctx)
	fatal(err)
	stopped.CancelRead(31)
	<-out.Context().Done()
	wantStreamError(t, context.Cause(out.Context()), 31, true)
	_ = out.Close()
	out, err = c.OpenUni(ctx)
	fatal(err)
	out.Reset(59)
	reset, err := s.AcceptUniStream(ctx)
	fatal(err)
	var e *wt.StreamError
	if _, err = reset.Read(make([]byte, 1)); !errors.As(err, &e) || e.ErrorCode != 59 {
		t.Errorf("%v, want code 59", err)
	}
	// And one of theirs that they reset.
	uni, err := s.OpenUniStreamSync(ctx)
	fatal(err)
	uni.CancelWrite(60)
	r, err := c.AcceptUni(ctx)
	fatal(err)
	_, err = r.Read(make([]byte, 1))
	wantStreamError(t, err, 60, true)
}
