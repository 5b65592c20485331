package quicdec

import (
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/capfile"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/netpkt"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/talk"
	"github.com/moqrx/moqrx/gen/wiretest"
)

func FuzzFrames(f *testing.F) {
	for _, tc := range frames {
		f.Add(unhex(tc.hex))
	}
	f.Add(append(streamFrame(0, 0, "abc", false), streamFrame(0, 7, "abc", true)...))
	decode := func(t testing.TB, b []byte) {
		next := map[string]uint64{}
		c := &Conn{opened: true}
		c.d = New(&KeyLog{}, func(e Event) {
			if e.Kind != StreamData && e.Kind != StreamGap {
				return
			}
			name := halfName(e.Dir, e.Stream)
			if e.Offset != next[name] {
				t.Fatalf("%s: offset %d after %d", name, e.Offset, next[name])
			}
			next[name] += uint64(len(e.Data)) + e.Length
		})
		for dir := range c.dirs {
			c.payload(time.Unix(0, 0), Dir(dir), levelApp, b)
			c.payload(time.Unix(9, 0), Dir(dir), levelInitial, b)
		}
		c.sweep(time.Unix(99, 0))
		c.flush(time.Unix(99, 0))
		if c.buffered != 0 {
			t.Fatalf("%d bytes are left behind", c.buffered)
		}
	}
	// What it takes to set everything up is no matter of the input.
	none := wiretest.Allocated(func() { decode(f, nil) })
	f.Fuzz(func(t *testing.T, b []byte) {
		wiretest.Bounded(t, none+wiretest.Bound(4*len(b)), func() { decode(t, b) })
	})
}

var recordFlag = flag.Bool("record", false, "record testdata/chat.pcapng anew")

// TestRecording decodes a committed capture, which also seeds the fuzzing.
func TestRecording(t *testing.T) {
	const name = "testdata/chat.pcapng"
	if *recordFlag {
		rec := record(t, talk.Options{}, 2000)
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(rec.WritePCAPNG(f, true), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	packets, keys := load(t, name)
	checkChat(t, decode(packets, keys), 2000)
}

// load reads the datagrams and the secrets of a capture.
func load(t testing.TB, name string) (packets []talk.Packet, keys []byte) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := capfile.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var p netpkt.Parser
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return packets, keys
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Secrets != nil {
			keys = append(keys, rec.Secrets...)
			continue
		}
		if g, err := p.Parse(uint16(rec.Link), rec.Data); err == nil {
			packets = append(packets, talk.Packet{Time: rec.Time, Src: g.Src, Dst: g.Dst, Data: slices.Clone(g.Payload)})
		}
	}
}

func FuzzDatagrams(f *testing.F) {
	packets, keys := load(f, "testdata/chat.pcapng")
	var all []byte
	for i, p := range packets {
		f.Add(p.Data, i%2 == 0)
		all = append(all, p.Data...)
	}
	f.Add(all, true)
	decode := func(t testing.TB, b []byte, early bool) {
		r := decode(nil, nil)
		if early {
			r.d.keys.Add(keys)
		}
		first := packets[0]
		r.d.Datagram(first.Time, first.Src, first.Dst, b)
		for _, p := range packets[:5] {
			r.d.Datagram(p.Time, p.Src, p.Dst, p.Data)
		}
		r.d.Datagram(first.Time, first.Src, first.Dst, b)
		r.d.Datagram(first.Time, first.Dst, first.Src, b)
		r.d.keys.Add(keys)
		r.d.KeysChanged()
		r.d.Flush(first.Time)
	}
	// What it takes to set everything up is no matter of the input. Only, each datagram may start a connection of
	// its own, for which keys are derived.
	none := 64<<10 + wiretest.Allocated(func() { decode(f, nil, true) })
	f.Fuzz(func(t *testing.T, b []byte, early bool) {
		wiretest.Bounded(t, none+wiretest.Bound(3*len(b)), func() { decode(t, b, early) })
	})
}
