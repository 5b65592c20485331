package codegen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moqrx/moqrx/spec"
)

// Changes tells what changed from one version of f to another, message by message and field by
// field, as Markdown. Remarks and sections of the drafts do not count.
func Changes(f *spec.Family, from, to int) (string, error) {
	g := newGenerator(f, "")
	var pages [2]*page
	for i, n := range []int{from, to} {
		v := f.Version(n)
		if v == nil {
			return "", fmt.Errorf("%s has no version %d", f.Title, n)
		}
		pages[i] = g.page(v)
	}
	return fmt.Sprintf("# %s to %s\n\n%s", pages[0].version.Name, pages[1].version.Name, changesText(pages[0], pages[1])), nil
}

// changesText lists the differences of two pages.
func changesText(a, b *page) string {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	if a.version.Vi != b.version.Vi {
		line("- varints: %s, was %s", b.version.Vi, a.version.Vi)
	}
	for _, title := range sectionTitles(a, b) {
		old, now := a.section(title), b.section(title)
		pairUp(old.entries, now.entries, func(e *entry) string { return e.name }, func(x, y *entry) {
			switch {
			case y == nil:
				line("- **%s** is gone%s", escape(x.name), sortOf(title))
			case x == nil:
				line("- **%s** is new%s", escape(y.name), sortOf(title))
			default:
				if changes := entryChanges(now.columns, x, y); len(changes) > 0 {
					name := y.name
					if name == "" {
						name = title
					}
					line("- **%s**", escape(name))
					for _, c := range changes {
						line("  - %s", escape(c))
					}
				}
			}
		})
	}
	if out.Len() == 0 {
		return "Nothing changed on the wire.\n"
	}
	return out.String()
}

// sortOf says what a name is where it is not a message.
func sortOf(title string) string {
	switch title {
	case "Messages":
		return ""
	case "Parts of messages":
		return " (a part of messages)"
	case "Key-value lists":
		return " (a key-value list)"
	}
	return " (" + strings.ToLower(title) + ")"
}

// sectionTitles are those of both pages, in their order.
func sectionTitles(a, b *page) []string {
	var titles []string
	pairUp(a.sections, b.sections, func(s *section) string { return s.title }, func(x, y *section) {
		if x == nil {
			x = y
		}
		titles = append(titles, x.title)
	})
	return titles
}

// section finds a section; one that the page has not is empty.
func (p *page) section(title string) *section {
	for _, s := range p.sections {
		if s.title == title {
			return s
		}
	}
	return &section{title: title}
}

// pairUp calls visit with what has the same key in both lists, in the order of the second. What
// only the first has comes last, with nil as its partner.
func pairUp[T any](old, now []*T, key func(*T) string, visit func(x, y *T)) {
	seen := map[*T]bool{}
	for _, y := range now {
		var partner *T
		for _, x := range old {
			if !seen[x] && key(x) == key(y) {
				partner = x
				seen[x] = true
				break
			}
		}
		visit(partner, y)
	}
	for _, x := range old {
		if !seen[x] {
			visit(x, nil)
		}
	}
}

// entryChanges tells what is another in facts and rows, one line each.
func entryChanges(columns []string, x, y *entry) []string {
	var out []string
	pairUp(pointers(x.facts), pointers(y.facts), func(f *fact) string { return f.key }, func(p, q *fact) {
		switch {
		case p != nil && p.key == "section" || q != nil && q.key == "section":
		case p == nil:
			out = append(out, fmt.Sprintf("%s: %s is new", q.key, q.text))
		case q == nil:
			out = append(out, fmt.Sprintf("%s: %s is gone", p.key, p.text))
		case p.text != q.text:
			out = append(out, fmt.Sprintf("%s: %s, was %s", q.key, q.text, p.text))
		}
	})
	var order []string
	pairUp(pointers(x.rows), pointers(y.rows), rowKey, func(p, q *row) {
		switch {
		case p == nil:
			out = append(out, "new: "+rowText(q))
		case q == nil:
			out = append(out, "gone: "+rowText(p))
		default:
			order = append(order, rowKey(q))
			for i, cell := range q.cells {
				switch was := p.cells[i]; {
				case cell == was:
				case columns[i] == placesColumn:
					out = append(out, rowName(columns, q)+": "+placesChange(was, cell))
				default:
					out = append(out, fmt.Sprintf("%s: %s %s, was %s", rowName(columns, q), strings.ToLower(columns[i]), orNone(cell), orNone(was)))
				}
			}
		}
	})
	if moved := inOrder(x.rows, order); moved != "" {
		out = append(out, "another order, from "+moved+" on")
	}
	return out
}

// inOrder names the first row that stands elsewhere among those that stayed, "" for none.
func inOrder(old []row, now []string) string {
	stayed := map[string]int{}
	for _, k := range now {
		stayed[k]++
	}
	i := 0
	for _, r := range old {
		k := rowKey(&r)
		if stayed[k] == 0 {
			continue
		}
		stayed[k]--
		if now[i] != k {
			return now[i]
		}
		i++
	}
	return ""
}

func pointers[T any](list []T) []*T {
	out := make([]*T, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

func rowKey(r *row) string { return r.cells[0] }

// placesChange tells which messages came and which went.
func placesChange(was, now string) string {
	lack := func(from, of string) string {
		var out []string
		for _, m := range strings.Split(of, ", ") {
			if m != "" && !slices.Contains(strings.Split(from, ", "), m) {
				out = append(out, m)
			}
		}
		return strings.Join(out, ", ")
	}
	var parts []string
	if came := lack(was, now); came != "" {
		parts = append(parts, "now also in "+came)
	}
	if went := lack(now, was); went != "" {
		parts = append(parts, "no longer in "+went)
	}
	return strings.Join(parts, "; ")
}

// rowName is what the change of a row starts with: its first cell, and the name of a type.
func rowName(columns []string, r *row) string {
	if len(columns) > 1 && columns[1] == "Name" {
		return r.cells[0] + " " + r.cells[1]
	}
	return r.cells[0]
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// rowText is a row in one line: Name kind, bounds.
func rowText(r *row) string {
	var cells []string
	for _, c := range r.cells {
		if c != "" {
			cells = append(cells, c)
		}
	}
	return strings.Join(cells, "; ")
}
