package memory

import (
	"context"
	"io"
	"sync"

	"github.com/moqrx/moqrx/session/transport"
)

// pipe is one direction of a stream: a bounded buffer between one writer and one reader. Each end
// acts on what it knows, and tells the other over the link.
type pipe struct {
	id     uint64
	window int
	sender *conn // the end that writes; the reader is on sender.peer

	announce func() // makes the stream known to the peer, with what arrives first; may be nil
	onRead   func() // the reader has finished with it; may be nil
	onEnd    func() // the writer has finished with it; may be nil

	readable, writable chan struct{} // wake-ups, capacity 1

	data lane
	cut  int // size of the next delivery at most, 0 before it is drawn

	mu   sync.Mutex
	held int // bytes that were written, and neither read nor discarded
	owed int // bytes that were read, and do not yet make room in the window

	// What the writer knows.
	closed  bool                   // FIN sent
	reset   *transport.StreamError // by the writer, Remote false
	stopped *transport.StreamError // by the reader, Remote true
	ctx     context.Context        // made when asked for
	cancel  context.CancelCauseFunc

	// What the reader knows.
	buf    []byte
	fin    bool                   // the FIN has arrived
	broken *transport.StreamError // by the writer, Remote true
	stop   *transport.StreamError // by the reader, Remote false
	atEOF  bool                   // the FIN has been read
}

func newPipe(sender *conn, id uint64) *pipe {
	return &pipe{
		id: id, window: sender.config.Window, sender: sender,
		readable: make(chan struct{}, 1), writable: make(chan struct{}, 1),
		data: sender.link.lane(laneData, id, sender),
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

func streamError(code uint64, remote bool) *transport.StreamError {
	return &transport.StreamError{Code: min(code, transport.MaxCode), Remote: remote}
}

// ended returns why the writer can write no more, or nil. The caller holds mu.
func (p *pipe) ended() error {
	switch {
	case p.sender.ctx.Err() != nil:
		return context.Cause(p.sender.ctx)
	case p.reset != nil:
		return p.reset
	case p.stopped != nil:
		return p.stopped
	case p.closed:
		return transport.ErrStreamClosed
	}
	return nil
}

// end tells the writer and its context. The caller holds mu and has changed the state.
func (p *pipe) end() {
	if p.cancel != nil {
		p.cancel(p.ended())
	}
	wake(p.writable)
}

func (p *pipe) write(b []byte) (n int, err error) {
	defer p.sender.credit.done(p)
	for {
		m, err := p.tryWrite(b)
		n, b = n+m, b[m:]
		if err != nil || len(b) == 0 {
			return n, err
		}
		if m > 0 {
			continue
		}
		select {
		case <-p.writable:
		case <-p.sender.ctx.Done():
		}
	}
}

// tryWrite sends as much of b as goes into one delivery, and nothing while the windows are full.
func (p *pipe) tryWrite(b []byte) (int, error) {
	p.mu.Lock()
	if err := p.ended(); err != nil {
		p.mu.Unlock()
		return 0, err
	}
	if p.cut == 0 {
		p.cut = p.sender.link.cut(&p.data)
	}
	m := p.sender.credit.take(p, min(len(b), p.window-p.held-p.owed, p.cut))
	p.held += m
	if m > 0 {
		p.cut = 0
	}
	p.mu.Unlock()
	if m > 0 {
		piece := append([]byte(nil), b[:m]...)
		p.sender.link.send(&p.data, func() { p.arrive(piece) })
	}
	return m, nil
}

// arrive hands data to the reader.
func (p *pipe) arrive(piece []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.broken != nil, p.stopped != nil: // its credit is back already
	case p.stop != nil:
		p.release(len(piece))
	default:
		once(&p.announce)
		p.buf = append(p.buf, piece...)
		wake(p.readable)
	}
}

// release gives back the credit for n bytes, to the stream a quarter of its window at a time: room for a few
// bytes would cut what is written into crumbs. The caller holds mu.
func (p *pipe) release(n int) {
	p.held -= n
	p.sender.credit.give(n)
	if p.owed += n; p.owed >= p.window/4 {
		p.owed = 0
		wake(p.writable)
	}
}

func (p *pipe) close() error {
	p.mu.Lock()
	if p.closed || p.reset != nil || p.sender.ctx.Err() != nil {
		p.mu.Unlock()
		return nil
	}
	once(&p.onEnd)
	if p.stopped != nil {
		defer p.mu.Unlock()
		return p.stopped
	}
	p.closed = true
	p.end()
	p.mu.Unlock()
	p.sender.link.send(&p.data, p.finish)
	return nil
}

// finish is the arrival of the FIN.
func (p *pipe) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	once(&p.announce)
	p.fin = true
	wake(p.readable)
}

func (p *pipe) abort(code uint64) {
	p.mu.Lock()
	if p.reset != nil || p.atEOF || p.sender.ctx.Err() != nil {
		p.mu.Unlock()
		return
	}
	once(&p.onEnd)
	if p.stopped != nil {
		p.mu.Unlock()
		return
	}
	p.reset = streamError(code, false)
	p.end()
	p.mu.Unlock()
	on := p.sender.link.lane(laneReset, p.id, p.sender)
	p.sender.link.send(&on, func() { p.breakOff(code) })
}

// breakOff is the arrival of a reset: what has not been read is gone.
func (p *pipe) breakOff(code uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.atEOF {
		return
	}
	once(&p.announce)
	p.broken = streamError(code, true)
	p.discard()
	wake(p.readable)
}

// discard gives up what is held. The caller holds mu and has set broken or stopped.
func (p *pipe) discard() {
	p.buf = nil
	p.release(p.held)
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
	case p.broken != nil:
		once(&p.onRead)
		return 0, p.broken
	case len(p.buf) > 0:
		n := copy(b, p.buf)
		p.buf = p.buf[n:]
		p.release(n)
		return n, nil
	case p.fin:
		p.atEOF = true
		once(&p.onRead)
		return 0, io.EOF
	}
	return 0, nil
}

func (p *pipe) stopSending(code uint64) {
	reader := p.sender.peer
	p.mu.Lock()
	if p.stop != nil || p.atEOF || reader.ctx.Err() != nil {
		p.mu.Unlock()
		return
	}
	once(&p.onRead)
	if p.broken != nil {
		p.mu.Unlock()
		return
	}
	p.stop = streamError(code, false)
	p.release(len(p.buf))
	p.buf = nil
	wake(p.readable)
	p.mu.Unlock()
	on := reader.link.lane(laneStop, p.id, reader)
	reader.link.send(&on, func() { p.stopWriting(code) })
}

// stopWriting is the arrival of a stop.
func (p *pipe) stopWriting(code uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = streamError(code, true)
	p.discard()
	p.end()
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
