package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/url"
	"testing"
	"time"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// TestQuinnServer dials a WebTransport server on quinn, which is of draft-07 and knows no RESET_STREAM_AT.
func TestQuinnServer(t *testing.T) {
	needPeers(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	server, peer := startQuinn(ctx, t)
	u := &url.URL{Scheme: "https", Host: server, Path: "/room", RawQuery: "token=x"}
	c, err := endpoint.Dial(ctx, u, endpoint.Config{
		TLS: &tls.Config{InsecureSkipVerify: true}, Protocols: []string{"moq-lite-05"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.CloseWithError(0, "")
		<-c.Closed()
	}()
	context.AfterFunc(ctx, func() { _ = c.CloseWithError(0, "the test took too long") })
	if c.Protocol() != "" {
		t.Errorf("it chose %q, and never does so", c.Protocol())
	}
	payload := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	echoed, err := echoBidi(ctx, c, payload)
	if err != nil || !bytes.Equal(echoed, payload) {
		t.Errorf("in both directions: %d bytes of %d, %v", len(echoed), len(payload), err)
	}
	if echoed, err = echoUni(ctx, c, payload); err != nil || !bytes.Equal(echoed, payload) {
		t.Errorf("in one direction: %d bytes of %d, %v", len(echoed), len(payload), err)
	}
	if err := c.SendDatagram(payload[:1000]); err != nil {
		t.Error(err)
	}
	if echoed, err = c.ReceiveDatagram(ctx); err != nil || !bytes.Equal(echoed, payload[:1000]) {
		t.Errorf("datagram: %d bytes, %v", len(echoed), err)
	}
	abandoned, err := c.OpenBidi(ctx) // its header never arrives, which harms nobody
	if err != nil {
		t.Fatal(err)
	}
	abandoned.Reset(5)
	abandoned.Stop(5)
	if err := peer.command(commandClose); err != nil {
		t.Fatal(err)
	}
	<-c.Context().Done()
	var closed *transport.ConnError
	if err := context.Cause(c.Context()); !errors.As(err, &closed) || *closed != (transport.ConnError{Code: 7, Reason: "bye", Remote: true}) {
		t.Errorf("%v, want its close", err)
	}
}

// startQuinn starts the server and returns its address.
func startQuinn(ctx context.Context, t *testing.T) (string, peer) {
	t.Helper()
	c := selfSigned(t)
	p := plan{Listen: freePort(t), Cert: string(c.cert), Key: string(c.key)}
	events := make(chan event, 16)
	server := node("echo")(ctx, t, p, func(e event) { events <- e })
	if e := <-events; e.Event != eventReady {
		t.Fatalf("the server: %s %s", e.Event, e.Message)
	}
	return p.Listen, server
}

func echoBidi(ctx context.Context, c transport.Conn, payload []byte) ([]byte, error) {
	s, err := c.OpenBidi(ctx)
	if err != nil {
		return nil, err
	}
	written := make(chan error, 1)
	go func() {
		_, err := s.Write(payload)
		written <- errors.Join(err, s.Close())
	}()
	b, err := io.ReadAll(s)
	return b, errors.Join(err, <-written)
}

func echoUni(ctx context.Context, c transport.Conn, payload []byte) ([]byte, error) {
	out, err := c.OpenUni(ctx)
	if err != nil {
		return nil, err
	}
	written := make(chan error, 1)
	go func() {
		_, err := out.Write(payload)
		written <- errors.Join(err, out.Close())
	}()
	in, err := c.AcceptUni(ctx)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(in)
	return b, errors.Join(err, <-written)
}
