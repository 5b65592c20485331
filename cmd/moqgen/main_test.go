package main

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/codegen"
	"github.com/moqrx/moqrx/spec"
)

var update = flag.Bool("update", false, "write what the cases give instead of comparing")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestGeneratedFilesAreCurrent fails when spec and generated files have drifted apart.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	t.Chdir("../..")
	var out, errs bytes.Buffer
	if code := run([]string{"-check"}, &out, &errs); code != 0 {
		t.Errorf("moqgen -check exits with %d: %s%.2000s", code, &errs, &out)
	}
}

// The same spec gives the same bytes, whichever was read before.
func TestOutputIsDeterministic(t *testing.T) {
	load := func() [][]codegen.File {
		var all [][]codegen.File
		for _, load := range []func() (*spec.Family, error){spec.Lite, spec.Transport} {
			f, err := load()
			if err != nil {
				t.Fatal(err)
			}
			files, err := codegen.Go(f, "x.moq")
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, files)
		}
		return all
	}
	first := load()
	for range 1 {
		for i, files := range load() {
			if !slices.EqualFunc(files, first[i], func(a, b codegen.File) bool {
				return a.Name == b.Name && bytes.Equal(a.Data, b.Data)
			}) {
				t.Error("a second run gives other files")
			}
		}
	}
}

// The cases: each is a directory with a command line in args, and spec files. What the command
// writes below gen and docs, stdout, stderr and the exit code are compared with what the directory has
// of them; -update writes that.
func TestCases(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/args")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, args := range cases {
		dir := filepath.Dir(args)
		t.Run(filepath.Base(dir), func(t *testing.T) { runCase(t, dir) })
	}
}

// isResult tells what a command gives from what it starts with.
func isResult(path string) bool {
	return path == "stdout" || path == "stderr" || path == "exit" || strings.HasPrefix(path, "gen/") || strings.HasPrefix(path, "docs/")
}

func runCase(t *testing.T, dir string) {
	text, err := os.ReadFile(filepath.Join(dir, "args"))
	if err != nil {
		t.Fatal(err)
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := tree(t, dir)
	work := t.TempDir()
	for path, data := range want {
		if !isResult(path) {
			save(t, filepath.Join(work, path), data)
		}
	}
	t.Chdir(work)
	var out, errs bytes.Buffer
	code := run(strings.Fields(string(text)), &out, &errs)
	got := tree(t, work)
	for path, data := range map[string]string{"stdout": out.String(), "stderr": errs.String(), "exit": strconv.Itoa(code) + "\n"} {
		if data != "" {
			got[path] = data
		}
	}
	if *update {
		rewrite(t, dir, got, want)
		return
	}
	for path, data := range got {
		if isResult(path) && want[path] != data {
			t.Errorf("%s:\n%s", path, diff(path, want[path], data))
		}
	}
	for path := range want {
		if _, ok := got[path]; isResult(path) && !ok {
			t.Errorf("%s is not there any more", path)
		}
	}
}

// rewrite makes what a case gave its expectation.
func rewrite(t *testing.T, dir string, got, want map[string]string) {
	for path := range want {
		if isResult(path) {
			if err := os.Remove(filepath.Join(dir, path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for path, data := range got {
		if isResult(path) {
			save(t, filepath.Join(dir, path), data)
		}
	}
}

// tree reads all files below dir, by their path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func save(t *testing.T, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What the cases expect to be generated has to compile, and its tests have to pass.
func TestExpectedOutputCompiles(t *testing.T) {
	found, err := filepath.Glob("testdata/*/gen/*/version.go")
	if err != nil || len(found) == 0 {
		t.Fatal("no generated packages in testdata", err)
	}
	args := []string{"test"}
	for _, file := range found {
		args = append(args, "./"+filepath.ToSlash(filepath.Dir(file)))
	}
	args = append(args, "-count=1", "-args", "-rapid.nofailfile")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
