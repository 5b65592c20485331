package endpoint

import (
	"bufio"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	quicgo "github.com/quic-go/quic-go"
	http3qlog "github.com/quic-go/quic-go/http3/qlog"
	"github.com/quic-go/quic-go/qlog"
	"github.com/quic-go/quic-go/qlogwriter"
	"github.com/quic-go/quic-go/qlogwriter/jsontext"

	"github.com/moqrx/moqrx/session/transport"
)

// This file is all that knows how quic-go writes qlog, apart from the methods of the carriers that
// hand its trace out: that changes from one version of it to the next.

// qlogNamespace is in front of the names of our events, and qlogSchema is what traces with
// them declare (draft-ietf-quic-qlog-main-schema, Event Schemas).
const (
	qlogNamespace = "moq:"
	qlogSchema    = "https://github.com/moqrx/moqrx#qlog-moq-00"
)

// qlogBuffer is how many bytes of a trace are put together before they are written.
const qlogBuffer = 16 << 10

// Qlog makes the traces of connections.
type Qlog struct {
	create func(client bool, id string) (io.WriteCloser, error)
}

// NewQlog returns a Qlog that writes the trace of each connection to what create returns for it,
// and closes that at the end. The id is the first destination connection id of the client, in
// hex, the same on both ends.
func NewQlog(create func(client bool, id string) (io.WriteCloser, error)) *Qlog { return &Qlog{create} }

// connTrace is a trace whose end can be waited for.
type connTrace struct {
	*qlogwriter.FileSeq
	complete <-chan struct{}
}

// open begins a trace. It returns nil, after a line in the log, when there is nothing to write to.
func (q *Qlog) open(client bool, id quicgo.ConnectionID, log *slog.Logger) *connTrace {
	w, err := q.create(client, id.String())
	if err != nil {
		log.Error("no qlog", "connection", id.String(), "error", err)
		return nil
	}
	file := &qlogFile{w: w, buffer: bufio.NewWriterSize(w, qlogBuffer), log: log, complete: make(chan struct{})}
	trace := qlogwriter.NewConnectionFileSeq(file, client, id, []string{qlog.EventSchema, http3qlog.EventSchema, qlogSchema})
	go trace.Run()
	return &connTrace{trace, file.complete}
}

// tracer is what quic-go calls for each connection.
func (c Config) tracer() func(context.Context, bool, quicgo.ConnectionID) qlogwriter.Trace {
	if c.Qlog == nil {
		return nil
	}
	return func(_ context.Context, client bool, id quicgo.ConnectionID) qlogwriter.Trace {
		if trace := c.Qlog.open(client, id, c.Logger); trace != nil {
			return trace
		}
		return nil // an interface without a value
	}
}

// traceComplete waits until the trace of a connection that has ended is written, if it has one.
func traceComplete(q *quicgo.Conn) {
	if t, ok := q.QlogTrace().(*connTrace); ok {
		<-t.complete
	}
}

// Trace returns where the events of a session on conn go: into the trace of its connection where
// that was made by an endpoint with a Qlog, else into one of their own. Close it after the session.
// It is nil, which records nothing, when nothing can be written.
func (q *Qlog) Trace(conn transport.Conn, client bool, log *slog.Logger) *Trace {
	if own, ok := conn.(interface{ QlogTrace() qlogwriter.Trace }); ok {
		if trace := own.QlogTrace(); trace != nil && trace.SupportsSchemas(qlogSchema) {
			return newTrace(trace.AddProducer())
		}
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	trace := q.open(client, quicgo.ConnectionIDFromBytes(id), log)
	if trace == nil {
		return nil
	}
	return newTrace(trace.AddProducer())
}

// QlogTrace is the trace of the carrier below, or nil.
func (d *dialed) QlogTrace() qlogwriter.Trace {
	if own, ok := d.Conn.(interface{ QlogTrace() qlogwriter.Trace }); ok {
		return own.QlogTrace()
	}
	return nil
}

// Trace takes the events of one session. A nil one does nothing.
type Trace struct {
	mu       sync.RWMutex // quic-go wants no event after, or together with, the close
	recorder qlogwriter.Recorder
}

func newTrace(r qlogwriter.Recorder) *Trace {
	if r == nil { // the connection has ended already
		return nil
	}
	return &Trace{recorder: r}
}

// Record notes an event. It waits while the writer is slow. After Close it does nothing.
func (t *Trace) Record(name string, fields ...slog.Attr) {
	if t == nil {
		return
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.recorder != nil {
		t.recorder.RecordEvent(qlogEvent{name, fields})
	}
}

// Close ends the trace, unless events of the connection are still to come.
func (t *Trace) Close() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.recorder != nil {
		_ = t.recorder.Close() // never fails
		t.recorder = nil
	}
}

// qlogEvent is an event as quic-go writes it.
type qlogEvent struct {
	name   string
	fields []slog.Attr
}

func (e qlogEvent) Name() string { return qlogNamespace + e.name }

func (e qlogEvent) Encode(enc *jsontext.Encoder, _ time.Time) (err error) {
	write := func(t jsontext.Token) {
		if err == nil {
			err = enc.WriteToken(t)
		}
	}
	write(jsontext.BeginObject)
	for _, f := range e.fields {
		write(jsontext.String(f.Key))
		write(qlogValue(f.Value))
	}
	write(jsontext.EndObject)
	return err
}

func qlogValue(v slog.Value) jsontext.Token {
	switch v.Kind() {
	case slog.KindUint64:
		return jsontext.Uint(v.Uint64())
	case slog.KindInt64:
		return jsontext.Int(v.Int64())
	case slog.KindBool:
		return jsontext.Bool(v.Bool())
	default:
		// Peers choose names; the encoder writes what it gets.
		return jsontext.String(strings.ToValidUTF8(v.String(), "\uFFFD"))
	}
}

// qlogFile is the writer of a trace. What fails is logged once, and the rest of the trace dropped:
// quic-go would print it, and connections go on either way.
type qlogFile struct {
	w      io.WriteCloser
	buffer *bufio.Writer
	log    *slog.Logger
	failed bool

	complete chan struct{} // closed at the end
}

func (f *qlogFile) Write(b []byte) (int, error) {
	if !f.failed {
		_, err := f.buffer.Write(b)
		f.check(err)
	}
	return len(b), nil
}

func (f *qlogFile) Close() error {
	if !f.failed {
		f.check(f.buffer.Flush())
	}
	f.check(f.w.Close())
	close(f.complete)
	return nil
}

func (f *qlogFile) check(err error) {
	if err != nil && !f.failed {
		f.failed = true
		f.log.Error("the qlog is cut short", "error", err)
	}
}
