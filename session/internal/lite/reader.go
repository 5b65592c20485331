package lite

import (
	"errors"
	"io"
	"sync"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

const (
	// messageLimit is the largest message that a reader holds unless it is told otherwise: the 64 KiB that
	// the codecs allow for a body, and its type and length. Payloads of frames never pass through it whole.
	messageLimit = 64<<10 + 16

	controlBuffer = 512
	groupBuffer   = 16 << 10
)

// reader reads messages from one receiving half. The bytes after a message stay in its
// buffer, so that a payload that follows can be taken from there. Not safe for concurrent
// use.
type reader struct {
	stream  transport.ReceiveStream
	version genlite.Version
	buf     []byte // of which start to end is unread
	start   int
	end     int
	limit   int // of a message
}

func newReader(s transport.ReceiveStream, v genlite.Version) *reader {
	return &reader{stream: s, version: v, buf: make([]byte, controlBuffer), limit: messageLimit}
}

var groupReaders = sync.Pool{New: func() any { return &reader{buf: make([]byte, groupBuffer), limit: messageLimit} }}

// newGroupReader takes a reader with a large buffer from the pool; release gives it back.
func newGroupReader(s transport.ReceiveStream, v genlite.Version) *reader {
	r := groupReaders.Get().(*reader)
	r.stream, r.version, r.start, r.end = s, v, 0, 0
	return r
}

func (r *reader) release() {
	r.stream = nil
	groupReaders.Put(r)
}

// message reads the next message into m. It returns io.EOF when the stream ended cleanly
// before the first byte of it.
func (r *reader) message(m genlite.Message) error {
	return r.parse(func(src []byte) (int, error) { return m.Parse(src, r.version) })
}

// parse calls f with the unread bytes, and again with more whenever it needs more.
func (r *reader) parse(f func(src []byte) (int, error)) error {
	need := 1
	for {
		if err := r.fill(need); err != nil {
			return err
		}
		n, err := f(r.unread())
		if err == nil {
			r.start += n
			return nil
		}
		var short *wire.Error
		if !errors.As(err, &short) || !errors.Is(short, wire.ErrShort) {
			return err
		}
		need = max(short.Need, len(r.unread())+1)
		if need > r.limit {
			return failure(model.CodeBoundsExceeded, "a message of %d bytes, with room for %d: %v", need, r.limit, err)
		}
	}
}

func (r *reader) unread() []byte { return r.buf[r.start:r.end] }

func (r *reader) skip(n int) { r.start += n }

// fill reads until n bytes are unread. The buffer doubles as bytes arrive and is never
// made as large as a peer merely says.
func (r *reader) fill(n int) error {
	for r.end-r.start < n {
		r.makeRoom()
		m, err := r.stream.Read(r.buf[r.end:])
		r.end += m
		if err == nil || r.end-r.start >= n {
			continue
		}
		if errors.Is(err, io.EOF) && r.end > r.start {
			return errTruncated
		}
		return err
	}
	return nil
}

func (r *reader) makeRoom() {
	if r.start == r.end {
		r.start, r.end = 0, 0
		if len(r.buf) > max(r.limit, messageLimit) { // what held one long message
			r.buf = make([]byte, controlBuffer)
		}
	}
	if r.end < len(r.buf) {
		return
	}
	if r.start > 0 {
		r.end = copy(r.buf, r.unread())
		r.start = 0
		return
	}
	grown := make([]byte, min(2*len(r.buf), r.limit))
	copy(grown, r.buf)
	r.buf = grown
}

// chunk returns unread payload bytes, at most n of them, and waits for the first when
// there are none. The slice is valid until the next call.
func (r *reader) chunk(n uint64) ([]byte, error) {
	if err := r.fill(1); err != nil {
		return nil, err
	}
	b := r.unread()
	if uint64(len(b)) > n {
		b = b[:n]
	}
	r.skip(len(b))
	return b, nil
}
