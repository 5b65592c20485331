package webtransport

import (
	"context"
	"net"
	"time"

	quicgo "github.com/quic-go/quic-go"
	wt "github.com/quic-go/webtransport-go"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/quic"
)

// A closed session waits for the peer to end the connection: three round trips, enough for the
// capsule to be repeated once (RFC 9002, section 6.2.1), and not much more, because the socket
// stays open as long.
const (
	lingerRoundTrips = 3
	lingerAckDelay   = 25 * time.Millisecond
	maxLinger        = time.Second
)

type conn struct {
	s        *wt.Session
	q        *quicgo.Conn
	protocol string
	ctx      context.Context
	cancel   context.CancelCauseFunc
	closed   chan struct{}

	// receiving is held by the one caller that waits for a datagram: webtransport-go wakes
	// one waiter only when the session ends.
	receiving chan struct{}
}

// New returns s as a carrier of kind webtransport. q is the connection that s lives on; it is
// closed when the session has ended.
func New(s *wt.Session, q *quicgo.Conn) transport.Conn {
	c := &conn{
		s: s, q: q, protocol: s.SessionState().ApplicationProtocol,
		closed: make(chan struct{}), receiving: make(chan struct{}, 1),
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	context.AfterFunc(s.Context(), c.ended)
	return c
}

// ended runs once, when the session is over for whatever reason.
func (c *conn) ended() {
	defer close(c.closed)
	_, err := c.s.OpenUniStream() // the one way to learn why
	closed := sessionClose(err)
	if closed == nil {
		// The session ended without a word. If the connection has done so too, it knows more.
		c.closeConn(0, "")
		c.cancel(lost(err, context.Cause(c.q.Context())))
		return
	}
	c.cancel(closed)
	if !closed.Remote {
		linger := lingerRoundTrips*c.q.ConnectionStats().SmoothedRTT + lingerAckDelay
		timer := time.NewTimer(min(linger, maxLinger))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.q.Context().Done():
		}
	}
	c.closeConn(closed.Code, closed.Reason)
}

func (c *conn) closeConn(code uint64, reason string) {
	_ = c.q.CloseWithError(quicgo.ApplicationErrorCode(transport.WireCode(code)), reason)
}

func (c *conn) OpenUni(ctx context.Context) (transport.SendStream, error) {
	s, err := c.s.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, c.waitError(ctx, err)
	}
	return &sendStream{c: c, s: s}, nil
}

func (c *conn) AcceptUni(ctx context.Context) (transport.ReceiveStream, error) {
	s, err := c.s.AcceptUniStream(ctx)
	if err != nil {
		return nil, c.waitError(ctx, err)
	}
	return &receiveStream{c: c, s: s}, nil
}

func (c *conn) OpenBidi(ctx context.Context) (transport.Stream, error) {
	s, err := c.s.OpenStreamSync(ctx)
	if err != nil {
		return nil, c.waitError(ctx, err)
	}
	return newStream(c, s), nil
}

func (c *conn) AcceptBidi(ctx context.Context) (transport.Stream, error) {
	s, err := c.s.AcceptStream(ctx)
	if err != nil {
		return nil, c.waitError(ctx, err)
	}
	return newStream(c, s), nil
}

func (c *conn) SendDatagram(p []byte) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return c.datagramError(c.s.SendDatagram(p))
}

func (c *conn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	select {
	case c.receiving <- struct{}{}:
		defer func() { <-c.receiving }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ctx.Done():
		return nil, context.Cause(c.ctx)
	}
	p, err := c.s.ReceiveDatagram(ctx)
	if err == nil {
		return p, nil
	}
	if ctx.Err() != nil && c.ctx.Err() == nil {
		return nil, ctx.Err()
	}
	return nil, c.end() // nothing else ends it
}

func (c *conn) CloseWithError(code uint64, reason string) error {
	return c.s.CloseWithError(wt.SessionErrorCode(min(code, transport.MaxCode)), transport.CutReason(reason))
}

func (c *conn) Kind() transport.Kind     { return transport.KindWebTransport }
func (c *conn) Protocol() string         { return c.protocol }
func (c *conn) LocalAddr() net.Addr      { return c.q.LocalAddr() }
func (c *conn) RemoteAddr() net.Addr     { return c.q.RemoteAddr() }
func (c *conn) Stats() transport.Stats   { return quic.Stats(c.q) }
func (c *conn) Context() context.Context { return c.ctx }
func (c *conn) Closed() <-chan struct{}  { return c.closed }

// datagramHeader is how many bytes name the session in a datagram (RFC 9297, section 2.1): its
// stream is among the first of a connection that carries nothing else.
const datagramHeader = 1
