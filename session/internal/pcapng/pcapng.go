// Package pcapng writes UDP datagrams and TLS secrets as a pcapng capture
// (draft-ietf-opsawg-pcapng), with IP and UDP headers made up around the payload: what a
// program sees on its socket, in a form that packet tools read.
//
// [NewWriter] writes the section header and one interface (raw IP, nanoseconds), then every
// call writes one block with one Write, so that a reader of a pipe sees it at once.
//
// # Limitations
//
// One section, one interface, no options on packets, no IP fragments: a payload above 65,507
// bytes is cut.
package pcapng

import (
	"encoding/binary"
	"io"
	"net/netip"
	"sync"
	"time"
)

// Block types, and the type of the secrets in a decryption secrets block.
const (
	blockInterface = 1
	blockPacket    = 6
	blockSecrets   = 10
	blockSection   = 0x0a0d0d0a

	byteOrder  = 0x1a2b3c4d
	linkRawIP  = 101
	tlsKeyLog  = 0x544c534b // "TLSK"
	optEnd     = 0
	optAppl    = 4 // shb_userappl
	optTsResol = 9 // if_tsresol
)

const (
	ipv4Header = 20
	udpHeader  = 8
	protoUDP   = 17
	hopLimit   = 64
	maxPayload = 0xffff - ipv4Header - udpHeader
)

// Writer writes one capture. Its methods are safe for concurrent use. The first error of the
// writer below ends the capture: it is returned once, and later calls do nothing.
type Writer struct {
	mu     sync.Mutex
	w      io.Writer
	block  []byte
	failed bool
}

// NewWriter writes the head of a capture to w.
func NewWriter(w io.Writer) (*Writer, error) {
	p := &Writer{w: w}
	p.begin(blockSection)
	p.u32(byteOrder)
	p.u16(1) // version 1.0
	p.u16(0)
	p.u32(0xffffffff) // section of unknown length
	p.u32(0xffffffff)
	p.option(optAppl, "moqrx")
	p.option(optEnd, "")
	if err := p.end(); err != nil {
		return p, err
	}
	p.begin(blockInterface)
	p.u16(linkRawIP)
	p.u16(0)
	p.u32(0) // no limit on the length of a packet
	p.option(optTsResol, "\x09")
	p.option(optEnd, "")
	return p, p.end()
}

// Secrets writes lines of a TLS key log (draft-ietf-tls-keylogfile). They must come before
// the packets that they decrypt.
func (p *Writer) Secrets(keyLog []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin(blockSecrets)
	p.u32(tlsKeyLog)
	p.u32(uint32(len(keyLog)))
	p.bytes(keyLog)
	return p.end()
}

// Packet writes one UDP datagram. Both addresses must be of the same family; an IPv4 address
// in IPv6 form counts as IPv4.
func (p *Writer) Packet(at time.Time, src, dst netip.AddrPort, payload []byte) error {
	payload = payload[:min(len(payload), maxPayload)]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin(blockPacket)
	p.u32(0) // the first interface
	ns := uint64(at.UnixNano())
	p.u32(uint32(ns >> 32))
	p.u32(uint32(ns))
	lengths := len(p.block)
	p.u32(0)
	p.u32(0)
	start := len(p.block)
	p.block = appendPacket(p.block, src, dst, payload)
	n := uint32(len(p.block) - start)
	binary.LittleEndian.PutUint32(p.block[lengths:], n)
	binary.LittleEndian.PutUint32(p.block[lengths+4:], n)
	p.pad()
	return p.end()
}

func (p *Writer) u16(v uint16) { p.block = binary.LittleEndian.AppendUint16(p.block, v) }
func (p *Writer) u32(v uint32) { p.block = binary.LittleEndian.AppendUint32(p.block, v) }

func (p *Writer) bytes(b []byte) {
	p.block = append(p.block, b...)
	p.pad()
}

func (p *Writer) option(code uint16, value string) {
	p.u16(code)
	p.u16(uint16(len(value)))
	p.bytes([]byte(value))
}

// pad fills up to 32 bits. Blocks begin there, so the length of the block is what counts.
func (p *Writer) pad() {
	for len(p.block)%4 != 0 {
		p.block = append(p.block, 0)
	}
}

func (p *Writer) begin(kind uint32) {
	p.block = p.block[:0]
	p.u32(kind)
	p.u32(0) // length, see end
}

func (p *Writer) end() error {
	p.u32(uint32(len(p.block) + 4))
	copy(p.block[4:8], p.block[len(p.block)-4:])
	if p.failed {
		return nil
	}
	_, err := p.w.Write(p.block)
	if f, ok := p.w.(interface{ Flush() error }); ok && err == nil {
		err = f.Flush()
	}
	p.failed = err != nil
	return err
}

// appendPacket appends the datagram with its IP and UDP headers.
func appendPacket(b []byte, src, dst netip.AddrPort, payload []byte) []byte {
	from, to := src.Addr().Unmap(), dst.Addr().Unmap()
	size := udpHeader + len(payload)
	var addresses []byte
	if from.Is4() && to.Is4() {
		start := len(b)
		b = append(b, 0x45, 0, byte((ipv4Header+size)>>8), byte(ipv4Header+size))
		b = append(b, 0, 0, 0x40, 0) // no id, don't fragment
		b = append(b, hopLimit, protoUDP, 0, 0)
		b = append(append(b, from.AsSlice()...), to.AsSlice()...)
		binary.BigEndian.PutUint16(b[start+10:], checksum(0, b[start:]))
		addresses = b[len(b)-8:]
	} else {
		f, t := from.As16(), to.As16()
		b = append(b, 0x60, 0, 0, 0, byte(size>>8), byte(size), protoUDP, hopLimit)
		b = append(append(b, f[:]...), t[:]...)
		addresses = b[len(b)-32:]
	}
	// The checksum covers addresses, protocol and length too (RFC 768; RFC 8200, section 8.1).
	pseudo := sum(uint32(protoUDP+size), addresses)

	start := len(b)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(size))
	b = append(b, 0, 0)
	b = append(b, payload...)
	c := checksum(pseudo, b[start:])
	if c == 0 { // 0 means that there is none
		c = 0xffff
	}
	binary.BigEndian.PutUint16(b[start+6:], c)
	return b
}

// checksum is the one of RFC 1071.
func checksum(start uint32, b []byte) uint16 {
	s := sum(start, b)
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

// sum adds the 16-bit words of b; a packet is too short for it to overflow.
func sum(s uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}
