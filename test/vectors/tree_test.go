package vectors

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/moqrx/moqrx/codegen"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec"
)

// item is one entry of a key-value list, as a generated struct holds it.
type item struct {
	id     uint64
	name   string
	kind   spec.Kind
	value  reflect.Value
	number bool
}

// items lists what a struct holds of a registry, ascending or in the order that it kept.
func (p protocol) items(s reflect.Value, r *spec.Registry) []item {
	var list []item
	for _, it := range r.Items {
		if !it.On.Has(p.version) {
			continue
		}
		f := s.FieldByName(codegen.GoName(it.Name))
		add := func(v reflect.Value) { list = append(list, item{it.ID, it.Name, it.Kind, v, false}) }
		switch {
		case it.Repeat:
			for i := range f.Len() {
				add(f.Index(i))
			}
		case f.Kind() == reflect.Pointer:
			if !f.IsNil() {
				add(f.Elem())
			}
		case f.FieldByName("Set").Bool():
			add(f.FieldByName("Value"))
		}
	}
	for _, u := range s.FieldByName("Unknown").Interface().([]wire.Param) {
		list = append(list, item{u.ID, "", spec.Kind{}, reflect.ValueOf(u), u.Value == nil})
	}
	return arrange(list, s.FieldByName("Order"))
}

// arrange puts items in the order in which they stood on the wire.
func arrange(list []item, order reflect.Value) []item {
	var out []item
	take := func(fits func(item) bool) bool {
		best := -1
		for i, it := range list {
			if fits(it) && (best < 0 || it.id < list[best].id) {
				best = i
			}
		}
		if best < 0 {
			return false
		}
		out = append(out, list[best])
		list = append(list[:best:best], list[best+1:]...)
		return true
	}
	if order.IsValid() {
		for i := range order.Len() {
			take(func(it item) bool { return it.id == order.Index(i).Uint() })
		}
	}
	for take(func(item) bool { return true }) {
	}
	return out
}

// raw writes a part of a message from its Go struct and the spec alone, as a second opinion
// on the generated code.
func (p protocol) raw(kind spec.Kind, v reflect.Value) []byte {
	vi := p.vi()
	switch kind.Name {
	case "vi":
		return vi.Append(nil, v.Uint())
	case "u8":
		return []byte{byte(v.Uint())}
	case "string", "bytes":
		return []byte(v.String())
	case "list": // one that fills what it stands in
		var out []byte
		for i := range v.Len() {
			out = vi.Append(out, v.Index(i).Uint())
		}
		return out
	case "params":
		return p.rawList(v, p.family.Registry(kind.Ref))
	case "struct":
		var out []byte
		layout := p.family.Struct(kind.Ref).Layout(p.version)
		for _, f := range layout.Fields {
			if !f.On.Has(p.version) || f.Kind.Name == "tally" || f.If != nil && !p.holds(f.If, v) {
				continue
			}
			x := v.FieldByName(codegen.GoName(f.Name))
			switch {
			case f.Kind.Name == "tail":
				out = append(out, x.String()...)
			case f.Kind.Name == "tail-u8":
				if x.FieldByName("Set").Bool() {
					out = append(out, byte(x.FieldByName("Value").Uint()))
				}
			default:
				out = append(out, p.raw(f.Kind, x)...)
			}
		}
		return out
	}
	panic("no raw form of " + kind.Name)
}

// rawList writes a counted list of typed items.
func (p protocol) rawList(s reflect.Value, r *spec.Registry) []byte {
	list := p.items(s, r)
	out := p.vi().Append(nil, uint64(len(list)))
	prev := uint64(0)
	for _, it := range list {
		out = p.vi().Append(out, it.id-prev)
		prev = it.id
		value := p.raw(it.kind, it.value)
		if it.kind.Sized || it.kind.Name == "bytes" || it.kind.Name == "string" {
			out = p.vi().Append(out, uint64(len(value)))
		}
		out = append(out, value...)
	}
	return out
}

func (p protocol) holds(c *spec.Cond, s reflect.Value) bool {
	field := s.FieldByName(codegen.GoName(c.Field))
	if len(c.Values) == 0 {
		return field.FieldByName("Set").Bool()
	}
	x := field.Uint()
	for _, l := range c.Values {
		if l.Low <= x && x <= l.High {
			return true
		}
	}
	return false
}

func (p protocol) vi() wire.Vi {
	return map[string]wire.Vi{"rfc9000": wire.RFC9000, "vi64-no7": wire.Vi64No7, "vi64": wire.Vi64}[p.family.Version(p.version).Vi]
}

