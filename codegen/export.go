package codegen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"

	"github.com/moqrx/moqrx/spec"
)

// exportFormat numbers the shape of the JSON form. It changes when a reader would have to.
const exportFormat = 1

// JSON is the checked spec for other tools. The shape is that of package spec, which documents
// each field:
//
//	{"format": 1, "source": "lite.moq", "family": {"name": "lite", "title": ..., "doc": ...,
//	  "pos": {"file": "spec/lite.moq", "line": 6, "col": 1}, "framing": "vi", "max_body": 65536,
//	  "versions": [{"number": 5, "name": ..., "alpn": ..., "vi": "rfc9000", "alias": -1, ...}],
//	  "messages": [{"name": "SUBSCRIBE", ..., "blocks": [{"on": [3, 4, 5], "fields": [...]}]}], ...}}
//
// Keys are the names of fields in snake case, in the order of their declaration. A set of versions is the
// list of its numbers. Integers are exact and go up to 2^64-1. Left out are: empty texts and
// lists, false, what a field does not have (no condition, no bounds), an upper bound that is no
// bound, and bounds of 0 in a kind. The same f gives the same bytes.
func JSON(f *spec.Family, source string) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"format":%d,"source":%q,"family":`, exportFormat, source)
	if err := exportValue(&b, reflect.ValueOf(f)); err != nil {
		return nil, fmt.Errorf("export %s: %w", source, err)
	}
	b.WriteString("}")
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("export %s: %w", source, err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// exportValue writes any value that the IR is made of. A Go type that it does not know is an error: the
// form would be incomplete.
func exportValue(b *bytes.Buffer, v reflect.Value) error {
	if set, ok := v.Interface().(spec.Set); ok {
		numbers := set.Numbers()
		if numbers == nil {
			numbers = []int{}
		}
		return exportJSON(b, numbers)
	}
	switch v.Kind() {
	case reflect.Pointer:
		return exportValue(b, v.Elem())
	case reflect.Struct:
		return exportStruct(b, v)
	case reflect.Slice:
		return exportList(b, v)
	case reflect.String, reflect.Bool, reflect.Int, reflect.Uint8, reflect.Uint16, reflect.Uint64:
		return exportJSON(b, v.Interface())
	}
	return fmt.Errorf("the JSON form has nothing for a %s", v.Type())
}

func exportJSON(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func exportList(b *bytes.Buffer, v reflect.Value) error {
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := exportValue(b, v.Index(i)); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

func exportStruct(b *bytes.Buffer, v reflect.Value) error {
	b.WriteByte('{')
	first := true
	for _, field := range reflect.VisibleFields(v.Type()) {
		value := v.FieldByIndex(field.Index)
		if field.Anonymous || leftOut(v, field.Name, value) {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		fmt.Fprintf(b, "%q:", SnakeName(field.Name))
		if err := exportValue(b, value); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// leftOut tells what says nothing.
func leftOut(in reflect.Value, name string, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Slice:
		return v.Len() == 0
	case reflect.Bool, reflect.Pointer:
		return v.IsZero()
	case reflect.Int:
		return name == "MaxBody" && v.IsZero()
	case reflect.Uint64:
		_, set := v.Interface().(spec.Set)
		_, kind := in.Interface().(spec.Kind)
		return !set && (name == "High" && v.Uint() == math.MaxUint64 || kind && v.IsZero())
	}
	return false
}
