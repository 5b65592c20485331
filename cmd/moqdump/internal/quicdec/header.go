package quicdec

import (
	"encoding/binary"
	"errors"

	"github.com/quic-go/quic-go/quicvarint"
)

// level is the kind of packet, which decides its keys.
type level uint8

const (
	levelInitial level = iota
	levelEarly
	levelHandshake
	levelApp
	levelRetry
	levelNegotiation
)

// maxCID is the longest connection id of versions 1 and 2.
const maxCID = 20

// longHeader is the readable part of a long header packet.
type longHeader struct {
	version    uint32
	level      level
	dcid, scid []byte
	pnOff      int // where the protected packet number starts
	size       int // bytes of the packet in its datagram
}

var (
	errNotQUIC = errors.New("not a QUIC packet")
	errVersion = errors.New("unknown QUIC version")
	errCut     = errors.New("packet cut short")
)

// parseLong reads the header of the long header packet at the start of b (RFC 9000 section 17.2).
func parseLong(b []byte) (longHeader, error) {
	var h longHeader
	if len(b) < 7 || b[0]&0x80 == 0 {
		return h, errNotQUIC
	}
	h.version = binary.BigEndian.Uint32(b[1:])
	rest := b[5:]
	var ok bool
	if h.dcid, rest, ok = shortBytes(rest); !ok {
		return h, errNotQUIC
	}
	if h.scid, rest, ok = shortBytes(rest); !ok {
		return h, errNotQUIC
	}
	switch h.version {
	case 0:
		h.level, h.size = levelNegotiation, len(b)
		return h, nil
	case Version1:
		h.level = [4]level{levelInitial, levelEarly, levelHandshake, levelRetry}[b[0]>>4&3]
	case Version2:
		h.level = [4]level{levelRetry, levelInitial, levelEarly, levelHandshake}[b[0]>>4&3]
	default:
		return h, errVersion
	}
	if h.level == levelRetry {
		h.size = len(b)
		return h, nil
	}
	if h.level == levelInitial {
		token, n, err := quicvarint.Parse(rest)
		if err != nil || token > uint64(len(rest)-n) {
			return h, errNotQUIC
		}
		rest = rest[n+int(token):]
	}
	length, n, err := quicvarint.Parse(rest)
	if err != nil {
		return h, errNotQUIC
	}
	h.pnOff = len(b) - len(rest) + n
	if length > uint64(len(rest)-n) {
		return h, errCut
	}
	h.size = h.pnOff + int(length)
	return h, nil
}

// shortBytes reads a connection id with its length in front.
func shortBytes(b []byte) (id, rest []byte, ok bool) {
	if len(b) == 0 || int(b[0]) > maxCID || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	end := 1 + int(b[0])
	return b[1:end:end], b[end:], true
}
