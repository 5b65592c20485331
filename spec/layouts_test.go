package spec

import (
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// Released versions do not change: a layout that does is a mistake, or a finding that wants a comment in
// the spec and -update here. A version that the file has nothing of is not released yet.
func TestLayoutsStayAsTheyAre(t *testing.T) {
	var b strings.Builder
	for _, from := range []func() (*Family, error){Lite, Transport} {
		fam := load(t, from)
		for _, m := range append(append([]*Message{}, fam.Structs...), fam.Messages...) {
			for _, v := range m.On().Numbers() {
				layout := m.Layout(v)
				h := fnv.New64a()
				code, typed := codeIn(layout, v)
				_, _ = fmt.Fprintln(h, code, typed, layout.Framing, shapes(layout, v))
				for _, f := range layout.Fields {
					for _, bit := range f.Bits {
						if f.On.Has(v) && bit.On.Has(v) {
							limit := Limit{}
							if bit.Limit != nil {
								limit = *bit.Limit
							}
							_, _ = fmt.Fprintln(h, bit.Mask, bit.Name, bit.Fixed, limit)
						}
					}
				}
				fmt.Fprintf(&b, "%s %02d %s %016x\n", fam.Name, v, m.Name, h.Sum64())
			}
		}
	}
	const file = "testdata/layouts.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known, released := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(want)) {
		known[line] = true
		released[versionIn(line)] = true
	}
	for line := range strings.Lines(b.String()) {
		if !known[line] && released[versionIn(line)] {
			t.Errorf("new or changed: %s", line)
		}
		delete(known, line)
	}
	for line := range known {
		t.Errorf("gone or changed: %s", line)
	}
}

// versionIn is the family and the version that a line is about.
func versionIn(line string) string {
	words := strings.Fields(line)
	return words[0] + words[1]
}
