package session

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/lite"
	"github.com/moqrx/moqrx/session/transport"
)

// Session is one established session, from [Dial], [Client] or [Request.Accept]. It runs by itself: broadcasts come and
// go in the origins that it was given, until either side closes it or the connection is lost. Methods may be
// called concurrently, also after its end.
type Session struct {
	conn    transport.Conn
	version Version
	path    model.Path
	engine  *lite.Engine

	close context.CancelCauseFunc
	done  chan struct{}
	err   error // set before done is closed
	local bool  // this side has closed it; set before done is closed
}

// start runs the session of an engine that has been granted its origins. Begun is told about the
// session before the peer hears anything from it: who was told by then can end it.
func start(conn transport.Conn, version Version, path model.Path, engine *lite.Engine, begun func(*Session)) *Session {
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &Session{
		conn: conn, version: version, path: path, engine: engine,
		close: cancel, done: make(chan struct{}),
	}
	begun(s)
	go func() {
		s.err = ended(engine.Run(ctx))
		s.local = ctx.Err() != nil
		cancel(nil)
		<-conn.Closed()
		close(s.done)
	}()
	return s
}

// Version is the one that was negotiated.
func (s *Session) Version() Version { return s.version }

// Path is what the session was opened on: the path of the URL, or what SETUP said.
func (s *Session) Path() model.Path { return s.path }

// Transport names the carrier.
func (s *Session) Transport() transport.Kind { return s.conn.Kind() }

// RemoteAddr is the address of the peer.
func (s *Session) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// PeerOrigin is the origin id of the peer, or 0 while it has told none.
func (s *Session) PeerOrigin() model.OriginID { return s.engine.PeerOrigin() }

// Close ends the session with code 0 and waits until everything that it started is over and the
// close has been sent, which takes a few round trips: the process may end right after it, and a
// capture is complete. It waits about a second at most. What was written but has not reached
// the peer may be lost. Further calls only wait.
func (s *Session) Close() error { return s.CloseWithError(nil) }

// CloseWithError is Close with the code and text of err: the code that [model.CodeOf] finds
// in it. It always returns nil.
func (s *Session) CloseWithError(err error) error {
	if err == nil {
		err = context.Canceled
	}
	s.close(err)
	<-s.done
	return nil
}

// Done is closed when the session is over.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err is nil until the session is over. Then it is io.EOF if either side closed it
// with code 0, and an *[Error] otherwise.
func (s *Session) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Wait blocks until the session is over and returns nil if it was closed with code 0, or an
// *[Error]. When ctx ends first it returns the error of ctx, and the session goes on.
func (s *Session) Wait(ctx context.Context) error {
	select {
	case <-s.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if errors.Is(s.err, io.EOF) {
		return nil
	}
	return s.err
}
