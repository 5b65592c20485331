package lite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// Exchange is how two peers agree on a version where the transport has not done it: CLIENT_SETUP and
// SERVER_SETUP on the first bidirectional stream, laid out as in draft-ietf-moq-transport-14 (section
// 9.3) whichever version comes out. Of moq-lite, only 01 and 02 are agreed on like this. The stream
// stays open for as long as the session, and the end of the one is the end of the other.
type Exchange struct {
	// Offered are the codes of the versions that the client has, best first.
	Offered []uint64
	// Path is what the client asks for, or empty.
	Path string

	stream   stream
	reader   *reader
	answered bool
}

// setupVersion is what the codecs of the exchange go by before the version is known.
const setupVersion = genlite.Version02

// implementation is what a client calls itself.
const implementation = "moqrx"

// Offer offers versions to a server, by their codes, and waits for its choice, which is not checked. The
// error is that of the connection when the server has closed it.
func Offer(ctx context.Context, conn transport.Conn, codes []uint64, limits Limits) (x *Exchange, chosen uint64, err error) {
	limits = limits.withDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, limits.Response,
		failure(model.CodeTimeout, "no SERVER_SETUP within %v", limits.Response))
	defer cancel()
	s, err := conn.OpenBidi(ctx)
	if err != nil {
		return nil, 0, exchangeError(ctx, fmt.Errorf("open the SETUP stream: %w", err))
	}
	x = newExchange(s)
	x.Offered, x.answered = codes, true
	question := genlite.ClientSetup{Versions: codes}
	question.Parameters.MoqtImplementation = wire.Some(implementation)
	if err := x.write(&question); err != nil {
		return nil, 0, exchangeError(ctx, fmt.Errorf("send CLIENT_SETUP: %w", err))
	}
	var answer genlite.ServerSetup
	if err := x.read(ctx, &answer); err != nil {
		return nil, 0, err
	}
	return x, answer.Version, nil
}

// AwaitOffer waits for the versions that a client offers, at most as long as a stream may stay silent.
func AwaitOffer(ctx context.Context, conn transport.Conn, limits Limits) (*Exchange, error) {
	limits = limits.withDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, limits.FirstBytes,
		failure(model.CodeTimeout, "no CLIENT_SETUP within %v", limits.FirstBytes))
	defer cancel()
	s, err := conn.AcceptBidi(ctx)
	if err != nil {
		return nil, exchangeError(ctx, err)
	}
	x := newExchange(s)
	var question genlite.ClientSetup
	if err := x.read(ctx, &question); err != nil {
		return nil, err
	}
	x.Offered, x.Path = question.Versions, question.Parameters.Path.Value
	return x, nil
}

func newExchange(s stream) *Exchange { return &Exchange{stream: s, reader: newReader(s, setupVersion)} }

// Choose returns the first of the offered codes that is in own, and whether there is one.
func (x *Exchange) Choose(own []uint64) (uint64, bool) {
	for _, code := range x.Offered {
		if slices.Contains(own, code) {
			return code, true
		}
	}
	return 0, false
}

// answer tells a client which version it is.
func (x *Exchange) answer(v genlite.Version) error {
	if x.answered {
		return nil
	}
	x.answered = true
	if err := x.write(&genlite.ServerSetup{Version: v.Code()}); err != nil {
		return fmt.Errorf("send SERVER_SETUP: %w", err)
	}
	return nil
}

func (x *Exchange) write(m genlite.Message) error {
	b, err := m.Append(nil, setupVersion)
	if err != nil {
		return failure(model.CodeEncode, "%v", err)
	}
	_, err = x.stream.Write(b)
	return err
}

// read waits for one message of the exchange.
func (x *Exchange) read(ctx context.Context, m genlite.Message) error {
	stop := context.AfterFunc(ctx, func() { x.stream.Stop(uint64(model.CodeTimeout)) })
	defer stop()
	err := whole(x.reader.message(m))
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return exchangeError(ctx, err)
}

// exchangeError keeps what the end of a connection says about its reason.
func exchangeError(ctx context.Context, err error) error {
	var conn *transport.ConnError
	if errors.As(err, &conn) {
		return err
	}
	return modelError(ctx, err)
}

// errLeft ends a session whose peer has ended the stream of the exchange.
var errLeft = fmt.Errorf("the peer has ended the SETUP stream: %w", context.Canceled)

// watchExchange reads what comes after the exchange: estimates of the path that nobody acts on, and the
// end of the stream, which ends the session cleanly.
func (e *Engine) watchExchange(ctx context.Context) {
	for {
		var m genlite.SessionInfo
		err := e.exchange.reader.message(&m)
		if err != nil {
			e.exchangeOver(ctx, err)
			return
		}
		e.log.Debug("the peer has measured the path", "message", &m)
	}
}

// exchangeOver ends the session with the stream of the exchange.
func (e *Engine) exchangeOver(ctx context.Context, err error) {
	var ended *transport.StreamError
	switch {
	case errors.As(err, &ended):
		// The end of the whole connection may show on a stream first, and says why.
		timer := time.NewTimer(lastWords)
		defer timer.Stop()
		select {
		case <-timer.C:
			e.fail(errLeft)
		case <-ctx.Done():
		}
	case errors.Is(err, io.EOF):
		e.fail(errLeft)
	default:
		e.fail(exchangeError(ctx, err))
	}
}

// lastWords is how long a connection whose first stream was reset may take to end.
const lastWords = 500 * time.Millisecond
