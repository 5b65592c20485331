package endpoint

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"

	quicgo "github.com/quic-go/quic-go"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/webtransport"
)

// Listener accepts connections on one UDP port. Its methods are safe for concurrent use.
type Listener struct {
	config      Config
	address     string // as the caller gave it
	certificate [sha256.Size]byte

	udp    net.PacketConn
	tap    *tap // nil when nothing is recorded
	quic   *quicgo.Transport
	listen *quicgo.EarlyListener
	wt     *webtransport.Server
	http   *http.Server // /certificate.sha256 on TCP

	pending chan struct{} // one token per connection before Accept
	ready   chan struct{} // wakes one Accept; capacity 1
	done    chan struct{} // closed by Close
	closing sync.Once
	running sync.WaitGroup // goroutines and connections

	mu    sync.Mutex
	conns map[*quicgo.Conn]*arrival
	queue []*arrival // what Accept returns next
}

// Incoming is a connection that is ready for a session.
type Incoming struct {
	// Conn is the carrier. A WebTransport session has been answered already.
	Conn transport.Conn
	// Path and RawQuery come with the request of a WebTransport session. Raw QUIC has none.
	Path, RawQuery string
	// Offered are the tokens of a client on WebTransport, separated by commas. They are worth a
	// look where Conn has no token: then the listener has none of them.
	Offered string
	// TLS is the state of the handshake.
	TLS tls.ConnectionState
}

// Listen listens on addr (host:port) for raw QUIC and WebTransport over UDP, and for
// GET /certificate.sha256 over TCP on the same port number. With port 0 it takes one that both
// have free. It fails with an *Error.
func Listen(addr string, config Config) (*Listener, error) {
	l := &Listener{config: config.withDefaults(), address: addr, done: make(chan struct{})}
	if err := l.start(); err != nil {
		return nil, &Error{Op: "listen", Address: addr, Err: err}
	}
	return l, nil
}

// Addr returns the UDP address.
func (l *Listener) Addr() net.Addr { return l.udp.LocalAddr() }

// CertificateSHA256 returns the SHA-256 of the first certificate of the configuration, or zeros
// when the configuration chooses certificates by function.
func (l *Listener) CertificateSHA256() [sha256.Size]byte { return l.certificate }

func (l *Listener) start() error {
	if certs := l.config.TLS.Certificates; len(certs) > 0 && len(certs[0].Certificate) > 0 {
		l.certificate = sha256.Sum256(certs[0].Certificate[0])
	} else if l.config.TLS.GetCertificate == nil && l.config.TLS.GetConfigForClient == nil {
		return errors.New("no certificate in the TLS configuration")
	}
	udp, tcp, err := listenBoth(l.address)
	if err != nil {
		return err
	}
	l.udp = udp
	if l.config.Capture != nil {
		l.tap = l.config.Capture.tap(udp, l.config.Logger)
		l.udp = l.tap
	}
	l.pending = make(chan struct{}, l.config.MaxPending)
	l.ready = make(chan struct{}, 1)
	l.conns = make(map[*quicgo.Conn]*arrival)
	l.quic = &quicgo.Transport{
		Conn:                l.udp,
		ConnContext:         l.reserve,
		VerifySourceAddress: func(net.Addr) bool { return len(l.pending) > l.config.MaxPending/2 },
	}
	serverConfig := l.config.quic(nil)
	serverConfig.GetConfigForClient = func(client *quicgo.ClientInfo) (*quicgo.Config, error) {
		return l.config.quic(client.RemoteAddr), nil
	}
	// Early: the settings of HTTP/3 go out with the handshake, which saves a round trip.
	l.listen, err = l.quic.ListenEarly(l.config.serverTLS(l.tap), serverConfig)
	if err != nil {
		_ = l.quic.Close()
		_ = l.udp.Close()
		_ = tcp.Close()
		return err
	}
	if l.tap != nil {
		l.config.Capture.addListener(addrPort(udp.LocalAddr()))
	}
	l.startHTTP(tcp)
	l.running.Go(l.acceptLoop)
	return nil
}

// startHTTP prepares WebTransport and serves the TCP port.
func (l *Listener) startHTTP(tcp net.Listener) {
	l.wt = &webtransport.Server{Protocols: l.config.Protocols, Logger: l.config.Logger}
	l.http = &http.Server{
		Handler:           certificateHandler(l.certificate),
		ReadHeaderTimeout: l.config.HandshakeTimeout,
		WriteTimeout:      l.config.HandshakeTimeout,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(l.config.Logger.Handler(), slog.LevelDebug),
	}
	l.http.SetKeepAlivesEnabled(false)
	l.running.Go(func() {
		if err := l.http.Serve(tcp); !errors.Is(err, http.ErrServerClosed) {
			l.config.Logger.Error("/certificate.sha256 is no longer served", "error", err)
		}
	})
}

// listenBoth opens a UDP and a TCP port of the same number.
func listenBoth(addr string) (*net.UDPConn, net.Listener, error) {
	local, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, nil, err
	}
	// A free UDP port says nothing about TCP, so a port of our own choice may need some tries.
	const tries = 20
	for try := 1; ; try++ {
		udp, err := net.ListenUDP("udp", local)
		if err != nil {
			return nil, nil, listenError("udp", err)
		}
		port := udp.LocalAddr().(*net.UDPAddr).Port
		tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: local.IP, Port: port, Zone: local.Zone})
		if err == nil {
			return udp, tcp, nil
		}
		_ = udp.Close()
		if local.Port != 0 || try == tries || !errors.Is(err, syscall.EADDRINUSE) {
			return nil, nil, fmt.Errorf("%w (it would serve /certificate.sha256)", listenError("tcp", err))
		}
	}
}

// Accept waits for the next connection. It fails with an *Error that wraps net.ErrClosed after
// Close, and with the error of ctx.
func (l *Listener) Accept(ctx context.Context) (*Incoming, error) {
	for {
		if in := l.next(); in != nil {
			return in, nil
		}
		select {
		case <-l.ready:
		case <-l.done:
			return nil, l.closedError()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *Listener) closedError() error {
	return &Error{Op: "accept", Address: l.address, Err: net.ErrClosed}
}

// Close ends the listener and every connection that it made, those with code 0, and waits for
// them and for its goroutines. It takes a few round trips, a second at most.
func (l *Listener) Close() error {
	l.closing.Do(func() {
		close(l.done)
		_ = l.listen.Close() // the accept loop now drains what is complete, and ends
		_ = l.http.Close()
		for _, close := range l.closers() {
			close()
		}
		l.running.Wait()
		_ = l.quic.Close()
		if l.tap != nil {
			l.config.Capture.removeListener(addrPort(l.udp.LocalAddr()))
		}
		_ = l.udp.Close()
	})
	return nil
}
