package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
)

// Code is the number that stands for an error on a moq-lite wire: stream resets,
// STOP_SENDING and session close all carry one. 7, 8, 22, 23 and 28 are unused.
type Code uint32

// The codes that moq-lite peers agree on. An application's own codes start at
// CodeApp; see [AppCode].
const (
	CodeCancel            Code = 0  // routine unsubscribe, the last reader left
	CodeRequiredExtension Code = 1  // the peer lacks something mandatory
	CodeOld               Code = 2  // content aged out
	CodeTimeout           Code = 3  // a deadline passed
	CodeTransport         Code = 4  // the connection failed
	CodeDecode            Code = 5  // a message is malformed or cut short
	CodeUnauthorized      Code = 6  // outside what this handle may touch
	CodeVersion           Code = 9  // no common version
	CodeUnexpectedStream  Code = 10 // a known stream type that is not allowed here
	CodeBoundsExceeded    Code = 11 // a number or a list is beyond its limit
	CodeDuplicate         Code = 12 // the name or sequence is taken
	CodeNotFound          Code = 13 // no such broadcast, track or group
	CodeWrongSize         Code = 14 // more or fewer bytes than a frame declared
	CodeProtocolViolation Code = 15 // the rules of a message or a route were broken
	CodeUnexpectedMessage Code = 16 // a message that is not allowed here
	CodeUnsupported       Code = 17 // known, but not implemented
	CodeEncode            Code = 18 // a message cannot be encoded
	CodeTooManyParameters Code = 19 // more parameters than allowed
	CodeInvalidRole       Code = 20 // asked to do what this half does not do
	CodeUnknownALPN       Code = 21 // the transport negotiated something unknown
	CodeDropped           Code = 24 // every producer went away without finishing
	CodeClosed            Code = 25 // use after finish or close
	CodeLagged            Code = 26 // a frame left its group's cache before it was read
	CodeFrameTooLarge     Code = 27 // a frame above MaxFrameSize
	CodeTimestampMismatch Code = 29 // a time that the timescale cannot express
	CodeUnroutable        Code = 30 // not announced and nobody makes it on demand
	CodeEvicted           Code = 31 // a byte budget pushed the content out
	CodeApp               Code = 64 // the first code of the application's own
)

var codeText = map[Code]string{
	CodeCancel:            "cancelled", //nolint:misspell // the word that moq-lite peers print
	CodeRequiredExtension: "extension required",
	CodeOld:               "old",
	CodeTimeout:           "timeout",
	CodeTransport:         "transport",
	CodeDecode:            "decode",
	CodeUnauthorized:      "unauthorized",
	CodeVersion:           "unsupported versions",
	CodeUnexpectedStream:  "unexpected stream type",
	CodeBoundsExceeded:    "value out of range",
	CodeDuplicate:         "duplicate",
	CodeNotFound:          "not found",
	CodeWrongSize:         "wrong frame size",
	CodeProtocolViolation: "protocol violation",
	CodeUnexpectedMessage: "unexpected message",
	CodeUnsupported:       "unsupported",
	CodeEncode:            "encode",
	CodeTooManyParameters: "too many parameters",
	CodeInvalidRole:       "invalid role",
	CodeUnknownALPN:       "unknown ALPN",
	CodeDropped:           "dropped",
	CodeClosed:            "closed",
	CodeLagged:            "lagged",
	CodeFrameTooLarge:     "frame too large",
	CodeTimestampMismatch: "timestamp mismatch",
	CodeUnroutable:        "unroutable",
	CodeEvicted:           "evicted",
}

// AppCode returns the wire code of the application's own error n: 64 + n.
func AppCode(n uint16) Code { return CodeApp + Code(n) }

// String returns the code in words, such as "not found", "app code=3" or "code=99".
func (c Code) String() string {
	if s, ok := codeText[c]; ok {
		return s
	}
	if c >= CodeApp && c <= CodeApp+math.MaxUint16 {
		return fmt.Sprintf("app code=%d", uint32(c-CodeApp))
	}
	return fmt.Sprintf("code=%d", uint32(c))
}

