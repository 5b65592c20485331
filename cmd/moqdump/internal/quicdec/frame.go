package quicdec

import (
	"fmt"

	"github.com/quic-go/quic-go/quicvarint"
)

// Frame types (RFC 9000 section 19, RFC 9221, draft-ietf-quic-ack-frequency,
// draft-ietf-quic-reliable-stream-reset).
const (
	framePadding       = 0x00
	framePing          = 0x01
	frameAck           = 0x02
	frameAckECN        = 0x03
	frameResetStream   = 0x04
	frameStopSending   = 0x05
	frameCrypto        = 0x06
	frameNewToken      = 0x07
	frameStream        = 0x08 // to 0x0f
	frameMaxData       = 0x10
	frameStreamsBlk    = 0x17 // the last of the flow control frames
	frameNewCID        = 0x18
	frameRetireCID     = 0x19
	framePathChallenge = 0x1a
	framePathResponse  = 0x1b
	frameClose         = 0x1c
	frameCloseApp      = 0x1d
	frameHandshakeDone = 0x1e
	frameImmediateAck  = 0x1f
	frameResetStreamAt = 0x24
	frameDatagram      = 0x30
	frameDatagramLen   = 0x31
	frameAckFrequency  = 0xaf
)

// frame is any frame; each type sets the fields it has. data aliases the packet.
type frame struct {
	typ      uint64
	stream   uint64
	offset   uint64 // of data in its stream
	data     []byte // stream, crypto or datagram bytes, a connection id, a reason
	fin      bool
	code     uint64
	final    uint64 // final size of a reset
	reliable uint64 // how much of a reset stream still comes
}

// FrameError says where the frames of a packet stop making sense.
type FrameError struct {
	Offset int    // bytes into the decrypted payload, where the frame starts
	Type   uint64 // of the frame
	What   string
}

func (e *FrameError) Error() string {
	return fmt.Sprintf("frame type %#x at byte %d of the packet: %s", e.Type, e.Offset, e.What)
}

// cursor reads the fields of a frame; the first field that is not there makes the rest zero.
type cursor struct {
	rest []byte
	bad  string
}

func (c *cursor) varint(field string) uint64 {
	if c.bad != "" {
		return 0
	}
	v, n, err := quicvarint.Parse(c.rest)
	if err != nil {
		c.bad = field + " is cut short"
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *cursor) bytes(field string, n uint64) []byte {
	if c.bad != "" {
		return nil
	}
	if n > uint64(len(c.rest)) {
		c.bad = fmt.Sprintf("%s of %d bytes, %d are left", field, n, len(c.rest))
		return nil
	}
	out := c.rest[:n:n]
	c.rest = c.rest[n:]
	return out
}

func (c *cursor) varints(field string, n uint64) {
	for range n {
		if c.varint(field); c.bad != "" {
			return
		}
	}
}

// parseFrame reads the frame at the start of b, which is not empty, and returns its size.
// A run of padding counts as one frame.
func parseFrame(b []byte) (f frame, n int, err *FrameError) {
	c := cursor{rest: b}
	f.typ = c.varint("Type")
	f.fields(&c)
	if f.offset+uint64(len(f.data)) >= 1<<62 {
		c.bad = "data beyond the largest stream offset"
	}
	if c.bad != "" {
		return f, 0, &FrameError{Type: f.typ, What: c.bad}
	}
	return f, len(b) - len(c.rest), nil
}

func (f *frame) fields(c *cursor) {
	switch {
	case f.typ == framePadding:
		for len(c.rest) > 0 && c.rest[0] == framePadding {
			c.rest = c.rest[1:]
		}
	case f.typ >= frameStream && f.typ < frameStream+8:
		f.streamFields(c)
	case f.typ == frameAck || f.typ == frameAckECN:
		ackFields(c, f.typ)
	case f.typ == frameResetStream || f.typ == frameResetStreamAt:
		f.stream, f.code, f.final = c.varint("Stream ID"), c.varint("Error Code"), c.varint("Final Size")
		if f.typ == frameResetStreamAt {
			f.reliable = c.varint("Reliable Size")
		}
	case f.typ == frameClose || f.typ == frameCloseApp:
		f.code = c.varint("Error Code")
		if f.typ == frameClose {
			f.stream = c.varint("Frame Type")
		}
		f.data = c.bytes("Reason Phrase", c.varint("Reason Phrase Length"))
	case f.typ == frameDatagram:
		f.data = c.bytes("Datagram Data", uint64(len(c.rest)))
	case f.typ == frameDatagramLen:
		f.data = c.bytes("Datagram Data", c.varint("Length"))
	default:
		f.plainFields(c)
	}
}

func (f *frame) streamFields(c *cursor) {
	f.stream = c.varint("Stream ID")
	if f.typ&4 != 0 {
		f.offset = c.varint("Offset")
	}
	n := uint64(len(c.rest))
	if f.typ&2 != 0 {
		n = c.varint("Length")
	}
	f.data = c.bytes("Stream Data", n)
	f.fin = f.typ&1 != 0
}

func ackFields(c *cursor, typ uint64) {
	c.varints("ACK", 2)
	ranges := c.varint("ACK Range Count")
	c.varints("First ACK Range", 1)
	c.varints("ACK Range", ranges) // a gap and a length each
	c.varints("ACK Range", ranges)
	if typ == frameAckECN {
		c.varints("ECN Count", 3)
	}
}

// plainFields reads the frames that need nothing but to be passed over, and the small ones.
func (f *frame) plainFields(c *cursor) {
	switch f.typ {
	case framePing, frameHandshakeDone, frameImmediateAck:
	case frameStopSending:
		f.stream, f.code = c.varint("Stream ID"), c.varint("Error Code")
	case frameCrypto:
		f.offset = c.varint("Offset")
		f.data = c.bytes("Crypto Data", c.varint("Length"))
	case frameNewToken:
		c.bytes("Token", c.varint("Token Length"))
	case 0x11, 0x15: // MAX_STREAM_DATA, STREAM_DATA_BLOCKED
		c.varints("flow control", 2)
	case frameMaxData, 0x12, 0x13, 0x14, 0x16, frameStreamsBlk, frameRetireCID:
		c.varints("flow control", 1)
	case frameNewCID:
		c.varints("Sequence Number", 2)
		var n uint64
		if l := c.bytes("Length", 1); l != nil {
			n = uint64(l[0])
		}
		f.data = c.bytes("Connection ID", n)
		c.bytes("Stateless Reset Token", 16)
	case framePathChallenge, framePathResponse:
		c.bytes("Data", 8)
	case frameAckFrequency:
		c.varints("ACK_FREQUENCY", 4)
	default:
		c.bad = "unknown type, the rest of the packet is not decoded"
	}
}
