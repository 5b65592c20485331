package moqdec

import (
	"errors"
	"slices"
	"strings"
	"sync"

	protocols "github.com/moqrx/moqrx/gen/named"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec"
	"github.com/moqrx/moqrx/spec/tree"
)

// dialect is one version of a family, and how to decode it.
type dialect struct {
	*tree.Decoder
	name     string // of the version
	vi       wire.Vi
	version  int
	streams  map[uint64]string // codes that end streams
	closes   map[uint64]string // codes that end sessions
	payloads map[string]string // the message with the payloads of a stream, by the name of the stream
	datagram string            // the first of the messages that a datagram may be, in any version
}

// carries tells whether frames or objects stand on a stream.
func (d *dialect) carries(st *spec.Stream) bool { return d.payloads[st.Name] != "" }

// carried tells whether a message is a frame or an object.
func (d *dialect) carried(message string) bool {
	for _, m := range d.payloads {
		if m == message {
			return true
		}
	}
	return false
}

// item is what the payloads of a stream are called: "frame", "object".
func (d *dialect) item(st *spec.Stream) string {
	words := strings.Split(d.payloads[st.Name], "_")
	return strings.ToLower(words[len(words)-1])
}

// families are the specs, read when they are first needed.
var families = sync.OnceValues(func() ([]*spec.Family, error) {
	l, errLite := spec.Lite()
	t, errTransport := spec.Transport()
	return []*spec.Family{l, t}, errors.Join(errLite, errTransport)
})

// dialects keeps what was made of the specs.
type dialects map[string]*dialect

// named finds the version that a protocol name stands for: nil when no version has the name, or several do,
// which then agree on one in messages.
func (ds dialects) named(protocol string) *dialect {
	return ds.only(func(v *spec.Version) bool {
		return v.ALPN == protocol || v.Name == protocol || slices.Contains(v.Also, protocol)
	})
}

// coded finds the version that has a code in SETUP messages, or gives nil.
func (ds dialects) coded(code uint64) *dialect {
	return ds.only(func(v *spec.Version) bool { return v.Code == code && code != 0 })
}

func (ds dialects) only(is func(v *spec.Version) bool) *dialect {
	list, err := families()
	if err != nil {
		return nil
	}
	var family *spec.Family
	var found *spec.Version
	for _, f := range list {
		for _, v := range f.Versions {
			if is(v) && found != nil {
				return nil
			}
			if is(v) {
				family, found = f, v
			}
		}
	}
	if found == nil {
		return nil
	}
	if d := ds[found.Name]; d != nil {
		return d
	}
	d := newDialect(family, found)
	if d != nil {
		ds[found.Name] = d
	}
	return d
}

func newDialect(f *spec.Family, v *spec.Version) *dialect {
	number := v.Number
	if v.Alias >= 0 {
		number = v.Alias
	}
	t, err := tree.New(f, number)
	if err != nil {
		return nil
	}
	p, err := protocols.Find(v.Name)
	if err != nil {
		return nil
	}
	d := &dialect{Decoder: t, name: v.Name, vi: p.Vi(), version: number, payloads: map[string]string{}}
	d.streams, d.closes = codes(f, "StreamResetCode", number), codes(f, "SessionErrorCode", number)
	if f.Enum("StreamResetCode") == nil {
		d.streams, d.closes = liteCodes, liteCodes
	}
	for _, m := range f.Messages {
		if d.datagram == "" && m.Blocks[0].Places[0].Stream == "datagram" {
			d.datagram = m.Name
		}
		if b := m.Layout(number); b != nil && slices.ContainsFunc(b.Fields, func(f *spec.Field) bool { return f.Streamed }) {
			for _, p := range b.Places {
				if p.On.Has(number) {
					d.payloads[p.Stream] = m.Name
				}
			}
		}
	}
	return d
}

// codes are the names of an enum's values in a version.
func codes(f *spec.Family, enum string, version int) map[uint64]string {
	e := f.Enum(enum)
	if e == nil {
		return nil
	}
	names := map[uint64]string{}
	for _, v := range e.Values {
		if v.On.Has(version) {
			names[v.Value] = v.Name
		}
	}
	return names
}
