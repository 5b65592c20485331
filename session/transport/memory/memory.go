package memory

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"github.com/moqrx/moqrx/session/transport"
)

// Config sets the limits of a pair. The zero value has the defaults of the network carriers.
type Config struct {
	// Protocol is the negotiated token, the same on both ends.
	Protocol string
	// MaxUniStreams and MaxBidiStreams limit the streams that one end may have open at a
	// time; 1000 when zero.
	MaxUniStreams, MaxBidiStreams int
	// Window is how many bytes of a stream may wait to be read; 64 KiB when zero.
	Window int
}

const (
	defaultStreams = 1000
	defaultWindow  = 64 << 10

	// As much as fits into a packet of the usual size, and as many as quic-go queues for a session of WebTransport.
	maxDatagram    = 1200
	datagramsQueue = 32
)

// Pair returns the two ends of a connection with the default limits.
func Pair(protocol string) (client, server transport.Conn) {
	return Config{Protocol: protocol}.Pair()
}

// Pair returns the two ends of a connection.
func (c Config) Pair() (client, server transport.Conn) {
	if c.MaxUniStreams == 0 {
		c.MaxUniStreams = defaultStreams
	}
	if c.MaxBidiStreams == 0 {
		c.MaxBidiStreams = defaultStreams
	}
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	var once sync.Once
	a := newConn(c, "memory client", 0)
	b := newConn(c, "memory server", 1)
	a.peer, b.peer = b, a
	a.closing, b.closing = &once, &once
	return a, b
}

// conn is one end.
type conn struct {
	config  Config
	peer    *conn
	addr    addr
	ctx     context.Context
	cancel  context.CancelCauseFunc
	closing *sync.Once // shared by both ends

	uni, bidi kind
	datagrams chan []byte
}

// kind holds the unidirectional or the bidirectional streams of one end.
type kind struct {
	slots    chan struct{} // one token per open stream that this end opened
	incoming chan *stream  // streams of the peer; sends never block, it holds as many as the peer has slots

	mu     sync.Mutex
	nextID uint64
}

func newConn(c Config, name addr, side uint64) *conn {
	n := &conn{config: c, addr: name, datagrams: make(chan []byte, datagramsQueue)}
	n.ctx, n.cancel = context.WithCancelCause(context.Background())
	// RFC 9000, section 2.1: the two lowest bits of an id tell who opened it, and its mode.
	n.bidi.init(c.MaxBidiStreams, side)
	n.uni.init(c.MaxUniStreams, side|2)
	return n
}

func (k *kind) init(limit int, firstID uint64) {
	k.slots = make(chan struct{}, limit)
	k.incoming = make(chan *stream, limit)
	k.nextID = firstID
}

// open waits for a place below the peer's limit.
func (k *kind) open(ctx context.Context, c *conn) (id uint64, err error) {
	if err := c.err(ctx); err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-c.ctx.Done():
		return 0, context.Cause(c.ctx)
	case k.slots <- struct{}{}:
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	id = k.nextID
	k.nextID += 4
	return id, nil
}

func (k *kind) accept(ctx context.Context, c *conn) (*stream, error) {
	if err := c.err(ctx); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ctx.Done():
		return nil, context.Cause(c.ctx)
	case s := <-k.incoming:
		return s, nil
	}
}

// err is asked first: select would otherwise pick at random among what is ready.
func (c *conn) err(ctx context.Context) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return ctx.Err()
}

func (c *conn) OpenUni(ctx context.Context) (transport.SendStream, error) {
	id, err := c.uni.open(ctx, c)
	if err != nil {
		return nil, err
	}
	p := newPipe(c, id)
	p.announce = func() { c.peer.uni.incoming <- &stream{receive: &receive{p}} }
	p.onRead = func() { <-c.uni.slots }
	return &send{p}, nil
}

func (c *conn) AcceptUni(ctx context.Context) (transport.ReceiveStream, error) {
	s, err := c.uni.accept(ctx, c)
	if err != nil {
		return nil, err
	}
	return s.receive, nil
}

func (c *conn) OpenBidi(ctx context.Context) (transport.Stream, error) {
	id, err := c.bidi.open(ctx, c)
	if err != nil {
		return nil, err
	}
	there, back := newPipe(c, id), newPipe(c.peer, id)
	there.announce = func() { c.peer.bidi.incoming <- &stream{&send{back}, &receive{there}} }
	// The peer has finished with the stream when it has read one half and ended the other.
	var finished atomic.Int32
	release := func() {
		if finished.Add(1) == 2 {
			<-c.bidi.slots
		}
	}
	there.onRead, back.onEnd = release, release
	return &stream{&send{there}, &receive{back}}, nil
}

func (c *conn) AcceptBidi(ctx context.Context) (transport.Stream, error) {
	s, err := c.bidi.accept(ctx, c)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (c *conn) SendDatagram(p []byte) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	if len(p) > maxDatagram {
		return &transport.DatagramTooLargeError{Max: maxDatagram}
	}
	select {
	case c.peer.datagrams <- append([]byte(nil), p...):
	default: // as on a network, what the receiver has no room for is gone
	}
	return nil
}

func (c *conn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	if err := c.err(ctx); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ctx.Done():
		return nil, context.Cause(c.ctx)
	case p := <-c.datagrams:
		return p, nil
	}
}

func (c *conn) CloseWithError(code uint64, reason string) error {
	c.closing.Do(func() {
		code, reason := min(code, transport.MaxCode), transport.CutReason(reason)
		c.cancel(&transport.ConnError{Code: code, Reason: reason})
		c.peer.cancel(&transport.ConnError{Code: code, Reason: reason, Remote: true})
	})
	return nil
}

func (c *conn) Kind() transport.Kind     { return transport.KindMemory }
func (c *conn) Protocol() string         { return c.config.Protocol }
func (c *conn) LocalAddr() net.Addr      { return c.addr }
func (c *conn) RemoteAddr() net.Addr     { return c.peer.addr }
func (c *conn) Stats() transport.Stats   { return transport.Stats{} }
func (c *conn) Context() context.Context { return c.ctx }
func (c *conn) Closed() <-chan struct{}  { return c.ctx.Done() }

// addr names one end of a pair.
type addr string

func (a addr) Network() string { return string(transport.KindMemory) }
func (a addr) String() string  { return string(a) }
