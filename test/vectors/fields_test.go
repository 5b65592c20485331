package vectors

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/moqrx/moqrx/codegen"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/spec"
)

// normal is a name without what styles differ in.
func normal(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", " ", "", "-", "").Replace(name))
}

// fieldSynonyms are names that encoders use for a field of the drafts.
var fieldSynonyms = map[string]string{
	"namespace":             "tracknamespace",
	"name":                  "trackname",
	"params":                "parameters",
	"properties":            "trackproperties",
	"trackextensions":       "trackproperties",
	"versions":              "supportedversions",
	"version":               "selectedversion",
	"largest":               "largestlocation",
	"latencymax":            "maxlatency",
	"error":                 "errorcode",
	"group":                 "groupid",
	"subgroup":              "subgroupid",
	"priority":              "publisherpriority subscriberpriority",
	"status":                "objectstatus",
	"objectstatus":          "status",
	"hopid":                 "origin",
	"alias":                 "trackalias",
	"object":                "objectid",
	"ext":                   "properties",
	"extensions":            "properties",
	"extensionheaders":      "properties",
	"payloadhex":            "payload",
	"reason":                "reasonphrase",
	"prefix":                "tracknamespaceprefix",
	"namespaceprefix":       "tracknamespaceprefix",
	"suffix":                "tracknamespacesuffix",
	"namespacesuffix":       "tracknamespacesuffix",
	"end":                   "endlocation",
	"start":                 "startlocation",
	"uri":                   "newsessionuri connecturi",
	"requestid":             "maxrequestid maximumrequestid",
	"expiresms":             "expires",
	"hasextensions":         "properties",
	"largestobjectlocation": "largestlocation",
}

// itemSynonyms are names that encoders use for an item of a list.
var itemSynonyms = map[string]string{
	"implementation":        "moqtimplementation",
	"subscriptionfilter":    "locationfilter",
	"filter":                "locationfilter",
	"objectdeliverytimeout": "deliverytimeout",
	"expiresms":             "expires",
}

// roles are the names of the values of Role in SETUP.
var roles = map[string]string{"both": "0", "publisher": "1", "subscriber": "2", "active": "1", "ended": "0"}

