package transport

import (
	"context"
	"errors"
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
//
// A call that waits ends with the error of its ctx, or with the cause of Context once the
// connection has ended. The end of the connection discards what is still in flight: data
// that was written but not yet read by the peer may be lost.
type Conn interface {
	// OpenUni opens a send-only stream. It blocks while the peer's stream limit is reached,
	// until ctx ends or the connection closes. The peer learns of the stream with its first
	// byte, its end or its reset, and not before.
	OpenUni(ctx context.Context) (SendStream, error)
	// AcceptUni waits for the next send-only stream of the peer.
	AcceptUni(ctx context.Context) (ReceiveStream, error)
	// OpenBidi opens a stream in both directions. It blocks as OpenUni does.
	OpenBidi(ctx context.Context) (Stream, error)
	// AcceptBidi waits for the next bidirectional stream of the peer.
	AcceptBidi(ctx context.Context) (Stream, error)

	// SendDatagram sends p unreliably, or fails with a *DatagramTooLargeError when p is larger
	// than the path carries. It copies p, and may wait for a place in the send queue.
	SendDatagram(p []byte) error
	// ReceiveDatagram waits for the next datagram. The caller owns the bytes. Datagrams that
	// nobody waits for are dropped once a few dozen are queued.
	ReceiveDatagram(ctx context.Context) ([]byte, error)

	// Kind names the carrier.
	Kind() Kind
	// Protocol is the token negotiated for the connection (a TLS ALPN on raw QUIC, the
	// wt-protocol header on WebTransport), or "" when none was.
	Protocol() string
	// LocalAddr and RemoteAddr are the two ends.
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
	// Stats returns what is measured of the connection. It does not block, and goes on to
	// answer after the end of the connection.
	Stats() Stats

	// CloseWithError ends the connection with an application code and a reason that the peer
	// sees. The first call wins; later calls do nothing. It does not wait for the peer, except
	// on a connection that was dialed a moment ago, which gets a few round trips to come up: see
	// Closed. Codes
	// above MaxCode are sent as MaxCode, reasons are cut to MaxReason bytes.
	CloseWithError(code uint64, reason string) error
	// Context ends when the connection does, with a cause that is a *ConnError whenever
	// one end said why, and another error when the connection was lost.
	Context() context.Context
	// Closed is closed when nothing of the connection is left, after the end of Context: the
	// close is on the wire, the peer has had a few round trips to take it, and the socket of a
	// connection that was dialed is closed. That takes about a second at most. A process that
	// ends before may leave a peer behind that knows nothing of the close.
	Closed() <-chan struct{}
}

// SendStream is the sending half of a stream. Reset, SetPriority, Context and ID may be called
// by any goroutine at any time; Write and Close belong to one goroutine at a time, because QUIC
// cannot end a stream in the middle of a write.
//
// Every stream must end with Close or Reset: until then it counts against the peer's limit,
// also when the peer has stopped it.
type SendStream interface {
	// Write blocks while flow control does. It fails with a *StreamError once the peer has
	// stopped the stream (Remote set) or Reset was called, with ErrStreamClosed after Close.
	io.Writer
	// Close ends the stream cleanly (FIN). It does not wait for delivery. It fails with a
	// *StreamError when the peer has stopped the stream. After a Reset it does nothing.
	Close() error
	// Reset ends the stream abruptly with an application code and unblocks a Write. After a
	// Close that was delivered it does nothing. Codes above MaxCode are sent as MaxCode.
	Reset(code uint64)
	// SetPriority ranks what is still to be sent on the stream among all streams of the
	// connection. Those of a lower urgency go first, down to UrgencyLast; a larger one is taken for
	// UrgencyLast. Among equals, incremental streams take turns, and others are sent one after the
	// other, oldest first. It takes effect at once, also for data that is buffered, and on this end
	// only: a stream in both directions has a priority on each end. It does nothing on a stream
	// that has ended. A new stream is incremental at UrgencyDefault.
	//
	// Package memory has no bottleneck and ignores it.
	SetPriority(urgency uint8, incremental bool)
	// Context ends when the peer stops the stream (the cause is then a *StreamError with
	// Remote set), when the stream is reset (*StreamError) or closed (ErrStreamClosed), or
	// when the connection ends (the cause of the connection).
	Context() context.Context
	// ID is the QUIC stream id, for logs.
	ID() uint64
}

// ReceiveStream is the receiving half of a stream. Read and Stop may be called from
// different goroutines; two Reads may not run at once.
//
// A stream that is not read to its end must be stopped: until then it counts against the
// limit of streams that the peer may have open.
type ReceiveStream interface {
	// Read returns io.EOF after the peer's FIN and a *StreamError with Remote set after its
	// reset, which may overtake data.
	io.Reader
	// Stop asks the peer to stop sending, with an application code, and unblocks a Read. Reads
	// then fail with a *StreamError. After the end of the stream it does nothing. Codes above
	// MaxCode are sent as MaxCode.
	Stop(code uint64)
	// ID is the QUIC stream id, for logs.
	ID() uint64
}

// Stream is a stream in both directions.
type Stream interface {
	SendStream
	ReceiveStream
}

// The urgencies of SetPriority (RFC 9218, section 4.1).
const (
	// UrgencyControl keeps a control stream above all data.
	UrgencyControl = 0
	// UrgencyDefault is the urgency of a new stream.
	UrgencyDefault = 3
	// UrgencyLast is for what may wait for everything else.
	UrgencyLast = 7
)

// MaxCode is the largest application code that every carrier can bring to the peer.
const MaxCode = 1<<32 - 1

// MaxReason is the largest reason of a close, in bytes: what fits into one packet of the
// smallest size beside the frames and headers of an unfinished handshake.
const MaxReason = 900

// ErrStreamClosed is returned by Write after Close, and is the cause of the stream's context.
var ErrStreamClosed = errors.New("stream closed")

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

// DatagramTooLargeError says that a datagram does not fit into a packet.
type DatagramTooLargeError struct {
	// Max is the largest datagram that fits now, in bytes.
	Max int
}

func (e *DatagramTooLargeError) Error() string {
	return fmt.Sprintf("datagram too large: at most %d bytes fit", e.Max)
}
