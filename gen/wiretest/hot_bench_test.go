package wiretest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
)

var errHand = errors.New("wrong")

// reader is how a person would write a parser by hand on the same primitives.
type reader struct {
	vi  wire.Vi
	b   []byte
	off int
	bad bool
}

func (r *reader) number() uint64 {
	x, n := r.vi.Parse(r.b[r.off:])
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.off += n
	return x
}

func (r *reader) octet() byte {
	if r.off >= len(r.b) {
		r.bad = true
		return 0
	}
	r.off++
	return r.b[r.off-1]
}

func (r *reader) data(size uint64) []byte {
	if size > uint64(len(r.b)-r.off) {
		r.bad = true
		return nil
	}
	r.off += int(size)
	return r.b[r.off-int(size) : r.off : r.off]
}

func (r *reader) end() (int, error) {
	if r.bad {
		return 0, errHand
	}
	return r.off, nil
}

// pair is a hot message and the same by hand.
type pair struct {
	name                 string
	parse, parseByHand   func([]byte) (int, error)
	append, appendByHand func([]byte) ([]byte, error)
}

func pairOf(name string, vi wire.Vi, parse func([]byte) (int, error), appendTo func([]byte) ([]byte, error),
	parseByHand func(r *reader) (int, error), appendByHand func([]byte) ([]byte, error),
) pair {
	return pair{
		name: name, parse: parse, append: appendTo,
		// Both are a function that another one calls.
		appendByHand: func(dst []byte) ([]byte, error) { return appendByHand(dst) },
		parseByHand: func(src []byte) (int, error) {
			r := reader{vi: vi, b: src}
			return parseByHand(&r)
		},
	}
}

var payload = []byte("some payload of a frame")

func litePairs() []pair {
	const vi = wire.RFC9000
	v := lite.Versions()[1]
	g, f, d := lite.Group{Subscribe: 7, Sequence: 100000}, lite.Frame{TimestampDelta: 3000, Payload: payload}, lite.Datagram{Subscribe: 7, Sequence: 100000, Timestamp: 1 << 32, Payload: payload}
	generatedGroup, generatedFrame, generatedDatagram := g, f, d
	return []pair{
		pairOf("lite GROUP", vi, func(src []byte) (int, error) { return generatedGroup.Parse(src, v) },
			func(dst []byte) ([]byte, error) { return generatedGroup.Append(dst, v) }, func(r *reader) (int, error) {
				size := r.number()
				if size > 65536 || size > uint64(len(r.b)-r.off) {
					return 0, errHand
				}
				r.b = r.b[:r.off+int(size)]
				g.Subscribe, g.Sequence = r.number(), r.number()
				if r.off != len(r.b) {
					return 0, errHand
				}
				return r.end()
			}, func(dst []byte) ([]byte, error) {
				if v < lite.Version01 || v > lite.Version06Wip || g.Subscribe > wire.MaxVarint || g.Sequence > wire.MaxVarint {
					return dst, errHand
				}
				dst = wire.AppendVarint(dst, uint64(vi.Len(g.Subscribe)+vi.Len(g.Sequence)))
				return wire.AppendVarint(wire.AppendVarint(dst, g.Subscribe), g.Sequence), nil
			}),
		pairOf("lite FRAME", vi, func(src []byte) (int, error) { return generatedFrame.Parse(src, v) },
			func(dst []byte) ([]byte, error) { return generatedFrame.Append(dst, v) }, func(r *reader) (int, error) {
				f.TimestampDelta = wire.Unzigzag(r.number())
				f.Payload = r.data(r.number())
				return r.end()
			}, func(dst []byte) ([]byte, error) {
				x := wire.Zigzag(f.TimestampDelta)
				if v < lite.Version01 || v > lite.Version06Wip || x > wire.MaxVarint {
					return dst, errHand
				}
				if v >= lite.Version05 {
					dst = wire.AppendVarint(dst, x)
				}
				return append(wire.AppendVarint(dst, uint64(len(f.Payload))), f.Payload...), nil
			}),
		pairOf("lite DATAGRAM", vi, func(src []byte) (int, error) { return generatedDatagram.Parse(src, v) },
			func(dst []byte) ([]byte, error) { return generatedDatagram.Append(dst, v) }, func(r *reader) (int, error) {
				d.Subscribe, d.Sequence, d.Timestamp = r.number(), r.number(), r.number()
				d.Payload = r.b[r.off:]
				r.off = len(r.b)
				return r.end()
			}, func(dst []byte) ([]byte, error) {
				if d.Subscribe > wire.MaxVarint || d.Sequence > wire.MaxVarint || d.Timestamp > wire.MaxVarint {
					return dst, errHand
				}
				dst = wire.AppendVarint(wire.AppendVarint(wire.AppendVarint(dst, d.Subscribe), d.Sequence), d.Timestamp)
				return append(dst, d.Payload...), nil
			}),
	}
}

