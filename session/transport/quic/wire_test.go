package quic_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// plainPeer connects a client of quic-go, which knows no mapping of codes, with a carrier.
func plainPeer(t *testing.T) (context.Context, *quicgo.Conn, transport.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	cert, err := endpoint.SelfSignedCertificate()
	if err != nil {
		t.Fatal(err)
	}
	l, err := endpoint.Listen("127.0.0.1:0", endpoint.Config{
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, Protocols: []string{"moq-lite-05"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	q, err := quicgo.DialAddr(ctx, l.Addr().String(),
		&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"moq-lite-05"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.CloseWithError(0, "") })
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

func TestPlainCodesOfThePeer(t *testing.T) {
	ctx, q, c := plainPeer(t)
	s, err := q.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	s.CancelWrite(13)
	s.CancelRead(24)
	theirs, err := c.AcceptBidi(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(theirs)
	wantStreamError(t, err, 13, true)
	<-theirs.Context().Done()
	wantStreamError(t, context.Cause(theirs.Context()), 24, true)
}

func TestCodesOnTheWire(t *testing.T) {
	ctx, q, c := plainPeer(t)
	s, err := c.OpenBidi(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	theirs, err := q.AcceptStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.Reset(5)
	s.Stop(30)
	var e *quicgo.StreamError
	if _, err := io.ReadAll(theirs); !errors.As(err, &e) || e.ErrorCode != 0x52e4a40fa8e0 {
		t.Errorf("reset with code 5: %v, want 0x52e4a40fa8e0", err)
	}
	<-theirs.Context().Done()
	if err := context.Cause(theirs.Context()); !errors.As(err, &e) || e.ErrorCode != 0x52e4a40fa8fa {
		t.Errorf("stop with code 30: %v, want 0x52e4a40fa8fa", err)
	}
	_ = c.CloseWithError(30, "unroutable")
	<-q.Context().Done()
	var closed *quicgo.ApplicationError
	if err := context.Cause(q.Context()); !errors.As(err, &closed) || closed.ErrorCode != 30 || closed.ErrorMessage != "unroutable" {
		t.Errorf("close with code 30: %v, want it plain", err)
	}
}

func TestDatagramsNeedThePeer(t *testing.T) {
	_, _, c := plainPeer(t) // it does not accept any
	err := c.SendDatagram([]byte("x"))
	var closed *transport.ConnError
	if err == nil || errors.As(err, &closed) {
		t.Errorf("SendDatagram: %v, want an error of the datagram alone", err)
	}
}
