package endpoint

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// Config says how to dial or listen. The zero value dials with the system's certificates, but
// offers no protocol.
type Config struct {
	// TLS is cloned and completed with the ALPN list; nil means its zero value. Listen needs a
	// certificate in it.
	TLS *tls.Config
	// Protocols are the MoQ tokens (such as moq-lite-05), best first.
	Protocols []string
	// Capture records the connections; nil records nothing.
	Capture *Capture
	// KeyLog receives the TLS secrets as key log lines. When writing them fails, that is logged
	// once and the connection goes on.
	KeyLog io.Writer
	// Qlog writes traces of the connections; nil writes none.
	Qlog *Qlog
	// Logger hears what happens to connections that nobody holds; nil discards it.
	Logger *slog.Logger
	// HandshakeTimeout bounds everything before a session can begin; 5 s when zero.
	HandshakeTimeout time.Duration
	// MaxUniStreams and MaxBidiStreams limit the streams that the peer may have open at a time,
	// including the few of HTTP/3; 1000 when zero. More than that lets bursts of tiny streams
	// end the connection.
	MaxUniStreams, MaxBidiStreams int
	// MaxPending limits the connections of a listener that are before Accept; 256 when zero.
	MaxPending int
}

const (
	defaultHandshakeTimeout = 5 * time.Second
	defaultStreams          = 1000
	defaultPending          = 256

	idleTimeout = 30 * time.Second
	keepAlive   = 10 * time.Second

	// On loopback this is known to fit, and saves the search for it.
	loopbackPacketSize = 1452
)

func (c Config) withDefaults() Config {
	if c.TLS == nil {
		c.TLS = &tls.Config{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.HandshakeTimeout == 0 {
		c.HandshakeTimeout = defaultHandshakeTimeout
	}
	if c.MaxUniStreams == 0 {
		c.MaxUniStreams = defaultStreams
	}
	if c.MaxBidiStreams == 0 {
		c.MaxBidiStreams = defaultStreams
	}
	if c.MaxPending == 0 {
		c.MaxPending = defaultPending
	}
	return c
}

// quic returns the configuration of a connection with remote.
func (c Config) quic(remote net.Addr) *quicgo.Config {
	q := &quicgo.Config{
		HandshakeIdleTimeout:             c.HandshakeTimeout,
		MaxIdleTimeout:                   idleTimeout,
		KeepAlivePeriod:                  keepAlive,
		MaxIncomingStreams:               int64(c.MaxBidiStreams),
		MaxIncomingUniStreams:            int64(c.MaxUniStreams),
		EnableDatagrams:                  true,
		EnableStreamResetPartialDelivery: true, // for WebTransport
		Tracer:                           c.tracer(),
	}
	if isLoopback(remote) {
		q.InitialPacketSize = loopbackPacketSize
		q.DisablePathMTUDiscovery = true
	}
	return q
}

func isLoopback(a net.Addr) bool {
	return addrPort(a).Addr().IsLoopback()
}

// addrPort returns a UDP address in its plain form, or the zero value.
func addrPort(a net.Addr) netip.AddrPort {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	p := u.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// clientTLS returns the TLS configuration to dial host with.
func (c Config) clientTLS(host string, alpn []string, t *tap) *tls.Config {
	conf := c.TLS.Clone()
	conf.NextProtos = alpn
	if conf.ServerName == "" {
		conf.ServerName = host
	}
	conf.KeyLogWriter = c.keyLog(conf.KeyLogWriter, t)
	return conf
}

// serverTLS returns the TLS configuration to listen with.
func (c Config) serverTLS(t *tap) *tls.Config {
	complete := func(conf *tls.Config) *tls.Config {
		conf = conf.Clone()
		conf.NextProtos = append(slices.Clone(c.Protocols), http3.NextProtoH3)
		conf.KeyLogWriter = c.keyLog(conf.KeyLogWriter, t)
		return conf
	}
	conf := complete(c.TLS)
	if choose := conf.GetConfigForClient; choose != nil {
		conf.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			chosen, err := choose(hello)
			if chosen != nil {
				chosen = complete(chosen)
			}
			return chosen, err
		}
	}
	return conf
}