// Error is the one error type of the model. Compare with errors.Is against the
// sentinels below: it goes by Code and ignores Remote, so that a refusal looks
// the same whether it was decided here or by the peer.
type Error struct {
	Code   Code
	Remote bool   // the peer said so
	Reason string // optional detail; local only, it does not travel
}

// Error returns the code in words, with "remote error: " in front when the peer
// sent it and the reason behind.
func (e *Error) Error() string {
	s := e.Code.String()
	if e.Remote {
		s = fmt.Sprintf("remote error: %s (code %d)", s, uint32(e.Code))
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

// Is reports whether target is an *Error of the same code. A target that has a
// reason, such as [ErrLoop], also wants the same reason.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Reason == "" || t.Reason == e.Reason)
}

// Sentinels for errors.Is, one per code that callers branch on.
var (
	ErrCancel            = &Error{Code: CodeCancel}
	ErrOld               = &Error{Code: CodeOld}
	ErrTimeout           = &Error{Code: CodeTimeout}
	ErrTransport         = &Error{Code: CodeTransport}
	ErrDecode            = &Error{Code: CodeDecode}
	ErrUnauthorized      = &Error{Code: CodeUnauthorized}
	ErrVersion           = &Error{Code: CodeVersion}
	ErrUnexpectedStream  = &Error{Code: CodeUnexpectedStream}
	ErrBoundsExceeded    = &Error{Code: CodeBoundsExceeded}
	ErrDuplicate         = &Error{Code: CodeDuplicate}
	ErrNotFound          = &Error{Code: CodeNotFound}
	ErrWrongSize         = &Error{Code: CodeWrongSize}
	ErrProtocolViolation = &Error{Code: CodeProtocolViolation}
	ErrUnexpectedMessage = &Error{Code: CodeUnexpectedMessage}
	ErrUnsupported       = &Error{Code: CodeUnsupported}
	ErrEncode            = &Error{Code: CodeEncode}
	ErrInvalidRole       = &Error{Code: CodeInvalidRole}
	ErrUnknownALPN       = &Error{Code: CodeUnknownALPN}
	ErrDropped           = &Error{Code: CodeDropped}
	ErrClosed            = &Error{Code: CodeClosed}
	ErrLagged            = &Error{Code: CodeLagged}
	ErrFrameTooLarge     = &Error{Code: CodeFrameTooLarge}
	ErrTimestampMismatch = &Error{Code: CodeTimestampMismatch}
	ErrUnroutable        = &Error{Code: CodeUnroutable}
	ErrEvicted           = &Error{Code: CodeEvicted}

	// ErrTooManyOrigins is a hop chain above MaxHops; errors.Is ErrBoundsExceeded.
	ErrTooManyOrigins = &Error{Code: CodeBoundsExceeded, Reason: "more than 32 origins in a hop chain"}
	// ErrLoop is a route that has already been here; errors.Is ErrProtocolViolation.
	ErrLoop = &Error{Code: CodeProtocolViolation, Reason: "the route already runs through this origin"}
)

// CodeOf returns the code that tells a peer about err: the code of the *Error
// in its chain; CodeCancel for nil, a clean end and a canceled context;
// CodeTimeout for a deadline; CodeDecode for a stream that ends mid-message;
// CodeApp for anything else, since only the application knows what it means.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Code
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, context.Canceled):
		return CodeCancel
	case errors.Is(err, context.DeadlineExceeded):
		return CodeTimeout
	case errors.Is(err, io.ErrUnexpectedEOF):
		return CodeDecode
	}
	return CodeApp
}

// RemoteError returns what a stream code sent by the peer means here: an *Error
// with that code and Remote set (0 is ErrCancel). Codes above 32 bits, which no
// table knows, become the largest one.
func RemoteError(code uint64) *Error {
	return &Error{Code: Code(min(code, math.MaxUint32)), Remote: true}
}

// abortCause is the error that an Abort stores. A clean end is not one: readers
// could not tell it from Finish.
func abortCause(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return ErrCancel
	}
	return err
}
