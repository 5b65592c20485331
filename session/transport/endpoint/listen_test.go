package endpoint_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	wt "github.com/quic-go/webtransport-go"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

func wantListenError(t *testing.T, addr string, config endpoint.Config, want string) {
	t.Helper()
	l, err := endpoint.Listen(addr, config)
	if err == nil {
		_ = l.Close()
		t.Fatalf("listen %s succeeded", addr)
	}
	var e *endpoint.Error
	if !errors.As(err, &e) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestListenNamesWhatIsWrong(t *testing.T) {
	config := serverConfig(t, "moq-lite-05")
	l := listen(t, "127.0.0.1:0", config)
	addr := l.Addr().String()
	wantListenError(t, addr, config, "listen "+addr+": udp port is in use")

	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	addr = tcp.Addr().String()
	wantListenError(t, addr, config, "listen "+addr+": tcp port is in use (it would serve /certificate.sha256)")

	wantListenError(t, "127.0.0.1", config, "listen 127.0.0.1: address 127.0.0.1: missing port in address")
	wantListenError(t, "192.0.2.1:4443", config, "listen 192.0.2.1:4443: udp: bind: cannot assign requested address")
	wantListenError(t, "127.0.0.1:0", endpoint.Config{}, "listen 127.0.0.1:0: no certificate in the TLS configuration")
}

func TestCertificateHashIsServedOnTheSamePort(t *testing.T) {
	l := listen(t, "127.0.0.1:0", serverConfig(t, "moq-lite-05"))
	get := func(path string) (status int, origin, body string) {
		t.Helper()
		r, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }()
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, r.Header.Get("Access-Control-Allow-Origin"), string(data)
	}
	sum := l.CertificateSHA256()
	status, origin, body := get("/certificate.sha256")
	if status != http.StatusOK || origin != "*" || body != hex.EncodeToString(sum[:]) {
		t.Errorf("%d for origin %q: %q, want the hash %x for any", status, origin, body, sum)
	}
	if status, _, _ := get("/"); status != http.StatusNotFound {
		t.Errorf("/: %d, want 404", status)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestCloseEndsConnectionsAndAccept(t *testing.T) {
	l := listen(t, "127.0.0.1:0", serverConfig(t, "moq-lite-05"))
	var clients []transport.Conn
	for _, scheme := range schemes {
		clients = append(clients, dial(t, at(l, scheme, "/"), clientConfig("moq-lite-05")))
	}
	accept(t, l) // one is handed over, two wait
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		<-c.Context().Done()
		var e *transport.ConnError
		err := context.Cause(c.Context())
		if early := (*quicgo.TransportError)(nil); errors.As(err, &early) && early.Remote && early.ErrorCode == quicgo.ApplicationErrorErrorCode {
			continue // the server had not seen the end of this handshake: RFC 9000, section 10.2.3, hides the code
		}
		if !errors.As(err, &e) || e.Code != 0 || !e.Remote {
			t.Errorf("%s: %v, want a close with code 0 by the peer", c.Kind(), err)
		}
	}
	if _, err := l.Accept(within(t)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v, want net.ErrClosed", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	listen(t, l.Addr().String(), serverConfig(t, "moq-lite-05")) // both ports are free again
}

func TestAcceptEndsWithCloseAndContext(t *testing.T) {
	l := listen(t, "127.0.0.1:0", serverConfig(t, "moq-lite-05"))
	ctx, cancel := context.WithCancel(within(t))
	failed := make(chan error)
	go func() { _, err := l.Accept(ctx); failed <- err }()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("Accept: %v, want context.Canceled", err)
	}
	go func() { _, err := l.Accept(within(t)); failed <- err }()
	_ = l.Close()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v, want net.ErrClosed", err)
	}
}

// rawDial makes a QUIC connection that does what the test wants.
func rawDial(t *testing.T, l *endpoint.Listener, alpn string) (*quicgo.Conn, error) {
	t.Helper()
	conf := clientConfig().TLS
	conf.NextProtos = []string{alpn}
	return quicgo.DialAddr(within(t), l.Addr().String(), conf,
		&quicgo.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true})
}

