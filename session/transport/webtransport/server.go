package webtransport

import (
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/moqrx/moqrx/session/transport"
)

// Server answers clients that ask for a session. It has no state: one serves any number of connections.
type Server struct {
	// Protocols are the tokens that the server knows. A session gets the first of the client's that is among them.
	Protocols []string
	// Logger hears of requests that were refused; nil discards it.
	Logger *slog.Logger
}

// maxHeaderBytes bounds a request: paths with a token in the query are long, but not that long.
const maxHeaderBytes = 64 << 10

// Serve answers the requests on q, whose ALPN is h3, until q ends, and blocks as long. The first request for a session
// is accepted, and accept is called with the session and the request. The session owns q, so any other request is
// refused. Clients of all drafts and of any origin are welcome.
func (s *Server) Serve(q *quicgo.Conn, accept func(transport.Conn, *http.Request)) error {
	a := &answerer{Server: s, accept: accept}
	if a.Logger == nil {
		a.Server = &Server{Protocols: s.Protocols, Logger: slog.New(slog.DiscardHandler)}
	}
	h3 := &http3.Server{
		Handler: a, EnableDatagrams: true, AdditionalSettings: serverSettings,
		MaxHeaderBytes: maxHeaderBytes, Logger: a.Logger,
	}
	raw, err := h3.NewRawServerConn(q)
	if err != nil {
		return err
	}
	a.peer = &peer{q: q, uni: raw.HandleUnidirectionalStream, bidi: raw.HandleRequestStream, ready: make(chan struct{})}
	a.run()
	return nil
}

// answerer answers the requests of one connection.
type answerer struct {
	*Server
	*peer
	accept func(transport.Conn, *http.Request)
	taken  atomic.Bool // by the one session
}

func (a *answerer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.NotFound(w, r)
		return
	}
	if !a.taken.CompareAndSwap(false, true) {
		http.Error(w, "one session per connection", http.StatusTooManyRequests)
		return
	}
	if err := a.check(w, r); err != nil {
		a.taken.Store(false)
		a.Logger.Debug("WebTransport request refused", "remote", a.q.RemoteAddr(), "error", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	protocol := choose(parseList(r.Header.Values(headerOffered)), a.Protocols)
	if protocol != "" {
		token, err := appendString(nil, protocol)
		if err == nil { // it was read from such a string
			w.Header().Set(headerChosen, string(token))
		}
	}
	c := newConn(a.q, w.(http3.HTTPStreamer).HTTPStream(), protocol) // which sends the response
	a.start(c)
	a.accept(c, r)
}

// check waits for the settings of the client, which may come after the request.
func (a *answerer) check(w http.ResponseWriter, r *http.Request) error {
	if r.Proto != protocolDraft15 && r.Proto != protocolDraft02 {
		return errors.New("not a request for WebTransport")
	}
	h3 := w.(http3.Settingser)
	select {
	case <-h3.ReceivedSettings():
	case <-r.Context().Done():
		return r.Context().Err()
	}
	if !h3.Settings().EnableDatagrams {
		return errors.New("the client does not accept datagrams")
	}
	return nil
}
