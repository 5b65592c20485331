package house

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const top = "../.."

// A block is one fenced block of a Markdown file.
type block struct {
	file, kind string
	line       int
	lines      []string
}

// TestListingsAreCompiledCode finds each Go listing of the documentation, line for line and
// whatever its indentation, in a Go file of the module, which the compiler sees.
func TestListingsAreCompiledCode(t *testing.T) {
	sources := goSources(t)
	for _, b := range blocks(t, "go") {
		want := strings.Join(trimmed(b.lines), "\n")
		found := false
		for _, text := range sources {
			found = found || strings.Contains(text, want)
		}
		if !found {
			t.Errorf("%s:%d: no Go file of the module has this listing", b.file, b.line)
		}
	}
}

// TestOutputsAreWhatCommandsPrint runs the command of each console block (its first line, after
// "$ ") and compares what it prints with the rest of the block.
func TestOutputsAreWhatCommandsPrint(t *testing.T) {
	for _, b := range blocks(t, "console") {
		command, ok := strings.CutPrefix(b.lines[0], "$ ")
		if !ok {
			t.Errorf("%s:%d: a console block starts with %q and its command", b.file, b.line, "$ ")
			continue
		}
		cmd := exec.Command("bash", "-euo", "pipefail", "-c", command)
		cmd.Dir = top
		cmd.Env = append(os.Environ(), "NO_COLOR=1")
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s:%d: %s: %v", b.file, b.line, command, err)
		}
		want := strings.Join(b.lines[1:], "\n")
		if got := strings.TrimRight(string(out), "\n"); got != want {
			t.Errorf("%s:%d: %s printed\n%s\nand the text shows\n%s", b.file, b.line, command, got, want)
		}
	}
}

// TestLinksLeadSomewhere checks that relative links of the documentation name what is there.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, file := range documents(t) {
		for rest := prose(readFile(t, filepath.Join(top, file))); ; {
			_, after, ok := strings.Cut(rest, "](")
			if !ok {
				break
			}
			target, tail, _ := strings.Cut(after, ")")
			rest = tail
			target, _, _ = strings.Cut(target, "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(top, filepath.Dir(file), target)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", file, target)
			}
		}
	}
}

func blocks(t *testing.T, kind string) []block {
	t.Helper()
	var found []block
	for _, file := range documents(t) {
		var open *block
		for i, line := range strings.Split(readFile(t, filepath.Join(top, file)), "\n") {
			fence, isFence := strings.CutPrefix(line, "```")
			switch {
			case isFence && open == nil:
				open = &block{file: file, kind: fence, line: i + 1}
			case isFence:
				if open.kind == kind {
					found = append(found, *open)
				}
				open = nil
			case open != nil:
				open.lines = append(open.lines, line)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("the documentation has no %s block: nothing was checked", kind)
	}
	return found
}

// prose is the text of a Markdown file without its fenced blocks.
func prose(text string) string {
	var out strings.Builder
	for i, part := range strings.Split(text, "```") {
		if i%2 == 0 {
			out.WriteString(part)
		}
	}
	return out.String()
}

// documents are the Markdown files of the project, relative to its top.
func documents(t *testing.T) []string {
	t.Helper()
	return walk(t, ".md")
}

func goSources(t *testing.T) []string {
	t.Helper()
	var sources []string
	for _, file := range walk(t, ".go") {
		sources = append(sources, strings.Join(trimmed(strings.Split(readFile(t, filepath.Join(top, file)), "\n")), "\n"))
	}
	return sources
}

func walk(t *testing.T, ext string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != top && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !d.IsDir() && filepath.Ext(path) == ext {
			name, err := filepath.Rel(top, path)
			files = append(files, name)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func trimmed(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.TrimSpace(line)
	}
	return out
}
