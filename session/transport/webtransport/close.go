package webtransport

import (
	"context"
	"errors"
	"io"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/moqrx/moqrx/session/transport"
)

// A closed session waits for the peer to end the connection: three round trips, enough for the
// capsule to be repeated once (RFC 9002, section 6.2.1), and not much more, because the socket
// stays open as long.
const (
	lingerRoundTrips = 3
	lingerAckDelay   = 25 * time.Millisecond
	maxLinger        = time.Second
)

func (c *conn) CloseWithError(code uint64, reason string) error {
	c.closing.Do(func() {
		closed := &transport.ConnError{Code: min(code, transport.MaxCode), Reason: transport.CutReason(reason)}
		// A peer that lets the request be blocked by flow control sees its end, and then the code in
		// the close of the connection.
		if c.request.TryWriteAll(appendClose(nil, uint32(closed.Code), closed.Reason)) != nil {
			c.request.CancelWrite(codeSessionGone)
		}
		_ = c.request.Close()
		c.end(closed)
		go c.linger(closed)
	})
	return nil
}

// linger gives the peer time to take the capsule, which the close of the connection would overtake.
func (c *conn) linger(closed *transport.ConnError) {
	defer close(c.closed)
	wait := lingerRoundTrips*c.q.ConnectionStats().SmoothedRTT + lingerAckDelay
	timer := time.NewTimer(min(wait, maxLinger))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.q.Context().Done():
	}
	c.closeConnection(closed.Code, closed.Reason)
}

func (c *conn) closeConnection(code uint64, reason string) {
	_ = c.q.CloseWithError(quicgo.ApplicationErrorCode(transport.WireCode(code)), transport.CutReason(reason))
}

// watch waits for the peer to end the session, or the connection.
func (c *conn) watch() {
	closed, err := readClose(c.request)
	c.closing.Do(func() {
		defer close(c.closed)
		if errors.Is(err, io.EOF) {
			// The end of the request without a capsule is a clean close (draft-ietf-webtrans-http3-15,
			// section 6).
			closed = &transport.ConnError{Remote: true}
		}
		if closed != nil {
			_ = c.request.Close()
			c.end(closed)
			c.closeConnection(closed.Code, closed.Reason)
			return
		}
		// The session ended without a word. If the connection has done so too, it knows more.
		code := http3.ErrCodeMessageError
		if h3 := (*http3.Error)(nil); errors.As(err, &h3) {
			code = http3.ErrCodeNoError // the peer reset the request
		}
		closeConnection(c.q, code, "")
		c.end(lost(err, context.Cause(c.q.Context())))
	})
}

// end ends the session here: what waits for it, and its streams, as the draft wants it.
func (c *conn) end(cause error) {
	c.cancel(cause)
	c.request.CancelRead(codeSessionGone) // wakes who waits for a datagram
	c.mu.Lock()
	halves := c.halves
	c.halves = nil
	c.mu.Unlock()
	for h := range halves {
		h.abort()
	}
}
