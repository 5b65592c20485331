package model_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/moqrx/moqrx/model"
	"pgregory.net/rapid"
)

// machine drives the model and the oracle with the same steps.
type machine struct {
	track   *model.TrackProducer
	o       oracleTrack
	readers []*model.TrackConsumer
	ro      []*oracleReader
	cursors []*model.GroupConsumer
	co      []*oracleCursor
	frames  int
}

func same(t *rapid.T, what string, got, expect error) {
	if (got == nil) != (expect == nil) || (expect != nil && !errors.Is(got, expect)) {
		t.Fatalf("%s: error %v, the oracle has %v", what, got, expect)
	}
}

func (m *machine) create(t *rapid.T, p *model.GroupProducer, err error, seq uint64) {
	same(t, fmt.Sprint("create ", seq), err, m.o.admit(seq))
	if err == nil {
		m.o.arrivals = append(m.o.arrivals, &oracleGroup{seq: seq, p: p})
	}
}

func (m *machine) group(t *rapid.T) *oracleGroup {
	if len(m.o.arrivals) == 0 {
		t.Skip("no group")
	}
	return rapid.SampledFrom(m.o.arrivals).Draw(t, "group")
}

func (m *machine) reader(t *rapid.T) (*model.TrackConsumer, *oracleReader) {
	if len(m.readers) == 0 {
		t.Skip("no reader")
	}
	i := rapid.IntRange(0, len(m.readers)-1).Draw(t, "reader")
	return m.readers[i], m.ro[i]
}

func (m *machine) received(t *rapid.T, what string, g *model.GroupConsumer, ok bool, err error, expect *oracleGroup, end error) {
	same(t, what, err, end)
	if ok != (expect != nil) || (ok && g.Sequence() != expect.seq) {
		t.Fatalf("%s: got %v %v, the oracle has %+v", what, g, ok, expect)
	}
	if ok {
		m.cursors, m.co = append(m.cursors, g), append(m.co, &oracleCursor{g: expect})
	}
}

func drawSub(t *rapid.T) model.Subscription {
	bound := func(name string) model.GroupBound {
		return model.GroupBound{Sequence: rapid.Uint64Range(0, 8).Draw(t, name), Set: rapid.Bool().Draw(t, name+" set")}
	}
	s := model.Subscription{Priority: rapid.Byte().Draw(t, "priority"), Ordered: rapid.Bool().Draw(t, "ordered"), Start: bound("start"), End: bound("end")}
	// An unset bound is the zero bound, or equal wishes would look different.
	if !s.Start.Set {
		s.Start = model.GroupBound{}
	}
	if !s.End.Set {
		s.End = model.GroupBound{}
	}
	return s
}

// write adds one frame, whole or in pieces.
func (m *machine) write(t *rapid.T) {
	g := m.group(t)
	m.frames++
	payload := fmt.Sprint("frame ", m.frames)
	var err error
	if rapid.Bool().Draw(t, "in pieces") {
		var f *model.FrameProducer
		if f, err = g.p.CreateFrame(model.FrameInfo{Size: uint64(len(payload))}); err == nil {
			for i := range payload {
				_, werr := f.Write([]byte(payload[i : i+1]))
				same(t, "write a byte", werr, nil)
			}
		}
	} else {
		err = g.p.WriteFrame(text(payload))
	}
	expect := g.err
	if expect == nil && g.finished {
		expect = model.ErrClosed
	}
	same(t, "write", err, expect)
	if err == nil {
		g.frames = append(g.frames, payload)
	}
}

// read takes one frame, by either call.
func (m *machine) read(t *rapid.T) {
	if len(m.cursors) == 0 {
		t.Skip("no cursor")
	}
	i := rapid.IntRange(0, len(m.cursors)-1).Draw(t, "cursor")
	c, o := m.cursors[i], m.co[i]
	var got string
	var ok bool
	var err error
	if rapid.Bool().Draw(t, "streamed") {
		var f *model.FrameConsumer
		if f, ok, err = c.TryNextFrame(); ok {
			got = string(must(f.ReadAll(bg)))
		}
	} else {
		var f model.Frame
		f, ok, err = c.TryReadFrame()
		got = string(f.Payload)
	}
	behind := o.next < len(o.g.frames)
	switch {
	case behind && o.g.err != nil:
		same(t, "read", err, o.g.err)
	case behind:
		if !ok || got != o.g.frames[o.next] {
			t.Fatalf("frame %d of group %d: got %q %v %v, the oracle has %q", o.next, o.g.seq, got, ok, err, o.g.frames[o.next])
		}
		o.next++
	case o.g.finished:
		same(t, "read", err, eof)
	default:
		same(t, "read", err, o.g.err)
	}
}