func TestSilentHTTP3ConnectionIsDroppedAndBlocksNobody(t *testing.T) {
	config := serverConfig(t, "moq-lite-05")
	config.HandshakeTimeout = 300 * time.Millisecond
	l := listen(t, "127.0.0.1:0", config)
	live := dial(t, at(l, "https", "/"), clientConfig("moq-lite-05"))
	accept(t, l)
	silent, err := rawDial(t, l, http3.NextProtoH3)
	if err != nil {
		t.Fatal(err)
	}
	dial(t, at(l, "https", "/"), clientConfig("moq-lite-05"))
	accept(t, l)
	<-silent.Context().Done()
	var e *quicgo.ApplicationError
	if err := context.Cause(silent.Context()); !errors.As(err, &e) || !e.Remote || e.ErrorCode != quicgo.ApplicationErrorCode(http3.ErrCodeRequestIncomplete) {
		t.Errorf("the silent connection: %v", err)
	}
	if err := live.Context().Err(); err != nil {
		t.Errorf("the other connection has ended: %v", context.Cause(live.Context()))
	}
}

func TestPendingConnectionsAreLimited(t *testing.T) {
	config := serverConfig(t, "moq-lite-05")
	config.MaxPending = 2
	// The second half of a refused hello looks like a new client, and takes a place as long.
	config.HandshakeTimeout = 200 * time.Millisecond
	l := listen(t, "127.0.0.1:0", config)
	fill := func() {
		t.Helper()
		for _, scheme := range []string{"moqt", "https"} {
			dialWhenFree(t, at(l, scheme, "/"))
		}
		for _, scheme := range schemes {
			u := at(l, scheme, "").String()
			wantDialError(t, u, clientConfig("moq-lite-05"),
				"dial "+u+": the server refuses new connections: it is busy or shutting down")
		}
	}
	fill()
	// The places are free again when connections are accepted,
	accept(t, l)
	accept(t, l)
	fill()
	accept(t, l)
	accept(t, l)
	// and when they end before, which also takes them out of the queue.
	_ = dialWhenFree(t, at(l, "moqt", "/dead")).CloseWithError(0, "")
	_ = dialWhenFree(t, at(l, "https", "/dead")).CloseWithError(0, "")
	dialWhenFree(t, at(l, "https", "/live"))
	dialWhenFree(t, at(l, "https", "/live"))
	for range 2 {
		if in := accept(t, l); in.Path != "/live" {
			t.Errorf("Accept returned a connection that has ended: %v", in.Conn.Context().Err())
		}
	}
}

// dialWhenFree dials until the listener has a place.
func dialWhenFree(t *testing.T, u *url.URL) transport.Conn {
	t.Helper()
	ctx := within(t)
	for {
		c, err := endpoint.Dial(ctx, u, clientConfig("moq-lite-05"))
		if err == nil {
			t.Cleanup(func() { _ = c.CloseWithError(0, "") })
			return c
		}
		if ctx.Err() != nil {
			t.Fatalf("no place becomes free: %v", err)
		}
	}
}

func TestOneSessionPerConnection(t *testing.T) {
	l := listen(t, "127.0.0.1:0", serverConfig(t, "moq-lite-05"))
	q, err := rawDial(t, l, http3.NextProtoH3)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.CloseWithError(0, "") }()
	client, err := (&wt.Transport{ApplicationProtocols: []string{"moq-lite-05"}}).NewClientConn(q)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(within(t), http.MethodGet, "https://"+l.Addr().String()+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r, err := client.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusNotFound {
		t.Errorf("GET: %s, want 404", r.Status)
	}
	u := at(l, "https", "/").String()
	_, _, err = client.Dial(within(t), u, http.Header{"Origin": {"https://elsewhere.example"}}) //nolint:bodyclose // it is the session
	if err != nil {
		t.Fatalf("a page of another origin is refused: %v", err)
	}
	accept(t, l)
	r, _, err = client.Dial(within(t), u, nil) //nolint:bodyclose // it ends with the connection
	if err == nil || r.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a second session: %v, want status 429", err)
	}
}

func TestGarbageHarmsNobody(t *testing.T) {
	l := listen(t, "127.0.0.1:0", serverConfig(t, "moq-lite-05"))
	c, err := net.Dial("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for i := range 256 {
		if _, err := c.Write(bytes.Repeat([]byte{byte(i)}, i*5)); err != nil {
			t.Fatal(err)
		}
	}
	dial(t, at(l, "moqt", "/"), clientConfig("moq-lite-05"))
	accept(t, l)
}