// matchItems compares a key-value list with the forms in which vectors have one: a list of
// objects with id and value, or an object by name.
func (p protocol) matchItems(want any, s reflect.Value, r *spec.Registry) error {
	got := p.items(s, r)
	if list, ok := want.([]any); ok {
		return p.matchList(list, got)
	}
	byName, ok := want.(map[string]any)
	if text, isText := want.(string); isText { // "A=1, B=2"
		byName, ok = map[string]any{}, true
		for _, pair := range strings.Split(text, ", ") {
			name, value, _ := strings.Cut(pair, "=")
			byName[name] = value
		}
	}
	if !ok {
		return fmt.Errorf("no list: %v", want)
	}
	left := len(got)
	for name, value := range byName {
		if name == "unknown" {
			left -= len(value.([]any))
			if err := p.matchUnknown(value.([]any), got); err != nil {
				return err
			}
			continue
		}
		id, ok := idOf(r, p.version, name)
		if other := p.family.Registry("TrackProperties"); !ok && other != nil { // of a track, on an object
			id, ok = idOf(other, p.version, name)
		}
		if !ok {
			return fmt.Errorf("no item %s in %s", name, r.Name)
		}
		n, err := p.matchAll(value, got, id)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		left -= n
	}
	if left != 0 {
		return fmt.Errorf("%d items more than the %d that were wanted: %+v", left, len(byName), got)
	}
	return nil
}

// matchAll compares the items of one type with a value, or with a list of values when there are
// several. It gives their number.
func (p protocol) matchAll(want any, got []item, id uint64) (n int, err error) {
	var mine []item
	for _, it := range got {
		if it.id == id {
			mine = append(mine, it)
		}
	}
	values, ok := want.([]any)
	if !ok || len(values) != len(mine) {
		values = []any{want}
	}
	if len(mine) != len(values) {
		return 0, fmt.Errorf("%d items, want %d", len(mine), len(values))
	}
	for i, it := range mine {
		if err := p.matchItem(values[i], it); err != nil {
			return 0, err
		}
	}
	return len(mine), nil
}

func (p protocol) matchList(want []any, got []item) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d items, want %d", len(got), len(want))
	}
	for i, w := range want {
		m := w.(map[string]any)
		if err := sameNumber(first(m, "id", "type"), got[i].id); err != nil {
			return fmt.Errorf("item %d: type: %w", i, err)
		}
		if err := p.matchItem(first(m, "value", "raw_hex", "value_hex", "varint", "bytes"), got[i]); err != nil {
			return fmt.Errorf("item 0x%x: %w", got[i].id, err)
		}
	}
	return nil
}

// first is the value of the first of the keys that m has.
func first(m map[string]any, keys ...string) any {
	for _, k := range keys {
		if v, ok := m[k]; ok {
			return v
		}
	}
	return nil
}

func (p protocol) matchUnknown(want []any, got []item) error {
	for _, w := range want {
		m := w.(map[string]any)
		found := false
		for _, it := range got {
			if sameNumber(m["id"], it.id) == nil && it.name == "" {
				found = m["raw_hex"] == nil || m["raw_hex"] == hex.EncodeToString(it.value.Interface().(wire.Param).Value)
			}
		}
		if !found {
			return fmt.Errorf("unknown item %v is missing", m)
		}
	}
	return nil
}

// idOf finds the type of an item by its name. Some encoders write what a version does not
// define: then the type is that of the versions that do.
func idOf(r *spec.Registry, version int, name string) (uint64, bool) {
	key := normal(name)
	if s, ok := itemSynonyms[key]; ok {
		key = s
	}
	id, ok := uint64(0), false
	for _, it := range r.Items {
		if normal(it.Name) != key {
			continue
		}
		if it.On.Has(version) {
			return it.ID, true
		}
		id, ok = it.ID, true
	}
	return id, ok
}

// matchItem compares the value of an item, whatever form the vector has it in.
func (p protocol) matchItem(want any, it item) error {
	if it.name == "" {
		u := it.value.Interface().(wire.Param)
		if it.number {
			return sameNumber(want, u.Number)
		}
		return sameBytes(want, u.Value)
	}
	if list, ok := want.([]any); ok && it.kind.Ref == "hop_path" {
		return p.match(list, it.value.Field(0))
	}
	if it.kind.Name == "struct" || it.kind.Name == "params" {
		if text, ok := want.(string); ok {
			raw := p.raw(it.kind, it.value)
			if err := sameBytes(text, raw); err == nil || it.kind.Ref != "filter" {
				return err
			}
			return sameBytes(p.minimal(text), raw)
		}
	}
	if list, ok := want.([]any); ok && it.kind.Name == "bytes" { // integers that fill them
		var all []byte
		for _, n := range list {
			x, err := strconv.ParseUint(fmt.Sprint(n), 0, 64)
			if err != nil {
				return err
			}
			all = p.vi().Append(all, x)
		}
		want = hex.EncodeToString(all)
	}
	err := p.match(want, it.value)
	if err != nil && it.kind.Name == "vi" && sameBytes(want, p.raw(it.kind, it.value)) == nil {
		return nil // the bytes of an integer behind a length
	}
	return err
}

// minimal writes the varints that text, 0x and hex, is made of as short as they can be.
func (p protocol) minimal(text string) string {
	b, _ := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	var out []byte
	for len(b) > 0 {
		x, n := p.vi().Parse(b)
		if n <= 0 {
			return text
		}
		out, b = p.vi().Append(out, x), b[n:]
	}
	return hex.EncodeToString(out)
}

// sameBytes accepts bytes as 0x and hex, as plain hex, and as text.
func sameBytes(want any, got []byte) error {
	text, ok := want.(string)
	if ok && (text == string(got) || strings.TrimPrefix(text, "0x") == hex.EncodeToString(got)) {
		return nil
	}
	return fmt.Errorf("is %x, want %v", got, want)
}
