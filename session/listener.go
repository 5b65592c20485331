package session

import (
	"context"
	"crypto/tls"
	"net"
	"sync"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// Listener accepts sessions over raw QUIC and WebTransport on one UDP port. On the TCP port of
// the same number it answers GET /certificate.sha256 with the fingerprint of its certificate,
// in hex, for clients that pin it during development. Methods may be called concurrently.
type Listener struct {
	endpoint *endpoint.Listener
	options  options
	requests chan *Request
	stop     context.CancelFunc
	left     chan struct{} // closed by Shutdown
	ctx      context.Context
	tasks    sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	sessions map[*Session]struct{}
}

// Listen opens the ports of an address, such as ":443" for all addresses of the host, or "127.0.0.1:0" for a free
// port. Options given here hold for every session, until Accept of a request overrides them. Clients come in
// from now on: some hundreds may wait for [Listener.Accept], and more are refused. The caller closes the listener. An
// error is an *endpoint.Error where the address cannot be had, and else says what is wrong with the versions or the
// certificate.
func Listen(addr string, opts ...Option) (*Listener, error) {
	o := newOptions(opts)
	if err := o.versions.check(); err != nil {
		return nil, err
	}
	config, err := o.serverTLS()
	if err != nil {
		return nil, err
	}
	ep, err := endpoint.Listen(addr, o.endpoint(config))
	if err != nil {
		return nil, err
	}
	l := &Listener{
		endpoint: ep, options: o,
		requests: make(chan *Request),
		left:     make(chan struct{}),
		sessions: make(map[*Session]struct{}),
	}
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.tasks.Go(l.accept)
	return l, nil
}

func (o *options) serverTLS() (*tls.Config, error) {
	c := o.baseTLS()
	if o.certificate != nil {
		c.Certificates = []tls.Certificate{*o.certificate}
	}
	if len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
		own, err := SelfSignedCertificate()
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}

// SelfSignedCertificate makes a certificate for development: ECDSA P-256, for localhost,
// 127.0.0.1 and ::1, valid for 10 days. Browsers accept it by its fingerprint.
func SelfSignedCertificate() (tls.Certificate, error) { return endpoint.SelfSignedCertificate() }

// Addr is the UDP address.
func (l *Listener) Addr() net.Addr { return l.endpoint.Addr() }

// CertificateSHA256 is the fingerprint of the certificate.
func (l *Listener) CertificateSHA256() [32]byte { return l.endpoint.CertificateSHA256() }

// Accept waits for the next client that has said what it wants. A slow client does not hold up
// others. When ctx ends first the error is that of ctx; after Close or Shutdown it is an *[Error] that is
// model.ErrClosed.
func (l *Listener) Accept(ctx context.Context) (*Request, error) {
	select {
	case r := <-l.requests:
		return r, nil
	case <-l.ctx.Done():
		return nil, &Error{Code: model.CodeClosed, Reason: "the listener is closed"}
	case <-l.left:
		return nil, &Error{Code: model.CodeClosed, Reason: "the listener is shutting down"}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// maxPending is how many clients may be between their handshake and Accept. More wait in the
// endpoint, which refuses what it cannot hold.
const maxPending = 256

// accept takes connections until the listener is closed.
func (l *Listener) accept() {
	pending := make(chan struct{}, maxPending)
	for {
		select {
		case pending <- struct{}{}:
		case <-l.ctx.Done():
			return
		}
		in, err := l.endpoint.Accept(l.ctx)
		if err != nil {
			if l.ctx.Err() == nil {
				l.options.log.Error("no more sessions", "error", err)
				l.stop()
			}
			return
		}
		l.tasks.Go(func() {
			l.request(in)
			<-pending
		})
	}
}

// request reads what a client wants and waits for Accept to take it.
func (l *Listener) request(in *endpoint.Incoming) {
	o := l.options
	o.offered = in.Offered
	r, err := server(l.ctx, in.Conn, o)
	if err != nil {
		l.options.log.Warn("client refused", "remote", in.Conn.RemoteAddr(), "error", err)
		return
	}
	r.tls = &in.TLS
	if in.Conn.Kind() == transport.KindWebTransport {
		r.path, r.query = model.NewPath(in.Path), in.RawQuery
	}
	r.begun = l.track
	select {
	case l.requests <- r:
	case <-in.Conn.Context().Done():
	case <-l.left:
		_ = r.Reject(errLeaving)
	case <-l.ctx.Done():
		_ = r.Reject(context.Canceled) // the listener goes, and nobody will answer
	}
}

// track notes a session until it is over. One that starts while the listener closes is
// closed too.
func (l *Listener) track(s *Session) {
	if s == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		s.close(context.Canceled)
		return
	}
	if l.leaving() {
		s.close(errLeaving)
	}
	l.sessions[s] = struct{}{}
	l.tasks.Go(func() {
		<-s.Done()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.sessions, s)
	})
}

// Close ends every session with code 0, closes the ports and waits until all is over. Further
// calls only wait.
func (l *Listener) Close() error {
	l.stop()
	l.mu.Lock()
	l.closed = true
	l.closeSessions()
	l.mu.Unlock()
	err := l.endpoint.Close()
	l.tasks.Wait()
	return err
}

// closeSessions ends all sessions, those first whose peers publish nothing: a reader must not hear that a
// broadcast has ended before it hears that the server goes, for it would not wait for the broadcast to
// come back.
func (l *Listener) closeSessions() {
	for _, publishes := range []bool{false, true} {
		for s := range l.sessions {
			if s.engine.Publishes() == publishes {
				_ = s.conn.CloseWithError(uint64(model.CodeCancel), "") // it may be gone
			}
		}
	}
	for s := range l.sessions {
		s.close(context.Canceled)
	}
}
