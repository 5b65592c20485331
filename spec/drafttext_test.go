package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// draftText is what the checks need of the text of a draft: which sections it has, and its figures.
type draftText struct {
	sections map[string]string // titles by number
	figures  []figure
	codes    map[string][]string // "0x3 PROTOCOL_VIOLATION" by title of the section with the table
}

// figure is the layout of something in the text, such as "SUBSCRIBE Message { ... }".
type figure struct {
	name    string // "SUBSCRIBE Message"; empty where the figure has none
	body    string
	section string
	title   string // of the section
}

// eachDraft calls check with the text of each version of f that the directory in MOQRX_DRAFTS has: as
// draft-...-NN.md in the form of kramdown-rfc, or as draft-...-NN.txt as published. What it has not is skipped, and said
// so in a line of its own.
func eachDraft(t *testing.T, f *Family, check func(t *testing.T, version int, text *draftText)) {
	t.Helper()
	dir := os.Getenv("MOQRX_DRAFTS")
	if dir == "" {
		t.Skip("NOT CHECKED against the drafts: set MOQRX_DRAFTS to a directory with " + f.Title + "-NN.md or .txt")
	}
	if _, err := os.ReadDir(dir); err != nil {
		t.Fatalf("MOQRX_DRAFTS: %v", err)
	}
	found := 0
	var absent []string
	for _, v := range f.Versions {
		name := fmt.Sprintf("%s-%02d", f.Title, v.Number)
		var text *draftText
		for ext, parse := range map[string]func(string) *draftText{".md": parseMarkdown, ".txt": parsePlain} {
			if data, err := os.ReadFile(filepath.Join(dir, name+ext)); err == nil {
				text = parse(string(data))
			}
		}
		if text == nil {
			absent = append(absent, name)
			continue
		}
		found++
		t.Run(name, func(t *testing.T) { check(t, v.Number, text) })
	}
	if found > 0 && len(absent) > 0 {
		t.Run("the others", func(t *testing.T) { t.Skipf("NOT CHECKED: %s has no %s", dir, strings.Join(absent, ", ")) })
	}
	if found == 0 {
		t.Run(f.Title, func(t *testing.T) { t.Skipf("NOT CHECKED: %s has no draft of %s at all", dir, f.Title) })
	}
}

// reader collects sections and figures line by line.
type reader struct {
	draftText
	number, title string
	open          *figure
	close         string // the line that ends the figure
}

func newReader() *reader {
	return &reader{draftText: draftText{sections: map[string]string{}, codes: map[string][]string{}}}
}

func (r *reader) section(number, title string) {
	r.number, r.title = number, title
	r.sections[number] = title
}

// line takes a line of a figure. One that ends in { starts a layout; nested ones belong to it.
func (r *reader) line(s string) {
	indent := s[:len(s)-len(strings.TrimLeft(s, " "))]
	text := strings.TrimSpace(s)
	switch {
	case r.open != nil && s == r.close:
		r.figures = append(r.figures, *r.open)
		r.open = nil
	case r.open != nil:
		r.open.body += text + "\n"
	case strings.HasSuffix(text, "{"):
		name := strings.TrimSpace(strings.TrimSuffix(text, "{"))
		r.open = &figure{name: name, section: r.number, title: r.title}
		r.close = indent + "}"
	}
}

// row takes a line of a table that gives codes to names, whichever comes first.
func (r *reader) row(s string) {
	if m := codeRow.FindStringSubmatch(s); m != nil {
		name, code := m[1], m[2]
		if strings.HasPrefix(name, "0x") {
			name, code = code, name
		}
		if n, err := strconv.ParseUint(code, 0, 64); err == nil {
			r.codes[r.title] = append(r.codes[r.title], fmt.Sprintf("0x%x %s", n, name))
		}
	}
}

var codeRow = regexp.MustCompile(`^\s*\| *([A-Za-z0-9_]+) *\| *([A-Za-z0-9_]+) *\|`)

var heading = regexp.MustCompile(`^(#+) +(.*?)\s*(\{#.*\})?$`)

// parseMarkdown reads the source of a draft: sections have no numbers there, but are counted.
func parseMarkdown(text string) *draftText {
	r := newReader()
	var count [6]int
	fenced, middle, appendix := false, false, false
	for s := range strings.Lines(text) {
		s = strings.TrimRight(s, "\n ")
		switch m := heading.FindStringSubmatch(s); {
		case strings.HasPrefix(s, "~~~") || strings.HasPrefix(s, "```"):
			fenced, r.open = !fenced, nil
		case fenced:
			r.line(s)
		case strings.HasPrefix(s, "|"):
			r.row(s)
		case s == "--- middle":
			middle = true
		case s == "--- back":
			appendix = true
			count = [6]int{}
		case m != nil && middle:
			depth := len(m[1])
			count[depth-1]++
			clear(count[depth:])
			number := fmt.Sprint(count[0])
			if appendix {
				number = string(rune('A' + count[0] - 1))
			}
			for _, n := range count[1:depth] {
				number += fmt.Sprint(".", n)
			}
			r.section(number, m[2])
		}
	}
	return &r.draftText
}

var numbered = regexp.MustCompile(`^([1-9][0-9]*(?:\.[0-9]+)*)\.\s+(\S.*)$`)

// parsePlain reads a published text: figures are what is indented and ends in a brace.
func parsePlain(text string) *draftText {
	r := newReader()
	for s := range strings.Lines(text) {
		s = strings.TrimRight(s, "\n\f ")
		if m := numbered.FindStringSubmatch(s); m != nil {
			r.open = nil
			r.section(m[1], m[2])
		} else if strings.HasPrefix(s, "   ") {
			r.line(s)
			r.row(s)
		}
	}
	return &r.draftText
}

// Every section that a spec cites is there, in the text of each version that it is cited for, and speaks
// of what cites it.
func TestCitedSectionsExist(t *testing.T) {
	for _, from := range []func() (*Family, error){Lite, Transport} {
		f := load(t, from)
		eachDraft(t, f, func(t *testing.T, version int, text *draftText) {
			cited := 0
			look := func(name string, list []Ref) {
				for _, r := range list {
					if !r.On.Has(version) {
						continue
					}
					cited++
					if title, ok := text.sections[r.Section]; !ok {
						t.Errorf("%s: %s cites section %s, which is not there", r.Pos, name, r.Section)
					} else if !text.speaks(r.Section, name) {
						t.Errorf("%s: %s cites section %s, which is about %s", r.Pos, name, r.Section, title)
					}
				}
			}
			for _, m := range append(append([]*Message{}, f.Structs...), f.Messages...) {
				if b := m.Layout(version); b != nil {
					look(m.Name, b.Refs)
				}
			}
			for _, r := range f.Registries {
				look(r.Name, r.Refs)
			}
			for _, e := range f.Enums {
				look(e.Name, e.Refs)
			}
			if cited == 0 {
				t.Error("nothing is cited")
			}
		})
	}
}

// speaks tells whether a section has the figure of a message, or its name or one of these in its title.
func (d *draftText) speaks(section, name string) bool {
	titles := append([]string{name}, otherTitles[name]...)
	for _, want := range titles {
		if strings.Contains(mangled(d.sections[section]), mangled(want)) {
			return true
		}
	}
	for _, f := range d.figures {
		if f.section == section && figureIs(f, name) {
			return true
		}
	}
	return false
}
