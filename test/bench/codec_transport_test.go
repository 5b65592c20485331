package bench

import (
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
)

func transportPairs(v moqt.Version) []pair {
	header := moqt.SubgroupHeader{TrackAlias: 7, GroupID: 100000, PublisherPriority: 128}
	object := moqt.SubgroupObject{PriorObjectID: wire.Some(uint64(4)), ObjectID: 5, Payload: payload}
	datagram := moqt.ObjectDatagram{TrackAlias: 7, GroupID: 100000, ObjectID: 5, PublisherPriority: 128, Payload: payload}
	fetched := moqt.FetchObject{First: true, HasGroup: true, HasObject: true, HasPriority: true, SubgroupMode: moqt.FetchSubgroupModeExplicit, SubgroupID: 3, PublisherPriority: 128, Payload: payload}
	if v >= moqt.Version18 {
		fetched.GroupIDDelta, fetched.ObjectIDDelta = 100000, 5
	} else {
		fetched.GroupID, fetched.ObjectID = 100000, 5
	}
	h, o, d, f := header, object, datagram, fetched
	return []pair{
		{"SUBGROUP_HEADER on " + v.String(), codecOf(&header, v, (*moqt.SubgroupHeader).Parse, (*moqt.SubgroupHeader).Append), codecOf(&h, v, parseSubgroupHeader, appendSubgroupHeader)},
		{"SUBGROUP_OBJECT on " + v.String(), codecOf(&object, v, (*moqt.SubgroupObject).Parse, (*moqt.SubgroupObject).Append), codecOf(&o, v, parseSubgroupObject, appendSubgroupObject)},
		{"OBJECT_DATAGRAM on " + v.String(), codecOf(&datagram, v, (*moqt.ObjectDatagram).Parse, (*moqt.ObjectDatagram).Append), codecOf(&d, v, parseObjectDatagram, appendObjectDatagram)},
		{"FETCH_OBJECT on " + v.String(), codecOf(&fetched, v, (*moqt.FetchObject).Parse, (*moqt.FetchObject).Append), codecOf(&f, v, parseFetchObject, appendFetchObject)},
	}
}

// varint is the form of a version.
func varint(v moqt.Version) wire.Vi {
	switch {
	case v <= moqt.Version16:
		return wire.RFC9000
	case v == moqt.Version17:
		return wire.Vi64No7
	}
	return wire.Vi64
}

// anyProperty tells whether there is one, which without a bit for them is refused. Those of the benchmark have none.
func anyProperty(p *moqt.ObjectProperties) bool {
	return p.OldTimestamp.Set || p.Timescale.Set || p.Immutable.Set || p.Timestamp.Set || p.PriorGroupIDGap.Set || p.PriorObjectIDGap.Set ||
		len(p.Unknown) > 0 || len(p.Order) > 0
}

func validStatus(s moqt.ObjectStatus, v moqt.Version) bool {
	return s == 0 || s == 3 || s == 4 || s == 1 && v <= moqt.Version15
}

// parseProperties keeps all of them as they are, none of which are in the benchmark.
func parseProperties(p *moqt.ObjectProperties, src []byte, vi wire.Vi) (int, error) {
	b, n, e := vi.ParseBytes(src, 262144)
	if e != nil {
		return 0, wrongAt("Properties", 0)
	}
	it := vi.ItemsToEnd(b, wire.KVPDelta)
	for {
		more, e := it.Next()
		if e != nil {
			return 0, wrongAt("Properties", it.Len())
		}
		if !more {
			return n, nil
		}
		x, e := it.Param()
		if e != nil {
			return 0, wrongAt("Properties", it.Len())
		}
		p.Unknown = append(p.Unknown, x)
	}
}

