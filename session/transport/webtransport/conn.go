package webtransport

import (
	"context"
	"io"
	"net"
	"sync"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/quic"
)

// requestStream is the stream of the CONNECT request, as http3 has it on either side.
type requestStream interface {
	io.ReadWriteCloser
	TryWriteAll(p []byte) error
	CancelRead(quicgo.StreamErrorCode)
	CancelWrite(quicgo.StreamErrorCode)
	ReceiveDatagram(ctx context.Context) ([]byte, error)
	StreamID() quicgo.StreamID
}

type conn struct {
	q        *quicgo.Conn
	request  requestStream
	id       uint64
	protocol string

	uniHeader, bidiHeader, datagramHeader []byte

	uni  chan *quicgo.ReceiveStream // from peer, which waits for AcceptUni
	bidi chan *quicgo.Stream
	// receiving is held by the one caller that waits for a datagram: http3 wakes one waiter only
	// when the session ends.
	receiving chan struct{}

	ctx     context.Context
	cancel  context.CancelCauseFunc
	closing sync.Once
	closed  chan struct{}

	mu     sync.Mutex
	halves map[half]struct{} // what ends with the session; nil after its end
}

// half is one direction of a stream.
type half interface{ abort() }

// newConn returns the session of a request on q that was answered. The caller makes peer know of it.
func newConn(q *quicgo.Conn, request requestStream, protocol string) *conn {
	id := uint64(request.StreamID())
	c := &conn{
		q: q, request: request, id: id, protocol: protocol,
		uniHeader:      quicvarint.Append(quicvarint.Append(nil, uniStream), id),
		bidiHeader:     quicvarint.Append(quicvarint.Append(nil, bidiStream), id),
		datagramHeader: quicvarint.Append(nil, id/4), // RFC 9297, section 2.1
		uni:            make(chan *quicgo.ReceiveStream),
		bidi:           make(chan *quicgo.Stream),
		receiving:      make(chan struct{}, 1),
		closed:         make(chan struct{}),
		halves:         make(map[half]struct{}),
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	go c.watch()
	return c
}

// err is asked first by calls that wait.
func (c *conn) err(ctx context.Context) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return ctx.Err()
}

// open runs wait, which knows nothing of sessions, so that it ends with this one.
func (c *conn) open(ctx context.Context, wait func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	return wait(ctx)
}

func (c *conn) OpenUni(ctx context.Context) (transport.SendStream, error) {
	if err := c.err(ctx); err != nil {
		return nil, err
	}
	s, err := c.q.OpenUniStream()
	if err != nil {
		err = c.open(ctx, func(ctx context.Context) error {
			s, err = c.q.OpenUniStreamSync(ctx)
			return err
		})
	}
	if err != nil {
		return nil, c.waitError(ctx)
	}
	out := &sendStream{c: c, s: s, header: c.uniHeader}
	return out, c.add(out)
}

func (c *conn) AcceptUni(ctx context.Context) (transport.ReceiveStream, error) {
	if err := c.err(ctx); err != nil {
		return nil, err
	}
	select {
	case s := <-c.uni:
		out := &receiveStream{c: c, s: s}
		return out, c.add(out)
	case <-ctx.Done():
	case <-c.ctx.Done():
	}
	return nil, c.err(ctx)
}

func (c *conn) OpenBidi(ctx context.Context) (transport.Stream, error) {
	if err := c.err(ctx); err != nil {
		return nil, err
	}
	s, err := c.q.OpenStream()
	if err != nil {
		err = c.open(ctx, func(ctx context.Context) error {
			s, err = c.q.OpenStreamSync(ctx)
			return err
		})
	}
	if err != nil {
		return nil, c.waitError(ctx)
	}
	return c.newStream(s, c.bidiHeader)
}

func (c *conn) AcceptBidi(ctx context.Context) (transport.Stream, error) {
	if err := c.err(ctx); err != nil {
		return nil, err
	}
	select {
	case s := <-c.bidi:
		return c.newStream(s, nil)
	case <-ctx.Done():
	case <-c.ctx.Done():
	}
	return nil, c.err(ctx)
}

func (c *conn) SendDatagram(p []byte) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	b := make([]byte, 0, len(c.datagramHeader)+len(p))
	return c.datagramError(c.q.SendDatagram(append(append(b, c.datagramHeader...), p...)))
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
	if err := c.err(ctx); err != nil {
		return nil, err
	}
	p, err := c.request.ReceiveDatagram(ctx)
	if err != nil {
		return nil, c.waitError(ctx)
	}
	return p, nil
}

func (c *conn) Kind() transport.Kind     { return transport.KindWebTransport }
func (c *conn) Protocol() string         { return c.protocol }
func (c *conn) LocalAddr() net.Addr      { return c.q.LocalAddr() }
func (c *conn) RemoteAddr() net.Addr     { return c.q.RemoteAddr() }
func (c *conn) Stats() transport.Stats   { return quic.Stats(c.q) }
func (c *conn) Context() context.Context { return c.ctx }
func (c *conn) Closed() <-chan struct{}  { return c.closed }

// add remembers a direction of a stream until its end, or ends it when the session has ended.
func (c *conn) add(h half) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.halves == nil {
		h.abort()
		return context.Cause(c.ctx)
	}
	c.halves[h] = struct{}{}
	return nil
}

func (c *conn) remove(h half) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.halves, h)
}
