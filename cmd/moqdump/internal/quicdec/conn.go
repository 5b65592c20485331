package quicdec

import (
	"net/netip"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// Conn is one QUIC connection. What the handshake told is in the exported fields; they do not
// change after the Opened event.
type Conn struct {
	ID             int // from 1, in order of the first Initial
	Client, Server netip.AddrPort
	Version        uint32
	Suite          Suite
	SNI            string
	// ALPN is the negotiated protocol. ALPNGuessed is true when the server's answer could not be
	// read and the client offered only this one.
	ALPN        string
	ALPNGuessed bool
	Offered     []string // protocols that the client offered
	Start       time.Time

	d        *Decoder
	odcid    []byte   // what the Initial keys came from
	retries  []string // connection ids of Retry packets
	random   clientRandom
	hello    bool // the ClientHello was read
	hasSuite bool // the cipher suite is known
	exts     bool // the server's encrypted extensions were read
	opened   bool
	dirs     [2]dirState
	streams  [2]streamSet

	pending      []pending
	pendingBytes int
	appSince     time.Time // the first packet that waits for nothing but the ALPN
	dirty        bool      // keys or state changed: pending packets may open
	draining     bool

	buffered int // bytes behind gaps in all streams
	swept    time.Time
	last     time.Time
	closed   [2]struct{ transport, app bool }
	routes   []route
	stats    connStats
}

type connStats struct {
	opened, failed, dropped, cut int
}

// dirState is what a decoder knows of the packets in one direction.
type dirState struct {
	keys    [3]*packetKeys // by level below levelApp
	app     *generations
	numbers [3]idSet  // packet numbers seen, by space
	next    [3]uint64 // the packet number after the largest seen
	crypto  [2]handshake
	lengths []int // of the connection ids that such packets carry, longest first
	misses  int   // super-datagrams in a row that no size could split
	segment int   // size of the datagrams that make a super-datagram
}

// space is the packet number space of a level.
func (l level) space() int {
	switch l {
	case levelInitial:
		return 0
	case levelHandshake:
		return 1
	}
	return 2
}

func (c *Conn) emit(e Event) {
	e.Conn = c
	c.d.emit(e)
}

// initialKeys derives the Initial keys from the client's destination connection id.
func (c *Conn) initialKeys(dcid []byte) bool {
	secrets, err := initialSecrets(c.Version, dcid)
	if err != nil {
		return false
	}
	for dir := range c.dirs {
		k, err := newKeys(c.Version, AES128GCM, secrets[dir])
		if err != nil {
			return false
		}
		c.dirs[dir].keys[levelInitial] = k
	}
	c.odcid = append([]byte(nil), dcid...)
	return true
}

// crypto takes a CRYPTO frame.
func (c *Conn) crypto(t time.Time, dir Dir, lvl level, f *frame) {
	if lvl > levelHandshake {
		return
	}
	h := &c.dirs[dir].crypto[lvl.space()]
	h.push(t, f, func(typ uint8, body []byte) {
		switch {
		case typ == tlsClientHello && dir == ClientToServer && lvl == levelInitial:
			c.clientHello(body)
		case typ == tlsServerHello && dir == ServerToClient && lvl == levelInitial:
			if suite, ok := parseServerHello(body); ok {
				h.done = true
				c.Suite, c.hasSuite = suite, true
				c.install()
			}
		case typ == tlsEncryptedExtensions && dir == ServerToClient && lvl == levelHandshake:
			h.done = true
			c.ALPN, c.exts = parseEncryptedExtensions(body), true
			c.announce()
		}
	})
}

func (c *Conn) clientHello(body cryptobyte.String) {
	hello, ok := parseClientHello(body)
	if !ok || c.hello {
		return
	}
	c.hello = true
	c.random, c.SNI, c.Offered = hello.random, hello.sni, hello.alpn
	c.install()
}

// install derives the keys that the key log has by now.
func (c *Conn) install() {
	s := c.d.keys.sessions[c.random]
	if !c.hello || !c.hasSuite || s == nil {
		return
	}
	for dir := range c.dirs {
		st := &c.dirs[dir]
		c.derive(&st.keys[levelHandshake], s.handshake[dir])
		if Dir(dir) == ClientToServer {
			c.derive(&st.keys[levelEarly], s.early)
		}
		if st.app == nil && s.traffic[dir] != nil {
			if g, err := newGenerations(c.Version, c.Suite, s.traffic[dir]); err == nil {
				st.app, c.dirty = g, true
			}
		}
	}
	if s.handshake[ServerToClient] == nil && s.traffic[ServerToClient] != nil {
		c.announceGuess()
	}
}

func (c *Conn) derive(k **packetKeys, secret []byte) {
	if *k != nil || secret == nil {
		return
	}
	if keys, err := newKeys(c.Version, c.Suite, secret); err == nil {
		*k, c.dirty = keys, true
	}
}

// announce opens the connection to whoever listens. Nothing of the handshake is waited for any more.
func (c *Conn) announce() {
	if c.opened {
		return
	}
	c.opened, c.dirty = true, true
	c.emit(Event{Kind: Opened, Time: c.Start})
}

// announceGuess does without the server's answer, which is not in the capture.
func (c *Conn) announceGuess() {
	if !c.opened && !c.exts && len(c.Offered) == 1 {
		c.ALPN, c.ALPNGuessed = c.Offered[0], true
	}
	c.announce()
}

// payload goes through the frames of a decrypted packet.
func (c *Conn) payload(t time.Time, dir Dir, lvl level, b []byte) {
	for off := 0; off < len(b); {
		f, n, err := parseFrame(b[off:])
		if err != nil {
			err.Offset = off
			c.emit(Event{Kind: Malformed, Time: t, Dir: dir, Err: err})
			return
		}
		c.frame(t, dir, lvl, &f)
		off += n
	}
}

func (c *Conn) frame(t time.Time, dir Dir, lvl level, f *frame) {
	switch {
	case f.typ == frameCrypto:
		c.crypto(t, dir, lvl, f)
	case f.typ == frameClose || f.typ == frameCloseApp:
		c.close(t, dir, f)
	case lvl != levelApp && lvl != levelEarly: // the frames below belong to the application level
	case f.typ >= frameStream && f.typ < frameStream+8:
		c.streamFrame(t, dir, f)
	case f.typ == frameResetStream || f.typ == frameResetStreamAt:
		c.resetFrame(t, dir, f)
	case f.typ == frameStopSending:
		c.stopFrame(t, dir, f)
	case f.typ == frameDatagram || f.typ == frameDatagramLen:
		c.emit(Event{Kind: Datagram, Time: t, Dir: dir, Data: f.data})
	case f.typ == frameNewCID:
		c.d.learn(c, dir.Other(), f.data)
	}
}

// close takes a CONNECTION_CLOSE frame, which each end repeats until the other is quiet. During the
// handshake an application's close comes twice: as APPLICATION_ERROR for an end that may lack the
// keys, and as what it is.
func (c *Conn) close(t time.Time, dir Dir, f *frame) {
	app := f.typ == frameCloseApp
	seen := &c.closed[dir].transport
	if app {
		seen = &c.closed[dir].app
	}
	if *seen {
		return
	}
	*seen = true
	c.announce()
	c.emit(Event{
		Kind: Closed, Time: t, Dir: dir, Code: f.code,
		App: app, Reason: string(f.data),
	})
}
