package lite

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

var (
	// errTruncated is a stream that ended inside a message.
	errTruncated = &model.Error{Code: model.CodeDecode, Reason: "the stream ended inside a message"}
	// errUnsubscribed is the subscriber leaving, which ends a subscription cleanly.
	errUnsubscribed = errors.New("unsubscribed")
)

func failure(code model.Code, format string, args ...any) *model.Error {
	return &model.Error{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// lostError is the end of the connection, where a stream noticed it first.
type lostError struct{ cause *model.Error }

func (e *lostError) Error() string { return e.cause.Error() }
func (e *lostError) Unwrap() error { return e.cause }

// lost reports whether err came of the end of the connection.
func lost(err error) bool {
	var l *lostError
	return errors.As(err, &l)
}

// modelError turns what a stream, a codec or a wait on ctx returned into what the model
// and the wire call it. ctx is the one that the failed call waited on, for its cause.
func modelError(ctx context.Context, err error) error {
	var (
		known  *model.Error
		stream *transport.StreamError
		conn   *transport.ConnError
		codec  *wire.Error
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.As(err, &stream):
		if stream.Remote {
			return model.RemoteError(stream.Code)
		}
		return model.ErrCancel
	case errors.As(err, &conn):
		return &lostError{&model.Error{Code: model.CodeTransport, Remote: conn.Remote, Reason: conn.Error()}}
	case errors.As(err, &codec):
		return failure(model.CodeDecode, "%v", codec)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, err) {
			return modelError(ctx, cause)
		}
		return model.ErrCancel
	case errors.Is(err, io.EOF), errors.Is(err, errUnsubscribed):
		return model.ErrCancel
	default:
		return &lostError{&model.Error{Code: model.CodeTransport, Reason: err.Error()}}
	}
}

// contentError is modelError of what came of serving content to the peer. What is unknown there is not the
// connection, whose end no peer hears of, but what the application gave the content up with.
func contentError(ctx context.Context, err error) error {
	known := modelError(ctx, err)
	var conn *transport.ConnError
	unknown := lost(known) && !lost(err) && !errors.As(err, &conn)
	late := ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) // another context than the stream's
	if unknown || late {
		return failure(model.CodeOf(err), "%v", err)
	}
	return known
}

// codeOf is the stream code that tells the peer about err.
func codeOf(ctx context.Context, err error) uint64 {
	return uint64(model.CodeOf(modelError(ctx, err)))
}
