package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/spec"
)

// TestNextDraftIsTheNewest adds a version after the newest of each family, by its line alone. It has to be what the
// newest is, until another line says otherwise: no range may end at the newest only because it is that.
func TestNextDraftIsTheNewest(t *testing.T) {
	for _, file := range []string{"lite.moq", "transport.moq"} {
		t.Run(file, func(t *testing.T) {
			path, newest, next := withNext(t, file)
			moqgen := func(args ...string) string {
				var out, errs bytes.Buffer
				if code := run(append(args, path), &out, &errs); code != 0 {
					t.Fatalf("moqgen %v: %s", args, &errs)
				}
				return out.String()
			}
			moqgen()
			changes := moqgen("docs", "-diff", fmt.Sprint(newest), fmt.Sprint(next))
			if !strings.Contains(changes, "Nothing changed on the wire.") {
				t.Errorf("%d is not what %d is:\n%s", next, newest, changes)
			}
			sources, err := readSpecs([]string{path})
			if err != nil {
				t.Fatal(err)
			}
			// Whatever the pages do not show: choices, rules between fields, what a registry refuses.
			for _, where := range parted(reflect.ValueOf(sources[0].family).Elem(), "", newest, next) {
				t.Errorf("%s has one of %d and %d only", where, newest, next)
			}
		})
	}
}

// withNext writes a spec with one more version, which goes away with the test.
func withNext(t *testing.T, file string) (path string, newest, next int) {
	t.Helper()
	old := filepath.Join("..", "..", "spec", file)
	sources, err := readSpecs([]string{old})
	if err != nil {
		t.Fatal(err)
	}
	versions := sources[0].family.Versions
	last := versions[len(versions)-1]
	text, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	head, tail, ok := strings.Cut(string(text), "\n}\n")
	if !ok {
		t.Fatal("the family has no end")
	}
	newest, next = last.Number, last.Number+1
	path = filepath.Join(t.TempDir(), "spec", file)
	save(t, path, fmt.Sprintf("%s\n  %02d  name \"next-%%02d\"  alpn \"next-%%02d\"  vi %s\n}\n%s", head, next, last.Vi, tail))
	return path, newest, next
}

// parted lists what of v holds in one of two versions but not in the other. Sections of the drafts do not count.
func parted(v reflect.Value, where string, a, b int) []string {
	var out []string
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out = parted(v.Elem(), where, a, b)
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, parted(v.Index(i), where, a, b)...)
		}
	case reflect.Struct:
		if name := v.FieldByName("Name"); name.IsValid() && name.Kind() == reflect.String {
			where += " " + name.String()
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Type != reflect.TypeFor[[]spec.Ref]() {
				out = append(out, parted(v.Field(i), where+"."+f.Name, a, b)...)
			}
		}
	case reflect.Uint64:
		if set, ok := v.Interface().(spec.Set); ok && set.Has(a) != set.Has(b) {
			out = append(out, where)
		}
	}
	return out
}
