package session

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
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

// Is reports whether target is an error of the model, or of a session, with the same code.
func (e *Error) Is(target error) bool {
	switch t := target.(type) {
	case *model.Error:
		return t.Code == e.Code
	case *Error:
		return t.Code == e.Code
	default:
		return false
	}
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