func parseSubgroupHeader(m *moqt.SubgroupHeader, src []byte, v moqt.Version) (int, error) {
	if v < moqt.Version14 || v > moqt.Version22 {
		return 0, errNotHere
	}
	vi, known := varint(v), uint64(0x7f)
	switch {
	case v == moqt.Version14:
		known = 0x1f
	case v <= moqt.Version17:
		known = 0x3f
	}
	x, off := vi.Parse(src)
	if off <= 0 || x&^known != 0 || x&0x10 == 0 || x&0x06 == 0x06 {
		return 0, wrongAt("Type", 0)
	}
	*m = moqt.SubgroupHeader{
		Properties: x&1 != 0, SubgroupMode: moqt.SubgroupMode(x >> 1 & 3), EndOfGroup: x&8 != 0,
		DefaultPriority: x&0x20 != 0, FirstObject: x&0x40 != 0,
	}
	var n int
	if m.TrackAlias, n = vi.Parse(src[off:]); n <= 0 {
		return 0, wrongAt("Track Alias", off)
	}
	off += n
	if m.GroupID, n = vi.Parse(src[off:]); n <= 0 {
		return 0, wrongAt("Group ID", off)
	}
	off += n
	if m.SubgroupMode == moqt.SubgroupModeExplicit {
		if m.SubgroupID, n = vi.Parse(src[off:]); n <= 0 {
			return 0, wrongAt("Subgroup ID", off)
		}
		off += n
	}
	if !m.DefaultPriority {
		if off == len(src) {
			return 0, wrongAt("Publisher Priority", off)
		}
		m.PublisherPriority = src[off]
		off++
	}
	return off, nil
}

func appendSubgroupHeader(m *moqt.SubgroupHeader, dst []byte, v moqt.Version) ([]byte, error) {
	vi := varint(v)
	switch {
	case v < moqt.Version14 || v > moqt.Version22,
		v == moqt.Version14 && m.DefaultPriority, v <= moqt.Version17 && m.FirstObject:
		return dst, errNotHere
	case m.SubgroupMode > 2:
		return dst, wrongAt("Subgroup Mode", 0)
	case m.TrackAlias > vi.Max():
		return dst, wrongAt("Track Alias", 0)
	case m.GroupID > vi.Max():
		return dst, wrongAt("Group ID", 0)
	case m.SubgroupID > vi.Max() || m.SubgroupID != 0 && m.SubgroupMode != moqt.SubgroupModeExplicit:
		return dst, wrongAt("Subgroup ID", 0)
	case m.DefaultPriority && m.PublisherPriority != 0:
		return dst, wrongAt("Publisher Priority", 0)
	}
	x := 0x10 | uint64(m.SubgroupMode)<<1
	if m.Properties {
		x |= 1
	}
	if m.EndOfGroup {
		x |= 8
	}
	if m.DefaultPriority {
		x |= 0x20
	}
	if m.FirstObject {
		x |= 0x40
	}
	dst = vi.Append(vi.Append(vi.Append(dst, x), m.TrackAlias), m.GroupID)
	if m.SubgroupMode == moqt.SubgroupModeExplicit {
		dst = vi.Append(dst, m.SubgroupID)
	}
	if !m.DefaultPriority {
		dst = append(dst, m.PublisherPriority)
	}
	return dst, nil
}

func parseSubgroupObject(m *moqt.SubgroupObject, src []byte, v moqt.Version) (int, error) {
	if v < moqt.Version14 || v > moqt.Version22 {
		return 0, errNotHere
	}
	vi := varint(v)
	delta, off := vi.Parse(src)
	if off <= 0 {
		return 0, wrongAt("Object ID", 0)
	}
	id, ok := vi.NextID(m.PriorObjectID, delta)
	if !ok {
		return 0, wrongAt("Object ID", 0)
	}
	*m = moqt.SubgroupObject{PriorObjectID: m.PriorObjectID, HasProperties: m.HasProperties, ObjectID: id}
	if m.HasProperties {
		n, err := parseProperties(&m.Properties, src[off:], vi)
		if err != nil {
			return 0, err
		}
		off += n
	}
	size, n := vi.Parse(src[off:])
	if n <= 0 {
		return 0, wrongAt("Payload Length", off)
	}
	off += n
	if size == 0 {
		x, n := vi.Parse(src[off:])
		if m.Status = moqt.ObjectStatus(x); n <= 0 || !validStatus(m.Status, v) {
			return 0, wrongAt("Status", off)
		}
		off += n
	}
	if size > uint64(len(src)-off) {
		return 0, wrongAt("Payload", off)
	}
	end := off + int(size)
	m.Payload = src[off:end:end]
	if m.Status != 0 && m.HasProperties && anyProperty(&m.Properties) && (v >= moqt.Version15 || m.Status == moqt.ObjectStatusDoesNotExist) {
		return 0, wrongAt("Properties", end)
	}
	return end, nil
}

