package endpoint_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// within bounds a test whose event never comes.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func serverConfig(t *testing.T, protocols ...string) endpoint.Config {
	t.Helper()
	cert, err := endpoint.SelfSignedCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return endpoint.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, Protocols: protocols}
}

func clientConfig(protocols ...string) endpoint.Config {
	return endpoint.Config{TLS: &tls.Config{InsecureSkipVerify: true}, Protocols: protocols}
}

func listen(t *testing.T, addr string, config endpoint.Config) *endpoint.Listener {
	t.Helper()
	l, err := endpoint.Listen(addr, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// at is the URL of a listener.
func at(l *endpoint.Listener, scheme, path string) *url.URL {
	u, err := url.Parse(scheme + "://" + l.Addr().String() + path)
	if err != nil {
		panic(err)
	}
	return u
}

func dial(t *testing.T, u *url.URL, config endpoint.Config) transport.Conn {
	t.Helper()
	c, err := endpoint.Dial(within(t), u, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseWithError(0, "") })
	return c
}

func accept(t *testing.T, l *endpoint.Listener) *endpoint.Incoming {
	t.Helper()
	in, err := l.Accept(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

var schemes = []string{"moqt", "moql", "https"}

func TestConnectionIsWhatBothEndsSay(t *testing.T) {
	l := listen(t, "127.0.0.1:0", serverConfig(t, "moq-lite-05", "moq-lite-04"))
	for _, scheme := range schemes {
		c := dial(t, at(l, scheme, "/room/one?jwt=a%20b"), clientConfig("moq-lite-04"))
		in := accept(t, l)
		kind, path, query := transport.KindQUIC, "", "" // on raw QUIC they travel in the session
		if scheme == "https" {
			kind, path, query = transport.KindWebTransport, "/room/one", "jwt=a%20b"
		}
		if c.Kind() != kind || in.Conn.Kind() != kind {
			t.Errorf("%s: the kinds are %s and %s, want %s", scheme, c.Kind(), in.Conn.Kind(), kind)
		}
		if in.Path != path || in.RawQuery != query {
			t.Errorf("%s: path %q and query %q, want %q and %q", scheme, in.Path, in.RawQuery, path, query)
		}
		if !in.TLS.HandshakeComplete {
			t.Errorf("%s: the handshake is not complete", scheme)
		}
	}
}

func TestNegotiation(t *testing.T) {
	l := listen(t, "127.0.0.1:0", serverConfig(t, "moq-lite-05", "moq-lite-04", "moq-lite-03"))
	for _, c := range []struct {
		scheme string
		offer  []string
		want   string
	}{
		{"moqt", []string{"moq-lite-03", "moq-lite-04"}, "moq-lite-04"},  // the server's order
		{"https", []string{"moq-lite-03", "moq-lite-04"}, "moq-lite-03"}, // the client's order
		{"moqt", []string{"moqt-18", "moq-lite-03"}, "moq-lite-03"},
		{"https", []string{"moqt-18", "moq-lite-03"}, "moq-lite-03"},
		{"https", []string{"moqt-18"}, ""},
		{"https", nil, ""},
	} {
		conn := dial(t, at(l, c.scheme, "/"), clientConfig(c.offer...))
		in := accept(t, l)
		if got := conn.Protocol(); got != c.want {
			t.Errorf("%s offering %v: the client has %q, want %q", c.scheme, c.offer, got, c.want)
		}
		if got := in.Conn.Protocol(); got != c.want {
			t.Errorf("%s offering %v: the server has %q, want %q", c.scheme, c.offer, got, c.want)
		}
	}
}

func TestAddressFamilies(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", "localhost:0"} {
		l := listen(t, addr, serverConfig(t, "moq-lite-05"))
		for _, scheme := range []string{"moqt", "https"} {
			dial(t, at(l, scheme, "/"), clientConfig("moq-lite-05"))
			accept(t, l)
		}
	}
	l := listen(t, "localhost:0", serverConfig(t, "moq-lite-05"))
	u := at(l, "moqt", "/")
	u.Host = "localhost:" + u.Port()
	dial(t, u, clientConfig("moq-lite-05"))
	accept(t, l)
}

func TestSelfSignedCertificateIsTrustedAsRoot(t *testing.T) {
	config := serverConfig(t, "moq-lite-05")
	leaf := config.TLS.Certificates[0].Leaf
	if valid := leaf.NotAfter.Sub(leaf.NotBefore); valid != 10*24*time.Hour {
		t.Errorf("valid for %v, browsers want 14 days at most", valid)
	}
	l := listen(t, "127.0.0.1:0", config)
	if got, want := l.CertificateSHA256(), sha256.Sum256(leaf.Raw); got != want {
		t.Errorf("CertificateSHA256 is %x, want %x", got, want)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	client := clientConfig("moq-lite-05")
	client.TLS = &tls.Config{RootCAs: roots}
	for _, scheme := range schemes {
		dial(t, at(l, scheme, "/"), client)
		accept(t, l)
	}
}

func TestServerConfigurationPerClient(t *testing.T) {
	inner := serverConfig(t, "moq-lite-05")
	outer := inner
	outer.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return inner.TLS, nil }}
	l := listen(t, "127.0.0.1:0", outer)
	for _, scheme := range schemes {
		dial(t, at(l, scheme, "/"), clientConfig("moq-lite-05"))
		accept(t, l)
	}
}
