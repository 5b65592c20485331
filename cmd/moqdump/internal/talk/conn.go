package talk

import (
	"context"
	"io"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/webtransport-go"
)

// Conn is a connection over either carrier.
type Conn interface {
	OpenUni(ctx context.Context) (Send, error)
	AcceptUni(ctx context.Context) (Receive, error)
	OpenBidi(ctx context.Context) (Stream, error)
	AcceptBidi(ctx context.Context) (Stream, error)
	SendDatagram(p []byte) error
	ReceiveDatagram(ctx context.Context) ([]byte, error)
	Close(code uint32, reason string) error
	Done() <-chan struct{}
}

// Send is the sending half of a stream.
type Send interface {
	io.WriteCloser
	Reset(code uint32)
}

// Receive is the receiving half of a stream.
type Receive interface {
	io.Reader
	Stop(code uint32)
}

// Stream is both halves.
type Stream interface {
	Send
	Receive
}

type quicConn struct{ c *quic.Conn }

func (c quicConn) OpenUni(ctx context.Context) (Send, error) {
	s, err := c.c.OpenUniStreamSync(ctx)
	return quicSend{s}, err
}

func (c quicConn) AcceptUni(ctx context.Context) (Receive, error) {
	s, err := c.c.AcceptUniStream(ctx)
	return quicReceive{s}, err
}

func (c quicConn) OpenBidi(ctx context.Context) (Stream, error) {
	s, err := c.c.OpenStreamSync(ctx)
	return quicStream{s}, err
}

func (c quicConn) AcceptBidi(ctx context.Context) (Stream, error) {
	s, err := c.c.AcceptStream(ctx)
	return quicStream{s}, err
}
func (c quicConn) SendDatagram(p []byte) error { return c.c.SendDatagram(p) }
func (c quicConn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	return c.c.ReceiveDatagram(ctx)
}

func (c quicConn) Close(code uint32, reason string) error {
	return c.c.CloseWithError(quic.ApplicationErrorCode(code), reason)
}
func (c quicConn) Done() <-chan struct{} { return c.c.Context().Done() }

type quicSend struct{ *quic.SendStream }

func (s quicSend) Reset(code uint32) { s.CancelWrite(quic.StreamErrorCode(code)) }

type quicReceive struct{ *quic.ReceiveStream }

func (s quicReceive) Stop(code uint32) { s.CancelRead(quic.StreamErrorCode(code)) }

type quicStream struct{ *quic.Stream }

func (s quicStream) Reset(code uint32) { s.CancelWrite(quic.StreamErrorCode(code)) }
func (s quicStream) Stop(code uint32)  { s.CancelRead(quic.StreamErrorCode(code)) }

type wtConn struct{ s *webtransport.Session }

func (c wtConn) OpenUni(ctx context.Context) (Send, error) {
	s, err := c.s.OpenUniStreamSync(ctx)
	return wtSend{s}, err
}

func (c wtConn) AcceptUni(ctx context.Context) (Receive, error) {
	s, err := c.s.AcceptUniStream(ctx)
	return wtReceive{s}, err
}

func (c wtConn) OpenBidi(ctx context.Context) (Stream, error) {
	s, err := c.s.OpenStreamSync(ctx)
	return wtStream{s}, err
}

func (c wtConn) AcceptBidi(ctx context.Context) (Stream, error) {
	s, err := c.s.AcceptStream(ctx)
	return wtStream{s}, err
}
func (c wtConn) SendDatagram(p []byte) error { return c.s.SendDatagram(p) }
func (c wtConn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	return c.s.ReceiveDatagram(ctx)
}

func (c wtConn) Close(code uint32, reason string) error {
	return c.s.CloseWithError(webtransport.SessionErrorCode(code), reason)
}
func (c wtConn) Done() <-chan struct{} { return c.s.Context().Done() }

type wtSend struct{ *webtransport.SendStream }

func (s wtSend) Reset(code uint32) { s.CancelWrite(webtransport.StreamErrorCode(code)) }

type wtReceive struct{ *webtransport.ReceiveStream }

func (s wtReceive) Stop(code uint32) { s.CancelRead(webtransport.StreamErrorCode(code)) }

type wtStream struct{ *webtransport.Stream }

func (s wtStream) Reset(code uint32) { s.CancelWrite(webtransport.StreamErrorCode(code)) }
func (s wtStream) Stop(code uint32)  { s.CancelRead(webtransport.StreamErrorCode(code)) }
