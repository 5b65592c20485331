package quic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	quicgo "github.com/quic-go/quic-go"

	"github.com/moqrx/moqrx/session/transport"
)

// The errors of quic-go end here; everything above sees those of package transport.

// connError translates the end of a connection.
func connError(err error) error {
	var app *quicgo.ApplicationError
	if errors.As(err, &app) {
		return &transport.ConnError{Code: uint64(app.ErrorCode), Reason: app.ErrorMessage, Remote: app.Remote}
	}
	return fmt.Errorf("connection lost: %w", err)
}

// waitError translates the error of a call that waited under ctx.
func waitError(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, net.ErrClosed) {
		return ctx.Err()
	}
	return connError(err)
}

// streamError translates the error of a read, a write or a stream's context.
func streamError(err error) error {
	var e *quicgo.StreamError
	switch {
	case err == nil, err == io.EOF: //nolint:errorlint // the contract of io.Reader, and on the path of every read
		return err
	case errors.As(err, &e):
		return &transport.StreamError{Code: transport.CodeFromWire(uint64(e.ErrorCode)), Remote: e.Remote}
	case errors.Is(err, quicgo.ErrStreamClosed):
		return transport.ErrStreamClosed
	}
	return connError(err)
}

func datagramError(err error) error {
	var large *quicgo.DatagramTooLargeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return &transport.DatagramTooLargeError{Max: int(large.MaxDatagramPayloadSize)}
	case errors.Is(err, net.ErrClosed):
		return connError(err)
	}
	return fmt.Errorf("send datagram: %w", err)
}
