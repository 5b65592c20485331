package lite

import (
	"context"
	"errors"
	"fmt"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// Setup is what a peer declared before its session started.
type Setup struct {
	// Path is what a client asks for on a transport without a URL, with its query. Empty
	// when it said nothing.
	Path string
}

// SendSetup opens the SETUP stream of moq-lite-05 (draft-lcurley-moq-lite, SETUP). It must
// come before anything else that opens a stream: deployed servers refuse what
// overtakes it. Earlier versions have none, and nothing is sent.
func (e *Engine) SendSetup(ctx context.Context) error {
	if !e.dialect.setup {
		return nil
	}
	m := genlite.Setup{Origin: wire.Some(uint64(e.publisher.self))}
	if e.path != "" {
		m.Path = wire.Some(e.path)
	}
	b, err := genlite.AppendUniStream(nil, genlite.UniSetup, e.dialect.version)
	if err != nil {
		return err
	}
	if b, err = m.Append(b, e.dialect.version); err != nil {
		return fmt.Errorf("SETUP: %w", err)
	}
	s, err := e.conn.OpenUni(ctx)
	if err != nil {
		return fmt.Errorf("open the SETUP stream: %w", err)
	}
	if _, err := s.Write(b); err != nil {
		return fmt.Errorf("send SETUP: %w", err)
	}
	e.recordSetup(ours, m.Path.Value, m.Origin.Value)
	return s.Close()
}

// AwaitSetup waits for the SETUP of a client, at most as long as a stream may stay silent.
// Other streams that arrive first are refused, as deployed servers do. Versions before
// moq-lite-05 have no SETUP: the answer is empty and comes at once.
func (e *Engine) AwaitSetup(ctx context.Context) (Setup, error) {
	if !e.dialect.setup {
		return Setup{}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.limits.FirstBytes,
		failure(model.CodeTimeout, "no SETUP within %v", e.limits.FirstBytes))
	defer cancel()
	for {
		s, err := e.conn.AcceptUni(ctx)
		if err != nil {
			return Setup{}, modelError(ctx, err)
		}
		m, err := e.readSetup(ctx, s)
		if errors.Is(err, model.ErrUnexpectedStream) {
			s.Stop(uint64(model.CodeUnexpectedStream))
			continue
		}
		if err != nil {
			return Setup{}, err
		}
		return Setup{Path: m.Path.Value}, e.takeSetup(m)
	}
}

// readSetup reads a stream that should be the SETUP. Anything that is not, a stream that dies
// before its type included, is model.ErrUnexpectedStream.
func (e *Engine) readSetup(ctx context.Context, s transport.ReceiveStream) (*genlite.Setup, error) {
	stop := context.AfterFunc(ctx, func() { s.Stop(uint64(model.CodeTimeout)) })
	defer stop()
	r := newReader(s, e.dialect.version)
	kind, err := r.uniType()
	if ctx.Err() != nil {
		return nil, modelError(ctx, ctx.Err())
	}
	if err != nil || kind != genlite.UniSetup {
		return nil, model.ErrUnexpectedStream
	}
	var m genlite.Setup
	if err := whole(r.message(&m)); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, modelError(ctx, err)
	}
	return &m, nil
}

// takeSetup notes what the peer declared. A second SETUP breaks the rules of the draft and
// ends the session.
func (e *Engine) takeSetup(m *genlite.Setup) error {
	if e.setups.Add(1) > 1 {
		err := failure(model.CodeProtocolViolation, "a second SETUP")
		e.fail(err)
		return err
	}
	e.recordSetup(theirs, m.Path.Value, m.Origin.Value)
	if m.Origin.Set {
		e.peer.Store(m.Origin.Value)
	}
	return nil
}

func (r *reader) uniType() (genlite.UniStream, error) {
	var kind genlite.UniStream
	err := r.parse(func(src []byte) (n int, err error) {
		kind, n, err = genlite.ParseUniStream(src, r.version)
		return n, err
	})
	return kind, streamType(err)
}

func (r *reader) bidiType() (genlite.BidiStream, error) {
	var kind genlite.BidiStream
	err := r.parse(func(src []byte) (n int, err error) {
		kind, n, err = genlite.ParseBidiStream(src, r.version)
		return n, err
	})
	return kind, streamType(err)
}

// streamType is err where it is about the stream itself, and otherwise says that the type
// is not one of this version.
func streamType(err error) error {
	var codec *wire.Error
	if errors.As(err, &codec) {
		return failure(model.CodeUnexpectedStream, "%v", codec)
	}
	return whole(err)
}
