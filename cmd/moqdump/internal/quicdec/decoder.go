package quicdec

import (
	"net/netip"
	"slices"
	"time"
)

// Limits of what a decoder remembers.
const (
	maxConns   = 1024
	maxRoutes  = 256 // connection ids of one connection
	maxRetries = 8
	maxStrange = 256 // pairs of addresses without a connection
)

// route is what a short or long header leads to a connection by.
type route struct {
	src, dst netip.AddrPort
	cid      string
}

// target is the connection and the direction of a packet.
type target struct {
	conn *Conn
	dir  Dir
}

// Decoder decodes the QUIC connections of one capture.
type Decoder struct {
	keys  *KeyLog
	sink  func(Event)
	conns []*Conn
	count int

	routes  map[route]target
	anyPath map[string]target              // by connection id alone, for changes of address
	lengths map[[2]netip.AddrPort][]int    // of connection ids, by path, longest first
	newest  map[[2]netip.AddrPort]target   // the connection that came last on a path
	strange map[[2]netip.AddrPort]*Strange // paths without a connection
	order   [][2]netip.AddrPort            // keys of strange, oldest first
	beyond  int                            // datagrams on more paths than strange holds
	gone    []Problem                      // of connections that were given up

	stats        Stats
	pendingBytes int
	header       []byte // scratch
	plain        []byte // scratch
}

// Stats counts what a decoder has seen.
type Stats struct {
	Datagrams   int // given to Datagram
	Packets     int // QUIC packets opened
	Failed      int // QUIC packets whose tag did not match any key
	Waiting     int // QUIC packets that still wait for secrets
	Dropped     int // QUIC packets that waited for secrets until too many did
	Cut         int // QUIC packets that the capture cut short
	Connections int
}

// New returns a decoder that finds secrets in keys and calls sink for every event, from within the
// methods of the decoder.
func New(keys *KeyLog, sink func(Event)) *Decoder {
	return &Decoder{
		keys: keys, sink: sink,
		routes:  make(map[route]target),
		anyPath: make(map[string]target),
		lengths: make(map[[2]netip.AddrPort][]int),
		newest:  make(map[[2]netip.AddrPort]target),
		strange: make(map[[2]netip.AddrPort]*Strange),
		header:  make([]byte, 0, 64<<10),
		plain:   make([]byte, 0, 64<<10),
	}
}

func (d *Decoder) emit(e Event) { d.sink(e) }

// Datagram decodes the payload of one UDP datagram captured at t. The bytes are not kept.
func (d *Decoder) Datagram(t time.Time, src, dst netip.AddrPort, payload []byte) {
	d.stats.Datagrams++
	for first := true; len(payload) > 0; first = false {
		if payload[0]&0x80 == 0 {
			if first || payload[0]&0x40 != 0 { // else padding after a packet
				d.short(t, src, dst, payload, first)
			}
			return
		}
		n := d.long(t, src, dst, payload, first)
		if n == 0 {
			return
		}
		payload = payload[n:]
	}
}

// long takes the long header packet at the start of b and returns its size, 0 when what follows
// it cannot be found.
func (d *Decoder) long(t time.Time, src, dst netip.AddrPort, b []byte, first bool) int {
	h, err := parseLong(b)
	to, known := d.find(src, dst, h.dcid)
	switch {
	case err != nil && known:
		to.conn.stats.cut++
		return 0
	case err != nil:
		if first {
			d.stranger(src, dst, err)
		}
		return 0
	}
	if known && h.level <= levelHandshake && h.version != to.conn.Version && h.level != levelNegotiation {
		to.conn.switchVersion(h.version)
	}
	switch {
	case h.level == levelNegotiation:
		return 0
	case known && h.level == levelInitial && to.dir == ClientToServer:
		to.conn.restart(h.dcid)
	case h.level == levelRetry:
		if known && to.dir == ServerToClient {
			d.retry(to.conn, h)
		}
		return 0
	case !known:
		if to, known = d.introduce(t, src, dst, h, b[:h.size]); !known {
			if first {
				d.stranger(src, dst, errStranger)
			}
			return h.size
		}
	}
	if to.conn.packet(t, to.dir, h.level, b[:h.size], h.pnOff) {
		d.reach(to.conn, to.dir, src, dst, h.dcid)
		d.learnPath(to.conn, to.dir.Other(), dst, src, h.scid)
	}
	return h.size
}

