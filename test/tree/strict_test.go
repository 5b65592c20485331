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

// message is what the messages of both families have in common.
type message[V any] interface {
	Append(dst []byte, v V) ([]byte, error)
	Parse(src []byte, v V) (int, error)
}

// codec is a message of the generated code, or a choice between some.
type codec struct {
	message func() any // what was parsed
	append  func(dst []byte) ([]byte, error)
	parse   func(src []byte) (int, error)
}

func codecOf[V any, M message[V]](m M, v V) *codec {
	return &codec{
		message: func() any { return m },
		append:  func(dst []byte) ([]byte, error) { return m.Append(dst, v) },
		parse:   func(src []byte) (int, error) { return m.Parse(src, v) },
	}
}

func choiceOf[V any, M message[V]](parse func([]byte, V) (M, int, error), v V) *codec {
	var m M
	return &codec{
		message: func() any { return m },
		append:  func(dst []byte) ([]byte, error) { return m.Append(dst, v) },
		parse: func(src []byte) (n int, err error) {
			m, n, err = parse(src, v)
			return n, err
		},
	}
}

// strict makes an empty message with what is given to it, or a choice; nil where there is neither.
func (p *protocol) strict(name string, given []tree.Given) *codec {
	isLite, l, m := p.family.Name == "lite", lite.Version(p.version), moqt.Version(p.version)
	switch {
	case isLite && name == "ANNOUNCEMENT":
		return choiceOf(lite.ParseAnnouncement, l)
	case isLite && name == "SUBSCRIBE_RESPONSE":
		return choiceOf(lite.ParseSubscribeResponse, l)
	case !isLite && name == "CONTROL_MESSAGE":
		return choiceOf(moqt.ParseControlMessage, m)
	case !isLite && name == "REQUEST":
		return choiceOf(moqt.ParseRequest, m)
	case !isLite && name == "RESPONSE":
		return choiceOf(moqt.ParseResponse, m)
	case isLite:
		if msg := lite.NewMessage(name); msg != nil {
			return giving(codecOf(msg, l), given)
		}
	default:
		if msg := moqt.NewMessage(name); msg != nil {
			return giving(codecOf(msg, m), given)
		}
	}
	return nil
}

// giving sets the fields that are not on the wire.
func giving(c *codec, given []tree.Given) *codec {
	s := reflect.ValueOf(c.message()).Elem()
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
