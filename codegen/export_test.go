package codegen

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/spec"
)

// families reads the specs of the project.
func families(t *testing.T) map[string]*spec.Family {
	t.Helper()
	all := map[string]*spec.Family{}
	for source, load := range map[string]func() (*spec.Family, error){"lite.moq": spec.Lite, "transport.moq": spec.Transport} {
		f, err := load()
		if err != nil {
			t.Fatal(err)
		}
		all[source] = f
	}
	return all
}

// What is exported can be read back into the IR, and then exports to the same bytes: nothing
// is lost, and the form does not depend on the run.
func TestJSONHoldsAllOfTheSpec(t *testing.T) {
	for source, f := range families(t) {
		data, err := JSON(f, source)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Format int
			Source string
			Family json.RawMessage
		}
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Format != exportFormat || doc.Source != source {
			t.Errorf("%s says format %d, source %q", source, doc.Format, doc.Source)
		}
		var back spec.Family
		readBack(t, doc.Family, reflect.ValueOf(&back).Elem())
		if !reflect.DeepEqual(&back, f) {
			t.Errorf("%s: what was read back is not what was written", source)
		}
		again, err := JSON(&back, source)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%s: a second export differs (%v)", source, err)
		}
	}
}

// readBack fills v from its JSON form, by the rules that the documentation of JSON states.
func readBack(t *testing.T, data json.RawMessage, v reflect.Value) {
	t.Helper()
	switch {
	case v.Type() == reflect.TypeFor[spec.Set]():
		var numbers []int
		unmarshal(t, data, &numbers)
		var set spec.Set
		for _, n := range numbers {
			set = set.With(n)
		}
		v.Set(reflect.ValueOf(set))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		readBack(t, data, v.Elem())
	case v.Kind() == reflect.Slice:
		var list []json.RawMessage
		unmarshal(t, data, &list)
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, one := range list {
			readBack(t, one, v.Index(i))
		}
	case v.Kind() == reflect.Struct:
		var keys map[string]json.RawMessage
		unmarshal(t, data, &keys)
		for _, field := range reflect.VisibleFields(v.Type()) {
			if field.Anonymous {
				continue
			}
			one, ok := keys[SnakeName(field.Name)]
			delete(keys, SnakeName(field.Name))
			switch target := v.FieldByIndex(field.Index); {
			case ok:
				readBack(t, one, target)
			case field.Name == "High" && (v.Type() != reflect.TypeFor[spec.Kind]() || hasBounds(v)):
				target.SetUint(math.MaxUint64)
			}
		}
		if len(keys) > 0 {
			t.Errorf("%s has no field for %v", v.Type(), keys)
		}
	default:
		unmarshal(t, data, v.Addr().Interface())
	}
}

// hasBounds tells which kinds have bounds at all.
func hasBounds(kind reflect.Value) bool {
	name := kind.FieldByName("Name").String()
	return name == "list" || name == "tuple"
}

func unmarshal(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%v in %.100s", err, data)
	}
}

func TestJSONRefusesWhatItDoesNotKnow(t *testing.T) {
	var b bytes.Buffer
	err := exportValue(&b, reflect.ValueOf(struct{ Table map[string]int }{map[string]int{"x": 1}}))
	if err == nil || !strings.Contains(err.Error(), "map[string]int") {
		t.Errorf("a map is exported as %s, %v", &b, err)
	}
}
