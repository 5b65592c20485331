package talk

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
)

// Options vary a connection.
type Options struct {
	Protocols []string // ALPN, or WebTransport sub-protocols; nil offers "test" over QUIC and nothing over WebTransport
	Suite     uint16   // cipher suite, 0 for the default
	Version   quic.Version
	Retry     bool // the server checks the client's address first
	ServerID  int  // length of the server's connection ids, 0 for the default
	ClientID  int  // the same for the client; -1 for none
	Path      string
	// Early makes the recorded connection a resumed one whose client sends before the handshake is done.
	Early bool
}

// Script is what one end does once the connection stands. The end that returns last closes it.
type Script func(ctx context.Context, c Conn) error

// deadline bounds a recording that got stuck.
const deadline = 20 * time.Second

// QUIC records a connection without anything above it.
func QUIC(o Options, server, client Script) (*Recording, error) {
	if o.Protocols == nil {
		o.Protocols = []string{"test"}
	}
	return run(o, o.Protocols, func(ctx context.Context, accept dialer) error {
		conn, err := accept(ctx)
		if err != nil {
			return err
		}
		return server(ctx, quicConn{conn})
	}, func(ctx context.Context, dial dialer) error {
		conn, err := dial(ctx)
		if err != nil {
			return err
		}
		return client(ctx, quicConn{conn})
	})
}

// WebTransport records a session over HTTP/3.
func WebTransport(o Options, server, client Script) (*Recording, error) {
	result, served := make(chan error, 1), make(chan struct{})
	h3 := &http3.Server{EnableDatagrams: true}
	webtransport.ConfigureHTTP3Server(h3)
	wt := &webtransport.Server{H3: h3, ApplicationProtocols: o.Protocols}
	h3.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := wt.Upgrade(w, r)
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
			result <- err
			return
		}
		defer close(served)
		result <- server(context.WithoutCancel(r.Context()), wtConn{s})
	})
	return run(o, []string{http3.NextProtoH3}, func(ctx context.Context, accept dialer) error {
		conn, err := accept(ctx)
		if err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- wt.ServeQUICConn(conn) }()
		err = <-result
		<-conn.Context().Done()
		return errors.Join(err, wt.Close(), <-ended)
	}, func(ctx context.Context, dial dialer) error {
		d := &webtransport.Transport{ApplicationProtocols: o.Protocols, TLSClientConfig: &tls.Config{}, QUICConfig: quicConfig(o)}
		var raw *quic.Conn
		d.DialAddr = func(ctx context.Context, _ string, _ *tls.Config, _ *quic.Config) (*quic.Conn, error) {
			conn, err := dial(ctx)
			raw = conn
			return conn, err
		}
		//nolint:bodyclose // the body is the stream of the session
		_, s, err := d.Dial(ctx, "https://localhost"+o.Path, nil)
		if err != nil {
			return err
		}
		err = client(ctx, wtConn{s})
		select { // the close of the session has to get through before the connection goes
		case <-served:
		case <-ctx.Done():
		}
		return errors.Join(err, raw.CloseWithError(0x100, ""))
	})
}

// dialer makes a connection, of either end.
type dialer func(ctx context.Context) (*quic.Conn, error)

func quicConfig(o Options) *quic.Config {
	c := &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true, Allow0RTT: o.Early}
	if o.Version != 0 {
		c.Versions = []quic.Version{o.Version}
	}
	return c
}

