package transporttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/moqrx/moqrx/session/transport"
)

func testNames(p *pair) {
	if p.a.Kind() != p.b.Kind() || p.a.Protocol() != p.b.Protocol() {
		p.Errorf("%s %q and %s %q differ", p.a.Kind(), p.a.Protocol(), p.b.Kind(), p.b.Protocol())
	}
	if got, want := p.a.RemoteAddr().String(), p.b.LocalAddr().String(); got != want {
		p.Errorf("RemoteAddr is %s, the peer's LocalAddr %s", got, want)
	}
	if err := p.a.Context().Err(); err != nil {
		p.Errorf("the context of a live connection has ended: %v", err)
	}
}

func testFIN(p *pair) {
	s, r := p.uni("hello ")
	_, err := io.WriteString(s, "world")
	p.must("Write", err)
	p.must("Close", s.Close())
	p.must("second Close", s.Close())
	p.wantAll(r, "hello world")
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		p.Errorf("Read after the end: %d, %v, want io.EOF", n, err)
	}
	if s.ID() != r.ID() {
		p.Errorf("the ids of the two ends are %d and %d", s.ID(), r.ID())
	}
	if _, err := s.Write([]byte("more")); !errors.Is(err, transport.ErrStreamClosed) {
		p.Errorf("Write after Close: %v, want ErrStreamClosed", err)
	}
}

func testEmptyStream(p *pair) {
	s, err := p.a.OpenUni(p.ctx)
	p.must("OpenUni", err)
	p.must("Close", s.Close())
	r, err := p.b.AcceptUni(p.ctx)
	p.must("AcceptUni", err)
	p.wantAll(r, "")
}

func testHalfClose(p *pair) {
	mine, theirs := p.bidi("question")
	p.must("Close", mine.Close())
	p.wantAll(theirs, "question")
	_, err := io.WriteString(theirs, "answer")
	p.must("Write", err)
	p.must("Close", theirs.Close())
	p.wantAll(mine, "answer")
	if mine.ID() != theirs.ID() {
		p.Errorf("the ids of the two ends are %d and %d", mine.ID(), theirs.ID())
	}
}

func testLargeWrite(p *pair) {
	data := strings.Repeat("0123456789abcdef", 2<<20/16)
	s, r := p.uni("first ")
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(s, data)
		written <- errors.Join(err, s.Close())
	}()
	p.wantAll(r, "first "+data)
	p.must("Write", <-written)
}

func testManyStreams(p *pair) {
	const streams = 300 // several times the limit: the places of read streams come back
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range streams {
			s, err := p.a.OpenUni(p.ctx)
			if err != nil {
				p.Errorf("OpenUni: %v", err)
				return
			}
			_, err = fmt.Fprintf(s, "stream %d", i)
			if err := errors.Join(err, s.Close()); err != nil {
				p.Errorf("stream %d: %v", i, err)
			}
		}
	})
	defer wg.Wait()
	got, ids := map[string]bool{}, map[uint64]bool{}
	for range streams {
		r, err := p.b.AcceptUni(p.ctx)
		p.must("AcceptUni", err)
		data, err := io.ReadAll(r)
		p.must("Read", err)
		got[string(data)], ids[r.ID()] = true, true
	}
	if len(got) != streams || len(ids) != streams {
		p.Errorf("%d payloads and %d ids of %d streams", len(got), len(ids), streams)
	}
}

// codes are the ones that a wrong mapping gets wrong: around the skipped codepoints, and the ends.
var codes = []uint64{0, 1, 13, 29, 30, 31, 59, 60, 64 + 65535, transport.MaxCode}

func testReset(p *pair) {
	for _, code := range codes {
		s, r := p.uni("x")
		p.wantData(r, "x")
		s.Reset(code)
		p.wantStreamError("Read", readError(r), code, true)
		_, err := s.Write([]byte("more"))
		p.wantStreamError("Write after Reset", err, code, false)
		p.must("Close after Reset", s.Close())
		r.Stop(1)
	}
}

