package quic

import (
	"context"
	"errors"
	"sync"

	quicgo "github.com/quic-go/quic-go"

	"github.com/moqrx/moqrx/session/transport"
)

// sendHalf is what a send-only and a bidirectional stream of quic-go have in common.
type sendHalf interface {
	Write([]byte) (int, error)
	Close() error
	CancelWrite(quicgo.StreamErrorCode)
	SetPriority(urgency int8, incremental bool)
	Context() context.Context
	StreamID() quicgo.StreamID
}

type receiveHalf interface {
	Read([]byte) (int, error)
	CancelRead(quicgo.StreamErrorCode)
	StreamID() quicgo.StreamID
}

type sendStream struct {
	s    sendHalf
	once sync.Once
	ctx  context.Context
}

func (s *sendStream) Write(p []byte) (int, error) {
	n, err := s.s.Write(p)
	return n, streamError(err)
}

func (s *sendStream) Close() error {
	if s.s.Close() == nil {
		return nil
	}
	// The stream was ended before. Only an end by the peer is news.
	err := streamError(context.Cause(s.s.Context()))
	var e *transport.StreamError
	if errors.As(err, &e) && e.Remote {
		return e
	}
	return nil
}

func (s *sendStream) Reset(code uint64) {
	s.s.CancelWrite(quicgo.StreamErrorCode(transport.WireCode(code)))
}

func (s *sendStream) SetPriority(urgency uint8, incremental bool) {
	s.s.SetPriority(int8(min(urgency, transport.UrgencyLast)), incremental)
}

// Context is made when it is asked for: most streams of a busy session never need it.
func (s *sendStream) Context() context.Context {
	s.once.Do(func() {
		var cancel context.CancelCauseFunc
		s.ctx, cancel = context.WithCancelCause(context.Background())
		below := s.s.Context()
		if below.Err() != nil {
			cancel(streamError(context.Cause(below)))
			return
		}
		context.AfterFunc(below, func() { cancel(streamError(context.Cause(below))) })
	})
	return s.ctx
}

func (s *sendStream) ID() uint64 { return uint64(s.s.StreamID()) }

type receiveStream struct{ s receiveHalf }

func (r *receiveStream) Read(p []byte) (int, error) {
	n, err := r.s.Read(p)
	return n, streamError(err)
}

func (r *receiveStream) Stop(code uint64) {
	r.s.CancelRead(quicgo.StreamErrorCode(transport.WireCode(code)))
}

func (r *receiveStream) ID() uint64 { return uint64(r.s.StreamID()) }

type stream struct {
	sendStream
	receiveStream
}

func newStream(s *quicgo.Stream) *stream {
	return &stream{sendStream{s: s}, receiveStream{s: s}}
}

func (s *stream) ID() uint64 { return s.sendStream.ID() }
