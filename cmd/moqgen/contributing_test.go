package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestContributingAddsADraft does what CONTRIBUTING.md shows: the first listing goes into the
// family, the second to the end of the spec. What is generated has to pass its own tests.
func TestContributingAddsADraft(t *testing.T) {
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	listings := listings(string(text), "moq")
	if len(listings) != 2 {
		t.Fatalf("CONTRIBUTING.md has %d moq listings, want the version and the message", len(listings))
	}
	if n := specLines(listings); n >= 20 {
		t.Errorf("the example takes %d lines of spec; it promises fewer than 20", n)
	}
	dir, path := withDraft(t, listings)
	moqgen := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code != 0 {
			t.Fatalf("moqgen %v: %s", args, &errs)
		}
		return out.String()
	}
	moqgen("-w", path)
	moqgen("docs", "-w", path)
	if lua := moqgen("lua", path); !strings.Contains(lua, `POLL_ANSWER = { name = "POLL_ANSWER"`) {
		t.Error("the dissector does not have the new message")
	}
	changes := moqgen("docs", "-diff", "lite-05", "lite-42", path)
	for _, want := range []string{"**POLL** is new", "**POLL_ANSWER** is new", "new: Poll; bidi; 0x7"} {
		if !strings.Contains(changes, want) {
			t.Errorf("what changed lacks %q:\n%s", want, changes)
		}
	}
	for _, file := range []string{"docs/lite/moq-lite-42.md", "gen/lite/poll.go", "gen/lite/poll_answer.go"} {
		if !exists(filepath.Join(dir, filepath.FromSlash(file))) {
			t.Errorf("there is no %s", file)
		}
	}
	tests := exec.Command("go", "test", "-count=1", "./"+filepath.ToSlash(dir)+"/gen/lite", "-args", "-rapid.nofailfile")
	if out, err := tests.CombinedOutput(); err != nil {
		t.Errorf("the generated tests fail: %v\n%s", err, out)
	}
}

// withDraft writes the spec of moq-lite with the draft of the listings into a directory, which goes away with the test.
func withDraft(t *testing.T, listings []string) (dir, path string) {
	t.Helper()
	old, err := os.ReadFile("../../spec/lite.moq")
	if err != nil {
		t.Fatal(err)
	}
	head, tail, ok := strings.Cut(string(old), "\n}\n")
	if !ok {
		t.Fatal("the family has no end")
	}
	if strings.Contains(head+"\n", listings[0]) {
		t.Skip("spec/lite.moq has the draft of the example already: somebody tries it out")
	}
	// Inside the module, because the files import the wire package; testdata is not built with it.
	dir, err = os.MkdirTemp("testdata", "draft-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	path = filepath.Join(dir, "spec", "lite.moq")
	save(t, path, head+"\n"+listings[0]+"}\n"+tail+"\n"+listings[1])
	return dir, path
}

// listings are the fenced blocks of a kind.
func listings(text, kind string) []string {
	var out []string
	for _, part := range strings.Split(text, "\n```"+kind+"\n")[1:] {
		block, _, _ := strings.Cut(part, "\n```")
		out = append(out, block+"\n")
	}
	return out
}

// specLines counts the lines that say something.
func specLines(listings []string) int {
	n := 0
	for _, l := range strings.Split(strings.Join(listings, ""), "\n") {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			n++
		}
	}
	return n
}
