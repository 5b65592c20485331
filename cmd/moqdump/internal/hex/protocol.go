package hex

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/moqrx/moqrx/codegen"
	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec"
	"github.com/moqrx/moqrx/spec/tree"
	"github.com/moqrx/moqrx/spec/tree/fields"
)

// protocol is one version of a family, with both of its decoders.
type protocol struct {
	family  *spec.Family
	version *spec.Version
	tree    *tree.Decoder
}

// families are the specs, read when they are first needed.
var families = sync.OnceValues(func() ([]*spec.Family, error) {
	l, err := spec.Lite()
	if err != nil {
		return nil, err
	}
	t, err := spec.Transport()
	return []*spec.Family{l, t}, err
})

// find finds a version by any name that it has.
func find(name string) (*protocol, error) {
	list, err := families()
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		number := -1
		if v, err := lite.ParseVersion(name); err == nil && f.Name == "lite" {
			number = int(v)
		}
		if v, err := moqt.ParseVersion(name); err == nil && f.Name != "lite" {
			number = int(v)
		}
		if v := f.Version(number); v != nil {
			d, err := tree.New(f, number)
			return &protocol{f, v, d}, err
		}
	}
	return nil, fmt.Errorf("unknown version %q: names are lite-05, moq-lite-05, draft-18, moqt-18, moq-transport-18", name)
}

// message is a message of the generated code.
type message struct {
	value  any
	parse  func(src []byte) (int, error)
	append func(dst []byte) ([]byte, error)
}

func (p *protocol) message(name string) *message {
	if p.family.Name == "lite" {
		v := lite.Version(p.version.Number)
		if m := lite.NewMessage(name); m != nil {
			return &message{m, func(b []byte) (int, error) { return m.Parse(b, v) }, func(b []byte) ([]byte, error) { return m.Append(b, v) }}
		}
		return nil
	}
	v := moqt.Version(p.version.Number)
	if m := moqt.NewMessage(name); m != nil {
		return &message{m, func(b []byte) (int, error) { return m.Parse(b, v) }, func(b []byte) ([]byte, error) { return m.Append(b, v) }}
	}
	return nil
}

var upper = regexp.MustCompile(`^[A-Z][A-Z_]+\b`)

// streams are the names that vectors have for all that stands on a stream.
var streams = map[string]string{"SUBGROUP_STREAM": "Subgroup", "FETCH_STREAM": "Fetch", "GROUP_STREAM": "Group"}

// target splits a label such as "FRAME (no timestamp)" or "Group stream (whole)" into the name of a message, or of
// a stream whose opener's bytes these are.
func target(label string) (name, stream string) {
	name = upper.FindString(label)
	whole := strings.Contains(label, "(whole")
	switch {
	case streams[name] != "":
		return name, streams[name]
	case whole && name == "":
		word, _, _ := strings.Cut(label, " ")
		return "", word
	case whole:
		return "", name[:1] + strings.ToLower(name[1:])
	case label == "ANNOUNCE (endedId)" || label == "ANNOUNCE end by id":
		return "ANNOUNCE_END", ""
	case label == "ANNOUNCE update":
		return "ANNOUNCE_UPDATE", ""
	case name == "":
		return label, ""
	}
	return name, ""
}

// decoded is what bytes are.
type decoded struct {
	tree      *tree.Tree
	fields    map[string]any
	consumed  int
	reencoded []byte
	encodeErr error
	err       error // of the generated codec
}

var errUnknown = errors.New("there is no such message")

// decode decodes the bytes of a message or a stream. The error is about their name.
func (p *protocol) decode(label string, src []byte, given []tree.Given) (*decoded, error) {
	name, stream := target(label)
	if stream != "" {
		return p.stream(stream, src)
	}
	t, err := p.tree.Message(name, src, given...)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errUnknown, name)
	}
	d := &decoded{tree: t}
	if t.Root.Name != name { // the choice that name stands for
		name = t.Root.Name
	}
	m := p.message(name)
	if m == nil {
		return d, t.Err()
	}
	s := reflect.ValueOf(m.value).Elem()
	for _, g := range given {
		set(s.FieldByName(codegen.GoName(g.Field)), g)
	}
	if d.consumed, d.err = m.parse(src); d.err == nil {
		d.fields = fields.Of(t.Root, p.family, src)
		d.reencoded, d.encodeErr = m.append(nil)
	}
	return d, nil
}

