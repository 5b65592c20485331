package bench

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
)

// plain is the limit to compare with: one unidirectional stream per group, and on it a varint
// length and the payload of each frame, written as an application without a library would.
type plain struct {
	shape  shape
	conn   *quic.Conn // of the publisher
	groups chan result
}

type result struct {
	frames, bytes int
	err           error
}

func connectPlain(ctx context.Context, b *testing.B, s shape) path {
	certificate, err := selfSigned()
	if err != nil {
		b.Fatal(err)
	}
	const protocol = "bench"
	config := &quic.Config{MaxIncomingUniStreams: 1000}
	listener, err := quic.ListenAddr("127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{certificate}, NextProtos: []string{protocol},
	}, config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	subscriber, err := quic.DialAddr(ctx, listener.Addr().String(), &tls.Config{
		InsecureSkipVerify: true, NextProtos: []string{protocol},
	}, config)
	if err != nil {
		b.Fatal(err)
	}
	publisher, err := listener.Accept(ctx)
	if err != nil {
		b.Fatal(err)
	}
	p := &plain{shape: s, conn: publisher, groups: make(chan result, window)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.accept(subscriber)
	}()
	b.Cleanup(func() {
		_ = subscriber.CloseWithError(0, "")
		_ = publisher.CloseWithError(0, "")
		<-done
	})
	return p
}

func (p *plain) publish(ctx context.Context, payload []byte) error {
	stream, err := p.conn.OpenUniStreamSync(ctx)
	if err != nil {
		return err
	}
	var header [8]byte
	for range p.shape.frames {
		if _, err := stream.Write(quicvarint.Append(header[:0], uint64(len(payload)))); err != nil {
			return err
		}
		if _, err := stream.Write(payload); err != nil {
			return err
		}
	}
	return stream.Close()
}

// accept reads every group on a goroutine of its own until the connection ends.
func (p *plain) accept(conn *quic.Conn) {
	for {
		stream, err := conn.AcceptUniStream(context.Background())
		if err != nil {
			return
		}
		go func() { p.groups <- readGroup(stream) }()
	}
}

func readGroup(stream io.Reader) result {
	var r result
	buffered := bufio.NewReader(stream)
	for {
		size, err := quicvarint.Read(buffered)
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			return result{err: err}
		}
		payload := make([]byte, size) // the receiver owns what it gets, as in the model
		if _, err := io.ReadFull(buffered, payload); err != nil {
			return result{err: err}
		}
		r.frames++
		r.bytes += len(payload)
	}
}

func (p *plain) receive(ctx context.Context) (frames, bytes int, err error) {
	select {
	case r := <-p.groups:
		return r.frames, r.bytes, r.err
	case <-ctx.Done():
		return 0, 0, context.Cause(ctx)
	}
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
