package hex

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/gen/named"
)

// sample is recorded or derived bytes whose version is known.
type sample struct {
	Version, Message, Hex string
}

func samples(t *testing.T) []sample {
	t.Helper()
	files, err := filepath.Glob("../../../../test/vectors/testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors", err)
	}
	var list []sample
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var s sample
			if err := json.Unmarshal(lines.Bytes(), &s); err == nil && s.Message != "" && s.Hex != "" {
				list = append(list, s)
			}
		}
	}
	return list
}

// The bytes of each version are given to all others: none breaks, and the version that they are from is among those that
// fit best.
func TestDetectFindsTheVersion(t *testing.T) {
	found, told := 0, 0
	for _, s := range samples(t) {
		p, err := named.Find(s.Version)
		if err != nil || p.Any {
			continue
		}
		src, err := hex.DecodeString(s.Hex)
		if err != nil {
			t.Fatal(err)
		}
		list, _, err := detect(s.Message, src)
		if err != nil {
			continue // the name of no message
		}
		i := slices.IndexFunc(list, func(v verdict) bool { return v.version == p.Name() })
		if i < 0 || list[i].rank != same {
			continue // to be rejected, or not as this project writes it
		}
		own := list[i]
		found++
		if own.rank != list[0].rank {
			t.Errorf("%s %s %s: %s fits better", s.Version, s.Message, s.Hex, list[0].version)
		}
		if list[len(list)-1].rank > same {
			told++
		}
	}
	if found < 300 || told < 100 {
		t.Errorf("of the samples only %d were read, and %d told from other versions", found, told)
	}
}

// ofGolden leaves out the versions that are newer than the golden file, so that a new draft does not change it.
func ofGolden(t *testing.T, name string, out []byte) []byte {
	t.Helper()
	if *update {
		return out
	}
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`moq-(lite|transport)-\d[\w-]*`)
	known := map[string]bool{}
	for _, v := range version.FindAllString(string(want), -1) {
		known[v] = true
	}
	var kept strings.Builder
	for line := range strings.Lines(string(out)) {
		list, isList := strings.CutPrefix(line, "  not in ")
		if !isList {
			if v := version.FindString(line); v == "" || known[v] {
				kept.WriteString(line)
			}
			continue
		}
		versions := slices.DeleteFunc(strings.Split(strings.TrimSpace(list), ", "), func(v string) bool { return !known[v] })
		kept.WriteString("  not in " + strings.Join(versions, ", ") + "\n")
	}
	return []byte(kept.String())
}

func TestPrintVersions(t *testing.T) {
	var out bytes.Buffer
	for _, c := range []struct{ message, text string }{
		{"SUBSCRIBE", "03001d080204726f6f6d05616c69636505766964656f040293880e0010ff0201"},
		{"GROUP", "020105ff"},
		{"FETCH", "00"},
	} {
		src, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		ok, err := Print(&out, named.Any, c.message, src)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			out.WriteString("=> read\n")
		}
		out.WriteString("\n")
	}
	golden(t, "versions.txt", ofGolden(t, "versions.txt", out.Bytes()))
	if _, err := Print(&out, named.Any, "NOTHING", []byte{1}); err == nil || !strings.Contains(err.Error(), "NOTHING") {
		t.Errorf("a message that no version has: %v", err)
	}
	if ok, err := Print(&out, named.Any, "varint", []byte{1}); !ok || err != nil {
		t.Errorf("a primitive needs no version: %v, %v", ok, err)
	}
}
