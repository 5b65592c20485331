package capfile

import (
	"encoding/binary"
	"time"
)

// Magic numbers of the classic format, in the byte order of the writer.
const (
	magicMicro = 0xa1b2c3d4
	magicNano  = 0xa1b23c4d
)

// pcap reads the classic format: a 24 byte header, then records of a 16 byte header and a packet.
type pcap struct {
	r     *Reader
	order binary.ByteOrder
	unit  time.Duration
	link  LinkType
}

func (r *Reader) startPcap(order binary.ByteOrder, unit time.Duration) error {
	head, err := r.read(24)
	if err != nil {
		return err
	}
	// The upper bits of the link type field carry the length of a frame check sequence.
	p := &pcap{r: r, order: order, unit: unit, link: LinkType(order.Uint32(head[20:]) & 0xffff)}
	r.next = p.next
	return nil
}

func (p *pcap) next(rec *Record) error {
	head, err := p.r.header(16)
	if err != nil {
		return err
	}
	sec, frac := p.order.Uint32(head), p.order.Uint32(head[4:])
	captured, length := p.order.Uint32(head[8:]), p.order.Uint32(head[12:])
	if captured > maxBody {
		return p.r.fail("a packet of %d bytes, above the limit of %d", captured, maxBody)
	}
	data, err := p.r.read(int(captured))
	if err != nil {
		return err
	}
	*rec = Record{
		Time: time.Unix(int64(sec), int64(frac)*int64(p.unit)).UTC(),
		Link: p.link, Data: data, Length: wireLength(length, captured),
	}
	return nil
}

// wireLength is the length on the wire, which no writer may put below what was captured.
func wireLength(length, captured uint32) int {
	return int(max(min(length, maxBody), captured))
}
