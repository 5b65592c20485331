package webtransport

import (
	"context"
	"errors"
	"io"
	"sync"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// peer accepts the streams of a connection of HTTP/3 and hands those of its one session to it.
type peer struct {
	q *quicgo.Conn
	// What is no stream of a session belongs to HTTP/3.
	uni  func(*quicgo.ReceiveStream)
	bidi func(*quicgo.Stream)

	ready   chan struct{} // closed when there is a session
	session *conn         // set before
}

func (p *peer) start(c *conn) {
	p.session = c
	close(p.ready)
}

// run returns when the connection has ended, with all that it started.
func (p *peer) run() {
	var running sync.WaitGroup
	running.Go(func() {
		for {
			s, err := p.q.AcceptUniStream(context.Background())
			if err != nil {
				return
			}
			running.Go(func() { p.serveUni(s) })
		}
	})
	for {
		s, err := p.q.AcceptStream(context.Background())
		if err != nil {
			break
		}
		running.Go(func() { p.serveBidi(s) })
	}
	running.Wait()
}

func (p *peer) serveUni(s *quicgo.ReceiveStream) {
	kind, err := quicvarint.Peek(s)
	if err == nil && kind != uniStream {
		p.uni(s)
		return
	}
	c, code := p.sessionOf(s, err)
	if c != nil {
		select {
		case c.uni <- s:
			return
		case <-c.ctx.Done():
		}
	}
	s.CancelRead(code)
}

func (p *peer) serveBidi(s *quicgo.Stream) {
	kind, err := quicvarint.Peek(s)
	if err == nil && kind != bidiStream {
		p.bidi(s)
		return
	}
	c, code := p.sessionOf(s, err)
	if c != nil {
		select {
		case c.bidi <- s:
			return
		case <-c.ctx.Done():
		}
	}
	s.CancelRead(code)
	s.CancelWrite(code)
}

// sessionOf reads the header of a stream and waits for the session that it names, which may come after its streams. It
// returns the session and the code for the case that the session ends, or nil and the code to refuse the stream with.
// A stream that ended within its header, as the one that err is about, belongs to nobody.
func (p *peer) sessionOf(s io.Reader, err error) (*conn, quicgo.StreamErrorCode) {
	id, err := readHeader(s, err)
	if err != nil {
		return nil, quicgo.StreamErrorCode(http3.ErrCodeGeneralProtocolError)
	}
	if id%4 != 0 { // not a stream of a request
		closeConnection(p.q, http3.ErrCodeIDError, "")
	}
	select {
	case <-p.ready:
	case <-p.q.Context().Done():
		return nil, codeSessionGone
	}
	if p.session.id != id {
		return nil, codeBufferedRejected
	}
	return p.session, codeSessionGone
}

func readHeader(s io.Reader, err error) (id uint64, _ error) {
	if err != nil {
		return 0, err
	}
	r := quicvarint.NewReader(s)
	_, typeErr := quicvarint.Read(r)
	id, err = quicvarint.Read(r)
	return id, errors.Join(typeErr, err)
}
