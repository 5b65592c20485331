package session_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

func TestTLSConfigOfBothEnds(t *testing.T) {
	own, client := get[tls.Certificate](t)(session.SelfSignedCertificate()), get[tls.Certificate](t)(session.SelfSignedCertificate())
	trusted := x509.NewCertPool()
	trusted.AddCert(get[*x509.Certificate](t)(x509.ParseCertificate(own.Certificate[0])))
	config := &tls.Config{RootCAs: trusted, Certificates: []tls.Certificate{client}, NextProtos: []string{"none of moq"}}
	l := get[*session.Listener](t)(session.Listen("127.0.0.1:0", session.WithTLSConfig(&tls.Config{
		Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAnyClientCert,
	})))
	defer l.Close()
	for _, scheme := range []string{"https", "moqt"} {
		url := scheme + "://" + l.Addr().String()
		s := get[*session.Session](t)(session.Dial(t.Context(), url, session.WithTLSConfig(config)))
		r := get[*session.Request](t)(l.Accept(t.Context()))
		if shown := r.TLS().PeerCertificates; len(shown) != 1 || !bytes.Equal(shown[0].Raw, client.Certificate[0]) {
			t.Errorf("%s: the client showed %d certificates", scheme, len(shown))
		}
		must(t, r.Reject(nil))
		wantErr(t, scheme, ending(t, s), model.ErrUnauthorized)
		if _, err := session.Dial(t.Context(), url, session.WithTLSConfig(&tls.Config{})); err == nil {
			t.Errorf("%s: dialed a server that nobody trusts", scheme)
		}
	}
	if len(config.NextProtos) != 1 || config.ServerName != "" {
		t.Errorf("the configuration was changed to offer %q to %q", config.NextProtos, config.ServerName)
	}
}

func TestLoggerIsToldOfARefusedClient(t *testing.T) {
	var out lockedBuffer
	refuse := func(context.Context, *session.Request) (session.Grant, error) {
		return session.Grant{}, &model.Error{Code: model.CodeUnauthorized, Reason: "not you"}
	}
	l, stop := serving(t, refuse, session.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
	s := dialTo(t, l, "/room?jwt=secret")
	wantErr(t, "the session", ending(t, s), model.ErrUnauthorized)
	stop()
	if said := out.String(); !strings.Contains(said, "not you") || !strings.Contains(said, "path=room") || strings.Contains(said, "secret") {
		t.Errorf("the log says %q", said)
	}
}

// lockedBuffer may be written by several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
