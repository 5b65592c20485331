package tree

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/moqrx/moqrx/codegen"
	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec"
	"github.com/moqrx/moqrx/spec/tree"
)

// protocol is one version of one family, with both decoders.
type protocol struct {
	family  *spec.Family
	version int
	tree    *tree.Decoder
	vi      wire.Vi
}

// protocols are all versions of both families, by name.
var protocols = map[string]*protocol{}

// order lists the names in protocols.
var order []string

func init() {
	for _, load := range []func() (*spec.Family, error){spec.Lite, spec.Transport} {
		f, err := load()
		if err != nil {
			panic(err)
		}
		for _, v := range f.Versions {
			d, err := tree.New(f, v.Number)
			if err != nil {
				panic(err)
			}
			vi := map[string]wire.Vi{"rfc9000": wire.RFC9000, "vi64-no7": wire.Vi64No7, "vi64": wire.Vi64}[v.Vi]
			p := &protocol{f, v.Number, d, vi}
			order = append(order, v.Name)
			protocols[v.Name] = p
			for _, name := range v.Also {
				protocols[name] = p
			}
		}
	}
}

// codec is a message of the generated code.
type codec struct {
	value any
	parse func(src []byte) (int, error)
}

// strict makes an empty message with what is given to it.
func (p *protocol) strict(name string, given []tree.Given) *codec {
	var c *codec
	if p.family.Name == "lite" {
		m := lite.NewMessage(name)
		if m == nil {
			return nil
		}
		c = &codec{m, func(src []byte) (int, error) { return m.Parse(src, lite.Version(p.version)) }}
	} else {
		m := moqt.NewMessage(name)
		if m == nil {
			return nil
		}
		c = &codec{m, func(src []byte) (int, error) { return m.Parse(src, moqt.Version(p.version)) }}
	}
	s := reflect.ValueOf(c.value).Elem()
	for _, g := range given {
		f := s.FieldByName(codegen.GoName(g.Field))
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(g.Value != 0)
		case reflect.Struct:
			f.FieldByName("Set").SetBool(g.Set)
			f.FieldByName("Value").SetUint(g.Value)
		default:
			f.SetUint(g.Value)
		}
	}
	return c
}

// messages lists the names of all messages of the family, with the headers of those with bulk.
func (p *protocol) messages() []string {
	var list []string
	for _, m := range p.family.Messages {
		for _, name := range []string{m.Name, m.Name + "_HEADER"} {
			if p.strict(name, nil) != nil && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

// given are some values for the fields of a message that are not on the wire.
func (p *protocol) given(name string, pick uint64) []tree.Given {
	m := p.family.Message(name)
	if m == nil {
		m = p.family.Message(strings.TrimSuffix(name, "_HEADER"))
	}
	if m == nil || m.Layout(p.version) == nil {
		return nil
	}
	var list []tree.Given
	for _, f := range m.Layout(p.version).Fields {
		switch {
		case !f.Given || !f.On.Has(p.version):
		case f.Kind.Name == "flag":
			list = append(list, tree.Given{Field: f.Name, Value: pick & 1, Set: pick&1 != 0})
		case f.Kind.Name == "option" && pick&2 == 0:
			list = append(list, tree.Given{Field: f.Name})
		default:
			list = append(list, tree.Given{Field: f.Name, Value: pick >> 2, Set: true})
		}
		pick = pick>>3 | pick<<61
	}
	return list
}

// ofStruct is what a generated struct says, without what is zero or absent.
func ofStruct(s reflect.Value, skip []tree.Given) map[string]any {
	out := map[string]any{}
	for i := range s.NumField() {
		name := s.Type().Field(i).Name
		given := name == "Order"
		for _, g := range skip {
			given = given || codegen.GoName(g.Field) == name
		}
		if given {
			continue
		}
		if v := ofValue(s.Field(i)); v != nil {
			out[name] = v
		}
	}
	return out
}

func ofValue(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Struct:
		if set := v.FieldByName("Set"); set.IsValid() {
			if !set.Bool() {
				return nil
			}
			return kept(v.FieldByName("Value"))
		}
		if m := ofStruct(v, nil); len(m) > 0 {
			return m
		}
		return nil
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return kept(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nonzero(string(v.Bytes()))
		}
		if v.Len() == 0 {
			return nil
		}
		list := []any{}
		for i := range v.Len() {
			list = append(list, kept(v.Index(i)))
		}
		return list
	}
	return nonzero(plain(v))
}

// kept is a value that counts even when it is zero.
func kept(v reflect.Value) any {
	switch {
	case v.Type() == reflect.TypeFor[wire.Param]():
		p := v.Interface().(wire.Param)
		if p.Value == nil {
			return fmt.Sprintf("0x%x = %d", p.ID, p.Number)
		}
		return fmt.Sprintf("0x%x = %x", p.ID, p.Value)
	case v.Kind() == reflect.Struct:
		return ofStruct(v, nil)
	}
	return plain(v)
}

func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.String:
		return v.String()
	case reflect.Int64:
		return v.Int()
	}
	return v.Uint()
}

func nonzero(v any) any {
	if reflect.ValueOf(v).IsZero() {
		return nil
	}
	return v
}
