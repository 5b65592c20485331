package webtransport

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	quicgo "github.com/quic-go/quic-go"
	wt "github.com/quic-go/webtransport-go"

	"github.com/moqrx/moqrx/session/transport"
)

// sendHalf is what a send-only and a bidirectional stream of webtransport-go have in common.
type sendHalf interface {
	Write([]byte) (int, error)
	Close() error
	CancelWrite(wt.StreamErrorCode)
	SetWriteDeadline(time.Time) error
	Context() context.Context
	StreamID() quicgo.StreamID
}

type receiveHalf interface {
	Read([]byte) (int, error)
	CancelRead(wt.StreamErrorCode)
	SetReadDeadline(time.Time) error
	StreamID() quicgo.StreamID
}

// past unblocks a call of webtransport-go that waits for the end of the session because the
// peer said that the session is gone, which it may never be.
var past = time.Unix(1, 0)

type sendStream struct {
	c     *conn
	s     sendHalf
	ended atomic.Pointer[error] // how this end ended it
	once  sync.Once
	ctx   context.Context
}

func (s *sendStream) Write(p []byte) (int, error) {
	n, err := s.s.Write(p)
	if err != nil {
		err = s.c.streamError(err, s.ended.Load())
	}
	return n, err
}

func (s *sendStream) end(err error) { s.ended.CompareAndSwap(nil, &err) }

func (s *sendStream) Close() error {
	s.end(transport.ErrStreamClosed)
	if s.s.Close() == nil {
		return nil
	}
	// The stream was ended before. Only an end by the peer is news.
	var e *quicgo.StreamError
	if errors.As(context.Cause(s.s.Context()), &e) && e.Remote && e.ErrorCode != wt.WTSessionGoneErrorCode {
		return &transport.StreamError{Code: transport.CodeFromWire(uint64(e.ErrorCode)), Remote: true}
	}
	return nil
}

func (s *sendStream) Reset(code uint64) {
	code = min(code, transport.MaxCode)
	s.end(&transport.StreamError{Code: code})
	s.s.CancelWrite(wt.StreamErrorCode(code))
	_ = s.s.SetWriteDeadline(past)
}

// SetPriority does nothing: webtransport-go does not pass priorities on.
func (s *sendStream) SetPriority(uint8, bool) {}

// Context is made when it is asked for: most streams of a busy session never need it.
func (s *sendStream) Context() context.Context {
	s.once.Do(func() {
		var cancel context.CancelCauseFunc
		s.ctx, cancel = context.WithCancelCause(context.Background())
		below := s.s.Context()
		translate := func() {
			if cause := streamCause(context.Cause(below)); cause != nil {
				cancel(cause)
				return
			}
			// The session is ending, and its end is the cause.
			context.AfterFunc(s.c.ctx, func() { cancel(context.Cause(s.c.ctx)) })
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
	c       *conn
	s       receiveHalf
	stopped atomic.Pointer[error]
}

func (r *receiveStream) Read(p []byte) (int, error) {
	n, err := r.s.Read(p)
	if err != nil {
		err = r.c.streamError(err, r.stopped.Load())
	}
	return n, err
}

func (r *receiveStream) Stop(code uint64) {
	code = min(code, transport.MaxCode)
	var err error = &transport.StreamError{Code: code}
	r.stopped.CompareAndSwap(nil, &err)
	r.s.CancelRead(wt.StreamErrorCode(code))
	_ = r.s.SetReadDeadline(past)
}

func (r *receiveStream) ID() uint64 { return uint64(r.s.StreamID()) }

type stream struct {
	sendStream
	receiveStream
}

func newStream(c *conn, s *wt.Stream) *stream {
	return &stream{sendStream{c: c, s: s}, receiveStream{c: c, s: s}}
}

func (s *stream) ID() uint64 { return s.sendStream.ID() }
