package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/codegen"
)

// TestGeneratedDocsAreCurrent fails when the pages in docs have drifted from the specs.
func TestGeneratedDocsAreCurrent(t *testing.T) {
	t.Chdir("../..")
	var out, errs bytes.Buffer
	if code := run([]string{"docs", "-check"}, &out, &errs); code != 0 {
		t.Errorf("moqgen docs -check exits with %d: %s%.2000s", code, &errs, &out)
	}
}

// Versions are compared whatever name they are called by, in both directions.
func TestVersionsByTheirNames(t *testing.T) {
	t.Chdir("../..")
	want := ""
	for _, names := range [][2]string{
		{"19", "20"}, {"draft-19", "draft-20"}, {"moqt-19", "20"}, {"moq-transport-19", "moq-transport-20"},
	} {
		var out, errs bytes.Buffer
		if code := run([]string{"docs", "-diff", names[0], names[1]}, &out, &errs); code != 0 {
			t.Fatalf("%v: %s", names, &errs)
		}
		if want == "" {
			want = out.String()
		}
		if out.String() != want {
			t.Errorf("%v differs from 19 20", names)
		}
	}
	for _, line := range []string{"- **filter**\n", "  - new: End Object; vi, if Type = 4\n", "0x20 SUBSCRIBER_PRIORITY: now also in "} {
		if !strings.Contains(want, line) {
			t.Errorf("19 to 20 lacks %q:\n%s", line, want)
		}
	}
	var out, errs bytes.Buffer
	if run([]string{"docs", "-diff", "20", "21"}, &out, &errs); !strings.Contains(out.String(), "Nothing changed on the wire.") {
		t.Errorf("20 to 21: %s%s", &out, &errs)
	}
}

// What a page shows as changed at its end is what -diff says.
func TestPagesEndWithTheirChanges(t *testing.T) {
	sources, err := readSpecs([]string{"../../spec/transport.moq", "../../spec/lite.moq"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources {
		files := map[string]string{}
		for _, f := range codegen.Markdown(s.family, s.name()) {
			files[f.Name] = string(f.Data)
		}
		before := -1
		for _, v := range s.family.Versions {
			if v.Alias >= 0 {
				continue
			}
			if before >= 0 {
				changes, err := codegen.Changes(s.family, before, v.Number)
				if err != nil {
					t.Fatal(err)
				}
				_, changes, _ = strings.Cut(changes, "\n\n")
				if !strings.HasSuffix(files[v.Name+".md"], "\n\n"+changes) {
					t.Errorf("%s does not end with its changes since %d", v.Name, before)
				}
			}
			before = v.Number
		}
	}
}
