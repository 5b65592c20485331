package endpoint_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	wt "github.com/quic-go/webtransport-go"

	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// wantDialError dials and compares the whole error line.
func wantDialError(t *testing.T, u string, config endpoint.Config, want string) {
	t.Helper()
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := endpoint.Dial(within(t), parsed, config)
	if err == nil {
		_ = conn.CloseWithError(0, "")
		t.Fatalf("dial %s succeeded", u)
	}
	var e *endpoint.Error
	if got := err.Error(); !errors.As(err, &e) || got != want || strings.Contains(got, "\n") {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestDialRefusesBadURLs(t *testing.T) {
	c := clientConfig("moq-lite-05")
	wantDialError(t, "http://127.0.0.1", c, `dial http://127.0.0.1: unknown scheme "http": want https, moqt or moql`)
	wantDialError(t, "moqt:///room", c, `dial moqt:///room: no host in the URL`)
	wantDialError(t, "moqt://127.0.0.1:70000/", c, `dial moqt://127.0.0.1:70000/: "70000" is not a port`)
	wantDialError(t, "moqt://127.0.0.1:4443", clientConfig(), `dial moqt://127.0.0.1:4443: no protocol to offer`)
}

func TestDialNamesTheMissingProtocol(t *testing.T) {
	l := listen(t, "127.0.0.1:0", serverConfig(t, "moq-lite-04"))
	u := at(l, "moqt", "").String()
	wantDialError(t, u, clientConfig("moq-lite-05", "moqt-18"),
		"dial "+u+": no common protocol: the server supports none of moq-lite-05, moqt-18")
}

func TestDialNamesTheCertificate(t *testing.T) {
	l := listen(t, "127.0.0.1:0", serverConfig(t, "moq-lite-05"))
	for _, scheme := range schemes {
		u := at(l, scheme, "").String()
		c := clientConfig("moq-lite-05")
		c.TLS.VerifyConnection = func(tls.ConnectionState) error {
			return errors.New("certificate fingerprint does not match: got 01, want 02")
		}
		wantDialError(t, u, c, "dial "+u+": certificate fingerprint does not match: got 01, want 02")
		c.TLS = nil
		wantDialError(t, u, c, "dial "+u+": certificate does not verify: x509: certificate signed by unknown authority")
	}
}

func TestDialGivesUpWhenNobodyAnswers(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	c := clientConfig("moq-lite-05")
	c.HandshakeTimeout = 50 * time.Millisecond
	for _, scheme := range schemes {
		u := scheme + "://" + silent.LocalAddr().String()
		wantDialError(t, u, c, "dial "+u+": no answer within 50ms: is a server listening on this UDP port?")
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	ctx, cancel := context.WithCancel(within(t))
	go func() {
		if _, _, err := silent.ReadFrom(make([]byte, 2000)); err != nil {
			t.Error(err)
		}
		cancel() // the handshake has begun
	}()
	_, err = endpoint.Dial(ctx, &url.URL{Scheme: "moqt", Host: silent.LocalAddr().String()}, clientConfig("moq-lite-05"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Dial: %v, want context.Canceled", err)
	}
}

// http3Server answers requests of HTTP/3 on loopback with handler. A WebTransport server
// announces so in its settings.
func http3Server(t *testing.T, webTransport bool, handler http.HandlerFunc) (host string) {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &wt.Server{H3: &http3.Server{
		TLSConfig: http3.ConfigureTLSConfig(serverConfig(t).TLS),
		Handler:   handler,
	}}
	serve, stop := server.Serve, server.Close
	if !webTransport {
		serve, stop = server.H3.Serve, server.H3.Close
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = serve(udp)
	}()
	t.Cleanup(func() {
		_ = stop()
		<-served
		_ = udp.Close()
	})
	return udp.LocalAddr().String()
}

func TestDialNamesTheRefusal(t *testing.T) {
	forbidden := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
	u := "https://" + http3Server(t, true, forbidden)
	wantDialError(t, u, clientConfig("moq-lite-05"),
		"dial "+u+": no WebTransport session: the server answered 403 Forbidden")

	u = "https://" + http3Server(t, false, forbidden)
	wantDialError(t, u, clientConfig("moq-lite-05"),
		"dial "+u+": no WebTransport session: the server does not accept datagrams")
}

func TestDialGivesUpWhenTheRequestIsNotAnswered(t *testing.T) {
	asked := make(chan struct{})
	u := "https://" + http3Server(t, true, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(within(t))
	go func() {
		<-asked
		cancel()
	}()
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := endpoint.Dial(ctx, parsed, clientConfig("moq-lite-05")); !errors.Is(err, context.Canceled) {
		t.Errorf("Dial: %v, want context.Canceled", err)
	}
}
