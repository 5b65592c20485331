package webtransport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
	"github.com/moqrx/moqrx/session/transport/transporttest"
	"github.com/moqrx/moqrx/session/transport/webtransport"
)

// connect opens a session between the two ends of a QUIC connection.
func connect(ctx context.Context, t *testing.T, client, server *quicgo.Conn) (c, s transport.Conn) {
	t.Helper()
	accepted := make(chan transport.Conn, 1)
	go func() {
		err := (&webtransport.Server{Protocols: []string{"moq-lite-04", "moq-lite-05"}}).Serve(server,
			func(c transport.Conn, _ *http.Request) { accepted <- c })
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	}()
	u := &url.URL{Scheme: "https", Host: "relay.example", Path: "/"}
	c, err := webtransport.Dial(ctx, client, u, []string{"moq-lite-05", "moq-lite-04"})
	if err != nil {
		t.Fatal(err)
	}
	return c, <-accepted
}

func TestUrgencies(t *testing.T) { transporttest.Urgencies(t, http3.NextProtoH3, connect) }

func TestCloseEndsCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		client, server := transporttest.Path(ctx, t, http3.NextProtoH3)
		c, s := connect(ctx, t, client, server)
		theirs, err := s.OpenUni(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = theirs.Write([]byte("x"))
		in, err := c.AcceptUni(ctx)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() {
			_, err := io.ReadAll(in)
			ended <- err
		}()
		out, err := c.OpenUni(ctx)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := out.Write(make([]byte, 10<<20)) // more than the peer lets in
			ended <- err
		}()
		go func() { // up to the limit of the peer and beyond
			for {
				if _, err := c.OpenUni(ctx); err != nil {
					ended <- err
					return
				}
			}
		}()
		synctest.Wait()
		closed := time.Now()
		_ = c.CloseWithError(6, "")
		for range 3 {
			var e *transport.ConnError
			if err := <-ended; !errors.As(err, &e) || e.Code != 6 {
				t.Errorf("%v, want the close", err)
			}
		}
		if passed := time.Since(closed); passed != 0 {
			t.Errorf("the calls ended %v after the close", passed)
		}
		<-c.Closed()
		<-s.Closed()
	})
}

// TestConformanceWithoutReliableReset has a peer that knows no RESET_STREAM_AT, like those built on quinn, and
// browsers.
func TestConformanceWithoutReliableReset(t *testing.T) {
	cert, err := endpoint.SelfSignedCertificate()
	if err != nil {
		t.Fatal(err)
	}
	transporttest.Run(t, func(t *testing.T, maxUni int) (c, s transport.Conn) {
		config := &quicgo.Config{
			EnableDatagrams: true, MaxIncomingUniStreams: int64(maxUni),
			InitialPacketSize: 1452, DisablePathMTUDiscovery: true,
		}
		l, err := quicgo.ListenAddr("127.0.0.1:0",
			&tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{http3.NextProtoH3}}, config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		config = config.Clone()
		config.EnableStreamResetPartialDelivery = true
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		dialer := &quicgo.Transport{Conn: udp}
		t.Cleanup(func() {
			_ = dialer.Close()
			_ = udp.Close()
		})
		client, err := dialer.Dial(t.Context(), l.Addr(),
			&tls.Config{InsecureSkipVerify: true, NextProtos: []string{http3.NextProtoH3}}, config)
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { // the linger of a close would outlive the socket
			_ = client.CloseWithError(0, "")
			_ = server.CloseWithError(0, "")
		})
		return connect(t.Context(), t, client, server)
	}, transporttest.ResetFirst)
}
