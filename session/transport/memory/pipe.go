package memory

import (
	"context"
	"io"
	"sync"

	"github.com/moqrx/moqrx/session/transport"
)

// pipe is one direction of a stream: a bounded buffer between one writer and one reader.
type pipe struct {
	id     uint64
	window int
	sender *conn // the end that writes; the reader is on sender.peer

	announce func() // makes the stream known to the peer, at the first write or end; may be nil
	onRead   func() // the reader has finished with it; may be nil
	onEnd    func() // the writer has finished with it; may be nil

	readable, writable chan struct{} // wake-ups, capacity 1

	mu     sync.Mutex
	buf    []byte
	closed bool                   // FIN sent
	reset  *transport.StreamError // by the writer, Remote false
	stop   *transport.StreamError // by the reader, Remote false
	atEOF  bool                   // the reader has seen the FIN
	ctx    context.Context        // of the writer, made when asked for
	cancel context.CancelCauseFunc
}

func newPipe(sender *conn, id uint64) *pipe {
	return &pipe{
		id: id, window: sender.config.Window, sender: sender,
		readable: make(chan struct{}, 1), writable: make(chan struct{}, 1),
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// once runs *f the first time only.
func once(f *func()) {
	if run := *f; run != nil {
		*f = nil
		run()
	}
}

func remote(e *transport.StreamError) error {
	return &transport.StreamError{Code: e.Code, Remote: true}
}

// ended returns why the writer can write no more, or nil. The caller holds mu.
func (p *pipe) ended() error {
	switch {
	case p.sender.ctx.Err() != nil:
		return context.Cause(p.sender.ctx)
	case p.reset != nil:
		return p.reset
	case p.stop != nil:
		return remote(p.stop)
	case p.closed:
		return transport.ErrStreamClosed
	}
	return nil
}

// end tells the writer's context. The caller holds mu and has changed the state.
func (p *pipe) end() {
	if p.cancel != nil {
		p.cancel(p.ended())
	}
}

func (p *pipe) write(b []byte) (n int, err error) {
	for {
		p.mu.Lock()
		if err := p.ended(); err != nil {
			p.mu.Unlock()
			return n, err
		}
		if len(b) > 0 {
			once(&p.announce)
		}
		m := min(len(b), p.window-len(p.buf))
		p.buf = append(p.buf, b[:m]...)
		p.mu.Unlock()
		if m > 0 {
			wake(p.readable)
		}
		n, b = n+m, b[m:]
		if len(b) == 0 {
			return n, nil
		}
		select {
		case <-p.writable:
		case <-p.sender.ctx.Done():
		}
	}
}

func (p *pipe) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.reset != nil || p.sender.ctx.Err() != nil {
		return nil
	}
	once(&p.onEnd)
	if p.stop != nil {
		return remote(p.stop)
	}
	p.closed = true
	once(&p.announce)
	p.end()
	wake(p.readable)
	wake(p.writable)
	return nil
}

func (p *pipe) abort(code uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reset != nil || p.atEOF || p.sender.ctx.Err() != nil {
		return
	}
	once(&p.onEnd)
	if p.stop != nil {
		return
	}
	p.reset = &transport.StreamError{Code: min(code, transport.MaxCode)}
	p.buf = nil
	once(&p.announce)
	p.end()
	wake(p.readable)
	wake(p.writable)
}

func (p *pipe) read(b []byte) (int, error) {
	reader := p.sender.peer
	for {
		n, err := p.tryRead(reader, b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		select {
		case <-p.readable:
		case <-reader.ctx.Done():
		}
	}
}

// tryRead returns 0, nil when there is nothing to read yet.
func (p *pipe) tryRead(reader *conn, b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.atEOF:
		return 0, io.EOF
	case reader.ctx.Err() != nil:
		return 0, context.Cause(reader.ctx)
	case p.stop != nil:
		return 0, p.stop
	case p.reset != nil:
		once(&p.onRead)
		return 0, remote(p.reset)
	case len(p.buf) > 0:
		n := copy(b, p.buf)
		p.buf = p.buf[n:]
		wake(p.writable)
		return n, nil
	case p.closed:
		p.atEOF = true
		once(&p.onRead)
		return 0, io.EOF
	}
	return 0, nil
}

func (p *pipe) stopSending(code uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != nil || p.atEOF || p.sender.ctx.Err() != nil {
		return
	}
	once(&p.onRead)
	if p.reset != nil {
		return
	}
	p.stop = &transport.StreamError{Code: min(code, transport.MaxCode)}
	p.buf = nil
	p.end()
	wake(p.readable)
	wake(p.writable)
}

func (p *pipe) context() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx == nil {
		p.ctx, p.cancel = context.WithCancelCause(p.sender.ctx)
		if err := p.ended(); err != nil {
			p.cancel(err)
		}
	}
	return p.ctx
}

// send and receive are the two ends of a pipe, stream one end of two.
type (
	send    struct{ p *pipe }
	receive struct{ p *pipe }
	stream  struct {
		*send
		*receive
	}
)

func (s *send) Write(b []byte) (int, error) { return s.p.write(b) }
func (s *send) Close() error                { return s.p.close() }
func (s *send) Reset(code uint64)           { s.p.abort(code) }
func (s *send) SetPriority(uint8, bool)     {}
func (s *send) Context() context.Context    { return s.p.context() }
func (s *send) ID() uint64                  { return s.p.id }

func (r *receive) Read(b []byte) (int, error) { return r.p.read(b) }
func (r *receive) Stop(code uint64)           { r.p.stopSending(code) }
func (r *receive) ID() uint64                 { return r.p.id }

func (s *stream) ID() uint64 { return s.send.ID() }