func appendSubgroupObject(m *moqt.SubgroupObject, dst []byte, v moqt.Version) ([]byte, error) {
	if v < moqt.Version14 || v > moqt.Version22 || m.HasProperties {
		return dst, errNotHere
	}
	vi := varint(v)
	delta, ok := vi.IDDelta(m.PriorObjectID, m.ObjectID)
	switch {
	case !ok:
		return dst, wrongAt("Object ID", 0)
	case anyProperty(&m.Properties):
		return dst, wrongAt("Properties", 0)
	case len(m.Payload) > 0 && m.Status != 0 || !validStatus(m.Status, v):
		return dst, wrongAt("Status", 0)
	}
	dst = vi.Append(vi.Append(dst, delta), uint64(len(m.Payload)))
	if len(m.Payload) == 0 {
		return vi.Append(dst, uint64(m.Status)), nil
	}
	return append(dst, m.Payload...), nil
}

func parseObjectDatagram(m *moqt.ObjectDatagram, src []byte, v moqt.Version) (int, error) {
	if v < moqt.Version14 || v > moqt.Version22 {
		return 0, errNotHere
	}
	vi, known := varint(v), uint64(0x2f)
	if v == moqt.Version14 {
		known = 0x27
	}
	x, off := vi.Parse(src)
	if off <= 0 || x&^known != 0 || x&0x22 == 0x22 || v == moqt.Version14 && x&0x24 == 0x24 {
		return 0, wrongAt("Type", 0)
	}
	*m = moqt.ObjectDatagram{HasProperties: x&1 != 0, EndOfGroup: x&2 != 0, ZeroObjectID: x&4 != 0, DefaultPriority: x&8 != 0, HasStatus: x&0x20 != 0}
	var n int
	if m.TrackAlias, n = vi.Parse(src[off:]); n <= 0 {
		return 0, wrongAt("Track Alias", off)
	}
	off += n
	if m.GroupID, n = vi.Parse(src[off:]); n <= 0 {
		return 0, wrongAt("Group ID", off)
	}
	off += n
	if !m.ZeroObjectID {
		if m.ObjectID, n = vi.Parse(src[off:]); n <= 0 {
			return 0, wrongAt("Object ID", off)
		}
		off += n
	}
	if !m.DefaultPriority {
		if off == len(src) {
			return 0, wrongAt("Publisher Priority", off)
		}
		m.PublisherPriority = src[off]
		off++
	}
	if m.HasProperties {
		n, err := parseProperties(&m.Properties, src[off:], vi)
		if err != nil || !anyProperty(&m.Properties) {
			return 0, wrongAt("Properties", off)
		}
		off += n
	}
	if m.HasStatus {
		x, n := vi.Parse(src[off:])
		if m.Status = moqt.ObjectStatus(x); n <= 0 || !validStatus(m.Status, v) || off+n != len(src) {
			return 0, wrongAt("Status", off)
		}
		return off + n, nil
	}
	m.Payload = src[off:]
	return len(src), nil
}

func appendObjectDatagram(m *moqt.ObjectDatagram, dst []byte, v moqt.Version) ([]byte, error) {
	vi := varint(v)
	switch {
	case v < moqt.Version14 || v > moqt.Version22 || m.HasProperties, v == moqt.Version14 && m.DefaultPriority:
		return dst, errNotHere
	case m.HasStatus && (m.EndOfGroup || len(m.Payload) > 0 || v == moqt.Version14 && m.ZeroObjectID), !m.HasStatus && m.Status != 0, !validStatus(m.Status, v):
		return dst, wrongAt("Status", 0)
	case anyProperty(&m.Properties):
		return dst, wrongAt("Properties", 0)
	case m.TrackAlias > vi.Max():
		return dst, wrongAt("Track Alias", 0)
	case m.GroupID > vi.Max():
		return dst, wrongAt("Group ID", 0)
	case m.ObjectID > vi.Max() || m.ObjectID != 0 && m.ZeroObjectID:
		return dst, wrongAt("Object ID", 0)
	case m.DefaultPriority && m.PublisherPriority != 0:
		return dst, wrongAt("Publisher Priority", 0)
	}
	x := uint64(0)
	if m.EndOfGroup {
		x |= 2
	}
	if m.ZeroObjectID {
		x |= 4
	}
	if m.DefaultPriority {
		x |= 8
	}
	if m.HasStatus {
		x |= 0x20
	}
	dst = vi.Append(vi.Append(vi.Append(dst, x), m.TrackAlias), m.GroupID)
	if !m.ZeroObjectID {
		dst = vi.Append(dst, m.ObjectID)
	}
	if !m.DefaultPriority {
		dst = append(dst, m.PublisherPriority)
	}
	if m.HasStatus {
		return vi.Append(dst, uint64(m.Status)), nil
	}
	return append(dst, m.Payload...), nil
}
