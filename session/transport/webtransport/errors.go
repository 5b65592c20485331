package webtransport

import (
	"context"
	"errors"
	"fmt"
	"net"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/moqrx/moqrx/session/transport"
)

// The errors of http3 and quic-go end here; everything above sees those of package transport.

// lost translates the end of a session that saw no close, from what its request and what the
// connection say.
func lost(request, connection error) error {
	var app *quicgo.ApplicationError
	if !errors.As(connection, &app) {
		return fmt.Errorf("connection lost: %w", connection)
	}
	if !app.Remote {
		return fmt.Errorf("connection lost: %w", request)
	}
	wire := uint64(app.ErrorCode)
	code := transport.CodeFromWire(wire)
	switch noError := uint64(http3.ErrCodeNoError); {
	case wire == noError:
		code = 0
	case code == wire && wire > noError: // an error of HTTP/3, not of the application
		return fmt.Errorf("connection lost: %w", connection)
	}
	return &transport.ConnError{Code: code, Reason: app.ErrorMessage, Remote: true}
}

// cause waits for the cause of the session's end, so that every call reports the same. The end
// must be near.
func (c *conn) cause() error {
	<-c.ctx.Done()
	return context.Cause(c.ctx)
}

// waitError is the error of a call that waited under ctx: what does not come from there comes
// from the end of the session.
func (c *conn) waitError(ctx context.Context) error {
	if ctx.Err() != nil && c.ctx.Err() == nil {
		return ctx.Err()
	}
	return c.cause()
}

// resetError translates the end of a stream by a reset or a stop, or returns nil when err is
// something else, or comes with the end of the session.
func resetError(err error) *transport.StreamError {
	var e *quicgo.StreamError
	if !errors.As(err, &e) || e.ErrorCode == codeSessionGone {
		return nil
	}
	return &transport.StreamError{Code: transport.CodeFromWire(uint64(e.ErrorCode)), Remote: e.Remote}
}

// isSessionGone tells that the peer ended a stream because the session is gone.
func isSessionGone(err error) bool {
	var e *quicgo.StreamError
	return errors.As(err, &e) && e.ErrorCode == codeSessionGone
}

func (c *conn) datagramError(err error) error {
	var large *quicgo.DatagramTooLargeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return &transport.DatagramTooLargeError{Max: max(0, int(large.MaxDatagramPayloadSize)-len(c.datagramHeader))}
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case errors.Is(err, net.ErrClosed):
		return c.cause()
	}
	return fmt.Errorf("send datagram: %w", err)
}
