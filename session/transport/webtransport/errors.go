package webtransport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	wt "github.com/quic-go/webtransport-go"

	"github.com/moqrx/moqrx/session/transport"
)

// The errors of webtransport-go, http3 and quic-go end here; everything above sees those of
// package transport.

// sessionClose returns the close that ended the session, or nil when none did.
func sessionClose(err error) *transport.ConnError {
	var closed *wt.SessionError
	if !errors.As(err, &closed) {
		return nil
	}
	return &transport.ConnError{Code: uint64(closed.ErrorCode), Reason: closed.Message, Remote: closed.Remote}
}

// lost translates the end of a session that saw no close, from what the session and what the
// connection say.
func lost(session, connection error) error {
	var app *quicgo.ApplicationError
	if !errors.As(connection, &app) {
		return fmt.Errorf("connection lost: %w", connection)
	}
	if app.Remote {
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
	// The end of the CONNECT stream without a capsule means a clean close with code 0
	// (draft-ietf-webtrans-http3, "Session Termination").
	var h3 *http3.Error
	if errors.As(session, &h3) && h3.ErrorMessage == io.EOF.Error() {
		return &transport.ConnError{Remote: true}
	}
	return fmt.Errorf("connection lost: %w", session)
}

// isSessionEnd tells the errors that only a session that has ended, or is about to, produces.
func isSessionEnd(err error) bool {
	var h3 *http3.Error
	return sessionClose(err) != nil || errors.As(err, &h3) || errors.Is(err, net.ErrClosed)
}

// end waits for the cause of the session's end, so that every call reports the same.
func (c *conn) end() error {
	<-c.ctx.Done()
	return context.Cause(c.ctx)
}

// waitError translates the error of a call that waited under ctx: what does not come from
// there comes from the end of the session.
func (c *conn) waitError(ctx context.Context, err error) error {
	if ctx.Err() != nil && !isSessionEnd(err) {
		return ctx.Err()
	}
	return c.end()
}

// streamError translates the error of a read or a write; local is how this end ended the
// stream, if it did.
func (c *conn) streamError(err error, local *error) error {
	var e *wt.StreamError
	switch {
	case err == io.EOF: //nolint:errorlint // the contract of io.Reader, and on the path of every stream
		return err
	case errors.As(err, &e):
		return &transport.StreamError{Code: uint64(e.ErrorCode), Remote: e.Remote}
	case isSessionEnd(err):
		return c.end()
	case local != nil:
		return *local
	}
	if code, ok := plainCode(err); ok {
		return &transport.StreamError{Code: code, Remote: true}
	}
	return err
}

// plainCode finds the code of a reset or a stop that the peer did not map into the range of
// WebTransport. webtransport-go has it in the text only.
func plainCode(err error) (code uint64, ok bool) {
	n, _ := fmt.Sscanf(err.Error(), "stream reset, but failed to convert stream error %d:", &code)
	return code, n == 1
}

// streamCause translates why the context of a stream ended, or returns nil when the session
// is the reason.
func streamCause(err error) error {
	var e *quicgo.StreamError
	switch {
	case errors.As(err, &e) && e.ErrorCode != wt.WTSessionGoneErrorCode:
		return &transport.StreamError{Code: transport.CodeFromWire(uint64(e.ErrorCode)), Remote: e.Remote}
	case errors.Is(err, quicgo.ErrStreamClosed):
		return transport.ErrStreamClosed
	}
	return nil
}

func (c *conn) datagramError(err error) error {
	var large *quicgo.DatagramTooLargeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return &transport.DatagramTooLargeError{Max: max(0, int(large.MaxDatagramPayloadSize)-datagramHeader)}
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case errors.Is(err, net.ErrClosed):
		return c.end()
	}
	return fmt.Errorf("send datagram: %w", err)
}
