package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"testing"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/quic"
	"github.com/moqrx/moqrx/session/transport/webtransport"
)

// A rogue is a peer that writes its bytes by hand, below the session, and so can break every
// rule.
type rogue struct {
	transport.Conn
	t       *testing.T
	ctx     context.Context
	version session.Version
}

// rogue connects without a session. On moq-lite-05 it sends an empty SETUP and waits until the
// server has taken it, since a server refuses everything before that.
func (r *relay) rogue(ctx context.Context, t *testing.T, w way) *rogue {
	t.Helper()
	conn := r.dialRaw(ctx, t, w)
	if conn.Protocol() != w.version.String() {
		t.Fatalf("negotiated %q, want %v", conn.Protocol(), w.version)
	}
	p := &rogue{Conn: conn, t: t, ctx: ctx, version: w.version}
	if w.version >= session.MoqLite05 {
		setup := p.uni(0x01, body(varint(0)))
		if err := setup.Close(); err != nil {
			t.Fatalf("end of the SETUP stream: %v", err)
		}
		if _, err := p.AcceptUni(ctx); err != nil {
			t.Fatalf("SETUP of the server: %v", err)
		}
	}
	return p
}

func (r *relay) dialRaw(ctx context.Context, t *testing.T, w way) transport.Conn {
	t.Helper()
	q := r.dialQUIC(ctx, t, w)
	if w.scheme == rawQUIC {
		return quic.New(q)
	}
	u := &url.URL{Scheme: "https", Host: r.address(), Path: "/"}
	c, err := webtransport.Dial(ctx, q, u, []string{w.version.String()})
	if err != nil {
		t.Fatalf("WebTransport: %v", err)
	}
	return c
}

func (r *relay) dialQUIC(ctx context.Context, t *testing.T, w way) *quicgo.Conn {
	t.Helper()
	pin := r.listener.CertificateSHA256()
	tlsConfig := &tls.Config{
		InsecureSkipVerify: true, // replaced by the pin
		VerifyPeerCertificate: func(chain [][]byte, _ [][]*x509.Certificate) error {
			if sha256.Sum256(chain[0]) != pin {
				return errors.New("another certificate")
			}
			return nil
		},
	}
	config := &quicgo.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true}
	tlsConfig.NextProtos = []string{w.version.String()}
	if w.scheme == webTransport {
		tlsConfig.NextProtos = []string{"h3"}
	}
	q, err := quicgo.DialAddr(ctx, r.address(), tlsConfig, config)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() {
		_ = q.CloseWithError(0, "")
		<-q.Context().Done()
	})
	return q
}

// uni opens a stream, and writes its type and what follows.
func (p *rogue) uni(kind uint64, parts ...[]byte) transport.SendStream {
	p.t.Helper()
	s, err := p.OpenUni(p.ctx)
	if err != nil {
		p.t.Fatalf("open: %v", err)
	}
	p.write(s, append(varint(kind), join(parts...)...))
	return s
}

// bidi does the same in both directions.
func (p *rogue) bidi(kind uint64, parts ...[]byte) transport.Stream {
	p.t.Helper()
	s, err := p.OpenBidi(p.ctx)
	if err != nil {
		p.t.Fatalf("open: %v", err)
	}
	p.write(s, append(varint(kind), join(parts...)...))
	return s
}

// write writes to a stream that the peer may stop at any time.
func (p *rogue) write(s transport.SendStream, bytes []byte) {
	p.t.Helper()
	var stopped *transport.StreamError
	if _, err := s.Write(bytes); err != nil && !errors.As(err, &stopped) {
		p.t.Fatalf("write: %v", err)
	}
}

// wantStopped waits until the peer stops a stream, with a code.
func (p *rogue) wantStopped(s transport.SendStream, want model.Code) {
	p.t.Helper()
	select {
	case <-s.Context().Done():
	case <-p.ctx.Done():
		p.t.Fatal("the peer does not stop the stream")
	}
	p.wantCode("STOP_SENDING", context.Cause(s.Context()), want)
}

