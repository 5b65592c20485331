package webtransport

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/moqrx/moqrx/session/transport"
)

// Dial asks the server at the other end of q, whose ALPN is h3, for a session at u, and offers protocols, best
// first. It blocks until the server has answered, ctx ends or q does. The session owns q; when there is none, Dial has
// closed q.
//
// The server may be of any draft from 02 on. It has to accept datagrams. RESET_STREAM_AT is used if it has that.
func Dial(ctx context.Context, q *quicgo.Conn, u *url.URL, protocols []string) (transport.Conn, error) {
	// Waiting for the response knows no context.
	stop := context.AfterFunc(ctx, func() { closeConnection(q, http3.ErrCodeNoError, "") })
	defer stop()
	c, err := dial(ctx, q, u, protocols)
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		closeConnection(q, http3.ErrCodeNoError, "")
		return nil, err
	}
	return c, nil
}

func dial(ctx context.Context, q *quicgo.Conn, u *url.URL, protocols []string) (*conn, error) {
	if !q.ConnectionState().SupportsDatagrams.Remote {
		return nil, errors.New("no WebTransport session: the server does not accept datagrams")
	}
	h3 := (&http3.Transport{
		EnableDatagrams: true, AdditionalSettings: clientSettings, DisableCompression: true,
	}).NewRawClientConn(q)
	p := &peer{q: q, uni: h3.HandleUnidirectionalStream, bidi: h3.HandleBidirectionalStream, ready: make(chan struct{})}
	go p.run()
	select {
	case <-h3.ReceivedSettings():
	case <-q.Context().Done():
		return nil, context.Cause(q.Context())
	}
	r, err := newRequest(u, h3.Settings(), protocols)
	if err != nil {
		return nil, err
	}
	s, err := h3.OpenRequestStream(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.SendRequestHeader(r.WithContext(ctx)); err != nil {
		return nil, err
	}
	response, err := s.ReadResponse() //nolint:bodyclose // it is the session
	if err != nil {
		return nil, err
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, &StatusError{response.StatusCode}
	}
	protocol, err := chosen(response.Header.Values(headerChosen), protocols)
	if err != nil {
		return nil, err
	}
	c := newConn(q, s, protocol)
	p.start(c)
	return c, nil
}

// newRequest returns the request for a session, in the words of the server's draft.
func newRequest(u *url.URL, server *http3.Settings, protocols []string) (*http.Request, error) {
	proto := protocolFor(server)
	switch {
	case !server.EnableExtendedConnect || proto == "":
		return nil, errors.New("no WebTransport session: the server does not offer any")
	case !server.EnableDatagrams:
		return nil, errors.New("no WebTransport session: the server does not accept datagrams of HTTP/3")
	}
	r := &http.Request{Method: http.MethodConnect, Proto: proto, URL: u, Host: u.Host, Header: http.Header{}}
	if proto == protocolDraft02 {
		r.Header.Set(headerDraft02, "1")
	}
	if len(protocols) > 0 {
		list, err := formatList(protocols)
		if err != nil {
			return nil, err
		}
		r.Header.Set(headerOffered, list)
	}
	return r, nil
}