func testResetFirst(p *pair) {
	s, err := p.a.OpenUni(p.ctx)
	p.must("OpenUni", err)
	s.Reset(5)
	r, err := p.b.AcceptUni(p.ctx)
	p.must("AcceptUni", err)
	p.wantStreamError("Read", readError(r), 5, true)
}

func testResetUnblocks(p *pair) {
	s, r := p.uni("x")
	failed := make(chan error, 1)
	go func() { failed <- writeError(s) }() // nobody reads, so it blocks
	p.wantData(r, "x")
	s.Reset(3)
	p.wantStreamError("Write", <-failed, 3, false)
	p.wantStreamError("Read", readError(r), 3, true)
}

func testStop(p *pair) {
	for _, code := range codes {
		s, r := p.uni("x")
		r.Stop(code)
		p.wantStreamError("Read after Stop", readError(r), code, false)
		p.wantStreamError("cause", p.wantDone(s.Context(), "the context"), code, true)
		p.wantStreamError("Write", writeError(s), code, true)
		p.wantStreamError("Close", s.Close(), code, true)
	}
}

func testStopUnblocks(p *pair) {
	_, r := p.uni("x")
	failed := make(chan error, 1)
	go func() { failed <- readError(r) }()
	r.Stop(7)
	p.wantStreamError("Read", <-failed, 7, false)
}

func testStopAfterEnd(p *pair) {
	s, r := p.uni("whole")
	p.must("Close", s.Close())
	p.wantAll(r, "whole")
	r.Stop(7)
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		p.Errorf("Read after the end and Stop: %v, want io.EOF", err)
	}
	s.Reset(7) // delivered: nothing happens
}

func testStreamContext(p *pair) {
	s, _ := p.uni("closed")
	if s.Context().Err() != nil {
		p.Fatal("the context of an open stream has ended")
	}
	p.must("Close", s.Close())
	if err := p.wantDone(s.Context(), "closed stream"); !errors.Is(err, transport.ErrStreamClosed) {
		p.Errorf("cause after Close: %v, want ErrStreamClosed", err)
	}

	s, r := p.uni("reset")
	s.Reset(9)
	p.wantStreamError("cause after Reset", p.wantDone(s.Context(), "reset stream"), 9, false)
	r.Stop(0)

	mine, theirs := p.bidi("both")
	theirs.Stop(11)
	p.wantStreamError("cause after Stop", p.wantDone(mine.Context(), "stopped stream"), 11, true)
	if theirs.Context().Err() != nil {
		p.Error("the other half has ended with the stop")
	}
	_ = p.b.CloseWithError(12, "bye")
	p.wantConnError("cause", p.wantDone(theirs.Context(), "stream of a closed connection"), 12, "bye", false)
}

func testDatagram(p *pair) {
	want := bytes.Repeat([]byte("d"), 1000)
	p.must("SendDatagram", p.a.SendDatagram(want))
	got, err := p.b.ReceiveDatagram(p.ctx)
	p.must("ReceiveDatagram", err)
	if !bytes.Equal(got, want) {
		p.Errorf("received %d bytes %.20q", len(got), got)
	}
}

func testDatagramTooLarge(p *pair) {
	err := p.a.SendDatagram(make([]byte, 64<<10))
	var e *transport.DatagramTooLargeError
	if !errors.As(err, &e) || e.Max < 1000 || e.Max > 64<<10 {
		p.Fatalf("SendDatagram of 64 KiB: %v, want a DatagramTooLargeError with the limit", err)
	}
	if err := p.a.SendDatagram(make([]byte, e.Max+1)); !errors.As(err, &e) {
		p.Errorf("SendDatagram of %d bytes: %v, want that it is too large", e.Max+1, err)
	}
	p.must("SendDatagram of the limit", p.a.SendDatagram(make([]byte, e.Max)))
	got, err := p.b.ReceiveDatagram(p.ctx)
	p.must("ReceiveDatagram", err)
	if len(got) != e.Max {
		p.Errorf("received %d bytes, want %d", len(got), e.Max)
	}
}
