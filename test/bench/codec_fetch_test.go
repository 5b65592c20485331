package bench

import "github.com/moqrx/moqrx/gen/moqt"

// validRange tells whether r is a value of this version.
func validRange(r moqt.FetchRange, v moqt.Version) bool {
	return r <= 2 || r == 4 && v >= moqt.Version20
}

// checkFetch refuses combinations that no object on a fetch stream has.
func checkFetch(m *moqt.FetchObject) bool {
	if m.Range != 0 {
		return m.SubgroupMode == 0 && !m.HasPriority && !m.HasProperties && m.HasObject && m.HasGroup
	}
	return !m.First || m.SubgroupMode != 1 && m.SubgroupMode != 2 && m.HasObject && m.HasGroup && m.HasPriority
}

// parseFetchObject is for 16 and later; the layouts before are others.
func parseFetchObject(m *moqt.FetchObject, src []byte, v moqt.Version) (int, error) {
	if v < moqt.Version16 || v > moqt.Version22 {
		return 0, errNotHere
	}
	vi, known := varint(v), uint64(0x3ff)
	if v <= moqt.Version19 {
		known = 0x1ff
	}
	x, off := vi.Parse(src)
	if off <= 0 || x&^known != 0 {
		return 0, wrongAt("Flags", 0)
	}
	*m = moqt.FetchObject{
		First: m.First, SubgroupMode: moqt.FetchSubgroupMode(x & 0x43), HasObject: x&4 != 0, HasGroup: x&8 != 0, HasPriority: x&0x10 != 0,
		HasProperties: x&0x20 != 0, Range: moqt.FetchRange(x >> 7),
	}
	if !validRange(m.Range, v) || !checkFetch(m) {
		return 0, wrongAt("Flags", 0)
	}
	group, object := &m.GroupID, &m.ObjectID
	if v >= moqt.Version18 {
		group, object = &m.GroupIDDelta, &m.ObjectIDDelta
	}
	var n int
	if m.HasGroup {
		if *group, n = vi.Parse(src[off:]); n <= 0 {
			return 0, wrongAt("Group ID", off)
		}
		off += n
	}
	if m.SubgroupMode == moqt.FetchSubgroupModeExplicit {
		if m.SubgroupID, n = vi.Parse(src[off:]); n <= 0 {
			return 0, wrongAt("Subgroup ID", off)
		}
		off += n
	}
	if m.HasObject {
		if *object, n = vi.Parse(src[off:]); n <= 0 {
			return 0, wrongAt("Object ID", off)
		}
		off += n
	}
	if m.HasPriority {
		if off == len(src) {
			return 0, wrongAt("Publisher Priority", off)
		}
		m.PublisherPriority = src[off]
		off++
	}
	if m.HasProperties {
		n, err := parseProperties(&m.Properties, src[off:], vi)
		if err != nil {
			return 0, err
		}
		off += n
	}
	if m.Range != 0 {
		return off, nil
	}
	size, n := vi.Parse(src[off:])
	if n <= 0 {
		return 0, wrongAt("Payload Length", off)
	}
	if off += n; size > uint64(len(src)-off) {
		return 0, wrongAt("Payload", off)
	}
	end := off + int(size)
	m.Payload = src[off:end:end]
	return end, nil
}

func appendFetchObject(m *moqt.FetchObject, dst []byte, v moqt.Version) ([]byte, error) {
	if v < moqt.Version16 || v > moqt.Version22 || m.HasProperties || m.Status != 0 {
		return dst, errNotHere
	}
	vi, group, object := varint(v), m.GroupIDDelta, m.ObjectIDDelta
	if v <= moqt.Version17 {
		if group|object != 0 {
			return dst, errNotHere
		}
		group, object = m.GroupID, m.ObjectID
	} else if m.GroupID|m.ObjectID != 0 {
		return dst, errNotHere
	}
	switch {
	case !checkFetch(m) || m.SubgroupMode&^0x43 != 0 || !validRange(m.Range, v):
		return dst, wrongAt("Flags", 0)
	case anyProperty(&m.Properties):
		return dst, wrongAt("Properties", 0)
	case group > vi.Max() || group != 0 && !m.HasGroup:
		return dst, wrongAt("Group ID", 0)
	case m.SubgroupID > vi.Max() || m.SubgroupID != 0 && m.SubgroupMode != moqt.FetchSubgroupModeExplicit:
		return dst, wrongAt("Subgroup ID", 0)
	case object > vi.Max() || object != 0 && !m.HasObject:
		return dst, wrongAt("Object ID", 0)
	case m.PublisherPriority != 0 && !m.HasPriority:
		return dst, wrongAt("Publisher Priority", 0)
	case len(m.Payload) > 0 && m.Range != 0:
		return dst, wrongAt("Payload", 0)
	}
	x := uint64(m.SubgroupMode) | uint64(m.Range)<<7
	if m.HasObject {
		x |= 4
	}
	if m.HasGroup {
		x |= 8
	}
	if m.HasPriority {
		x |= 0x10
	}
	dst = vi.Append(dst, x)
	if m.HasGroup {
		dst = vi.Append(dst, group)
	}
	if m.SubgroupMode == moqt.FetchSubgroupModeExplicit {
		dst = vi.Append(dst, m.SubgroupID)
	}
	if m.HasObject {
		dst = vi.Append(dst, object)
	}
	if m.HasPriority {
		dst = append(dst, m.PublisherPriority)
	}
	if m.Range != 0 {
		return dst, nil
	}
	return append(vi.Append(dst, uint64(len(m.Payload))), m.Payload...), nil
}
