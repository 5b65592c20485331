package transporttest

import (
	"crypto/tls"
	"net/url"
	"testing"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// Network returns a Connect that dials a new listener on loopback: raw QUIC for the scheme
// moqt, WebTransport for https.
func Network(scheme string) Connect {
	return func(t *testing.T, maxUni int) (client, server transport.Conn) {
		t.Helper()
		cert, err := endpoint.SelfSignedCertificate()
		if err != nil {
			t.Fatal(err)
		}
		config := endpoint.Config{
			TLS:           &tls.Config{Certificates: []tls.Certificate{cert}},
			Protocols:     []string{"moq-lite-05"},
			MaxUniStreams: maxUni,
		}
		l, err := endpoint.Listen("127.0.0.1:0", config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		config.TLS = &tls.Config{InsecureSkipVerify: true}
		client, err = endpoint.Dial(t.Context(), &url.URL{Scheme: scheme, Host: l.Addr().String()}, config)
		if err != nil {
			t.Fatal(err)
		}
		in, err := l.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return client, in.Conn
	}
}
