package quic

import (
	"context"
	"net"

	quicgo "github.com/quic-go/quic-go"

	"github.com/moqrx/moqrx/session/transport"
)

type conn struct {
	q      *quicgo.Conn
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// New returns q as a carrier of kind quic. The handshake of q must be complete. Closing the
// carrier closes q; the socket below remains the caller's.
func New(q *quicgo.Conn) transport.Conn {
	c := &conn{q: q}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	context.AfterFunc(q.Context(), func() { c.cancel(connError(context.Cause(q.Context()))) })
	return c
}

func (c *conn) OpenUni(ctx context.Context) (transport.SendStream, error) {
	s, err := c.q.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, waitError(ctx, err)
	}
	return &sendStream{s: s}, nil
}

func (c *conn) AcceptUni(ctx context.Context) (transport.ReceiveStream, error) {
	s, err := c.q.AcceptUniStream(ctx)
	if err != nil {
		return nil, waitError(ctx, err)
	}
	return &receiveStream{s: s}, nil
}

func (c *conn) OpenBidi(ctx context.Context) (transport.Stream, error) {
	s, err := c.q.OpenStreamSync(ctx)
	if err != nil {
		return nil, waitError(ctx, err)
	}
	return newStream(s), nil
}

func (c *conn) AcceptBidi(ctx context.Context) (transport.Stream, error) {
	s, err := c.q.AcceptStream(ctx)
	if err != nil {
		return nil, waitError(ctx, err)
	}
	return newStream(s), nil
}

func (c *conn) SendDatagram(p []byte) error { return datagramError(c.q.SendDatagram(p)) }

func (c *conn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	p, err := c.q.ReceiveDatagram(ctx)
	if err != nil {
		return nil, waitError(ctx, err)
	}
	return p, nil
}

func (c *conn) CloseWithError(code uint64, reason string) error {
	// quic-go would send no close at all when the reason does not fit into a packet.
	return c.q.CloseWithError(quicgo.ApplicationErrorCode(min(code, transport.MaxCode)), transport.CutReason(reason))
}

func (c *conn) Kind() transport.Kind     { return transport.KindQUIC }
func (c *conn) Protocol() string         { return c.q.ConnectionState().TLS.NegotiatedProtocol }
func (c *conn) LocalAddr() net.Addr      { return c.q.LocalAddr() }
func (c *conn) RemoteAddr() net.Addr     { return c.q.RemoteAddr() }
func (c *conn) Stats() transport.Stats   { return Stats(c.q) }
func (c *conn) Context() context.Context { return c.ctx }
func (c *conn) Closed() <-chan struct{}  { return c.ctx.Done() } // quic-go sends the close before

// Stats returns what quic-go measures of q, for every carrier that rests on one.
func Stats(q *quicgo.Conn) transport.Stats {
	s := q.ConnectionStats()
	out := transport.Stats{
		SmoothedRTT: s.SmoothedRTT, MinRTT: s.MinRTT, LatestRTT: s.LatestRTT,
		BytesSent: s.BytesSent, BytesReceived: s.BytesReceived, BytesLost: s.BytesLost,
		PacketsSent: s.PacketsSent, PacketsReceived: s.PacketsReceived, PacketsLost: s.PacketsLost,
	}
	out.SendRate, out.SendRateKnown = transport.SendRate(s.CongestionWindow, s.SmoothedRTT)
	return out
}
