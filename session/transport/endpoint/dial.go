package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/quic"
	"github.com/moqrx/moqrx/session/transport/webtransport"
)

const defaultPort = 443

// Dial connects to u: https is WebTransport at the path and query of u, moqt and moql are raw
// QUIC, where path and query are the session's business. The port is 443 unless u has one.
//
// It blocks until the carrier is ready, ctx ends or the handshake timeout passes, and fails
// with an *Error, which wraps a *transport.ConnError when the server ended the connection with a code
// of its own. The socket is closed with the connection.
func Dial(ctx context.Context, u *url.URL, config Config) (transport.Conn, error) {
	d := dialer{Config: config.withDefaults(), url: u}
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, &Error{Op: "dial", Address: Address(u), Err: err}
	}
	return conn, nil
}

type dialer struct {
	Config
	url    *url.URL
	remote *net.UDPAddr
	socket net.PacketConn
	tap    *tap // nil when nothing is recorded
	quic   *quicgo.Transport
	closed chan struct{} // when the socket is
}

func (d *dialer) dial(ctx context.Context) (transport.Conn, error) {
	connect, alpn := d.dialQUIC, d.Protocols
	switch d.url.Scheme {
	case "https":
		connect, alpn = d.dialWebTransport, []string{http3.NextProtoH3}
	case "moqt", "moql":
		if len(alpn) == 0 {
			return nil, errors.New("no protocol to offer")
		}
	default:
		return nil, fmt.Errorf("unknown scheme %q: want https, moqt or moql", d.url.Scheme)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.HandshakeTimeout, errTimeout)
	defer cancel()
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	tlsConf := d.clientTLS(d.url.Hostname(), alpn, d.tap)
	q, err := d.quic.Dial(ctx, d.remote, tlsConf, d.Config.quic(d.remote))
	if err != nil {
		d.close()
		return nil, d.dialError(ctx, alpn, err)
	}
	d.closed = make(chan struct{})
	context.AfterFunc(q.Context(), func() {
		d.close()
		close(d.closed)
	})
	conn, err := connect(ctx, q)
	if err != nil {
		<-d.closed
		return nil, d.dialError(ctx, alpn, err)
	}
	return newDialed(conn, q, d.closed), nil
}

// open resolves the host and makes the socket.
func (d *dialer) open(ctx context.Context) error {
	remote, err := resolve(ctx, d.url)
	if err != nil {
		return err
	}
	d.remote = net.UDPAddrFromAddrPort(remote)
	local := net.UDPAddr{} // any address of this family
	network := "udp4"
	if remote.Addr().Is6() {
		network = "udp6"
	}
	if remote.Addr().IsLoopback() {
		local.IP = loopback(remote.Addr()).AsSlice()
	}
	socket, err := net.ListenUDP(network, &local)
	if err != nil {
		return err
	}
	d.socket = socket
	if d.Capture != nil && !d.Capture.hasListener(remote) {
		d.tap = d.Capture.tap(socket, d.Logger)
		d.tap.hold()
		d.socket = d.tap
	}
	d.quic = &quicgo.Transport{Conn: d.socket}
	return nil
}

func (d *dialer) close() {
	_ = d.quic.Close()
	_ = d.socket.Close()
}

func (d *dialer) dialQUIC(_ context.Context, q *quicgo.Conn) (transport.Conn, error) {
	return quic.New(q), nil
}

func (d *dialer) dialWebTransport(ctx context.Context, q *quicgo.Conn) (transport.Conn, error) {
	c, err := webtransport.Dial(ctx, q, d.url, d.Protocols)
	if closed := closedEarly(err); closed != nil {
		return nil, closed
	}
	return c, err
}

// resolve returns the first address of the host, IPv4 before IPv6.
func resolve(ctx context.Context, u *url.URL) (netip.AddrPort, error) {
	host := u.Hostname()
	if host == "" {
		return netip.AddrPort{}, errors.New("no host in the URL")
	}
	port := uint64(defaultPort)
	if u.Port() != "" {
		var err error
		if port, err = strconv.ParseUint(u.Port(), 10, 16); err != nil || port == 0 {
			return netip.AddrPort{}, fmt.Errorf("%q is not a port", u.Port())
		}
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	best := addrs[0].Unmap()
	for _, a := range addrs[1:] {
		if a = a.Unmap(); a.Is4() && best.Is6() {
			best = a
		}
	}
	return netip.AddrPortFrom(best, uint16(port)), nil
}

// loopback returns the loopback address of the family of a.
func loopback(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}