// set sets a field that is not on the wire.
func set(f reflect.Value, g tree.Given) {
	switch f.Kind() {
	case reflect.Invalid:
	case reflect.Bool:
		f.SetBool(g.Value != 0)
	case reflect.Struct:
		f.FieldByName("Set").SetBool(g.Set)
		f.FieldByName("Value").SetUint(g.Value)
	default:
		f.SetUint(g.Value)
	}
}

// stream decodes all that the opener of a stream sent: the tree says where each message is, and the codecs
// have to agree.
func (p *protocol) stream(name string, src []byte) (*decoded, error) {
	t, err := p.tree.Place(name, "opener", src)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnknown, err)
	}
	d := &decoded{tree: t, fields: map[string]any{}, consumed: len(src), err: t.Err()}
	var w walk
	for n := range t.Root.Children() {
		if d.err != nil {
			return d, nil
		}
		if n.Name == "Stream Type" {
			d.reencoded = p.vi().Append(d.reencoded, n.Value.(uint64))
			continue
		}
		m := p.message(n.Name)
		if m == nil {
			d.err = t.Err()
			return d, nil
		}
		w.prepare(n.Name, m)
		if _, d.err = m.parse(src[n.Offset:n.End()]); d.err != nil {
			break
		}
		if d.reencoded, d.encodeErr = m.append(d.reencoded); d.encodeErr != nil {
			break
		}
		of := fields.Of(n, p.family, src)
		if len(w.seen) == 0 {
			d.fields = of
		} else {
			w.clock(n.Name, of)
			list, _ := d.fields[plural(n.Name)].([]any)
			d.fields[plural(n.Name)] = append(list, of)
		}
		w.note(n.Name, m)
	}
	w.subgroup(d.fields)
	return d, nil
}

// plural is where the fields of a stream have the messages behind the first.
func plural(message string) string {
	if strings.HasSuffix(message, "OBJECT") {
		return "objects"
	}
	return strings.ToLower(message) + "s"
}

func (p *protocol) vi() wire.Vi {
	return map[string]wire.Vi{"rfc9000": wire.RFC9000, "vi64-no7": wire.Vi64No7, "vi64": wire.Vi64}[p.version.Vi]
}

// walk knows what the messages before on a stream said.
type walk struct {
	seen   []string
	values []reflect.Value
	time   int64 // of the last frame
}

// clock gives a frame its own time, where the wire has the distance to the frame before.
func (w *walk) clock(name string, of map[string]any) {
	if name != "FRAME" {
		return
	}
	of["timestamp"] = nil
	if delta, ok := of["timestamp_delta"].(int64); ok {
		w.time += delta
		of["timestamp"] = w.time
		delete(of, "timestamp_delta")
	}
}

func (w *walk) note(name string, m *message) {
	w.seen = append(w.seen, name)
	w.values = append(w.values, reflect.ValueOf(m.value).Elem())
}

// prepare sets the fields of an object that are not on the wire, as the streams of objects have them.
func (w *walk) prepare(name string, m *message) {
	s := reflect.ValueOf(m.value).Elem()
	if o, ok := m.value.(*moqt.SubgroupObject); ok && len(w.values) > 0 {
		if f := w.values[0].FieldByName("Properties"); f.Kind() == reflect.Bool {
			o.HasProperties = f.Bool()
		}
	}
	first := true
	for i, before := range w.seen {
		if before == name {
			first = false
			if o, ok := m.value.(*moqt.SubgroupObject); ok {
				o.PriorObjectID = wire.Some(w.values[i].FieldByName("ObjectID").Uint())
			}
		}
	}
	if f := s.FieldByName("First"); f.Kind() == reflect.Bool {
		f.SetBool(first)
	}
}

// subgroup says which id a subgroup has that is named after its first object.
func (w *walk) subgroup(of map[string]any) {
	if len(w.values) < 2 {
		return
	}
	if m := w.values[0].FieldByName("SubgroupMode"); m.IsValid() && m.Uint() == uint64(moqt.SubgroupModeFirstObject) {
		of["subgroup"] = fmt.Sprintf("first object id = %d", w.values[1].FieldByName("ObjectID").Uint())
	}
}
