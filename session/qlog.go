package session

import (
	"io"
	"os"
	"path/filepath"

	"github.com/moqrx/moqrx/session/internal/lite"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// WithQlog writes a qlog trace of each connection (draft-ietf-quic-qlog-main-schema, JSON text
// sequences as in RFC 7464), which tools such as qvis read. It has the events of QUIC and of HTTP/3, as
// quic-go writes them, and these of the session:
//
//	moq:session_started   version, transport, path, origin
//	moq:setup             owner, path, origin
//	moq:announce_request  owner, prefix
//	moq:announce          owner, path, hops
//	moq:announce_ended    owner, path
//	moq:subscribe         owner, id, broadcast, track, priority
//	moq:subscribe_ended   owner, id; code and reason when it failed
//	moq:group_opened      owner, subscribe, sequence
//	moq:group_closed      owner, subscribe, sequence; code and reason when it failed
//	moq:goaway            owner, uri
//	moq:stream_error      stream_id, code, reason: a stream of the peer that ended so
//	moq:session_closed    owner, code, reason
//
// The owner is who sent it, "local" or "remote". Paths have no query, which may hold a token.
//
// create is called for each connection, also for such that never become a session, by several
// goroutines. The id is the same on both ends. What it returns is written to by one goroutine, which
// holds the connection up when it blocks, and closed when the trace is complete: before Close of the
// client's session or of the listener returns. An error is logged, and the connection has no trace. [QlogDir] makes files.
//
// On a connection that was not made by Dial or Listen, such as one of session/transport/memory, the
// trace has the events of the session only.
func WithQlog(create func(client bool, id string) (io.WriteCloser, error)) Option {
	q := endpoint.NewQlog(create)
	return func(o *options) { o.qlog = q }
}

// QlogDir is for [WithQlog]: it makes files id_client.sqlog and id_server.sqlog in a directory that
// exists.
func QlogDir(dir string) func(client bool, id string) (io.WriteCloser, error) {
	return func(client bool, id string) (io.WriteCloser, error) {
		side := "server"
		if client {
			side = "client"
		}
		return os.Create(filepath.Join(dir, id+"_"+side+".sqlog"))
	}
}

// trace is where the events of a session on conn go: nil is nowhere.
func (o *options) trace(conn transport.Conn, client bool) lite.Trace {
	if o.qlog == nil {
		return nil
	}
	if t := o.qlog.Trace(conn, client, o.log); t != nil {
		return t
	}
	return nil // an interface without a value
}