// matchMessage compares the fields of a vector with a decoded message.
func (p protocol) matchMessage(want map[string]any, message string, ptr any) error {
	s := reflect.ValueOf(ptr).Elem()
	var errs []error
	for key, value := range want {
		if err := p.matchField(key, value, want, message, s); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	return errors.Join(errs...)
}

func (p protocol) matchField(key string, want any, all map[string]any, message string, s reflect.Value) error {
	if handle := special[normal(key)]; handle != nil {
		if done, err := handle(p, want, all, message, s); done {
			return err
		}
	}
	name, f := p.find(s, key)
	if f.IsValid() && p.carries(message, name) {
		if r := p.registryOf(message, name); r != nil {
			return p.matchItems(want, f, r)
		}
		return p.match(want, f)
	}
	if r, holder := p.registry(message, s); r != nil {
		if id, ok := idOf(r, p.version, key); ok {
			for _, it := range p.items(holder, r) {
				if it.id == id {
					return p.matchItem(want, it)
				}
			}
			if isZero(want) {
				return nil // encoders leave out what has its default
			}
			return fmt.Errorf("is not in %s, want %v", r.Name, want)
		}
	}
	if f.IsValid() {
		return nil // an encoder's input that this version has no place for
	}
	return fmt.Errorf("no field of that name in %s", message)
}

// find looks for the field of a name, then of its synonym.
func (p protocol) find(s reflect.Value, key string) (string, reflect.Value) {
	for _, n := range append([]string{normal(key)}, strings.Fields(fieldSynonyms[normal(key)])...) {
		for i := range s.NumField() {
			if name := s.Type().Field(i).Name; n != "" && normal(name) == n {
				return name, s.Field(i)
			}
		}
	}
	return "", reflect.Value{}
}

// carries tells whether the layout of the version has the field.
func (p protocol) carries(message, goName string) bool {
	m := p.family.Message(strings.TrimSuffix(message, "_HEADER"))
	if m == nil || p.family.Message(message) != nil {
		m = p.family.Message(message)
	}
	layout := m.Layout(p.version)
	for _, f := range layout.Fields {
		if !f.On.Has(p.version) {
			continue
		}
		if codegen.GoName(f.Name) == goName || f.Kind.Inline {
			return true
		}
		for _, b := range f.Bits {
			if codegen.GoName(b.Name) == goName {
				return b.On.Has(p.version)
			}
		}
	}
	return false
}

// registryOf gives the registry of a field that is a key-value list, or nil.
func (p protocol) registryOf(message, goName string) *spec.Registry {
	for _, f := range p.family.Message(message).Layout(p.version).Fields {
		if f.Kind.Name == "params" && !f.Kind.Inline && codegen.GoName(f.Name) == goName && f.On.Has(p.version) {
			return p.family.Registry(f.Kind.Ref)
		}
	}
	return nil
}

// registry finds the first list of a message, whose items a vector may have among the fields.
func (p protocol) registry(message string, s reflect.Value) (*spec.Registry, reflect.Value) {
	for _, f := range p.family.Message(message).Layout(p.version).Fields {
		if f.Kind.Name == "params" && f.On.Has(p.version) {
			holder := s
			if !f.Kind.Inline {
				holder = s.FieldByName(codegen.GoName(f.Name))
			}
			return p.family.Registry(f.Kind.Ref), holder
		}
	}
	return nil, reflect.Value{}
}

// match compares a JSON value with a Go value of any of the generated types.
func (p protocol) match(want any, got reflect.Value) error {
	switch got.Kind() {
	case reflect.Struct:
		return p.matchStruct(want, got)
	case reflect.Pointer:
		if want == nil && got.IsNil() {
			return nil
		}
		return p.match(want, got.Elem())
	case reflect.Slice:
		if got.Type().Elem().Kind() == reflect.Uint8 {
			return sameBytes(want, got.Bytes())
		}
		return p.matchSlice(want, got)
	case reflect.String:
		return sameBytes(want, []byte(got.String()))
	case reflect.Bool:
		return sameNumber(want, map[bool]uint64{true: 1}[got.Bool()])
	case reflect.Int64:
		if n, err := strconv.ParseInt(fmt.Sprint(want), 0, 64); err != nil || n != got.Int() {
			return fmt.Errorf("is %d, want %v", got.Int(), want)
		}
		return nil
	}
	return sameNumber(want, got.Uint())
}

func (p protocol) matchStruct(want any, got reflect.Value) error {
	if set := got.FieldByName("Set"); set.IsValid() {
		switch {
		case set.Bool():
			return p.match(want, got.FieldByName("Value"))
		case isZero(want):
			return nil
		}
		return fmt.Errorf("is absent, want %v", want)
	}
	if f, ok := got.Interface().(moqt.Filter); ok {
		if done, err := matchFilter(p, want, f); done {
			return err
		}
	}
	if list, ok := want.([]any); ok { // its fields in order: a location
		if got.NumField() == 1 {
			return p.match(want, got.Field(0))
		}
		for i, w := range list {
			if err := p.match(w, got.Field(i)); err != nil {
				return fmt.Errorf("%s: %w", got.Type().Field(i).Name, err)
			}
		}
		return nil
	}
	m, ok := want.(map[string]any)
	if !ok {
		return fmt.Errorf("is %+v, want %v", got.Interface(), want)
	}
	for key, w := range m {
		_, f := p.find(got, key)
		if !f.IsValid() {
			_, f = p.find(got, strings.TrimPrefix(normal(key), normal(got.Type().Name())))
		}
		if !f.IsValid() {
			_, f = p.find(got, strings.TrimSuffix(normal(key), "id"))
		}
		if !f.IsValid() {
			return fmt.Errorf("no field %s in %s", key, got.Type().Name())
		}
		if err := p.match(w, f); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func (p protocol) matchSlice(want any, got reflect.Value) error {
	list, ok := want.([]any)
	if !ok || len(list) != got.Len() {
		return fmt.Errorf("is %v, want %v", got.Interface(), want)
	}
	for i, w := range list {
		if err := p.match(w, got.Index(i)); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

// sameNumber accepts a number as JSON number, as decimal or 0x text, as bool, and by name.
func sameNumber(want any, got uint64) error {
	text := fmt.Sprint(want)
	switch w := want.(type) {
	case bool:
		text = strconv.Itoa(map[bool]int{true: 1}[w])
	case string:
		if r, ok := roles[w]; ok {
			text = r
		}
	case json.Number:
	}
	if n, err := strconv.ParseUint(text, 0, 64); err != nil || n != got {
		return fmt.Errorf("is %d, want %v", got, want)
	}
	return nil
}

// isZero tells whether an encoder would leave the value out of a list.
func isZero(want any) bool {
	switch w := want.(type) {
	case nil:
		return true
	case string:
		return w == "" || w == "0"
	case json.Number:
		return w == "0"
	}
	return false
}
