package tree

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moqrx/moqrx/spec"
)

// Decoder interprets one version of a family.
type Decoder struct {
	family  *spec.Family
	version *spec.Version
	handed  []string                 // names of fields whose values later messages take over
	origins map[*spec.Field][]string // of the fields that are given: which of handed
	perByte int                      // bytes of memory that a byte of input may cost
}

// New makes a decoder. It fails when the family has no such version, or uses a kind of field
// that this package does not know.
func New(f *spec.Family, version int) (*Decoder, error) {
	v := f.Version(version)
	if v == nil {
		return nil, fmt.Errorf("%s has no version %d", f.Title, version)
	}
	d := &Decoder{family: f, version: v, origins: map[*spec.Field][]string{}, perByte: costPerByte}
	for _, m := range slices.Concat(f.Messages, f.Structs) {
		for _, b := range m.Blocks {
			for _, line := range b.Fields {
				if !known(line.Kind) {
					return nil, fmt.Errorf("%s: the tree decoder does not know the kind %s", line.Pos, line.Kind.Name)
				}
				if line.Given {
					d.origins[line] = origins(line.Name)
					d.handed = append(d.handed, d.origins[line]...)
				}
			}
		}
	}
	for _, r := range f.Registries {
		for _, it := range r.Items {
			if !knownItem(it.Kind) {
				return nil, fmt.Errorf("%s: the tree decoder does not know items of the kind %s", it.Pos, it.Kind.Name)
			}
		}
	}
	return d, nil
}

// Detailed returns a decoder that may spend 500 bytes of memory on each byte of input instead of 60, enough to
// omit nothing of the densest messages, such as the objects of a fetch with a byte each. It is for bytes that a
// person has chosen to look at.
func (d *Decoder) Detailed() *Decoder {
	n := *d
	n.perByte = detailedPerByte
	return &n
}

// Given is the value of a field that is not on the wire.
type Given struct {
	Field string // "Prior Object ID"
	Value uint64 // a flag is 0 or 1
	Set   bool   // whether an option is there; true for the others
}

// Message decodes one message at the start of src; more may stand behind it. The name is that of
// a message, of a choice between messages, or of a message with _HEADER for its part in front of
// its bulk. The error is about the name; what is wrong with the bytes is in the tree.
func (d *Decoder) Message(name string, src []byte, given ...Given) (*Tree, error) {
	s := d.start(src)
	for _, g := range given {
		s.recall(past{value: value{name: g.Field, n: g.Value, set: g.Set}})
	}
	m, header := d.family.Message(name), false
	if m == nil {
		m, header = d.headerOf(name), true
	}
	list := d.choice(name)
	if len(list) == 1 {
		if _, typed := s.code(list[0].Layout(d.version.Number)); !typed {
			m, header = list[0], false // there is nothing to choose by
		}
	}
	switch {
	case m != nil:
		s.message(m, header)
	case list != nil:
		s.choose(list, name)
	default:
		return nil, fmt.Errorf("%s has no message %s", d.family.Title, name)
	}
	if s.tree.Root = s.at.first; s.tree.Root == nil {
		s.tree.Root = &Node{Name: name}
	}
	return s.tree, nil
}

// choice lists the messages that a choice of this name is between.
func (d *Decoder) choice(name string) (list []*spec.Message) {
	for _, ch := range d.family.Choices {
		if ch.Name == name && ch.On.Has(d.version.Number) {
			list = append(list, d.at(ch.Stream, ch.Role)...)
		}
	}
	return list
}

// headerOf finds the message whose part in front of the bulk has this name.
func (d *Decoder) headerOf(name string) *spec.Message {
	whole, ok := strings.CutSuffix(name, "_HEADER")
	if m := d.family.Message(whole); ok && m != nil {
		for _, b := range m.Blocks {
			for _, f := range b.Fields {
				if f.Streamed {
					return m
				}
			}
		}
	}
	return nil
}

// Place decodes everything that one side sent on a stream, or a datagram, whose role is empty: the
// type of the stream where it has one, and message after message. Fields that a message takes over from
// those before it are taken over. The error is about the name of the place.
func (d *Decoder) Place(stream, role string, src []byte) (*Tree, error) {
	list := d.at(stream, role)
	on := spec.Set(0).With(d.version.Number)
	kind := d.family.Stream(stream, on)
	if len(list) == 0 && kind == nil {
		return nil, fmt.Errorf("%s has no place %s (%s)", d.version.Name, stream, role)
	}
	s := d.start(src)
	s.at.Name, s.place = stream, true
	s.tree.Root = s.at
	if kind != nil && kind.Typed && role == "opener" {
		s.streamType(kind)
	}
	for first := true; s.off < len(src); first = false {
		s.oneOf(list, first)
	}
	s.tree.Root.Size = s.off
	return s.tree, nil
}

// at lists the messages of a place, in the order of the spec.
func (d *Decoder) at(stream, role string) []*spec.Message {
	var list []*spec.Message
	for _, m := range d.family.Messages {
		b := m.Layout(d.version.Number)
		if b == nil {
			continue
		}
		for _, p := range b.Places {
			if p.Stream == stream && (p.Role == role || p.Role == "either" || role == "either") && p.On.Has(d.version.Number) {
				list = append(list, m)
				break
			}
		}
	}
	return list
}

func (d *Decoder) start(src []byte) *state {
	s := &state{Decoder: d, src: src, enclosure: enclosure{end: len(src)}, at: &Node{}, tree: &Tree{}}
	s.budget = d.perByte*len(src) + costFree
	s.values, s.path = s.room[:0], s.steps[:0]
	return s
}
