package wiretest

import (
	"bytes"
	"cmp"
	"errors"
	"reflect"
	"slices"

	"github.com/moqrx/moqrx/gen/wire"
)

// Symmetric appends m, which may hold anything: either that is refused, or a parse takes all that was written, into
// got, and finds what m had. An empty list is as good as none, a value that is not set is none, a path comes back
// normalized, fields that may be dropped may be gone, and items come in their order on the wire. What is found is
// written as the same bytes again.
func Symmetric[V any](t TB, m, got Message[V], v V, droppable ...string) {
	t.Helper()
	b, err := m.Append([]byte{1}, v)
	if err != nil {
		if !errors.Is(err, wire.ErrMalformed) && !errors.Is(err, wire.ErrUnsupported) || len(b) != 1 {
			t.Fatalf("append gives %x, %v, want malformed or unsupported", b, err)
		}
		return
	}
	b = b[1:]
	if n, err := got.Parse(b, v); err != nil || n != len(b) {
		t.Fatalf("parse of %x took %d bytes, error %v; append made it of %+v", head(b), n, err, m)
	}
	if again, err := got.Append(nil, v); err != nil || !bytes.Equal(again, b) {
		t.Fatalf("%x parses as\n%+v, which is written as %x (%v)", head(b), got, head(again), err)
	}
	if path := differs(reflect.ValueOf(m).Elem(), reflect.ValueOf(got).Elem(), droppable); path != "" {
		t.Fatalf("%x has another%s: it was made of\n%+v, and parses as\n%+v", head(b), path, m, got)
	}
}

func head(b []byte) []byte { return b[:min(len(b), 1000)] }

// differs gives the path of the first part in which a and b differ, or nothing.
func differs(a, b reflect.Value, droppable []string) string {
	if reflect.DeepEqual(a.Interface(), b.Interface()) {
		return ""
	}
	switch a.Kind() {
	case reflect.Struct:
		return fieldsDiffer(a, b, droppable)
	case reflect.Pointer:
		if !a.IsNil() && !b.IsNil() {
			return differs(a.Elem(), b.Elem(), droppable)
		}
	case reflect.Slice:
		if a.Len() != b.Len() {
			return " number of elements"
		}
		for i := range a.Len() {
			if path := differs(a.Index(i), b.Index(i), droppable); path != "" {
				return "[]" + path
			}
		}
		return ""
	case reflect.String:
		if wire.NormalizePath(a.String()) == b.String() {
			return ""
		}
	}
	return " value"
}

func fieldsDiffer(a, b reflect.Value, droppable []string) string {
	if set := a.FieldByName("Set"); set.IsValid() && !set.Bool() && !b.FieldByName("Set").Bool() {
		return ""
	}
	for i := range a.NumField() {
		field, x, y := a.Type().Field(i), a.Field(i), b.Field(i)
		if !field.IsExported() || field.Name == "Order" || slices.Contains(droppable, field.Name) && y.IsZero() {
			continue
		}
		if items, ok := x.Interface().([]wire.Param); ok {
			x, y = reflect.ValueOf(byType(items)), reflect.ValueOf(byType(y.Interface().([]wire.Param)))
		}
		if path := differs(x, y, droppable); path != "" {
			return " " + field.Name + path
		}
	}
	return ""
}

func byType(items []wire.Param) []wire.Param {
	return slices.SortedStableFunc(slices.Values(items), func(a, b wire.Param) int { return cmp.Compare(a.ID, b.ID) })
}
