package webtransport_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/moqrx/moqrx/session/transport"
)

func TestCapsules(t *testing.T) {
	for _, c := range []struct {
		name     string
		capsules string
		reason   string // of the clean close with code 6; otherwise the connection is at fault
		ok       bool
	}{
		{"close", "\x68\x43\x08\x00\x00\x00\x06gone", "gone", true},
		{"close without a reason", "\x68\x43\x04\x00\x00\x00\x06", "", true},
		{"close with the longest reason", "\x68\x43\x44\x04\x00\x00\x00\x06" + strings.Repeat("r", 1024), strings.Repeat("r", 1024), true},
		{"after a drain and capsules of flow control", "\x80\x00\x78\xae\x00" + "\x99\x0b\x4d\x3d\x01\x00" + "\x17\x02xx" + "\x68\x43\x04\x00\x00\x00\x06", "", true},
		{"a code of three bytes", "\x68\x43\x03\x00\x00\x06", "", false},
		{"a reason that is too long", "\x68\x43\x44\x05\x00\x00\x00\x06" + strings.Repeat("r", 1025), "", false},
		{"a length that lies", "\x68\x43\xff\xff\xff\xff\xff\xff\xff\xff", "", false},
		{"half a capsule", "\x68\x43\x08\x00\x00", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, q, s, in := asked(t)
			if _, err := io.WriteString(s, c.capsules); err != nil {
				t.Fatal(err)
			}
			_ = s.Close()
			if c.ok {
				wantClose(t, in.Conn, 6, c.reason)
				return
			}
			<-in.Conn.Context().Done()
			var closed *transport.ConnError
			if err := context.Cause(in.Conn.Context()); errors.As(err, &closed) {
				t.Errorf("the session ended with %v", err)
			}
			<-q.Context().Done()
			var app *quicgo.ApplicationError
			if err := context.Cause(q.Context()); !errors.As(err, &app) || app.ErrorCode != quicgo.ApplicationErrorCode(http3.ErrCodeMessageError) {
				t.Errorf("the connection ended with %v", err)
			}
		})
	}
}

func TestResetOfTheRequestEndsTheSession(t *testing.T) {
	_, q, s, in := asked(t)
	s.CancelWrite(quicgo.StreamErrorCode(http3.ErrCodeRequestCanceled))
	<-in.Conn.Context().Done()
	<-q.Context().Done()
	var app *quicgo.ApplicationError
	if err := context.Cause(q.Context()); !errors.As(err, &app) || app.ErrorCode != quicgo.ApplicationErrorCode(http3.ErrCodeNoError) {
		t.Errorf("the connection ended with %v", err)
	}
}

func TestStreamsOfNoSession(t *testing.T) {
	ctx, q, _, in := asked(t)
	uni, err := q.OpenUniStream()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = uni.Write([]byte{0x40, 0x54, 4}) // no request was sent there
	bidi, err := q.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = bidi.Write([]byte{0x40, 0x41, 8})
	var e *quicgo.StreamError
	for name, s := range map[string]context.Context{"uni": uni.Context(), "bidi": bidi.Context()} {
		<-s.Done()
		if err := context.Cause(s); !errors.As(err, &e) || e.ErrorCode != 0x3994bd84 {
			t.Errorf("%s: %v, want WT_BUFFERED_STREAM_REJECTED", name, err)
		}
	}
	if _, err := bidi.Read(make([]byte, 1)); !errors.As(err, &e) || e.ErrorCode != 0x3994bd84 {
		t.Errorf("the other half: %v, want WT_BUFFERED_STREAM_REJECTED", err)
	}
	// One that ends within its header harms nobody.
	short, err := q.OpenUniStream()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = short.Write([]byte{0x40, 0x54})
	_ = short.Close()
	// And one with an id that no request can have ends the connection.
	if in.Conn.Context().Err() != nil {
		t.Fatal("the session has ended")
	}
	wrong, err := q.OpenUniStreamSync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = wrong.Write([]byte{0x40, 0x54, 2})
	<-q.Context().Done()
	var app *quicgo.ApplicationError
	if err := context.Cause(q.Context()); !errors.As(err, &app) || app.ErrorCode != quicgo.ApplicationErrorCode(http3.ErrCodeIDError) {
		t.Errorf("%v, want H3_ID_ERROR", err)
	}
	<-in.Conn.Context().Done()
}

func TestStreamsThatComeBeforeTheRequest(t *testing.T) {
	ctx, q, l := plainPeer(t)
	early, err := q.OpenUniStream()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = early.Write([]byte{0x40, 0x54, 0, 'x'})
	_ = early.Close()
	ask(ctx, t, q, l)
	in, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r, err := in.Conn.AcceptUni(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestCloseWithoutTheEndOfTheRequest(t *testing.T) {
	ctx, _, s, in := asked(t)
	waiting := make(chan error, 1)
	go func() {
		_, err := in.Conn.ReceiveDatagram(ctx)
		waiting <- err
	}()
	if _, err := io.WriteString(s, "\x68\x43\x08\x00\x00\x00\x06gone"); err != nil {
		t.Fatal(err)
	}
	wantClose(t, in.Conn, 6, "gone")
	select {
	case err := <-waiting:
		var e *transport.ConnError
		if !errors.As(err, &e) || e.Code != 6 {
			t.Errorf("ReceiveDatagram: %v", err)
		}
	case <-ctx.Done():
		t.Error("ReceiveDatagram still waits")
	}
}