// run sets up both ends, lets them talk and collects the recording.
func run(o Options, alpn []string, server, client func(context.Context, dialer) error) (*Recording, error) {
	defer useSuite(o.Suite)()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	e, err := newEnds(o, alpn)
	if err != nil {
		return nil, err
	}
	if o.Early {
		err := resume(ctx, e.clientTLS, e.listener, func() (*quic.Conn, error) { return e.dial(ctx, e.client.Dial) })
		if err != nil {
			return nil, errors.Join(err, e.close())
		}
		e.tap.forget()
	}
	done := make(chan error, 1)
	go func() { done <- server(ctx, e.accept) }()
	err = client(ctx, func(ctx context.Context) (*quic.Conn, error) {
		if o.Early {
			return e.dial(ctx, e.client.DialEarly)
		}
		return e.dial(ctx, e.client.Dial)
	})
	if err != nil {
		cancel()
	}
	err = errors.Join(err, <-done, e.close())
	return &Recording{Server: addrPort(e.serverUDP.LocalAddr()), Packets: e.tap.packets, Keys: e.keys.buf.Bytes()}, err
}

// ends are the two ends of a recording.
type ends struct {
	o                    Options
	serverUDP, clientUDP net.PacketConn
	server, client       *quic.Transport
	listener             *quic.EarlyListener
	clientTLS            *tls.Config
	keys                 keyLog
	tap                  *tap
}

func newEnds(o Options, alpn []string) (*ends, error) {
	cert, err := certificate()
	if err != nil {
		return nil, err
	}
	e := &ends{o: o, clientTLS: &tls.Config{InsecureSkipVerify: true, NextProtos: alpn, ServerName: "localhost"}}
	if e.serverUDP, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if e.clientUDP, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	e.tap = &tap{plain: plain{e.serverUDP}}
	e.server = &quic.Transport{Conn: e.tap, ConnectionIDLength: o.ServerID}
	if o.Retry {
		e.server.VerifySourceAddress = func(net.Addr) bool { return true }
	}
	e.client = &quic.Transport{Conn: plain{e.clientUDP}, ConnectionIDLength: max(0, o.ClientID)}
	if o.ClientID < 0 {
		e.client.ConnectionIDGenerator = noID{}
	}
	serverTLS := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: alpn, KeyLogWriter: &e.keys}
	e.listener, err = e.server.ListenEarly(serverTLS, quicConfig(o))
	return e, err
}

// dial opens a connection in one of the two ways that a transport has.
func (e *ends) dial(ctx context.Context, how func(context.Context, net.Addr, *tls.Config, *quic.Config) (*quic.Conn, error)) (*quic.Conn, error) {
	return how(ctx, e.serverUDP.LocalAddr(), e.clientTLS, quicConfig(e.o))
}

func (e *ends) accept(ctx context.Context) (*quic.Conn, error) {
	conn, err := e.listener.Accept(ctx)
	if err == nil && !e.o.Early {
		<-conn.HandshakeComplete()
	}
	return conn, err
}

func (e *ends) close() error {
	return errors.Join(e.client.Close(), e.listener.Close(), e.server.Close(), e.clientUDP.Close(), e.serverUDP.Close())
}

// resume makes a first connection, from which the client keeps a ticket for the next.
func resume(ctx context.Context, config *tls.Config, ln *quic.EarlyListener, dial func() (*quic.Conn, error)) error {
	cache := ticketCache{tls.NewLRUClientSessionCache(1), make(chan struct{}, 8)}
	config.ClientSessionCache = cache
	accepted := make(chan error, 1)
	go func() {
		conn, err := ln.Accept(ctx)
		if err == nil {
			<-conn.Context().Done()
		}
		accepted <- err
	}()
	conn, err := dial()
	if err != nil {
		return err
	}
	select {
	case <-cache.got:
	case <-ctx.Done():
	}
	return errors.Join(conn.CloseWithError(0, ""), <-accepted)
}

// ticketCache tells when a ticket has come.
type ticketCache struct {
	tls.ClientSessionCache
	got chan struct{}
}

func (c ticketCache) Put(key string, s *tls.ClientSessionState) {
	c.ClientSessionCache.Put(key, s)
	c.got <- struct{}{}
}

// noID makes connections without connection ids.
type noID struct{}

func (noID) GenerateConnectionID() (quic.ConnectionID, error) { return quic.ConnectionID{}, nil }
func (noID) ConnectionIDLen() int                             { return 0 }

func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
