package webtransport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	wt "github.com/quic-go/webtransport-go"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// plainPeer is a QUIC connection to a listener that awaits a WebTransport session.
func plainPeer(t *testing.T) (context.Context, *quicgo.Conn, *endpoint.Listener) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	cert, err := endpoint.SelfSignedCertificate()
	if err != nil {
		t.Fatal(err)
	}
	l, err := endpoint.Listen("127.0.0.1:0", endpoint.Config{
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, Protocols: []string{"moq-lite-05", "moq-lite-04"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	q, err := quicgo.DialAddr(ctx, l.Addr().String(),
		&tls.Config{InsecureSkipVerify: true, NextProtos: []string{http3.NextProtoH3}},
		&quicgo.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.CloseWithError(0, "") })
	context.AfterFunc(ctx, func() { _ = q.CloseWithError(0, "the test took too long") }) // nothing waits longer
	return ctx, q, l
}

// session opens a session of webtransport-go on q and returns the other end of it.
func session(t *testing.T) (context.Context, *quicgo.Conn, transport.Conn) {
	t.Helper()
	ctx, q, l := plainPeer(t)
	client, err := (&wt.Transport{}).NewClientConn(q)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = client.Dial(ctx, "https://"+l.Addr().String()+"/", nil) //nolint:bodyclose // it is the session
	if err != nil {
		t.Fatal(err)
	}
	in, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return ctx, q, in.Conn
}

func wantStreamError(t *testing.T, err error, code uint64, remote bool) {
	t.Helper()
	var e *transport.StreamError
	if !errors.As(err, &e) || e.Code != code || e.Remote != remote {
		t.Errorf("%v, want a StreamError with code %d and remote %v", err, code, remote)
	}
}

// resetStream opens a stream of the first session on q and resets it with a code as it is.
func resetStream(t *testing.T, q *quicgo.Conn, code quicgo.StreamErrorCode) {
	t.Helper()
	s, err := q.OpenUniStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte{0x40, 0x54, 0}); err != nil { // stream type and session
		t.Fatal(err)
	}
	s.SetReliableBoundary()
	s.CancelWrite(code)
}

func TestPlainResetCodeOfThePeer(t *testing.T) {
	ctx, q, c := session(t)
	resetStream(t, q, 13)
	r, err := c.AcceptUni(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Read(make([]byte, 1))
	wantStreamError(t, err, 13, true)
}

func TestStreamOfASessionThatIsSaidToBeGone(t *testing.T) {
	ctx, q, c := session(t)
	resetStream(t, q, wt.WTSessionGoneErrorCode) // but the session goes on
	r, err := c.AcceptUni(ctx)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := r.Read(make([]byte, 1))
		failed <- err
	}()
	r.Stop(7)
	wantStreamError(t, <-failed, 7, false)
}

func TestConnectionCloseInsteadOfACapsule(t *testing.T) {
	for _, c := range []struct {
		code quicgo.ApplicationErrorCode
		want uint64
	}{
		{0x52e4a40fa8e1, 6}, {quicgo.ApplicationErrorCode(http3.ErrCodeNoError), 0}, {0, 0}, {6, 6},
	} {
		_, q, conn := session(t)
		_ = q.CloseWithError(c.code, "unauthorized")
		<-conn.Context().Done()
		var e *transport.ConnError
		if err := context.Cause(conn.Context()); !errors.As(err, &e) || *e != (transport.ConnError{Code: c.want, Reason: "unauthorized", Remote: true}) {
			t.Errorf("code %#x: %v, want code %d", c.code, err, c.want)
		}
	}
	_, q, conn := session(t)
	_ = q.CloseWithError(quicgo.ApplicationErrorCode(http3.ErrCodeInternalError), "")
	<-conn.Context().Done()
	var e *transport.ConnError
	if err := context.Cause(conn.Context()); errors.As(err, &e) {
		t.Errorf("an error of HTTP/3 became a close of the session: %v", err)
	}
}

