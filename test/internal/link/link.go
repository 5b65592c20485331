package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Config is what a path is like, in each direction. The zero Config is a path that does nothing.
type Config struct {
	Bandwidth int64         // bit/s; 0 is no limit
	Delay     time.Duration // one way
	Loss      float64       // the share of datagrams that are lost on the line, 0 to 1
	Even      bool          // of so many datagrams one is lost each time, instead of any by chance
	Seed      uint64        // of the losses
	Queue     int           // bytes that may wait, with those on the line; 0 is what it carries in 100 ms
}

// Stats counts the datagrams of one direction.
type Stats struct {
	Passed  uint64 // those that arrived, or are under way
	Bytes   uint64 // of these, with their headers
	Lost    uint64 // those lost on the line
	Dropped uint64 // those that found the queue full
}

// Link is a path to one server. Its methods may be called concurrently.
type Link struct {
	front  *net.UDPConn
	server *net.UDPAddr
	up     *line
	down   *line
	tasks  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	clients map[netip.AddrPort]*net.UDPConn
}

// maxDatagram is what fits into one read.
const maxDatagram = 1 << 16

// socketBuffer is how much of a burst may wait to be read.
const socketBuffer = 4 << 20

// New makes a path to a UDP address, and listens on a free port of 127.0.0.1. Close frees what it holds.
func New(server net.Addr, c Config) (*Link, error) {
	to, err := net.ResolveUDPAddr("udp", server.String())
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	_ = front.SetReadBuffer(socketBuffer)
	l := &Link{
		front: front, server: to, clients: make(map[netip.AddrPort]*net.UDPConn),
		up: newLine(c, 0), down: newLine(c, 1),
	}
	l.tasks.Go(l.up.run)
	l.tasks.Go(l.down.run)
	l.tasks.Go(l.readClients)
	return l, nil
}

// Addr is where clients dial.
func (l *Link) Addr() net.Addr { return l.front.LocalAddr() }

// Up counts what went to the server.
func (l *Link) Up() Stats { return l.up.shaper.read() }

// Down counts what came from the server.
func (l *Link) Down() Stats { return l.down.shaper.read() }

// SetDown cuts the path, or mends it: while it is cut, everything that comes is lost.
func (l *Link) SetDown(down bool) {
	l.up.shaper.setDown(down)
	l.down.shaper.setDown(down)
}

// Close ends the path, with what is under way on it, and waits until its sockets are closed. Repeating it is
// harmless.
func (l *Link) Close() error {
	l.mu.Lock()
	err := l.front.Close()
	if l.closed {
		err = nil
	}
	l.closed = true
	for _, c := range l.clients {
		_ = c.Close() // nothing is to be sent any more
	}
	l.mu.Unlock()
	l.up.close()
	l.down.close()
	l.tasks.Wait()
	return err
}

// readClients brings what clients send on the line to the server.
func (l *Link) readClients() {
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := l.front.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an answer of the network to what was sent before
		}
		back, err := l.client(from)
		if err != nil {
			return
		}
		l.up.put(buf[:n], func(p []byte) { _, _ = back.Write(p) })
	}
}

// client returns the socket that a client has towards the server.
func (l *Link) client(from netip.AddrPort) (*net.UDPConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, net.ErrClosed
	}
	if c := l.clients[from]; c != nil {
		return c, nil
	}
	c, err := net.DialUDP("udp", nil, l.server)
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	_ = c.SetReadBuffer(socketBuffer)
	l.clients[from] = c
	l.tasks.Go(func() { l.readServer(c, from) })
	return c, nil
}

// readServer brings what the server sends to a client on the line to it.
func (l *Link) readServer(c *net.UDPConn, to netip.AddrPort) {
	buf := make([]byte, maxDatagram)
	for {
		n, err := c.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the server's port is closed, for now
		}
		l.down.put(buf[:n], func(p []byte) { _, _ = l.front.WriteToUDPAddrPort(p, to) })
	}
}

// line delivers the datagrams of one direction when they are due.
type line struct {
	shaper *shaper
	wake   chan struct{} // capacity 1
	done   chan struct{}
	once   sync.Once

	mu    sync.Mutex
	queue []datagram // in the order of their arrival
}

type datagram struct {
	arrives time.Time
	payload []byte
	deliver func([]byte)
}

func newLine(c Config, direction uint64) *line {
	return &line{shaper: newShaper(c, direction), wake: make(chan struct{}, 1), done: make(chan struct{})}
}

func (l *line) close() { l.once.Do(func() { close(l.done) }) }

// put copies a datagram onto the line.
func (l *line) put(p []byte, deliver func([]byte)) {
	arrives, ok := l.shaper.admit(time.Now(), len(p))
	if !ok {
		return
	}
	l.mu.Lock()
	l.queue = append(l.queue, datagram{arrives, append([]byte(nil), p...), deliver})
	first := len(l.queue) == 1
	l.mu.Unlock()
	if first {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

func (l *line) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next := l.deliver()
		due := timer.C
		if next < 0 {
			due = nil
		} else {
			timer.Reset(next)
		}
		select {
		case <-due:
		case <-l.wake:
		case <-l.done:
			return
		}
	}
}

// deliver sends what is due, and returns in how long the next one is, or a negative time when there is none.
func (l *line) deliver() time.Duration {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.queue = nil
			l.mu.Unlock()
			return -1
		}
		first := l.queue[0]
		if wait := time.Until(first.arrives); wait > 0 {
			l.mu.Unlock()
			return wait
		}
		l.queue[0] = datagram{}
		l.queue = l.queue[1:]
		l.mu.Unlock()
		first.deliver(first.payload)
	}
}