// someProperty tells whether there is one, which without a bit for them is refused.
func someProperty(p *moqt.ObjectProperties) bool {
	return p.Immutable.Set || p.Timestamp.Set || p.PriorGroupIDGap.Set || p.PriorObjectIDGap.Set || len(p.Unknown) > 0 || len(p.Order) > 0
}

func transportPairs() []pair {
	const vi = wire.Vi64
	v := moqt.Versions()[0]
	h := moqt.SubgroupHeader{TrackAlias: 7, GroupID: 100000, PublisherPriority: 128}
	o := moqt.SubgroupObject{PriorObjectID: wire.Some(uint64(4)), ObjectID: 5, Payload: payload}
	d := moqt.ObjectDatagram{TrackAlias: 7, GroupID: 100000, ObjectID: 5, PublisherPriority: 128, Payload: payload}
	generatedHeader, generatedObject, generatedDatagram := h, o, d
	return []pair{
		pairOf("transport SUBGROUP_HEADER", vi, func(src []byte) (int, error) { return generatedHeader.Parse(src, v) },
			func(dst []byte) ([]byte, error) { return generatedHeader.Append(dst, v) }, func(r *reader) (int, error) {
				x := r.number()
				if x&^0x7f != 0 || x&0x10 == 0 || x&0x06 == 0x06 {
					return 0, errHand
				}
				h = moqt.SubgroupHeader{}
				h.Properties, h.SubgroupMode, h.EndOfGroup = x&1 != 0, moqt.SubgroupMode(x>>1&3), x&8 != 0
				h.DefaultPriority, h.FirstObject = x&0x20 != 0, x&0x40 != 0
				h.TrackAlias, h.GroupID = r.number(), r.number()
				if h.SubgroupMode == moqt.SubgroupModeExplicit {
					h.SubgroupID = r.number()
				}
				if !h.DefaultPriority {
					h.PublisherPriority = r.octet()
				}
				return r.end()
			}, func(dst []byte) ([]byte, error) {
				x := uint64(0x10) | uint64(h.SubgroupMode)<<1
				for i, set := range []bool{h.Properties, false, false, h.EndOfGroup, false, h.DefaultPriority, h.FirstObject} {
					if set {
						x |= 1 << i
					}
				}
				dst = vi.Append(vi.Append(vi.Append(dst, x), h.TrackAlias), h.GroupID)
				if h.SubgroupMode == moqt.SubgroupModeExplicit {
					dst = vi.Append(dst, h.SubgroupID)
				}
				if !h.DefaultPriority {
					dst = append(dst, h.PublisherPriority)
				}
				return dst, nil
			}),
		pairOf("transport SUBGROUP_OBJECT", vi, func(src []byte) (int, error) { return generatedObject.Parse(src, v) },
			func(dst []byte) ([]byte, error) { return generatedObject.Append(dst, v) }, func(r *reader) (int, error) {
				id, e := wire.NextID(o.PriorObjectID, r.number())
				if e != nil {
					return 0, errHand
				}
				o = moqt.SubgroupObject{PriorObjectID: o.PriorObjectID, ObjectID: id}
				size := r.number()
				if size == 0 {
					o.Status = moqt.ObjectStatus(r.number())
				}
				o.Payload = r.data(size)
				return r.end()
			}, func(dst []byte) ([]byte, error) {
				delta, e := wire.IDDelta(o.PriorObjectID, o.ObjectID)
				if e != nil || v < moqt.Version14 || v > moqt.Version22 || someProperty(&o.Properties) || o.Status != 0 && len(o.Payload) > 0 {
					return dst, errHand
				}
				dst = vi.Append(vi.Append(dst, delta), uint64(len(o.Payload)))
				if len(o.Payload) == 0 {
					dst = vi.Append(dst, uint64(o.Status))
				}
				return append(dst, o.Payload...), nil
			}),
		pairOf("transport OBJECT_DATAGRAM", vi, func(src []byte) (int, error) { return generatedDatagram.Parse(src, v) },
			func(dst []byte) ([]byte, error) { return generatedDatagram.Append(dst, v) }, func(r *reader) (int, error) {
				x := r.number()
				if x&^0x2f != 0 || x&0x22 == 0x22 {
					return 0, errHand
				}
				d = moqt.ObjectDatagram{}
				d.HasProperties, d.EndOfGroup, d.ZeroObjectID = x&1 != 0, x&2 != 0, x&4 != 0
				d.DefaultPriority, d.HasStatus = x&8 != 0, x&0x20 != 0
				d.TrackAlias, d.GroupID = r.number(), r.number()
				if !d.ZeroObjectID {
					d.ObjectID = r.number()
				}
				if !d.DefaultPriority {
					d.PublisherPriority = r.octet()
				}
				if d.HasProperties || d.HasStatus {
					return 0, errHand // not in this benchmark
				}
				d.Payload = r.b[r.off:]
				r.off = len(r.b)
				return r.end()
			}, func(dst []byte) ([]byte, error) {
				if v < moqt.Version14 || v > moqt.Version22 || someProperty(&d.Properties) || d.Status != 0 && !d.HasStatus ||
					d.ZeroObjectID && d.ObjectID != 0 || d.DefaultPriority && d.PublisherPriority != 0 || d.HasStatus && len(d.Payload) > 0 {
					return dst, errHand
				}
				x := uint64(0)
				for i, set := range []bool{d.HasProperties, d.EndOfGroup, d.ZeroObjectID, d.DefaultPriority, false, d.HasStatus} {
					if set {
						x |= 1 << i
					}
				}
				dst = vi.Append(vi.Append(vi.Append(dst, x), d.TrackAlias), d.GroupID)
				if !d.ZeroObjectID {
					dst = vi.Append(dst, d.ObjectID)
				}
				if !d.DefaultPriority {
					dst = append(dst, d.PublisherPriority)
				}
				return append(dst, d.Payload...), nil
			}),
	}
}

