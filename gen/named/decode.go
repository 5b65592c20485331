package named

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec"
	"github.com/moqrx/moqrx/spec/tree"
	"github.com/moqrx/moqrx/spec/tree/fields"
)

// ErrUnknown says that a version has nothing of that name.
var ErrUnknown = errors.New("there is no such message")

// Decoded is what bytes are.
type Decoded struct {
	Name      string         // of the message that it was; of the stream
	Tree      *tree.Tree     // what each of Source is
	Source    []byte         // the bytes, behind a type that the label leaves out
	Messages  []any          // pointers to the generated structs, of a stream one after the other
	Fields    map[string]any // for JSON
	Consumed  int            // how many bytes of the input it took
	Reencoded []byte         // what the codecs write for it
	EncodeErr error          // why they do not
	Err       error          // why the bytes were not accepted: *wire.Error or *tree.Error
}

// Decode decodes the bytes of what a label stands for. Given are fields of the message that are not on the wire.
// The error is about the label; what is wrong with the bytes is in the result.
func (p *Protocol) Decode(label string, src []byte, given ...tree.Given) (*Decoded, error) {
	if d := p.primitive(label, src); d != nil {
		return d, nil
	}
	if p.Any {
		return nil, fmt.Errorf("%w: %s, without a version", ErrUnknown, label)
	}
	d, err := p.decode(label, src, given)
	if errors.Is(err, ErrUnknown) {
		if name := p.Suggest(label); name != "" {
			err = fmt.Errorf("%w; did you mean %s?", err, name)
		}
	}
	return d, err
}

// Suggest gives the name that a label has in another spelling, where the version has one: SUBSCRIBE_OK for
// "subscribe-ok".
func (p *Protocol) Suggest(label string) string {
	name, _, _ := strings.Cut(strings.TrimSpace(label), " ")
	name = strings.ReplaceAll(strings.ToUpper(name), "-", "_")
	if name == targetOf(label).name || !upper.MatchString(name) {
		return ""
	}
	if _, err := p.decode(name, nil, nil); err != nil {
		return ""
	}
	return name
}

// decode decodes what is no primitive.
func (p *Protocol) decode(label string, src []byte, given []tree.Given) (*Decoded, error) {
	t := targetOf(label)
	if t.stream != "" {
		return p.stream(t.stream, src)
	}
	names := []string{t.name}
	if next := successors[t.name]; next != nil && !p.Has(t.name) {
		names = next
	}
	var first *Decoded
	err := fmt.Errorf("%w: %s", ErrUnknown, t.name)
	for _, name := range names {
		d, e := p.message(name, t.untyped, src, given)
		switch {
		case e != nil:
			err = e
			continue
		case d.Err == nil:
			return d, nil
		case first == nil:
			first = d
		}
	}
	if first == nil {
		return nil, err
	}
	return first, nil
}

// message decodes a message in the reading that takes most: accepted before refused, all bytes before some of them.
func (p *Protocol) message(name string, untyped bool, src []byte, given []tree.Given) (*Decoded, error) {
	var prefix []byte
	if m := p.Family.Message(name); untyped && m != nil && m.Layout(p.Version) != nil {
		for _, c := range m.Layout(p.Version).Codes {
			if c.On.Has(p.Version) {
				prefix = p.Vi().Append(prefix, c.Value)
				break
			}
		}
	}
	src = append(prefix, src...)
	var best *Decoded
	for _, reading := range p.readings(name, given) {
		d, err := p.read(name, src, reading)
		if err != nil {
			return nil, err
		}
		if best == nil || best.Err != nil && d.Err == nil || d.Err == nil && d.Consumed == len(src) && best.Consumed < len(src) {
			best = d
		}
	}
	best.cut(len(prefix))
	return best, nil
}

// cut takes a type in front that was not in the input out of the numbers. In the tree it stays.
func (d *Decoded) cut(size int) {
	if size == 0 {
		return
	}
	d.Consumed = max(0, d.Consumed-size)
	d.Reencoded = d.Reencoded[min(size, len(d.Reencoded)):]
	var w *wire.Error
	if errors.As(d.Err, &w) {
		e := *w
		e.Offset = max(0, e.Offset-size)
		d.Err = &e
	}
}

// readings are the values that a message may be read with, of a flag that is not on the wire and not given.
func (p *Protocol) readings(name string, given []tree.Given) [][]tree.Given {
	for _, f := range p.givenFields(name) {
		known := slices.ContainsFunc(given, func(g tree.Given) bool { return g.Field == f.Name })
		if f.Kind.Name == "flag" && !known {
			return [][]tree.Given{given, append(slices.Clone(given), tree.Given{Field: f.Name, Value: 1, Set: true})}
		}
	}
	return [][]tree.Given{given}
}

// givenFields lists the fields of a message that are not on the wire.
func (p *Protocol) givenFields(name string) (list []*spec.Field) {
	m := p.Family.Message(name)
	if m == nil || m.Layout(p.Version) == nil {
		return nil
	}
	for _, f := range m.Layout(p.Version).Fields {
		if f.Given && f.On.Has(p.Version) {
			list = append(list, f)
		}
	}
	return list
}

// read decodes a message in one reading.
func (p *Protocol) read(name string, src []byte, given []tree.Given) (*Decoded, error) {
	t, err := p.decoder.Message(name, src, given...)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, name)
	}
	d := &Decoded{Name: name, Tree: t, Source: src}
	if t.Root.Name != name { // the choice that name stands for
		d.Name = t.Root.Name
	}
	c := p.Codec(d.Name)
	if c == nil {
		d.Err = t.Err()
		return d, nil
	}
	s := reflect.ValueOf(c.Value).Elem()
	for _, g := range given {
		set(s.FieldByName(strings.ReplaceAll(g.Field, " ", "")), g)
	}
	if d.Consumed, d.Err = c.Parse(src); d.Err == nil {
		d.Messages = []any{c.Value}
		d.Fields = fields.Of(t.Root, p.Family, src)
		d.Reencoded, d.EncodeErr = c.Append(nil)
	}
	return d, nil
}

// set sets a field that is not on the wire.
func set(f reflect.Value, g tree.Given) {
	switch f.Kind() {
	case reflect.Bool:
		f.SetBool(g.Value != 0)
	case reflect.Struct: // an optional number, or a part of the message that is no given
		if set, value := f.FieldByName("Set"), f.FieldByName("Value"); set.IsValid() && value.IsValid() && value.CanUint() {
			set.SetBool(g.Set)
			value.SetUint(g.Value)
		}
	default:
		if f.CanUint() {
			f.SetUint(g.Value)
		}
	}
}
