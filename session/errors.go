package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// Error is how a session failed, or was refused. errors.Is compares the code with the
// errors of the model: errors.Is(err, model.ErrUnauthorized) holds for every refusal
// with that code, whoever decided it.
type Error struct {
	// Code is the code of the session's close.
	Code model.Code
	// Reason is the text that came with it, possibly empty.
	Reason string
	// Remote is true when the peer closed the session.
	Remote bool
}

func (e *Error) Error() string {
	who := "session closed"
	if e.Remote {
		who = "session closed by the peer"
	}
	if e.Reason == "" || e.Reason == e.Code.String() {
		return fmt.Sprintf("%s: %s (code %d)", who, e.Code, uint32(e.Code))
	}
	return fmt.Sprintf("%s: %s (code %d)", who, e.Reason, uint32(e.Code))
}

// Is reports whether target is an error of a session with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Unwrap returns what the model calls it, so that [model.CodeOf] finds the code and errors.Is
// compares it: a relay passes on why its own session ended.
func (e *Error) Unwrap() error { return &model.Error{Code: e.Code, Reason: e.Reason, Remote: e.Remote} }

// URLError is a URL that no session can have, wherever it leads: it does not parse, has a scheme
// other than https, moqt and moql (sessions over ws and wss are not supported), no host, or a
// port that is none. Whoever asks for URLs can tell it from a server that does not answer.
type URLError struct {
	// URL is what was given to Dial. The text of the error leaves its query out.
	URL string
	// Reason says what is wrong with it, and what to write instead.
	Reason string
}

func (e *URLError) Error() string {
	shown, _, _ := strings.Cut(e.URL, "?") // the query may hold a token
	return fmt.Sprintf("URL %q: %s", shown, e.Reason)
}

// dialError makes an error of Dial name the URL, without the query, which may hold a token.
func dialError(u *url.URL, err error) error {
	var known *endpoint.Error
	if errors.As(err, &known) {
		return err
	}
	return fmt.Errorf("dial %s: %w", endpoint.Address(u), err)
}

func versionError(format string, args ...any) *Error {
	return &Error{Code: model.CodeVersion, Reason: fmt.Sprintf(format, args...)}
}

// ended says how a session ended: io.EOF when it was closed with code 0 by either side, and
// an *Error otherwise.
func ended(cause error) error {
	var (
		known *model.Error
		conn  *transport.ConnError
		own   *Error
	)
	switch {
	case cause == nil, errors.Is(cause, io.EOF), errors.Is(cause, context.Canceled):
		return io.EOF
	case errors.As(cause, &own):
		return own
	case errors.As(cause, &conn):
		if conn.Code == uint64(model.CodeCancel) {
			return io.EOF
		}
		return &Error{Code: model.RemoteError(conn.Code).Code, Reason: conn.Reason, Remote: conn.Remote}
	case errors.As(cause, &known):
		return &Error{Code: known.Code, Reason: known.Error()}
	default:
		return &Error{Code: model.CodeTransport, Reason: cause.Error()}
	}
}