func TestCloseIsRepeatedInConnectionClose(t *testing.T) {
	_, q, conn := session(t)
	_ = conn.CloseWithError(30, "unroutable")
	<-q.Context().Done()
	var e *quicgo.ApplicationError
	if err := context.Cause(q.Context()); !errors.As(err, &e) || e.ErrorCode != 0x52e4a40fa8fa || e.ErrorMessage != "unroutable" {
		t.Errorf("%v, want code 0x52e4a40fa8fa and the reason", err)
	}
}

// ask sends the request of Chromium and of peers before draft-15 on q.
func ask(ctx context.Context, t *testing.T, q *quicgo.Conn, l *endpoint.Listener) *http3.RequestStream {
	t.Helper()
	client := (&http3.Transport{
		EnableDatagrams:    true,
		AdditionalSettings: map[uint64]uint64{0x2b603742: 1}, // draft-02 ENABLE_WEBTRANSPORT
	}).NewRawClientConn(q)
	go func() {
		for {
			s, err := q.AcceptUniStream(ctx)
			if err != nil {
				return
			}
			go client.HandleUnidirectionalStream(s)
		}
	}()
	<-client.ReceivedSettings()
	s, err := client.OpenRequestStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	u := &url.URL{Scheme: "https", Host: l.Addr().String(), Path: "/room"}
	err = s.SendRequestHeader((&http.Request{
		Method: http.MethodConnect, Proto: "webtransport", URL: u, Host: u.Host,
		Header: http.Header{
			"Sec-Webtransport-Http3-Draft02": {"1"}, "Origin": {"https://elsewhere.example"},
			"Wt-Available-Protocols": {`"moqt-18", "moq-lite-04", "moq-lite-05"`},
		},
	}).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asked is ask with the answer and the session.
func asked(t *testing.T) (context.Context, *quicgo.Conn, *http3.RequestStream, *endpoint.Incoming) {
	t.Helper()
	ctx, q, l := plainPeer(t)
	s := ask(ctx, t, q, l)
	response, err := s.ReadResponse() //nolint:bodyclose // it is the session
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Wt-Protocol"); response.StatusCode != http.StatusOK || got != `"moq-lite-04"` {
		t.Errorf("%s with protocol %s", response.Status, got)
	}
	in, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return ctx, q, s, in
}

// wantClose waits for the end of c by a close of the peer.
func wantClose(t *testing.T, c transport.Conn, code uint64, reason string) {
	t.Helper()
	<-c.Context().Done()
	var e *transport.ConnError
	if err := context.Cause(c.Context()); !errors.As(err, &e) || *e != (transport.ConnError{Code: code, Reason: reason, Remote: true}) {
		t.Errorf("%v, want a close by the peer with code %d and %q", err, code, reason)
	}
}

func TestOldHandshake(t *testing.T) {
	_, _, s, in := asked(t)
	if in.Path != "/room" || in.Conn.Protocol() != "moq-lite-04" {
		t.Errorf("path %q and protocol %q", in.Path, in.Conn.Protocol())
	}
	_ = s.Close() // without a capsule
	wantClose(t, in.Conn, 0, "")
}

// TestSessionOfALaterRequest has a session whose id is not 0: streams name it, datagrams a quarter of it.
func TestSessionOfALaterRequest(t *testing.T) {
	ctx, q, l := plainPeer(t)
	client, err := (&wt.Transport{}).NewClientConn(q)
	if err != nil {
		t.Fatal(err)
	}
	u := "https://" + l.Addr().String() + "/"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	_, s, err := client.Dial(ctx, u, nil) //nolint:bodyclose // it is the session
	if err != nil {
		t.Fatal(err)
	}
	in, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Conn.SendDatagram([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if p, err := s.ReceiveDatagram(ctx); err != nil || string(p) != "x" {
		t.Errorf("datagram %q: %v", p, err)
	}
	out, err := in.Conn.OpenUni(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_ = out.Close()
	if _, err := s.AcceptUniStream(ctx); err != nil {
		t.Errorf("stream: %v", err)
	}
}
