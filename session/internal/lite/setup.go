package lite

import (
	"context"
	"errors"
	"fmt"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// Setup is what a peer declared before its session started. Everything is empty where the version has no
// SETUP, or it says nothing.
type Setup struct {
	// Path is what a client asks for on a transport without a URL, with its query.
	Path string
	// Role is what a client is going to do.
	Role Role
	// Cost is what the peer wants added to the cost of what crosses the link.
	Cost wire.Optional[uint64]
	// Origin is the origin id of the peer.
	Origin model.OriginID
	// Probe is the level at which the peer measures the path when it is asked to: 0 not at all, 1
	// it reports, 2 and above it also fills the path to find out more.
	Probe uint64
}

// Role is what a client is going to do (draft-lcurley-moq-lite, SETUP).
type Role uint64

// The roles. A number that is none of them stands for both.
const (
	RoleBoth       Role = 0
	RolePublisher  Role = 1
	RoleSubscriber Role = 2
)

// declares is what this side says in its SETUP, apart from who it is.
type declares struct {
	path  string
	role  Role
	probe uint64
}

// maxNumber is the largest number that deployed peers in JavaScript read in a parameter of SETUP.
const maxNumber = 1<<53 - 1

// SendSetup opens the SETUP stream of moq-lite-05 (draft-lcurley-moq-lite, SETUP), or answers the
// offer of versions that the session began with. It must come before anything else that opens a
// stream: deployed servers refuse what overtakes it. moq-lite-03 and -04 have no SETUP, and nothing is
// sent. A peer that gives no credit for a stream holds it up, for [Limits].Response at most.
func (e *Engine) SendSetup(ctx context.Context) error {
	if e.exchange != nil {
		return e.exchange.answer(e.dialect.version)
	}
	if !e.dialect.setup {
		return nil
	}
	b, err := genlite.AppendUniStream(nil, genlite.UniSetup, e.dialect.version)
	if err != nil {
		return err
	}
	m := e.ownSetup()
	if b, err = m.Append(b, e.dialect.version); err != nil {
		return fmt.Errorf("SETUP: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.limits.Response,
		failure(model.CodeTimeout, "no credit for the SETUP stream within %v", e.limits.Response))
	defer cancel()
	s, err := e.conn.OpenUni(ctx)
	if err != nil {
		return exchangeError(ctx, fmt.Errorf("open the SETUP stream: %w", err))
	}
	if _, err := s.Write(b); err != nil {
		return fmt.Errorf("send SETUP: %w", err)
	}
	e.recordSetup(ours, m.Path.Value, m.Origin.Value)
	return s.Close()
}

// ownSetup is what this side declares. What is the default is left out.
func (e *Engine) ownSetup() *genlite.Setup {
	m := &genlite.Setup{Cost: e.link.Cost}
	// Where announce streams name both ends, an id that some peers cannot read here is not needed.
	if self := uint64(e.publisher.self); self <= maxNumber || e.dialect.priced {
		m.Origin = wire.Some(self)
	}
	if e.declares.path != "" {
		m.Path = wire.Some(e.declares.path)
	}
	if e.declares.role != RoleBoth {
		m.Role = wire.Some(uint64(e.declares.role))
	}
	if e.declares.probe != 0 {
		m.Probe = wire.Some(e.declares.probe)
	}
	return m
}

// AwaitSetup waits for the SETUP of a client, at most as long as a stream may stay silent.
// Other streams that arrive first are refused, as deployed servers do. Versions before
// moq-lite-05 have no SETUP: the answer comes at once, and has nothing but what the offer of
// versions said.
func (e *Engine) AwaitSetup(ctx context.Context) (Setup, error) {
	if e.exchange != nil {
		return Setup{Path: e.exchange.Path}, nil
	}
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
		err = e.takeSetup(m)
		return e.Peer(), err
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
	declared := Setup{
		Path: m.Path.Value, Role: Role(m.Role.Value), Cost: m.Cost,
		Origin: model.OriginID(m.Origin.Value), Probe: m.Probe.Value,
	}
	if declared.Role > RoleSubscriber {
		declared.Role = RoleBoth
	}
	if declared.Origin != 0 {
		e.peer.Store(uint64(declared.Origin))
	}
	e.setup.Store(&declared)
	close(e.declared)
	return nil
}

// Peer is what the peer has declared in its SETUP, as far as that has come.
func (e *Engine) Peer() Setup {
	if s := e.setup.Load(); s != nil {
		return *s
	}
	return Setup{}
}

// awaitDeclared waits for the SETUP of the peer, at most as long as a stream may stay silent: who
// sends none gets on without.
func (e *Engine) awaitDeclared(ctx context.Context) {
	timer := time.NewTimer(e.limits.FirstBytes)
	defer timer.Stop()
	select {
	case <-e.declared:
	case <-timer.C:
	case <-ctx.Done():
	}
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
