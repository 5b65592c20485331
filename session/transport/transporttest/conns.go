package transporttest

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/moqrx/moqrx/session/transport"
)

func testStreamLimit(p *pair) {
	// Nothing tells that a call is blocked but that it has not returned: the short deadline
	// can only make the count too small, never the test wait in vain.
	var open []transport.SendStream
	for {
		ctx, cancel := context.WithTimeout(p.ctx, 200*time.Millisecond)
		s, err := p.a.OpenUni(ctx)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		p.must("OpenUni", err)
		_, err = io.WriteString(s, "x")
		p.must("Write", err)
		if open = append(open, s); len(open) > maxUni {
			p.Fatalf("%d streams are open, the limit is %d", len(open), maxUni)
		}
	}
	opened := make(chan error, 1)
	go func() {
		s, err := p.a.OpenUni(p.ctx)
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	for _, s := range open {
		p.must("Close", s.Close())
	}
	for range open { // they arrive in any order
		r, err := p.b.AcceptUni(p.ctx)
		p.must("AcceptUni", err)
		p.wantAll(r, "x")
	}
	p.must("OpenUni after the others ended", <-opened)
}

func testCancel(p *pair) {
	for name, call := range waiting(p.a) {
		ctx, cancel := context.WithCancel(p.ctx)
		failed := make(chan error, 1)
		go func() { failed <- call(ctx) }()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			p.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	if _, err := p.a.OpenUni(ctx); !errors.Is(err, context.Canceled) {
		p.Errorf("OpenUni: %v, want context.Canceled", err)
	}
	if _, err := p.a.OpenBidi(ctx); !errors.Is(err, context.Canceled) {
		p.Errorf("OpenBidi: %v, want context.Canceled", err)
	}
	_, r := p.uni("the connection goes on") // nothing was harmed
	p.wantData(r, "the connection goes on")
}

// waiting are the calls that wait for the peer.
func waiting(c transport.Conn) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"AcceptUni":       func(ctx context.Context) error { _, err := c.AcceptUni(ctx); return err },
		"AcceptBidi":      func(ctx context.Context) error { _, err := c.AcceptBidi(ctx); return err },
		"ReceiveDatagram": func(ctx context.Context) error { _, err := c.ReceiveDatagram(ctx); return err },
	}
}

func testClose(p *pair) {
	p.must("CloseWithError", p.a.CloseWithError(30, "no route to room/bob"))
	p.wantConnError("here", p.wantDone(p.a.Context(), "here"), 30, "no route to room/bob", false)
	p.wantConnError("there", p.wantDone(p.b.Context(), "there"), 30, "no route to room/bob", true)
	for _, c := range []transport.Conn{p.a, p.b} {
		remote := c == p.b
		_, err := c.OpenUni(p.ctx)
		p.wantConnError("OpenUni", err, 30, "no route to room/bob", remote)
		_, err = c.OpenBidi(p.ctx)
		p.wantConnError("OpenBidi", err, 30, "no route to room/bob", remote)
		p.wantConnError("SendDatagram", c.SendDatagram([]byte("x")), 30, "no route to room/bob", remote)
		for name, call := range waiting(c) {
			p.wantConnError(name, call(p.ctx), 30, "no route to room/bob", remote)
		}
	}
}

func testClosed(p *pair) {
	for _, c := range []transport.Conn{p.a, p.b} {
		select {
		case <-c.Closed():
			p.Error("Closed before the end")
		default:
		}
	}
	p.must("CloseWithError", p.a.CloseWithError(0, ""))
	for _, c := range []transport.Conn{p.a, p.b} {
		select {
		case <-c.Closed():
		case <-p.ctx.Done():
			p.Fatal("not Closed after the close")
		}
		if c.Context().Err() == nil {
			p.Error("Closed comes before the end of the context")
		}
	}
}

func testCloseUnblocks(p *pair) {
	mine, theirs := p.bidi("x")
	p.wantData(theirs, "x")
	unread, _ := p.bidi("y")
	type result struct {
		what   string
		err    error
		remote bool
	}
	results := make(chan result)
	calls := 0
	start := func(what string, remote bool, call func() error) {
		calls++
		go func() { results <- result{what, call(), remote} }()
	}
	for _, end := range []struct {
		conn   transport.Conn
		stream transport.Stream
		remote bool
	}{{p.a, mine, false}, {p.b, theirs, true}} {
		for name, call := range waiting(end.conn) {
			for range 2 { // every waiting call ends, not only the first
				start(name, end.remote, func() error { return call(p.ctx) })
			}
		}
		start("Read", end.remote, func() error { return readError(end.stream) })
	}
	start("Write", false, func() error { return writeError(unread) })
	_ = p.a.CloseWithError(0, "")
	for range calls {
		r := <-results
		p.wantConnError(r.what, r.err, 0, "", r.remote)
	}
}

func testCloseTwice(p *pair) {
	p.must("first", p.a.CloseWithError(1, "first"))
	p.must("second", p.a.CloseWithError(2, "second"))
	p.wantConnError("here", p.wantDone(p.a.Context(), "here"), 1, "first", false)
	p.wantConnError("there", p.wantDone(p.b.Context(), "there"), 1, "first", true)
	p.must("third, by the peer", p.b.CloseWithError(3, "third"))
	p.wantConnError("there", context.Cause(p.b.Context()), 1, "first", true)
}

func testLongReason(p *pair) {
	reason := strings.Repeat("ä", 3000) // two bytes each: a cut must not split one
	_ = p.a.CloseWithError(transport.MaxCode, reason)
	want := reason[:transport.MaxReason]
	p.wantConnError("here", p.wantDone(p.a.Context(), "here"), transport.MaxCode, want, false)
	p.wantConnError("there", p.wantDone(p.b.Context(), "there"), transport.MaxCode, want, true)
}
