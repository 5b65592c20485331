package endpoint

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/moqrx/moqrx/session/internal/pcapng"
)

// Capture is a pcapng that is being written. Any number of endpoints may share one, at the same
// time. When writing fails, that is logged once and the capture stops; sessions go on.
type Capture struct {
	w     *pcapng.Writer
	begun error // why the head could not be written, until somebody can log it

	mu        sync.Mutex
	listeners map[netip.AddrPort]bool
}

// NewCapture begins a capture on w, and writes its head. Every block after that is one call of
// w.Write, followed by w.Flush if there is one. The caller closes w after the endpoints.
func NewCapture(w io.Writer) *Capture {
	c := &Capture{listeners: make(map[netip.AddrPort]bool)}
	c.w, c.begun = pcapng.NewWriter(w)
	return c
}

func (c *Capture) addListener(a netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners[a] = true
}

func (c *Capture) removeListener(a netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.listeners, a)
}

// hasListener tells whether what is sent to a is recorded where it arrives.
func (c *Capture) hasListener(a netip.AddrPort) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.listeners[a] || a.Addr().IsLoopback() &&
		(c.listeners[netip.AddrPortFrom(netip.IPv6Unspecified(), a.Port())] ||
			c.listeners[netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port())])
}

// tap records a socket.
type tap struct {
	net.PacketConn
	udp     *net.UDPConn
	capture *Capture
	log     *slog.Logger

	mu      sync.Mutex
	closed  bool
	holding bool
	secrets int // how many of the secrets that end the holding have been seen
	held    []datagram
	routes  map[netip.Addr]netip.Addr
}

type datagram struct {
	at       time.Time
	src, dst netip.AddrPort
	payload  []byte
}

// maxHeld bounds what waits for the secrets of a handshake, and maxRoutes what is remembered
// about peers.
const (
	maxHeld   = 256
	maxRoutes = 256
)

func (c *Capture) tap(udp *net.UDPConn, log *slog.Logger) *tap {
	t := &tap{PacketConn: udp, udp: udp, capture: c, log: log, routes: make(map[netip.Addr]netip.Addr)}
	c.mu.Lock()
	err := c.begun
	c.begun = nil
	c.mu.Unlock()
	t.check(err)
	return t
}

func (t *tap) check(err error) {
	if err != nil {
		t.log.Error("the capture has stopped", "error", err)
	}
}

// hold keeps what is recorded back until the secrets of the handshake are there. A client
// needs this: packets of the server arrive together with what their secrets are made from. The
// server has them before it answers.
func (t *tap) hold() { t.holding = true }

// Secrets records lines of a TLS key log.
func (t *tap) Secrets(line []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.check(t.capture.w.Secrets(line))
	// The two of the application's data are the last ones of a handshake.
	if bytes.Contains(line, []byte("_TRAFFIC_SECRET_0 ")) {
		if t.secrets++; t.secrets == 2 {
			t.release()
		}
	}
}

// release writes what was held back. The caller holds mu.
func (t *tap) release() {
	t.holding = false
	for _, d := range t.held {
		t.check(t.capture.w.Packet(d.at, d.src, d.dst, d.payload))
	}
	t.held = nil
}

func (t *tap) record(src, dst netip.AddrPort, payload []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return // quic-go may still answer a late datagram, in vain
	}
	src, dst = t.local(src, dst.Addr()), t.local(dst, src.Addr())
	if !t.holding {
		t.check(t.capture.w.Packet(time.Now(), src, dst, payload))
		return
	}
	t.held = append(t.held, datagram{time.Now(), src, dst, bytes.Clone(payload)})
	if len(t.held) == maxHeld {
		t.release()
	}
}

// local fills in the address that a socket bound to any address uses towards a peer. The
// caller holds mu.
func (t *tap) local(a netip.AddrPort, peer netip.Addr) netip.AddrPort {
	if !a.Addr().IsUnspecified() {
		return a
	}
	from, ok := t.routes[peer]
	if !ok {
		from = route(peer)
		if len(t.routes) == maxRoutes {
			clear(t.routes)
		}
		t.routes[peer] = from
	}
	return netip.AddrPortFrom(from, a.Port())
}

// route asks the system which address it uses towards a peer. Nothing is sent.
func route(peer netip.Addr) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(peer, 9)))
	if err != nil {
		if peer.Is4() {
			return netip.IPv4Unspecified()
		}
		return netip.IPv6Unspecified()
	}
	defer func() { _ = c.Close() }()
	return addrPort(c.LocalAddr()).Addr()
}

// ReadFrom records what arrives.
func (t *tap) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := t.PacketConn.ReadFrom(p)
	if err == nil {
		t.record(addrPort(from), addrPort(t.LocalAddr()), p[:n])
	}
	return n, from, err
}

// WriteTo records before it sends, so that no answer comes first in the capture. A datagram
// that the system refuses to send is in the capture too.
func (t *tap) WriteTo(p []byte, to net.Addr) (int, error) {
	t.record(addrPort(t.LocalAddr()), addrPort(to), p)
	return t.PacketConn.WriteTo(p, to)
}

// Close records what was held back for secrets that never came. Nothing is recorded after it.
func (t *tap) Close() error {
	t.mu.Lock()
	t.release()
	t.closed = true
	t.mu.Unlock()
	return t.PacketConn.Close()
}

// With these three quic-go sizes the buffers and probes the path. That it does not find the
// rest of *net.UDPConn makes it send and receive datagrams one by one.

// SetReadBuffer sets the size of the receive buffer.
func (t *tap) SetReadBuffer(n int) error { return t.udp.SetReadBuffer(n) }

// SetWriteBuffer sets the size of the send buffer.
func (t *tap) SetWriteBuffer(n int) error { return t.udp.SetWriteBuffer(n) }

// SyscallConn gives access to the socket.
func (t *tap) SyscallConn() (syscall.RawConn, error) { return t.udp.SyscallConn() }

// keyLog returns the writer of TLS secrets for all who want them, or nil when nobody does.
func (c Config) keyLog(user io.Writer, t *tap) io.Writer {
	k := &keyLog{log: c.Logger, tap: t}
	for _, w := range []io.Writer{user, c.KeyLog} {
		if w != nil {
			k.writers = append(k.writers, w)
		}
	}
	if t == nil && len(k.writers) == 0 {
		return nil
	}
	return k
}

// keyLog spreads the lines of a key log. It never fails, because crypto/tls would give up the
// handshake then.
type keyLog struct {
	writers []io.Writer
	tap     *tap
	log     *slog.Logger
	failed  atomic.Bool
}

func (k *keyLog) Write(line []byte) (int, error) {
	if k.tap != nil {
		k.tap.Secrets(line)
	}
	for _, w := range k.writers {
		if _, err := w.Write(line); err != nil && k.failed.CompareAndSwap(false, true) {
			k.log.Error("the TLS key log is incomplete", "error", err)
		}
	}
	return len(line), nil
}
