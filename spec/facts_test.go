package spec

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// readFacts reads a survey of the protocols that was made without the specs, where there is one: a
// directory in MOQRX_FACTS with lite-schema.json and moqt-defs.json.
func readFacts(t *testing.T, name string, into any) {
	t.Helper()
	dir := os.Getenv("MOQRX_FACTS")
	if dir == "" {
		t.Skip("NOT CHECKED against an independent survey: set MOQRX_FACTS to a directory with " + name)
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, from func() (*Family, error)) *Family {
	t.Helper()
	f, err := from()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// shape is a field in the few words in which a survey and a spec can be compared.
type shape struct{ name, kind string }

// shapes are the fields of a layout in one version. What an extension adds is left out.
func shapes(b *Block, version int) []shape {
	var list []shape
	for _, f := range b.Fields {
		if !f.On.Has(version) || f.Given || f.If != nil && f.If.Field == "Cluster" {
			continue
		}
		k := f.Kind.Name
		switch k {
		case "struct", "params":
			k = f.Kind.Ref
		case "list":
			k = "list of " + f.Kind.Ref
		}
		if f.Limit != nil {
			k += fmt.Sprintf(" %d..%d", f.Limit.Low, f.Limit.High)
		}
		if f.Kind.Max != 0 && k != "tuple" && f.Kind.MaxWith == "" {
			k += fmt.Sprintf(" max %d", f.Kind.Max)
		}
		if f.If != nil {
			k += " if"
		}
		list = append(list, shape{mangled(f.Name), k})
	}
	return list
}

func codeIn(b *Block, v int) (uint64, bool) {
	for _, c := range b.Codes {
		if c.On.Has(v) {
			return c.Value, true
		}
	}
	return 0, false
}

func sameSet(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("%s: %s is not in the survey", what, g)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s: %s is not in the spec", what, w)
		}
	}
}
