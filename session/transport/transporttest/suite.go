package transporttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/moqrx/moqrx/session/transport"
)

// Connect returns the two ends of a new connection. Each end lets the other have maxUni
// unidirectional streams open at a time, of which a carrier may use a few for itself. It
// registers with t what is needed to release them.
type Connect func(t *testing.T, maxUni int) (client, server transport.Conn)

// deadline bounds a test whose event never comes.
const deadline = 10 * time.Second

// ResetFirst is the test that a peer without RESET_STREAM_AT cannot pass on WebTransport.
const ResetFirst = "a reset before the first byte brings its code"

// Run runs the suite over connections of one carrier, except the tests that are named.
func Run(t *testing.T, connect Connect, except ...string) {
	for _, c := range []struct {
		name string
		test func(*pair)
	}{
		{"addresses and kind agree", testNames},
		{"a stream ends with FIN", testFIN},
		{"an empty stream arrives", testEmptyStream},
		{"a bidirectional stream closes half by half", testHalfClose},
		{"a large write arrives whole", testLargeWrite},
		{"many streams arrive at once", testManyStreams},
		{"a reset brings its code", testReset},
		{ResetFirst, testResetFirst},
		{"a reset unblocks a write", testResetUnblocks},
		{"a stop brings its code", testStop},
		{"a stop unblocks a read", testStopUnblocks},
		{"a stop after the end does nothing", testStopAfterEnd},
		{"the context of a stream tells its end", testStreamContext},
		{"datagrams arrive", testDatagram},
		{"a datagram can be too large", testDatagramTooLarge},
		{"priorities leave the data alone", testPriority},
		{"statistics count what passes", testStats},
		{"OpenUni waits at the stream limit", testStreamLimit},
		{"waiting calls end with their context", testCancel},
		{"a close brings code and reason", testClose},
		{"a close is over some time", testClosed},
		{"a close ends every waiting call", testCloseUnblocks},
		{"the first close wins", testCloseTwice},
		{"a long reason is cut", testLongReason},
	} {
		if slices.Contains(except, c.name) {
			continue
		}
		for _, swap := range []bool{false, true} {
			name := c.name + ", client first"
			if swap {
				name = c.name + ", server first"
			}
			t.Run(name, func(t *testing.T) { c.test(newPair(t, connect, swap)) })
		}
	}
}

// maxUni is small enough to be reached and large enough for the streams of a test.
const maxUni = 40

// pair is one connection: a acts, b reacts.
type pair struct {
	*testing.T
	ctx  context.Context
	a, b transport.Conn
}

func newPair(t *testing.T, connect Connect, swap bool) *pair {
	ctx, cancel := context.WithTimeout(context.Background(), deadline) // t.Context ends before the cleanup
	p := &pair{T: t, ctx: ctx}
	p.a, p.b = connect(t, maxUni)
	if swap {
		p.a, p.b = p.b, p.a
	}
	a := p.a
	// Reads and writes know no context: a test that hangs is ended by closing the connection.
	stop := context.AfterFunc(ctx, func() { _ = a.CloseWithError(999, "the test took too long") })
	t.Cleanup(func() {
		if !stop() {
			t.Error("the test took too long")
		}
		cancel()
		_ = a.CloseWithError(0, "")
	})
	return p
}

func (p *pair) must(what string, err error) {
	p.Helper()
	if err != nil {
		p.Fatalf("%s: %v", what, err)
	}
}

// uni opens a stream on a, writes data and returns both ends of it.
func (p *pair) uni(data string) (transport.SendStream, transport.ReceiveStream) {
	p.Helper()
	s, err := p.a.OpenUni(p.ctx)
	p.must("OpenUni", err)
	_, err = io.WriteString(s, data)
	p.must("Write", err)
	r, err := p.b.AcceptUni(p.ctx)
	p.must("AcceptUni", err)
	return s, r
}

// bidi is uni for a bidirectional stream.
func (p *pair) bidi(data string) (mine, theirs transport.Stream) {
	p.Helper()
	mine, err := p.a.OpenBidi(p.ctx)
	p.must("OpenBidi", err)
	_, err = io.WriteString(mine, data)
	p.must("Write", err)
	theirs, err = p.b.AcceptBidi(p.ctx)
	p.must("AcceptBidi", err)
	return mine, theirs
}

// wantData reads exactly the given bytes.
func (p *pair) wantData(r io.Reader, want string) {
	p.Helper()
	got := make([]byte, len(want))
	_, err := io.ReadFull(r, got)
	p.must("Read", err)
	if !bytes.Equal(got, []byte(want)) {
		p.Fatalf("read %q, want %q", got, want)
	}
}

// wantAll reads to the end and compares.
func (p *pair) wantAll(r io.Reader, want string) {
	p.Helper()
	got, err := io.ReadAll(r)
	p.must("Read", err)
	if string(got) != want {
		p.Fatalf("read %d bytes %.40q, want %d bytes %.40q", len(got), got, len(want), want)
	}
}

func (p *pair) wantStreamError(what string, err error, code uint64, remote bool) {
	p.Helper()
	var e *transport.StreamError
	if !errors.As(err, &e) || e.Code != code || e.Remote != remote {
		p.Fatalf("%s: %v, want a StreamError with code %d and remote %v", what, err, code, remote)
	}
}

func (p *pair) wantConnError(what string, err error, code uint64, reason string, remote bool) {
	p.Helper()
	var e *transport.ConnError
	if !errors.As(err, &e) || e.Code != code || e.Reason != reason || e.Remote != remote {
		p.Fatalf("%s: %v, want a ConnError with code %d, reason %.40q and remote %v", what, err, code, reason, remote)
	}
}

// wantDone waits for the end of a context and returns the cause.
func (p *pair) wantDone(ctx context.Context, what string) error {
	p.Helper()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.ctx.Done():
		p.Fatalf("%s did not end", what)
		return nil
	}
}

// readError reads until an error comes, past data that was under way.
func readError(r io.Reader) error {
	buf := make([]byte, 4096)
	for {
		if _, err := r.Read(buf); err != nil {
			return err
		}
	}
}

// writeError writes until an error comes.
func writeError(w io.Writer) error {
	buf := make([]byte, 4096)
	for {
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
}
