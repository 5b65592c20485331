package lite

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
	"github.com/moqrx/moqrx/session/transport"
)

// stream is a stream in both directions, written to by one goroutine.
type stream = transport.Stream

// send writes messages to s in one write.
func (e *Engine) send(s io.Writer, messages ...genlite.Message) error {
	b, err := e.encode(nil, messages...)
	if err != nil {
		return err
	}
	_, err = s.Write(b)
	return err
}

// encode appends messages to b.
func (e *Engine) encode(b []byte, messages ...genlite.Message) ([]byte, error) {
	for _, m := range messages {
		var err error
		if b, err = m.Append(b, e.dialect.version); err != nil {
			return nil, failure(model.CodeEncode, "%v", err)
		}
	}
	return b, nil
}

// ask opens a stream and sends its type and first message, if it has one, in one write: some
// deployed peers read both before they accept the next stream.
func (e *Engine) ask(ctx context.Context, kind genlite.BidiStream, first ...genlite.Message) (stream, error) {
	b, err := genlite.AppendBidiStream(nil, kind, e.dialect.version)
	if err != nil {
		return nil, failure(model.CodeEncode, "%v", err)
	}
	if b, err = e.encode(b, first...); err != nil {
		return nil, err
	}
	s, err := e.conn.OpenBidi(ctx)
	if err != nil {
		return nil, modelError(ctx, err)
	}
	if _, err := s.Write(b); err != nil {
		refuse(s, uint64(model.CodeCancel))
		return nil, modelError(ctx, err)
	}
	return s, nil
}

// writeBuffer is how much of a group is put together before it is written.
const writeBuffer = 32 << 10

var writeBuffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, writeBuffer) }}

// frameWriter writes the frames of one group. What is ready goes out in one write, up to
// the size of the buffer; nothing waits in the buffer for content that is not there yet.
type frameWriter struct {
	out      *bufio.Writer
	rest     func() // called when everything that is ready is written; may be nil
	dialect  *dialect
	header   genlite.FrameHeader
	scale    model.Timescale // of the timestamps
	previous uint64          // timestamp of the previous frame
	counts   stats.PublisherTrack
}

func newFrameWriter(s io.Writer, d *dialect, scale model.Timescale) *frameWriter {
	out := writeBuffers.Get().(*bufio.Writer)
	out.Reset(s)
	w := &frameWriter{out: out, dialect: d, scale: scale}
	if r, ok := s.(*ranked); ok {
		w.rest = r.rest
	}
	return w
}

// flush writes what is ready.
func (w *frameWriter) flush() error {
	err := w.out.Flush()
	if w.rest != nil {
		w.rest()
	}
	return err
}

func (w *frameWriter) release() {
	w.out.Reset(nil)
	writeBuffers.Put(w.out)
	w.out = nil
}

// group writes every frame of g as it comes, and returns nil after the last one of a
// finished group. wrote is called after each frame.
func (w *frameWriter) group(ctx context.Context, g *model.GroupConsumer, wrote func()) error {
	for {
		frame, ok, err := g.TryReadFrame()
		switch {
		case err != nil:
		case ok:
			err = w.whole(frame)
		default:
			err = w.next(ctx, g)
		}
		if errors.Is(err, io.EOF) {
			return w.flush()
		}
		if err != nil {
			return err
		}
		wrote()
	}
}

// whole writes a frame that is complete.
func (w *frameWriter) whole(f model.Frame) error {
	if err := w.head(f.Timestamp, uint64(len(f.Payload))); err != nil {
		return err
	}
	w.counts.Bytes(len(f.Payload))
	_, err := w.out.Write(f.Payload)
	return err
}

// next waits for a frame and writes it chunk by chunk. io.EOF is the end of the group.
func (w *frameWriter) next(ctx context.Context, g *model.GroupConsumer) error {
	if err := w.flush(); err != nil {
		return err
	}
	f, err := g.NextFrame(ctx)
	if err != nil {
		return err
	}
	defer f.Close()
	info := f.Info()
	if err := w.head(info.Timestamp, info.Size); err != nil {
		return err
	}
	for {
		chunk, ok, err := f.TryReadChunk()
		if err == nil && !ok {
			if err := w.flush(); err != nil {
				return err
			}
			chunk, err = f.ReadChunk(ctx)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		w.counts.Bytes(len(chunk))
		if _, err := w.out.Write(chunk); err != nil {
			return err
		}
	}
}

// head writes the header of a frame. A time that the timescale cannot express is model.ErrTimestampMismatch.
func (w *frameWriter) head(t model.Timestamp, size uint64) error {
	w.header.PayloadLength = size
	if w.dialect.timestamps {
		t, err := t.Convert(w.scale)
		if err != nil {
			return err
		}
		w.header.TimestampDelta = int64(t.Value - w.previous)
		w.previous = t.Value
	}
	w.counts.Frame()
	b, err := w.header.Append(w.out.AvailableBuffer(), w.dialect.version)
	if err != nil {
		return failure(model.CodeEncode, "%v", err)
	}
	_, err = w.out.Write(b)
	return err
}

// untilStopped derives a context that also ends when the peer stops reading s.
func untilStopped(ctx context.Context, s transport.SendStream) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.Context(), func() { cancel(context.Cause(s.Context())) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