// wantReset waits until the peer resets its half of a stream, with a code.
func (p *rogue) wantReset(s transport.ReceiveStream, want model.Code) {
	p.t.Helper()
	_, err := io.Copy(io.Discard, s)
	p.wantCode("RESET_STREAM", err, want)
}

func (p *rogue) wantCode(what string, err error, want model.Code) {
	p.t.Helper()
	var end *transport.StreamError
	if !errors.As(err, &end) || !end.Remote || end.Code != uint64(want) {
		p.t.Errorf("%s is %v, want code %d (%v)", what, err, want, want)
	}
}

// wantClosed waits until the peer closes the session, with a code.
func (p *rogue) wantClosed(want model.Code) {
	p.t.Helper()
	select {
	case <-p.Context().Done():
	case <-p.ctx.Done():
		p.t.Fatal("the peer does not close the session")
	}
	var end *transport.ConnError
	if err := context.Cause(p.Context()); !errors.As(err, &end) || !end.Remote || end.Code != uint64(want) {
		p.t.Errorf("the session ended with %v, want code %d (%v)", err, want, want)
	}
}

// publish announces a broadcast to whoever asks, and answers TRACK and SUBSCRIBE streams, until
// the connection ends. The ids of subscriptions come out of the channel.
func (p *rogue) publish(path string) <-chan uint64 {
	ids := make(chan uint64, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			s, err := p.AcceptBidi(p.ctx)
			if err != nil {
				return
			}
			err = p.answer(s, path, ids)
			var end *transport.StreamError
			if errors.As(err, &end) && end.Remote && end.Code == uint64(model.CodeCancel) {
				continue // who asked has left
			}
			if err != nil && p.Conn.Context().Err() == nil {
				p.t.Errorf("rogue publisher: %v", err)
			}
		}
	}()
	p.t.Cleanup(func() {
		_ = p.CloseWithError(0, "")
		<-done
	})
	return ids
}

func (p *rogue) answer(s transport.Stream, path string, ids chan<- uint64) error {
	r := bufio.NewReader(s)
	kind, err := quicvarint.Read(r)
	if err != nil {
		return err
	}
	if kind == 0x04 { // PROBE has no message
		return s.Close()
	}
	size, err := quicvarint.Read(r)
	if err != nil {
		return err
	}
	message := make([]byte, size)
	if _, err := io.ReadFull(r, message); err != nil {
		return err
	}
	switch kind {
	case 0x01: // ANNOUNCE_REQUEST
		_, err = s.Write(p.announcements(path))
		return err
	case 0x02: // SUBSCRIBE
		if p.version < session.MoqLite05 {
			if _, err := s.Write(join(varint(0), body([]byte{0, 0, 0, 0, 0}))); err != nil {
				return err
			}
		}
		id, _, err := quicvarint.Parse(message)
		ids <- id
		return err
	case 0x03: // FETCH
		_, err := s.Write(join(p.frame(5, []byte("whole")), p.frame(1<<61, nil)))
		return err
	case 0x06: // TRACK
		if _, err := s.Write(body([]byte{0, 0}, varint(5000), varint(1000))); err != nil {
			return err
		}
		return s.Close()
	default:
		return fmt.Errorf("stream type %#x", kind)
	}
}

// announcements is the answer to an ANNOUNCE_REQUEST for everything.
func (p *rogue) announcements(path string) []byte {
	switch p.version {
	case session.MoqLite03:
		return announce(path, varint(1))
	case session.MoqLite04:
		return announce(path, varint(1), varint(77))
	default:
		return join(body(varint(77), varint(1)), announce(path, varint(0)))
	}
}

func announce(path string, hops ...[]byte) []byte {
	return body([]byte{1}, text(path), join(hops...))
}

// frame is a frame header and as much of the payload as is given.
func (p *rogue) frame(size uint64, payload []byte) []byte {
	if p.version < session.MoqLite05 {
		return join(varint(size), payload)
	}
	return join(varint(0), varint(size), payload)
}

func varint(v uint64) []byte { return quicvarint.Append(nil, v) }

func text(s string) []byte { return join(varint(uint64(len(s))), []byte(s)) }

func body(parts ...[]byte) []byte {
	all := join(parts...)
	return append(varint(uint64(len(all))), all...)
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}
