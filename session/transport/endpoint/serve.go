package endpoint

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/quic"
)

// closeReason is what peers read when the listener closes under them.
const closeReason = "the server is shutting down"

var errBusy = errors.New("too many connections are waiting")

type releaseKey struct{}

// reserve takes a place among the pending connections, or refuses the connection. The place is
// given back when the connection is accepted or ends.
func (l *Listener) reserve(ctx context.Context, _ *quicgo.ClientInfo) (context.Context, error) {
	select {
	case l.pending <- struct{}{}:
	default:
		return nil, errBusy
	}
	release := sync.OnceFunc(func() { <-l.pending })
	context.AfterFunc(ctx, release)
	return context.WithValue(ctx, releaseKey{}, release), nil
}

// arrival is a connection of the listener.
type arrival struct {
	q     *quicgo.Conn
	late  *time.Timer // drops an HTTP/3 connection without a session; nil on raw QUIC
	close func()      // guarded by the listener's mutex
	in    *Incoming   // set when it is ready for Accept
}

func (l *Listener) acceptLoop() {
	for {
		q, err := l.listen.Accept(context.Background())
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				l.config.Logger.Error("the listener accepts no more connections", "error", err)
			}
			return
		}
		l.running.Add(1)
		context.AfterFunc(q.Context(), func() {
			traceComplete(q)
			l.running.Done()
		})
		a := &arrival{q: q, close: func() { _ = q.CloseWithError(0, closeReason) }}
		if l.track(a) {
			l.running.Go(func() { l.serve(a) })
		}
	}
}

// track remembers a connection until it ends, or closes it when the listener is closed already.
func (l *Listener) track(a *arrival) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.done:
		a.close()
		return false
	default:
	}
	l.conns[a.q] = a
	context.AfterFunc(a.q.Context(), func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, a.q)
	})
	return true
}

func (l *Listener) closers() []func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	closers := make([]func(), 0, len(l.conns))
	for _, a := range l.conns {
		closers = append(closers, a.close)
	}
	return closers
}

// serve brings a connection to Accept. It returns when a raw one is there, or when an HTTP/3
// one has ended.
func (l *Listener) serve(a *arrival) {
	if a.q.ConnectionState().TLS.NegotiatedProtocol == http3.NextProtoH3 {
		l.serveHTTP3(a)
		return
	}
	select {
	case <-a.q.HandshakeComplete():
		l.deliver(a, &Incoming{Conn: quic.New(a.q)})
	case <-a.q.Context().Done():
	}
}

func (l *Listener) serveHTTP3(a *arrival) {
	a.late = time.AfterFunc(l.config.HandshakeTimeout, func() {
		l.config.Logger.Debug("no WebTransport session was requested in time", "remote", a.q.RemoteAddr())
		_ = a.q.CloseWithError(quicgo.ApplicationErrorCode(http3.ErrCodeRequestIncomplete), "no WebTransport session was requested in time")
	})
	defer a.late.Stop()
	err := l.wt.Serve(a.q, func(conn transport.Conn, r *http.Request) {
		a.late.Stop()
		l.mu.Lock()
		a.close = func() { _ = conn.CloseWithError(0, closeReason) }
		l.mu.Unlock()
		l.deliver(a, &Incoming{Conn: conn, Path: r.URL.Path, RawQuery: r.URL.RawQuery, Offered: offered(r.Header)})
	})
	if err != nil {
		l.config.Logger.Debug("HTTP/3 connection failed", "remote", a.q.RemoteAddr(), "error", err)
		a.close()
	}
}

// offered reads the tokens of a request (draft-ietf-webtrans-http3, "Application Protocol
// Negotiation"), for people to read: a list of strings without their quotes.
func offered(h http.Header) string {
	var tokens []string
	for _, line := range h.Values("Wt-Available-Protocols") {
		for token := range strings.SplitSeq(line, ",") {
			tokens = append(tokens, strings.Trim(token, " \t\""))
		}
	}
	all := strings.Join(tokens, ",")
	return all[:min(len(all), maxOffered)]
}

// maxOffered bounds what a client can put into logs and errors.
const maxOffered = 200

// deliver queues a connection for Accept.
func (l *Listener) deliver(a *arrival, in *Incoming) {
	in.TLS = a.q.ConnectionState().TLS
	a.in = in
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.alive(), a)
	l.wake()
}

// alive returns the queue without the connections that have ended: those have given their
// place back, so the queue would not be bounded with them. The caller holds mu.
func (l *Listener) alive() []*arrival {
	return slices.DeleteFunc(l.queue, func(a *arrival) bool { return a.q.Context().Err() != nil })
}

// wake lets one Accept look at the queue.
func (l *Listener) wake() {
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

// next takes the first connection out of the queue, or returns nil. Nothing comes after Close.
func (l *Listener) next() *Incoming {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.done:
		return nil
	default:
	}
	if l.queue = l.alive(); len(l.queue) == 0 {
		return nil
	}
	a := l.queue[0]
	l.queue = slices.Delete(l.queue, 0, 1)
	if len(l.queue) > 0 {
		l.wake()
	}
	if release, ok := a.q.Context().Value(releaseKey{}).(func()); ok {
		release()
	}
	return a.in
}
