package webtransport

import (
	"context"
	"errors"
	"io"
	"sync"

	quicgo "github.com/quic-go/quic-go"

	"github.com/moqrx/moqrx/session/transport"
)

// sendHalf is what a send-only and a bidirectional stream of quic-go have in common.
type sendHalf interface {
	Write([]byte) (int, error)
	Close() error
	CancelWrite(quicgo.StreamErrorCode)
	SetReliableBoundary()
	SetPriority(urgency int8, incremental bool)
	Context() context.Context
	StreamID() quicgo.StreamID
}

type receiveHalf interface {
	Read([]byte) (int, error)
	CancelRead(quicgo.StreamErrorCode)
	StreamID() quicgo.StreamID
}

// localEnd is how this end ended a direction of a stream, if it did.
type localEnd struct {
	mu   sync.Mutex
	err  error
	wake chan struct{} // closed when err is set; made for a call that waits
}

func (l *localEnd) set(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	if l.wake != nil {
		close(l.wake)
	}
}

func (l *localEnd) get() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// done is closed when there is an err.
func (l *localEnd) done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wake == nil {
		l.wake = make(chan struct{})
		if l.err != nil {
			close(l.wake)
		}
	}
	return l.wake
}

// streamError translates the error of a read or a write of h, which is the end of it.
func (c *conn) streamError(h half, err error, local *localEnd) error {
	c.remove(h)
	reset := resetError(err)
	switch {
	case err == io.EOF: //nolint:errorlint // the contract of io.Reader, and on the path of every stream
		return err
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case reset != nil:
		return reset
	case errors.Is(err, quicgo.ErrStreamClosed):
		return transport.ErrStreamClosed
	case !isSessionGone(err):
		return c.cause() // the connection has ended
	}
	// The end of the session is under way, unless the peer made that up.
	select {
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	case <-local.done():
		return local.get()
	}
}

type sendStream struct {
	c      *conn
	s      sendHalf
	header []byte // nil on a stream of the peer
	local  localEnd

	begun sync.Once
	once  sync.Once
	ctx   context.Context
}

// begin sends the header, before anything else. It does not block: quic-go buffers a first write of this size. With
// the boundary the header arrives also when a reset follows, if the peer knows RESET_STREAM_AT.
func (s *sendStream) begin() {
	s.begun.Do(func() {
		if s.header != nil {
			_, _ = s.s.Write(s.header) // what comes next fails with the same error
			s.s.SetReliableBoundary()
		}
	})
}

func (s *sendStream) Write(p []byte) (int, error) {
	if len(p) > 0 {
		s.begin()
	}
	n, err := s.s.Write(p)
	if err != nil {
		err = s.c.streamError(s, err, &s.local)
	}
	return n, err
}

func (s *sendStream) Close() error {
	s.begin()
	s.local.set(transport.ErrStreamClosed)
	s.c.remove(s)
	if s.s.Close() == nil {
		return nil
	}
	// The stream was ended before. Only an end by the peer is news.
	if e := resetError(context.Cause(s.s.Context())); e != nil && e.Remote && s.c.ctx.Err() == nil {
		return e
	}
	return nil
}

func (s *sendStream) Reset(code uint64) {
	code = min(code, transport.MaxCode)
	s.local.set(&transport.StreamError{Code: code})
	s.begin()
	s.s.CancelWrite(quicgo.StreamErrorCode(transport.WireCode(code)))
	s.c.remove(s)
}

// abort ends the stream with its session.
func (s *sendStream) abort() { s.s.CancelWrite(codeSessionGone) }

func (s *sendStream) SetPriority(urgency uint8, incremental bool) {
	s.s.SetPriority(int8(min(urgency, transport.UrgencyLast)), incremental)
}

// Context is made when it is asked for: most streams of a busy session never need it.
func (s *sendStream) Context() context.Context {
	s.once.Do(func() {
		var cancel context.CancelCauseFunc
		s.ctx, cancel = context.WithCancelCause(context.Background())
		below := s.s.Context()
		translate := func() {
			cause := context.Cause(below)
			if e := resetError(cause); e != nil {
				cancel(e)
			} else if errors.Is(cause, quicgo.ErrStreamClosed) {
				cancel(transport.ErrStreamClosed)
			} else { // the session is ending, and its end is the cause
				context.AfterFunc(s.c.ctx, func() { cancel(context.Cause(s.c.ctx)) })
			}
		}
		if below.Err() != nil {
			translate()
			return
		}
		context.AfterFunc(below, translate)
	})
	return s.ctx
}

func (s *sendStream) ID() uint64 { return uint64(s.s.StreamID()) }

type receiveStream struct {
	c     *conn
	s     receiveHalf
	local localEnd
}

func (r *receiveStream) Read(p []byte) (int, error) {
	n, err := r.s.Read(p)
	if err != nil {
		err = r.c.streamError(r, err, &r.local)
	}
	return n, err
}

func (r *receiveStream) Stop(code uint64) {
	code = min(code, transport.MaxCode)
	r.local.set(&transport.StreamError{Code: code})
	r.s.CancelRead(quicgo.StreamErrorCode(transport.WireCode(code)))
	r.c.remove(r)
}

// abort ends the stream with its session.
func (r *receiveStream) abort() { r.s.CancelRead(codeSessionGone) }

func (r *receiveStream) ID() uint64 { return uint64(r.s.StreamID()) }

type stream struct {
	sendStream
	receiveStream
}

func (c *conn) newStream(s *quicgo.Stream, header []byte) (*stream, error) {
	out := &stream{
		sendStream:    sendStream{c: c, s: s, header: header},
		receiveStream: receiveStream{c: c, s: s},
	}
	err := c.add(&out.sendStream)
	if also := c.add(&out.receiveStream); also != nil {
		err = also // the same
	}
	return out, err
}

func (s *stream) ID() uint64 { return s.sendStream.ID() }
