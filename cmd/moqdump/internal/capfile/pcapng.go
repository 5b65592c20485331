package capfile

import (
	"encoding/binary"
	"time"
)

// Block types of pcapng (draft-ietf-opsawg-pcapng section 4).
const (
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockEnhanced  = 6
	blockSecrets   = 10
	blockSection   = 0x0a0d0d0a
)

const byteOrderMagic = 0x1a2b3c4d

// maxInterfaces bounds the interfaces of one section.
const maxInterfaces = 4096

// pcapng reads blocks of a type, a total length, a body and the length again.
type pcapng struct {
	r      *Reader
	order  binary.ByteOrder
	ifaces []iface
}

type iface struct {
	link    LinkType
	snap    uint32
	perSec  uint64 // timestamp units in a second
	seconds int64  // added to every timestamp
}

func (p *pcapng) next(rec *Record) error {
	for {
		typ, body, err := p.block()
		if err != nil {
			return err
		}
		found, err := p.decode(typ, body, rec)
		if err != nil || found {
			return err
		}
	}
}

// block reads one block and returns its body. Blocks of no interest come with a nil body.
func (p *pcapng) block() (uint32, []byte, error) {
	head, err := p.r.header(8)
	if err != nil {
		return 0, nil, err
	}
	if binary.BigEndian.Uint32(head) == blockSection {
		return blockSection, nil, p.section([4]byte(head[4:8]))
	}
	typ, total := p.order.Uint32(head), p.order.Uint32(head[4:])
	if total < 12 || total%4 != 0 {
		return 0, nil, p.r.fail("block type %#x with the impossible length %d", typ, total)
	}
	switch typ {
	case blockInterface, blockPacket, blockSimple, blockEnhanced, blockSecrets:
	default:
		return typ, nil, p.r.skip(int64(total) - 8)
	}
	if total > maxBody {
		return 0, nil, p.r.fail("block type %#x of %d bytes, above the limit of %d", typ, total, maxBody)
	}
	body, err := p.r.read(int(total) - 8)
	if err != nil {
		return 0, nil, err
	}
	tail := len(body) - 4
	if again := p.order.Uint32(body[tail:]); again != total {
		return 0, nil, p.r.fail("block type %#x starts with length %d and ends with length %d", typ, total, again)
	}
	return typ, body[:tail], nil
}

// section reads the rest of a section header, whose byte order holds until the next one.
func (p *pcapng) section(rawLength [4]byte) error {
	magic, err := p.r.read(4)
	if err != nil {
		return err
	}
	switch uint32(byteOrderMagic) {
	case binary.LittleEndian.Uint32(magic):
		p.order = binary.LittleEndian
	case binary.BigEndian.Uint32(magic):
		p.order = binary.BigEndian
	default:
		return p.r.fail("section header with byte order % x", magic)
	}
	total := p.order.Uint32(rawLength[:])
	if total < 28 || total%4 != 0 {
		return p.r.fail("section header with the impossible length %d", total)
	}
	p.ifaces = p.ifaces[:0]
	return p.r.skip(int64(total) - 12)
}

// decode fills rec when the block holds a packet or secrets.
func (p *pcapng) decode(typ uint32, body []byte, rec *Record) (bool, error) {
	if body == nil {
		return false, nil
	}
	switch typ {
	case blockInterface:
		return false, p.addInterface(body)
	case blockSecrets:
		return true, p.secrets(body, rec)
	case blockSimple:
		return true, p.simple(body, rec)
	case blockEnhanced:
		if len(body) < 20 {
			break
		}
		return true, p.packet(rec, p.order.Uint32(body), body[4:])
	case blockPacket:
		if len(body) < 20 {
			break
		}
		return true, p.packet(rec, uint32(p.order.Uint16(body)), body[4:])
	}
	return false, p.r.fail("block type %#x of only %d bytes", typ, len(body)+12)
}

// packet reads what follows the interface number: timestamp (upper, lower half), captured
// length, length on the wire, data.
func (p *pcapng) packet(rec *Record, id uint32, b []byte) error {
	if uint64(id) >= uint64(len(p.ifaces)) {
		return p.r.fail("packet of interface %d; %d are described", id, len(p.ifaces))
	}
	in := p.ifaces[id]
	stamp := uint64(p.order.Uint32(b))<<32 | uint64(p.order.Uint32(b[4:]))
	captured, length := p.order.Uint32(b[8:]), p.order.Uint32(b[12:])
	data := b[16:]
	if uint64(captured) > uint64(len(data)) {
		return p.r.fail("packet of %d bytes in a block with room for %d", captured, len(data))
	}
	*rec = Record{Time: in.time(stamp), Link: in.link, Data: data[:captured], Length: wireLength(length, captured)}
	return nil
}

func (p *pcapng) simple(body []byte, rec *Record) error {
	if len(body) < 4 || len(p.ifaces) == 0 {
		return p.r.fail("simple packet without a length or without an interface")
	}
	length, data := p.order.Uint32(body), body[4:]
	captured := min(length, uint32(len(data)))
	if snap := p.ifaces[0].snap; snap != 0 {
		captured = min(captured, snap)
	}
	*rec = Record{Link: p.ifaces[0].link, Data: data[:captured], Length: wireLength(length, captured)}
	return nil
}

func (p *pcapng) secrets(body []byte, rec *Record) error {
	if len(body) < 8 {
		return p.r.fail("secrets block of only %d bytes", len(body)+12)
	}
	length, data := p.order.Uint32(body[4:]), body[8:]
	if uint64(length) > uint64(len(data)) {
		return p.r.fail("secrets of %d bytes in a block with room for %d", length, len(data))
	}
	*rec = Record{SecretsType: p.order.Uint32(body), Secrets: data[:length:length]}
	return nil
}

func (p *pcapng) addInterface(body []byte) error {
	if len(body) < 8 {
		return p.r.fail("interface block of only %d bytes", len(body)+12)
	}
	if len(p.ifaces) == maxInterfaces {
		return p.r.fail("more than %d interfaces", maxInterfaces)
	}
	in := iface{link: LinkType(p.order.Uint16(body)), snap: p.order.Uint32(body[4:]), perSec: 1e6}
	for opts := body[8:]; len(opts) >= 4; {
		code, n := p.order.Uint16(opts), int(p.order.Uint16(opts[2:]))
		opts = opts[4:]
		if code == 0 || n > len(opts) {
			break
		}
		in.option(p.order, code, opts[:n])
		opts = opts[min(len(opts), (n+3)&^3):]
	}
	p.ifaces = append(p.ifaces, in)
	return nil
}

// option takes if_tsresol (9) and if_tsoffset (14).
func (in *iface) option(order binary.ByteOrder, code uint16, v []byte) {
	switch {
	case code == 9 && len(v) == 1:
		exp := v[0] & 0x7f
		if v[0]&0x80 != 0 {
			in.perSec = 1 << min(exp, 63)
			return
		}
		in.perSec = 1
		for range min(exp, 19) {
			in.perSec *= 10
		}
	case code == 14 && len(v) == 8:
		in.seconds = int64(order.Uint64(v))
	}
}

func (in *iface) time(stamp uint64) time.Time {
	sec, rest := stamp/in.perSec, stamp%in.perSec
	nanos := float64(rest) / float64(in.perSec) * 1e9
	if in.perSec <= 1e9 && 1e9%in.perSec == 0 {
		return time.Unix(int64(sec)+in.seconds, int64(rest*(1e9/in.perSec))).UTC()
	}
	return time.Unix(int64(sec)+in.seconds, int64(nanos)).UTC()
}
