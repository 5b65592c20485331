package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/moqrx/moqrx/session"
)

// The two kinds of clients of a plain relay, by ALPN.
const (
	asPublisher  = "speed-publisher"
	asSubscriber = "speed-subscriber"
)

var plainConfig = &quic.Config{MaxIncomingUniStreams: 1000}

// streams sends groups on streams of any number of connections.
type streams struct {
	buffered bool
	mu       sync.Mutex
	conns    []*quic.Conn
	come     chan struct{} // poked when one is added
	want     int
}

func (s *streams) add(conn *quic.Conn) error {
	hello, err := conn.OpenUniStream()
	if err != nil {
		return err
	}
	if err := hello.Close(); err != nil {
		return err
	}
	s.mu.Lock()
	s.conns = append(s.conns, conn)
	s.mu.Unlock()
	select {
	case s.come <- struct{}{}:
	default:
	}
	return nil
}

func (s *streams) all() []*quic.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

func (s *streams) ready(ctx context.Context) error {
	for len(s.all()) < s.want {
		select {
		case <-s.come:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s *streams) begin(ctx context.Context) (group, error) {
	conns := s.all()
	if len(conns) == 1 {
		return newPlainGroup(ctx, conns[0], s.buffered)
	}
	f := &fanOut{}
	for _, conn := range conns {
		f.branch(ctx, conn, s.buffered)
	}
	return f, nil
}

func (s *streams) close() error {
	for _, conn := range s.all() {
		_ = conn.CloseWithError(0, "") // it may be gone
	}
	return nil
}

// plainGroup writes one group on one stream.
type plainGroup struct {
	stream *quic.SendStream
	out    io.Writer
	buffer *bufio.Writer // nil without a buffer
}

func newPlainGroup(ctx context.Context, conn *quic.Conn, buffered bool) (*plainGroup, error) {
	stream, err := conn.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	g := &plainGroup{stream: stream, out: stream}
	if buffered {
		g.buffer = bufio.NewWriterSize(stream, 32<<10)
		g.out = g.buffer
	}
	return g, nil
}

func (g *plainGroup) frame(payload []byte, more bool) error {
	var header [8]byte
	if _, err := g.out.Write(quicvarint.Append(header[:0], uint64(len(payload)))); err != nil {
		return err
	}
	if _, err := g.out.Write(payload); err != nil {
		return err
	}
	if g.buffer != nil && !more {
		return g.buffer.Flush()
	}
	return nil
}

func (g *plainGroup) end() error {
	if g.buffer != nil {
		if err := g.buffer.Flush(); err != nil {
			return err
		}
	}
	return g.stream.Close()
}

// fanOut writes one group on streams of several connections, at the pace of each.
type fanOut struct{ branches []chan piece }

type piece struct {
	payload []byte
	more    bool
}

func (f *fanOut) branch(ctx context.Context, conn *quic.Conn, buffered bool) {
	pieces := make(chan piece, 64)
	f.branches = append(f.branches, pieces)
	go func() {
		g, err := newPlainGroup(ctx, conn, buffered)
		for p := range pieces {
			if err == nil {
				err = g.frame(p.payload, p.more || buffered && len(pieces) > 0)
			}
		}
		if err == nil {
			err = g.end()
		}
		if err != nil && ctx.Err() == nil {
			_ = conn.CloseWithError(1, err.Error()) // the subscriber reports it
		}
	}()
}

func (f *fanOut) frame(payload []byte, more bool) error {
	for _, b := range f.branches {
		b <- piece{payload, more}
	}
	return nil
}

func (f *fanOut) end() error {
	for _, b := range f.branches {
		close(b)
	}
	return nil
}

// readPlain reads the frames of one stream.
func readPlain(stream io.Reader, size int, frame func(payload []byte, more bool) error) error {
	in := bufio.NewReaderSize(stream, 32<<10)
	for {
		n, err := quicvarint.Read(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n != uint64(size) {
			return fmt.Errorf("a frame of %d bytes, want %d", n, size)
		}
		payload := make([]byte, n) // the receiver owns what it gets, as in the model
		if _, err := io.ReadFull(in, payload); err != nil {
			return err
		}
		if err := frame(payload, in.Buffered() > 0); err != nil {
			return err
		}
	}
}

// plainInlet reads the groups of one connection as they come.
type plainInlet struct {
	conn   *quic.Conn
	size   int
	groups chan error
	frame  chan func([]byte)
}

func newPlainInlet(ctx context.Context, j job) (*plainInlet, error) {
	conn, err := dialPlain(ctx, j, asSubscriber)
	if err != nil {
		return nil, err
	}
	// The server says that it counts on this subscriber.
	hello, err := conn.AcceptUniStream(ctx)
	if err == nil {
		_, err = io.ReadAll(hello)
	}
	if err != nil {
		return nil, err
	}
	in := &plainInlet{conn: conn, size: j.Shape.Size, groups: make(chan error, window), frame: make(chan func([]byte), 1)}
	go in.accept()
	return in, nil
}

func (in *plainInlet) accept() {
	frame := <-in.frame
	for {
		stream, err := in.conn.AcceptUniStream(context.Background())
		if err != nil {
			in.groups <- err
			return
		}
		go func() {
			in.groups <- readPlain(stream, in.size, func(payload []byte, _ bool) error {
				frame(payload)
				return nil
			})
		}()
	}
}

func (in *plainInlet) receive(ctx context.Context, frame func([]byte)) error {
	select {
	case in.frame <- frame:
	default:
	}
	select {
	case err := <-in.groups:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (in *plainInlet) close() error { return in.conn.CloseWithError(0, "") }

// plainRelay forwards each frame of a publisher to every subscriber as it comes.
func plainRelay(ctx context.Context, j job, c *console) error {
	listener, fingerprint, err := listenPlain()
	if err != nil {
		return err
	}
	defer listener.Close()
	out := &streams{buffered: j.Contender == "buffered", come: make(chan struct{}, 1)}
	c.say("listening", listener.Addr(), fingerprint)
	for {
		conn, err := listener.Accept(ctx)
		if err != nil {
			return err
		}
		if conn.ConnectionState().TLS.NegotiatedProtocol == asSubscriber {
			if err := out.add(conn); err != nil {
				return err
			}
			continue
		}
		go func() {
			for {
				stream, err := conn.AcceptUniStream(ctx)
				if err != nil {
					return
				}
				go forward(ctx, stream, j.Shape.Size, out)
			}
		}()
	}
}

func forward(ctx context.Context, stream io.Reader, size int, out *streams) {
	f := &fanOut{}
	for _, conn := range out.all() {
		f.branch(ctx, conn, out.buffered)
	}
	_ = readPlain(stream, size, f.frame) // what is missing then, the subscribers report
	_ = f.end()
}

func listenPlain() (*quic.Listener, string, error) {
	certificate, err := session.SelfSignedCertificate()
	if err != nil {
		return nil, "", err
	}
	listener, err := quic.ListenAddr("127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{certificate}, NextProtos: []string{asPublisher, asSubscriber},
	}, plainConfig)
	sum := sha256.Sum256(certificate.Certificate[0])
	return listener, hex.EncodeToString(sum[:]), err
}

func dialPlain(ctx context.Context, j job, as string) (*quic.Conn, error) {
	return quic.DialAddr(ctx, j.Server, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{as}}, plainConfig)
}
