// Package transport says what a session needs of a connection. Each folder below it
// adapts one carrier: raw QUIC, WebTransport, memory.
//
// Nothing here knows a Media over QUIC message: a connection carries streams and datagrams,
// and names the protocol that was negotiated for it.
package transport

import (
	"context"
	"fmt"
	"io"
	"net"
)

// Kind names the carrier of a connection.
type Kind string

// The carriers.
const (
	KindQUIC         Kind = "quic"
	KindWebTransport Kind = "webtransport"
	KindMemory       Kind = "memory"
)

// Conn is one established connection. All methods are safe for concurrent use.
type Conn interface {
	// OpenUni opens a send-only stream. It blocks while the peer's stream limit is reached,
	// until ctx ends or the connection closes.
	OpenUni(ctx context.Context) (SendStream, error)
	// AcceptUni waits for the next send-only stream of the peer.
	AcceptUni(ctx context.Context) (ReceiveStream, error)
	// OpenBidi opens a stream in both directions. It blocks as OpenUni does.
	OpenBidi(ctx context.Context) (Stream, error)
	// AcceptBidi waits for the next bidirectional stream of the peer.
	AcceptBidi(ctx context.Context) (Stream, error)

	// SendDatagram sends p unreliably, or fails when p is larger than the path carries.
	SendDatagram(p []byte) error
	// ReceiveDatagram waits for the next datagram. The caller owns the bytes.
	ReceiveDatagram(ctx context.Context) ([]byte, error)

	// Kind names the carrier.
	Kind() Kind
	// Protocol is the token negotiated for the connection (a TLS ALPN on raw QUIC, the
	// wt-protocol header on WebTransport), or "" when none was.
	Protocol() string
	// LocalAddr and RemoteAddr are the two ends.
	LocalAddr() net.Addr
	RemoteAddr() net.Addr

	// CloseWithError ends the connection with an application code and a reason that the peer
	// sees. The first call wins; later calls do nothing. It does not block.
	CloseWithError(code uint64, reason string) error
	// Context ends when the connection does, with a cause that is a *ConnError whenever
	// one end said why.
	Context() context.Context
}

// SendStream is the sending half of a stream. Write, Close and Reset may be called from
// different goroutines; two Writes may not run at once.
type SendStream interface {
	io.Writer
	// Close ends the stream cleanly (FIN). It does not wait for delivery. After a Reset it
	// does nothing.
	Close() error
	// Reset ends the stream abruptly with an application code. After a Close that was
	// delivered it does nothing.
	Reset(code uint64)
	// Context ends when the peer stops the stream (the cause is then a *StreamError with
	// Remote set), when the stream is closed or reset, or when the connection ends.
	Context() context.Context
	// ID is the QUIC stream id, for logs.
	ID() uint64
}

// ReceiveStream is the receiving half of a stream. Read and Stop may be called from
// different goroutines.
type ReceiveStream interface {
	// Read returns io.EOF after the peer's FIN and a *StreamError with Remote set after its reset.
	io.Reader
	// Stop asks the peer to stop sending, with an application code. Reads then fail.
	// After the end of the stream it does nothing.
	Stop(code uint64)
	// ID is the QUIC stream id, for logs.
	ID() uint64
}

// Stream is a stream in both directions.
type Stream interface {
	SendStream
	ReceiveStream
}

// StreamError is the end of one half of a stream by a reset or a stop.
type StreamError struct {
	// Code is the application code as the protocol defines it, with the mapping of the
	// carrier undone.
	Code uint64
	// Remote is true when the peer ended the stream.
	Remote bool
}

func (e *StreamError) Error() string {
	if e.Remote {
		return fmt.Sprintf("stream ended by the peer with code %d", e.Code)
	}
	return fmt.Sprintf("stream ended here with code %d", e.Code)
}

// ConnError is the end of a connection by an application code.
type ConnError struct {
	// Code is the application code of the close.
	Code uint64
	// Reason is the text that came with it, possibly empty.
	Reason string
	// Remote is true when the peer closed the connection.
	Remote bool
}

func (e *ConnError) Error() string {
	who := "here"
	if e.Remote {
		who = "by the peer"
	}
	if e.Reason == "" {
		return fmt.Sprintf("connection closed %s with code %d", who, e.Code)
	}
	return fmt.Sprintf("connection closed %s with code %d: %s", who, e.Code, e.Reason)
}