// consistent is what must hold after every step.
func (m *machine) consistent(t *rapid.T) {
	agg, used := m.track.Subscription()
	if used != (len(m.ro) > 0) {
		t.Fatalf("used %v with %d readers", used, len(m.ro))
	}
	var expect model.Subscription
	for i, r := range m.ro {
		s := r.sub
		if i == 0 {
			expect = s
			continue
		}
		expect.Priority = max(expect.Priority, s.Priority)
		expect.Ordered = expect.Ordered && s.Ordered
		if s.Start.Set && (!expect.Start.Set || s.Start.Sequence < expect.Start.Sequence) {
			expect.Start = s.Start
		}
		if expect.End.Set && (!s.End.Set || s.End.Sequence > expect.End.Sequence) {
			expect.End = s.End
		}
	}
	if agg != expect {
		t.Fatalf("aggregate %+v, the oracle has %+v", agg, expect)
	}
}

func (m *machine) steps() map[string]func(*rapid.T) {
	seqs := rapid.Uint64Range(0, 8)
	return map[string]func(*rapid.T){
		"": m.consistent,
		"append": func(t *rapid.T) {
			seq := m.o.edge()
			g, err := m.track.AppendGroup()
			m.create(t, g, err, seq)
		},
		"create": func(t *rapid.T) {
			seq := seqs.Draw(t, "seq")
			g, err := m.track.CreateGroup(seq)
			m.create(t, g, err, seq)
		},
		"write": m.write, "write more": m.write, "read": m.read, "read more": m.read,
		"finish group": func(t *rapid.T) {
			g := m.group(t)
			same(t, "finish group", g.p.Finish(), g.err)
			g.finished = g.finished || g.err == nil
		},
		"abort group": func(t *rapid.T) {
			g := m.group(t)
			g.p.Abort(model.ErrTimeout)
			if g.err == nil {
				g.err = model.ErrTimeout
			}
		},
		"finish at": func(t *rapid.T) {
			at := seqs.Draw(t, "at")
			expect := m.o.err
			switch {
			case expect != nil:
			case m.o.boundary.Set:
				expect = model.ErrClosed
			case at < m.o.edge():
				expect = model.ErrProtocolViolation
			default:
				m.o.boundary = model.At(at)
			}
			same(t, "finish at", m.track.FinishAt(at), expect)
		},
		"abort track": func(t *rapid.T) {
			if rapid.IntRange(0, 9).Draw(t, "really") > 0 {
				t.Skip("not yet")
			}
			m.track.Abort(model.ErrOld)
			if m.o.err == nil {
				m.o.err = model.ErrOld
			}
		},
		"subscribe": func(t *rapid.T) {
			s := drawSub(t)
			m.readers = append(m.readers, m.track.Consume(s))
			r := &oracleReader{sub: s, looked: map[*oracleGroup]string{}}
			m.ro = append(m.ro, r)
		},
		"clone": func(t *rapid.T) {
			c, r := m.reader(t)
			n := *r
			n.looked = map[*oracleGroup]string{}
			for g, s := range r.looked {
				n.looked[g] = s
			}
			m.readers, m.ro = append(m.readers, c.Clone()), append(m.ro, &n)
		},
		"update": func(t *rapid.T) {
			c, r := m.reader(t)
			r.sub = drawSub(t)
			same(t, "update", c.Update(r.sub), nil)
		},
		"close": func(t *rapid.T) {
			c, r := m.reader(t)
			same(t, "close", c.Close(), nil)
			i := slices.Index(m.ro, r)
			m.readers, m.ro = slices.Delete(m.readers, i, i+1), slices.Delete(m.ro, i, i+1)
		},
		"recv": func(t *rapid.T) {
			c, r := m.reader(t)
			g, ok, err := c.TryRecvGroup()
			expect, end := m.o.recv(r)
			m.received(t, "recv", g, ok, err, expect, end)
		},
		"next": func(t *rapid.T) {
			c, r := m.reader(t)
			g, ok, err := c.TryNextGroup()
			expect, end := m.o.next(r)
			m.received(t, "next", g, ok, err, expect, end)
		},
	}
}

func TestTrackAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{track: must(model.NewBroadcast(model.Route{}).CreateTrack("t", model.TrackInfo{}))}
		t.Repeat(m.steps())
	})
}
