package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckFindsDrift lets files drift from their spec in each way that there is: what -check
// shows, -w repairs.
func TestCheckFindsDrift(t *testing.T) {
	text, err := os.ReadFile("testdata/ok/spec/x.moq")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	save(t, "spec/x.moq", string(text))
	moqgen := func(args ...string) (code int, stdout string) {
		t.Helper()
		var out, errs bytes.Buffer
		code = run(args, &out, &errs)
		if (code == 0) != (errs.Len() == 0) {
			t.Errorf("%v exits with %d and %q", args, code, &errs)
		}
		return code, out.String()
	}
	if code, out := moqgen("-check"); code != 1 || strings.Count(out, "+++ ") < 10 {
		t.Errorf("before anything is written: %d, %.200s", code, out)
	}
	if code, out := moqgen("-w"); code != 0 || out != "" {
		t.Fatalf("-w: %d, %s", code, out)
	}
	if code, out := moqgen("-check"); code != 0 || out != "" {
		t.Errorf("right after: %d, %.200s", code, out)
	}

	dir := filepath.Join("gen", "demo")
	changed, gone, stale, own := filepath.Join(dir, "head.go"), filepath.Join(dir, "all.go"), filepath.Join(dir, "old.go"), filepath.Join(dir, "own.go")
	data, err := os.ReadFile(changed)
	if err != nil {
		t.Fatal(err)
	}
	save(t, changed, strings.Replace(string(data), "package demo", "package demo // by hand", 1))
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(string(data), "\n")
	save(t, stale, header+"\n\npackage demo\n")
	save(t, own, "package demo\n")

	code, out := moqgen("-check")
	if code != 1 || strings.Count(out, "+++ ") != 3 {
		t.Errorf("after drifting: %d, %.2000s", code, out)
	}
	for _, want := range []string{"-package demo // by hand\n+package demo\n", "+++ gen/demo/all.go", "+++ gen/demo/old.go", "-" + header} {
		if !strings.Contains(out, want) {
			t.Errorf("the diff lacks %q", want)
		}
	}
	repaired(t, moqgen, stale, own)
}

// repaired tells whether -w brings back what drifted, removes the file that is not made any more and leaves the one that
// is not generated.
func repaired(t *testing.T, moqgen func(...string) (int, string), stale, own string) {
	t.Helper()
	moqgen("-w")
	if code, out := moqgen("-check"); code != 0 {
		t.Errorf("after writing again: %d, %.200s", code, out)
	}
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("the file that is not made any more is still there (%v)", err)
	}
	if _, err := os.Stat(own); err != nil {
		t.Errorf("a file that is not generated is gone: %v", err)
	}
}