// By hand the bytes are the same, or the comparison would mean nothing.
func TestHandWrittenCodecsAgree(t *testing.T) {
	for _, p := range slices.Concat(litePairs(), transportPairs()) {
		want, err := p.append(nil)
		got, err2 := p.appendByHand(nil)
		if err != nil || err2 != nil || !slices.Equal(got, want) {
			t.Fatalf("%s: %x (%v), by hand %x (%v)", p.name, want, err, got, err2)
		}
		n, err := p.parse(want)
		k, err2 := p.parseByHand(want)
		if err != nil || err2 != nil || n != len(want) || k != n {
			t.Errorf("%s: %d bytes (%v), by hand %d (%v)", p.name, n, err, k, err2)
		}
	}
}

// The metric ratio is the time of generated code by that of the same by hand, in turns of 200.
func BenchmarkGeneratedByHandWritten(b *testing.B) {
	for _, p := range slices.Concat(litePairs(), transportPairs()) {
		src, err := p.append(nil)
		if err != nil {
			b.Fatal(err)
		}
		room := make([]byte, 0, 256)
		b.Run("parse/"+p.name, func(b *testing.B) {
			inTurns(b, func() { _, err = p.parse(src) }, func() { _, err = p.parseByHand(src) })
		})
		b.Run("append/"+p.name, func(b *testing.B) {
			inTurns(b, func() { _, err = p.append(room) }, func() { _, err = p.appendByHand(room) })
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func inTurns(b *testing.B, generated, byHand func()) {
	b.ReportAllocs()
	var times [2][]time.Duration
	for b.Loop() {
		for i, f := range []func(){generated, byHand} {
			start := time.Now()
			for range 200 {
				f()
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	for i := range times {
		slices.Sort(times[i])
	}
	middle := len(times[0]) / 2
	b.ReportMetric(float64(times[0][middle])/float64(times[1][middle]), "ratio")
	b.ReportMetric(float64(times[0][middle])/200, "ns/message")
}
