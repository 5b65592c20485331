package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/moqrx/moqrx/session/transport"
)

// Error says what an endpoint could not do, where, and why.
type Error struct {
	// Op is "dial", "listen" or "accept".
	Op string
	// Address is the address as the caller gave it: a URL as the function Address names it, or
	// host and port.
	Address string
	// Err is the cause.
	Err error
}

func (e *Error) Error() string { return e.Op + " " + e.Address + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Address names a URL in an error: scheme, host and path. Query and user may hold secrets.
func Address(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// ErrNoProtocol is a server that supports none of the protocols that were offered to it over raw QUIC.
var ErrNoProtocol = errors.New("no common protocol")

// errTimeout is the cause of a context that ended because a handshake took too long.
var errTimeout = errors.New("handshake timeout")

// noProtocol is the TLS alert no_application_protocol in a QUIC error code (RFC 9001, sections
// 4.8 and 8.1).
const noProtocol = 0x100 + 120

// dialError finds the cause of a failed dial that a user can act on.
func (c Config) dialError(ctx context.Context, offered []string, err error) error {
	var (
		handshake *quicgo.HandshakeTimeoutError
		idle      *quicgo.IdleTimeoutError
		tlsErr    *quicgo.TransportError
	)
	switch {
	case errors.Is(context.Cause(ctx), errTimeout), errors.As(err, &handshake), errors.As(err, &idle):
		return fmt.Errorf("no answer within %v: is a server listening on this UDP port?", c.HandshakeTimeout)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &tlsErr) && tlsErr.ErrorCode == noProtocol:
		return fmt.Errorf("%w: the server supports none of %s", ErrNoProtocol, strings.Join(offered, ", "))
	case errors.As(err, &tlsErr) && tlsErr.ErrorCode == quicgo.ConnectionRefused:
		return errors.New("the server refuses new connections: it is busy or shutting down")
	case errors.As(err, &tlsErr) && !tlsErr.Remote && tlsErr.ErrorCode.IsCryptoError():
		return certificateError(tlsErr)
	}
	return err
}

// closedEarly returns the close by a server that did not want a session, or granted it and ended it before
// its answer was read, or nil. It speaks of the application when its code is none of HTTP/3, whose codes
// begin with that of no error.
func closedEarly(err error) *transport.ConnError {
	var h3 *http3.Error
	if !errors.As(err, &h3) || !h3.Remote {
		return nil
	}
	code := transport.CodeFromWire(uint64(h3.ErrorCode))
	switch {
	case h3.ErrorCode == http3.ErrCodeNoError:
		code = 0
	case code == uint64(h3.ErrorCode) && h3.ErrorCode > http3.ErrCodeNoError:
		return nil
	}
	return &transport.ConnError{Code: code, Reason: h3.ErrorMessage, Remote: true}
}

// certificateError digs out why this end did not like the TLS handshake.
func certificateError(err *quicgo.TransportError) error {
	var verify *tls.CertificateVerificationError
	if errors.As(err, &verify) {
		return fmt.Errorf("certificate does not verify: %w", verify.Err)
	}
	for _, inner := range err.Unwrap() {
		if inner != nil && !errors.Is(inner, net.ErrClosed) {
			return inner
		}
	}
	return err
}

// listenError names the port that is not free.
func listenError(network string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s port is in use", network)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return fmt.Errorf("%s: %w", network, op.Err)
	}
	return err
}
