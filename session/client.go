package session

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/lite"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// Dial opens a session with the server that a URL names: https is WebTransport, moqt and moql
// are raw QUIC. The port is 443 when the URL has none. The path of the URL, and its query,
// say what the session is about. Over raw QUIC only moq-lite-05 and later can carry them: Dial fails
// when an earlier version comes out.
//
// It returns once the version is agreed, without waiting for announcements of the peer. ctx
// bounds only the dialing. moq-lite-01 and -02, which the two sides agree on by SETUP, take one round
// trip more, and wait until the server has accepted the session: at most 10 s.
//
// Every error names the URL, without its query. It is a [*URLError] when no session can have
// that URL, has an *[Error] in it when the server or this side refused the session, and an
// *endpoint.Error when there was no connection.
func Dial(ctx context.Context, rawURL string, opts ...Option) (*Session, error) {
	u, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	s, err := dial(ctx, u, newOptions(opts))
	if err != nil {
		return nil, dialError(u, err)
	}
	return s, nil
}

func dial(ctx context.Context, u *url.URL, o options) (*Session, error) {
	if err := o.versions.check(); err != nil {
		return nil, err
	}
	request := ""
	if u.Scheme != "https" {
		request = requestPath(u)
	}
	if request != "" && !slices.ContainsFunc(o.versions, carriesPath) {
		return nil, pathError(o.versions.String(), request)
	}
	conn, err := endpoint.Dial(ctx, u, o.endpoint(o.clientTLS(u.Hostname())))
	var refused *transport.ConnError
	switch {
	case errors.As(err, &refused): // before the carrier was ready, for this end
		return nil, &Error{Code: model.RemoteError(refused.Code).Code, Reason: refused.Reason, Remote: refused.Remote}
	case err != nil:
		return nil, err
	}
	o.path = request
	return client(ctx, conn, o, model.NewPath(u.Path))
}

// Client opens a session as the client on a connection whose version is negotiated, or left to be agreed on by
// SETUP. It owns the connection from now on, and closes it when it fails. It blocks as [Dial] does
// once that has a connection, and ctx bounds it alike. An error is that of ctx, an *[Error], or io.EOF when the server
// has closed the connection with code 0.
func Client(ctx context.Context, conn transport.Conn, opts ...Option) (*Session, error) {
	o := newOptions(opts)
	path := ""
	if u, err := url.Parse(o.path); err == nil {
		path = u.Path
	}
	return client(ctx, conn, o, model.NewPath(path))
}

func client(ctx context.Context, conn transport.Conn, o options, path model.Path) (*Session, error) {
	a, err := o.offer(ctx, conn)
	if err != nil {
		return nil, giveUp(ctx, conn, err)
	}
	engine := o.engine(conn, a, o.role(), true)
	engine.SetLink(o.link)
	engine.Grant(o.publish, o.consume)
	engine.Count(o.stats)
	if err := engine.SendSetup(ctx); err != nil {
		engine.Abandon(err)
		return nil, giveUp(ctx, conn, ended(err))
	}
	return start(conn, a.version, path, engine, func(*Session) {}), nil
}

func (o *options) engine(conn transport.Conn, a agreed, role Role, client bool) *lite.Engine {
	wire, _ := a.version.wire()
	measure := measure(conn)
	limits := o.limits
	if client {
		limits = limits.ofServer()
	}
	return lite.New(lite.Config{
		Conn: conn, Version: wire, Exchange: a.exchange, Path: o.path, Role: lite.Role(role), Limits: lite.Limits(limits),
		Measure: measure, Probe: uint64(measure().Level()),
		Trace: o.trace(conn, client), Logger: o.log,
	})
}

// role is what a client with these options is going to do.
func (o *options) role() Role {
	switch {
	case o.publish != nil && o.consume == nil:
		return RolePublisher
	case o.publish == nil && o.consume != nil:
		return RoleSubscriber
	default:
		return RoleBoth
	}
}

// giveUp is refuse, but returns the error of ctx when that has ended: whatever failed did so for it.
func giveUp(ctx context.Context, conn transport.Conn, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return refuse(conn, err)
}

// refuse closes a connection that never became a session, waits until that is done, and returns
// err.
func refuse(conn transport.Conn, err error) error {
	code, reason := model.CodeOf(err), ""
	var own *Error
	if errors.As(err, &own) {
		code, reason = own.Code, own.Reason
	}
	_ = conn.CloseWithError(uint64(code), reason) // err is what counts
	<-conn.Closed()
	return err
}

func pathError(version, request string) error {
	path, _, _ := strings.Cut(request, "?") // the query may hold a token
	return versionError("%s over raw QUIC cannot carry the path %q: use an https:// URL or moq-lite-05", version, path)
}

func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	bad := func(format string, args ...any) (*url.URL, error) {
		return nil, &URLError{URL: raw, Reason: fmt.Sprintf(format, args...)}
	}
	var syntax *url.Error
	switch {
	case errors.As(err, &syntax):
		return bad("%v", syntax.Err)
	case err != nil:
		return bad("%v", err)
	case u.Scheme == "ws", u.Scheme == "wss":
		return bad("sessions over WebSocket are not supported: use https://, moqt:// or moql://")
	case u.Scheme != "https" && u.Scheme != "moqt" && u.Scheme != "moql":
		return bad("unknown scheme %q: use https://, moqt:// or moql://", u.Scheme)
	case u.Hostname() == "":
		return bad("no host")
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || port == 0) {
		return bad("%q is not a port", u.Port())
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// requestPath is what SETUP says about a URL: the path and the query, or nothing for the root.
func requestPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "/" {
		path = ""
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path
}

func (o *options) endpoint(c *tls.Config) endpoint.Config {
	return endpoint.Config{
		TLS: c, Protocols: o.versions.protocols(), Capture: o.capture, KeyLog: o.keyLog, Qlog: o.qlog, Logger: o.log,
		MaxUniStreams: o.limits.credit(), MaxBidiStreams: o.limits.credit(),
	}
}

func (o *options) baseTLS() *tls.Config {
	if o.tls == nil {
		return &tls.Config{MinVersion: tls.VersionTLS13}
	}
	return o.tls.Clone()
}

func (o *options) clientTLS(host string) *tls.Config {
	c := o.baseTLS()
	if c.ServerName == "" {
		c.ServerName = host
	}
	if o.insecure {
		c.InsecureSkipVerify = true
	}
	if o.fingerprint != nil {
		want := *o.fingerprint
		c.InsecureSkipVerify = true // the certificate itself is pinned instead
		c.VerifyConnection = func(state tls.ConnectionState) error {
			if got := sha256.Sum256(state.PeerCertificates[0].Raw); got != want {
				return fmt.Errorf("the server's certificate has the fingerprint %x, not %x", got, want)
			}
			return nil
		}
	}
	return c
}