// short takes the rest of a datagram, which starts with a short header packet.
func (d *Decoder) short(t time.Time, src, dst netip.AddrPort, b []byte, first bool) {
	if to, n, ok := d.findShort(src, dst, b); ok {
		if to.conn.packet(t, to.dir, levelApp, b, 1+n) {
			d.reach(to.conn, to.dir, src, dst, b[1:1+n])
		}
		return
	}
	// The frame that introduced this connection id may be lost, or wait for secrets itself.
	if to, ok := d.newest[[2]netip.AddrPort{src, dst}]; ok {
		to.conn.packet(t, to.dir, levelApp, b, unknownOffset)
		return
	}
	if first {
		d.stranger(src, dst, errStranger)
	}
}

// introduce finds the connection of a long header packet with an unknown connection id: a new one,
// or the last one between the two addresses. Clients may use an id that the server announced under
// secrets which come later, and they do so in the handshake already.
func (d *Decoder) introduce(t time.Time, src, dst netip.AddrPort, h longHeader, b []byte) (target, bool) {
	if h.level == levelInitial {
		if c := d.connect(t, src, dst, h, b); c != nil {
			return target{c, ClientToServer}, true
		}
	}
	to, ok := d.newest[[2]netip.AddrPort{src, dst}]
	return to, ok && to.conn.Version == h.version
}

// connect starts a connection if b really is a client's first packet.
func (d *Decoder) connect(t time.Time, src, dst netip.AddrPort, h longHeader, b []byte) *Conn {
	c := &Conn{Client: src, Server: dst, Version: h.version, Start: t, d: d, last: t, swept: t}
	if len(h.dcid) < 8 || !c.initialKeys(h.dcid) {
		return nil
	}
	k := c.dirs[ClientToServer].keys[levelInitial]
	head, ok := unmask(k.hp, d.header, b, h.pnOff, 0)
	if !ok {
		return nil
	}
	if _, ok = k.open(d.plain, b, head); !ok {
		return nil
	}
	if len(d.conns) >= maxConns {
		d.forgetOldest()
	}
	d.count++
	c.ID = d.count
	d.conns = append(d.conns, c)
	return c
}

// retry notes that the client may start again with another connection id (RFC 9000 section
// 17.2.5). A server can send several Retry packets; the client follows one of them.
func (d *Decoder) retry(c *Conn, h longHeader) {
	if c.dirs[ServerToClient].next[0] > 0 || len(c.retries) >= maxRetries {
		return
	}
	c.retries = append(c.retries, string(h.scid))
	d.learn(c, ClientToServer, h.scid)
}

// restart takes up the Initial keys of the Retry that the client followed.
func (c *Conn) restart(dcid []byte) {
	if slices.Contains(c.retries, string(dcid)) {
		c.retries = nil
		c.initialKeys(dcid)
	}
}

// switchVersion follows a compatible version negotiation (RFC 9368): the Initial keys come from
// the same connection id with the salt of the new version.
func (c *Conn) switchVersion(version uint32) {
	if c.hasSuite {
		return
	}
	old := c.Version
	c.Version = version
	if !c.initialKeys(c.odcid) {
		c.Version = old
	}
}

// KeysChanged looks again for the secrets that connections wait for. Call it after adding to the
// key log.
func (d *Decoder) KeysChanged() {
	for _, c := range d.conns {
		c.install()
		c.drain()
	}
}

// Waiting reports whether any packet waits for secrets.
func (d *Decoder) Waiting() bool { return d.pendingBytes > 0 }

// Flush gives out what is held back and ends every connection. t is the time of the last packet.
func (d *Decoder) Flush(t time.Time) {
	for _, c := range d.conns {
		c.flush(t)
	}
}

func (c *Conn) flush(t time.Time) {
	if c.dirs[0].app != nil || c.dirs[1].app != nil {
		c.announceGuess()
	}
	c.drain()
	for dir := range c.streams {
		c.flushStreams(t, Dir(dir), (*half).stuck)
	}
	if c.opened {
		c.emit(Event{Kind: Ended, Time: t})
	}
}

// forgetOldest gives up the connection that was silent for the longest time.
func (d *Decoder) forgetOldest() {
	i := 0
	for j, c := range d.conns {
		if c.last.Before(d.conns[i].last) {
			i = j
		}
	}
	c := d.conns[i]
	c.flush(c.last)
	d.gone = append(d.gone, c.problems()...)
	d.gone = d.gone[max(0, len(d.gone)-maxStrange):]
	c.addTo(&d.stats)
	d.pendingBytes -= c.pendingBytes
	d.unlearn(c)
	d.conns = slices.Delete(d.conns, i, i+1)
}
