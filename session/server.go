package session

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"sync"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/lite"
	"github.com/moqrx/moqrx/session/transport"
)

// Request is a client that asks for a session. One of Accept and Reject must be called: until then the client
// waits, and its connection is kept. The first call counts. Methods may be called concurrently.
type Request struct {
	conn    transport.Conn
	options options
	version Version
	role    Role
	path    model.Path
	query   string
	tls     *tls.ConnectionState
	engine  *lite.Engine

	once  sync.Once
	begun func(*Session) // told about the session, or nil after a refusal
}

// Server answers a client on a connection whose version is negotiated, or left to be agreed on by
// SETUP: it reads what the client asks for (the SETUP of moq-lite-05 and later, the offer of versions before
// moq-lite-03; those between say nothing) and returns the request. It owns the connection from now on, and
// closes it when it fails. A client that does not say within 10 s ([Limits].FirstBytes) what it wants is refused. An
// error is that of ctx, an *[Error], or io.EOF when the client has closed the connection with code 0.
func Server(ctx context.Context, conn transport.Conn, opts ...Option) (*Request, error) {
	return server(ctx, conn, newOptions(opts))
}

func server(ctx context.Context, conn transport.Conn, o options) (*Request, error) {
	a, err := o.answer(ctx, conn)
	if err != nil {
		return nil, giveUp(ctx, conn, err)
	}
	engine := o.engine(conn, a, RoleBoth, false)
	context.AfterFunc(conn.Context(), func() { engine.Abandon(context.Cause(conn.Context())) })
	setup, err := engine.AwaitSetup(ctx)
	if err != nil {
		engine.Abandon(err)
		return nil, giveUp(ctx, conn, ended(err))
	}
	r := &Request{conn: conn, options: o, version: a.version, role: Role(setup.Role), engine: engine, begun: func(*Session) {}}
	if u, err := url.Parse(setup.Path); err == nil {
		r.path, r.query = model.NewPath(u.Path), u.RawQuery
	} else {
		r.path = model.NewPath(setup.Path)
	}
	return r, nil
}

// Path is what the session is about: the path of the URL, or of SETUP where there is no URL.
func (r *Request) Path() model.Path { return r.path }

// RawQuery is the query that came with the path, undecoded.
func (r *Request) RawQuery() string { return r.query }

// Version is the one that was negotiated.
func (r *Request) Version() Version { return r.version }

// Transport names the carrier.
func (r *Request) Transport() transport.Kind { return r.conn.Kind() }

// Role is what the client says it is going to do. Only moq-lite-05 and later can say it.
func (r *Request) Role() Role { return r.role }

// RemoteAddr is the address of the client.
func (r *Request) RemoteAddr() net.Addr { return r.conn.RemoteAddr() }

// PeerOrigin is the origin id of the client, or 0 when it has told none.
func (r *Request) PeerOrigin() model.OriginID { return r.engine.PeerOrigin() }

// TLS is the state of the TLS connection, or nil where there is none.
func (r *Request) TLS() *tls.ConnectionState { return r.tls }

// Accept starts the session. Options add to those of the listener or of [Server]: this is
// where a server grants what the client may see and publish, with [WithPublish],
// [WithConsume] or [WithOrigin] of origins that are scoped and rooted for it. Nothing is rooted
// at the path by itself. A client that said it only publishes, or only subscribes, is not granted more
// than that.
//
// It blocks while the client gives no credit for a stream, for [Limits].Response at most. The error is io.EOF when the client has
// left with code 0, and an *[Error] otherwise: model.ErrClosed for a second call, or one after Reject.
func (r *Request) Accept(opts ...Option) (*Session, error) {
	err := error(&Error{Code: model.CodeClosed, Reason: "the request has been answered already"})
	var s *Session
	r.once.Do(func() { s, err = r.accept(opts) })
	return s, err
}

func (r *Request) accept(opts []Option) (*Session, error) {
	o := r.options.with(opts)
	r.engine.SetLink(o.link)
	r.engine.Grant(o.publish, o.consume)
	r.engine.Count(o.stats)
	if err := r.engine.SendSetup(r.conn.Context()); err != nil {
		r.engine.Abandon(err)
		r.begun(nil)
		return nil, refuse(r.conn, ended(err))
	}
	return start(r.conn, r.version, r.path, r.engine, r.begun), nil
}

// Reject refuses the session with the code and text of err: see [model.CodeOf]. Nil
// stands for model.ErrUnauthorized. After Accept or Reject it does nothing. It does not wait for the client, and
// always returns nil.
func (r *Request) Reject(err error) error {
	if err == nil {
		err = model.ErrUnauthorized
	}
	r.once.Do(func() {
		r.engine.Abandon(err)
		_ = r.conn.CloseWithError(uint64(model.CodeOf(err)), refusal(err))
		r.begun(nil)
	})
	return nil
}

// refusal is what a client reads about an error. What happened inside a panic is not for it.
func refusal(err error) string {
	if p := (panicked{}); errors.As(err, &p) {
		return errPanic.Error()
	}
	return err.Error()
}
