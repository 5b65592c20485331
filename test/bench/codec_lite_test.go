package bench

import (
	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
)

var payload = []byte("some payload of a frame")

func litePairs(v lite.Version) []pair {
	group, frame, datagram := lite.Group{Subscribe: 7, Sequence: 100000}, lite.Frame{Payload: payload}, lite.Datagram{Subscribe: 7, Sequence: 100000, Timestamp: 1 << 32, Payload: payload}
	if v >= lite.Version05 {
		frame.TimestampDelta = 3000
	}
	g, f, d := group, frame, datagram
	list := []pair{
		{"GROUP on " + v.String(), codecOf(&group, v, (*lite.Group).Parse, (*lite.Group).Append), codecOf(&g, v, parseGroup, appendGroup)},
		{"FRAME on " + v.String(), codecOf(&frame, v, (*lite.Frame).Parse, (*lite.Frame).Append), codecOf(&f, v, parseFrame, appendFrame)},
	}
	if v >= lite.Version05 {
		list = append(list, pair{"DATAGRAM on " + v.String(), codecOf(&datagram, v, (*lite.Datagram).Parse, (*lite.Datagram).Append), codecOf(&d, v, parseDatagram, appendDatagram)})
	}
	return list
}

func parseGroup(m *lite.Group, src []byte, v lite.Version) (int, error) {
	if v < lite.Version01 || v > lite.Version06Wip {
		return 0, errNotHere
	}
	size, off := wire.ParseVarint(src)
	if off == 0 || size > 65536 || size > uint64(len(src)-off) {
		return 0, wrongAt("Length", 0)
	}
	src = src[:off+int(size)]
	var n int
	if m.Subscribe, n = wire.ParseVarint(src[off:]); n == 0 {
		return 0, wrongAt("Subscribe", off)
	}
	off += n
	if m.Sequence, n = wire.ParseVarint(src[off:]); n == 0 {
		return 0, wrongAt("Sequence", off)
	}
	if off += n; off != len(src) {
		return 0, wrongAt("", off)
	}
	return off, nil
}

func appendGroup(m *lite.Group, dst []byte, v lite.Version) ([]byte, error) {
	if v < lite.Version01 || v > lite.Version06Wip {
		return dst, errNotHere
	}
	if m.Subscribe > wire.MaxVarint {
		return dst, wrongAt("Subscribe", 0)
	}
	if m.Sequence > wire.MaxVarint {
		return dst, wrongAt("Sequence", 0)
	}
	// Two varints never need a length of more than one byte.
	dst = append(dst, byte(wire.RFC9000.Len(m.Subscribe)+wire.RFC9000.Len(m.Sequence)))
	return wire.AppendVarint(wire.AppendVarint(dst, m.Subscribe), m.Sequence), nil
}

func parseFrame(m *lite.Frame, src []byte, v lite.Version) (int, error) {
	if v < lite.Version01 || v > lite.Version06Wip {
		return 0, errNotHere
	}
	off := 0
	m.TimestampDelta = 0
	if v >= lite.Version05 {
		x, n := wire.ParseVarint(src)
		if n == 0 {
			return 0, wrongAt("Timestamp Delta", 0)
		}
		m.TimestampDelta, off = wire.Unzigzag(x), n
	}
	size, n := wire.ParseVarint(src[off:])
	if n == 0 {
		return 0, wrongAt("Payload Length", off)
	}
	if off += n; size > uint64(len(src)-off) {
		return 0, wrongAt("Payload", off)
	}
	end := off + int(size)
	m.Payload = src[off:end:end]
	return end, nil
}

func appendFrame(m *lite.Frame, dst []byte, v lite.Version) ([]byte, error) {
	if v < lite.Version01 || v > lite.Version06Wip {
		return dst, errNotHere
	}
	if v >= lite.Version05 {
		x := wire.Zigzag(m.TimestampDelta)
		if x > wire.MaxVarint {
			return dst, wrongAt("Timestamp Delta", 0)
		}
		dst = wire.AppendVarint(dst, x)
	}
	return append(wire.AppendVarint(dst, uint64(len(m.Payload))), m.Payload...), nil
}

func parseDatagram(m *lite.Datagram, src []byte, v lite.Version) (int, error) {
	if v < lite.Version05 || v > lite.Version06Wip {
		return 0, errNotHere
	}
	var n int
	if m.Subscribe, n = wire.ParseVarint(src); n == 0 {
		return 0, wrongAt("Subscribe", 0)
	}
	off := n
	if m.Sequence, n = wire.ParseVarint(src[off:]); n == 0 {
		return 0, wrongAt("Sequence", off)
	}
	off += n
	if m.Timestamp, n = wire.ParseVarint(src[off:]); n == 0 {
		return 0, wrongAt("Timestamp", off)
	}
	m.Payload = src[off+n:]
	return len(src), nil
}

func appendDatagram(m *lite.Datagram, dst []byte, v lite.Version) ([]byte, error) {
	if v < lite.Version05 || v > lite.Version06Wip {
		return dst, errNotHere
	}
	if m.Subscribe > wire.MaxVarint {
		return dst, wrongAt("Subscribe", 0)
	}
	if m.Sequence > wire.MaxVarint {
		return dst, wrongAt("Sequence", 0)
	}
	if m.Timestamp > wire.MaxVarint {
		return dst, wrongAt("Timestamp", 0)
	}
	dst = wire.AppendVarint(wire.AppendVarint(wire.AppendVarint(dst, m.Subscribe), m.Sequence), m.Timestamp)
	return append(dst, m.Payload...), nil
}
