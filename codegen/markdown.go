package codegen

import (
	"fmt"
	"strings"

	"github.com/moqrx/moqrx/spec"
)

// markdownHeader is Header as a comment of Markdown.
func markdownHeader(source string) string {
	return "<!-- " + strings.TrimPrefix(Header(source), "// ") + " -->\n"
}

// Markdown describes f for people: README.md with all versions and messages at a glance, and a
// page for each version, which ends with what changed since the one before. The same f gives
// the same bytes.
func Markdown(f *spec.Family, source string) []File {
	g := newGenerator(f, source)
	files := []File{{"README.md", []byte(markdownHeader(source) + g.overview())}}
	var before *page
	for _, v := range f.Versions {
		p := g.page(v)
		text := p.markdown()
		if before != nil && v.Alias < 0 {
			text += fmt.Sprintf("\n## Changes since %s\n\n%s", before.version.Name, changesText(before, p))
		}
		files = append(files, File{v.Name + ".md", []byte(markdownHeader(source) + text)})
		if v.Alias < 0 {
			before = p
		}
	}
	return files
}

// overview is the page of the family.
func (g *generator) overview() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", g.fam.Title)
	fmt.Fprintf(&b, "The versions, and which messages each of them has, with their types (· stands for a message without one).\n"+
		"[spec/%s](../../spec/%s) is the source; what changed between any two versions is told by\n`moqgen docs -diff %s %s`.\n\n",
		g.source, g.source, g.fam.Versions[0].Name, g.fam.Versions[len(g.fam.Versions)-1].Name)
	writeTable(&b, []string{"Version", "ALPN", "Varint"}, g.versionRows())
	b.WriteString("\n## Messages\n\n")
	columns := []string{"Message"}
	for _, v := range g.fam.Versions {
		columns = append(columns, fmt.Sprintf("%0*d", g.width, v.Number))
	}
	var rows [][]string
	for _, m := range g.fam.Messages {
		cells := []string{m.Name}
		for _, v := range g.fam.Versions {
			cells = append(cells, typeCell(m, v.Number))
		}
		rows = append(rows, cells)
	}
	writeTable(&b, columns, rows)
	return b.String()
}

func (g *generator) versionRows() [][]string {
	var rows [][]string
	for _, v := range g.fam.Versions {
		vi := v.Vi
		if v.Alias >= 0 {
			vi = "the same bytes as " + g.fam.Version(v.Alias).Name
		}
		rows = append(rows, []string{fmt.Sprintf("[%s](%s.md)", v.Name, v.Name), v.ALPN, vi})
	}
	return rows
}

func typeCell(m *spec.Message, n int) string {
	b := m.Layout(n)
	if b == nil {
		return ""
	}
	for _, c := range b.Codes {
		if c.On.Has(n) {
			return fmt.Sprintf("%#x", c.Value)
		}
	}
	return "·"
}

// markdown is the page as text.
func (p *page) markdown() string {
	var b strings.Builder
	v := p.version
	fmt.Fprintf(&b, "# %s\n\n", v.Name)
	fmt.Fprintf(&b, "ALPN `%s`; varints are %s. [All versions](README.md) of %s.\n", v.ALPN, v.Vi, p.g.fam.Title)
	if v.Alias >= 0 {
		name := p.g.fam.Version(v.Alias).Name
		fmt.Fprintf(&b, "\nThe bytes are those of [%s](%s.md).\n", name, name)
		return b.String()
	}
	for _, s := range p.sections {
		fmt.Fprintf(&b, "\n## %s\n", s.title)
		for _, e := range s.entries {
			e.markdown(&b, s.columns)
		}
	}
	return b.String()
}

func (e *entry) markdown(b *strings.Builder, columns []string) {
	if e.name != "" {
		fmt.Fprintf(b, "\n### %s\n", e.name)
	}
	if e.doc != "" {
		fmt.Fprintf(b, "\n%s\n", escape(e.doc))
	}
	if len(e.facts) > 0 {
		b.WriteByte('\n')
	}
	for _, f := range e.facts {
		fmt.Fprintf(b, "- %s: %s\n", f.key, escape(f.text))
	}
	if len(e.rows) == 0 {
		return
	}
	b.WriteByte('\n')
	var rows [][]string
	for _, r := range e.rows {
		rows = append(rows, append(append([]string{}, r.cells...), strings.ReplaceAll(r.doc, "\n", " ")))
	}
	writeTable(b, append(append([]string{}, columns...), "Remarks"), rows)
}

// writeTable writes a table, without the columns that are empty in all rows.
func writeTable(b *strings.Builder, columns []string, rows [][]string) {
	var used []int
	for i := range columns {
		for _, r := range rows {
			if r[i] != "" {
				used = append(used, i)
				break
			}
		}
	}
	line := func(cell func(i int) string) {
		for _, i := range used {
			b.WriteString("| " + cell(i) + " ")
		}
		b.WriteString("|\n")
	}
	line(func(i int) string { return columns[i] })
	line(func(int) string { return "---" })
	for _, r := range rows {
		line(func(i int) string { return escape(r[i]) })
	}
}

// escape keeps what the spec says from being read as Markdown's own signs.
func escape(s string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;").Replace(s)
}
