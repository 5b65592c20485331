package codegen

import (
	"fmt"
	"strings"

	"github.com/moqrx/moqrx/spec"
)

// messageDoc is the doc comment of a message: what it is, where it stands, and its layouts.
func (g *generator) messageDoc(m *spec.Message, mo *model) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is the %s message (%s).", mo.name, m.Name, g.versionNames(m.On()))
	if m.Doc != "" {
		b.WriteString("\n" + m.Doc)
	}
	b.WriteString("\n\n" + g.placesDoc(m))
	for _, blk := range m.Blocks {
		b.WriteString("\n\n" + g.layoutDoc(m, blk))
	}
	return b.String()
}

func (g *generator) structDoc(m *spec.Message, mo *model) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is a part of messages (%s).", mo.name, g.versionNames(m.On()))
	if m.Doc != "" {
		b.WriteString("\n" + m.Doc)
	}
	b.WriteString(g.refsDoc(m))
	for _, blk := range m.Blocks {
		b.WriteString("\n\n" + g.layoutDoc(m, blk))
	}
	return b.String()
}

// versionNames names the versions of a set: "moq-lite-03 to moq-lite-05".
func (g *generator) versionNames(on spec.Set) string {
	var parts []string
	for _, r := range on.Runs(g.all) {
		text := g.fam.Version(r.From).Name
		if r.To != r.From {
			text += " to " + g.fam.Version(r.To).Name
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// placesDoc says on which streams a message may stand, and who sends it.
func (g *generator) placesDoc(m *spec.Message) string {
	var parts []string
	for _, b := range m.Blocks {
		for _, p := range b.Places {
			text := "in a datagram"
			if s := g.fam.Stream(p.Stream, p.On); s != nil {
				text = fmt.Sprintf("on a %s stream %s (%s)", s.Kind, p.Stream, senders[p.Role])
				if p.First {
					text = fmt.Sprintf("first on a %s stream %s (%s)", s.Kind, p.Stream, senders[p.Role])
				}
			}
			if p.On != m.On() {
				text += " in " + g.versionsText(p.On)
			}
			parts = append(parts, text)
		}
	}
	return "It stands " + strings.Join(parts, ", ") + "." + g.refsDoc(m)
}

// refsDoc cites the drafts, version by version.
func (g *generator) refsDoc(m *spec.Message) string {
	var parts []string
	for _, b := range m.Blocks {
		for _, r := range b.Refs {
			parts = append(parts, fmt.Sprintf("section %s (%s)", r.Section, g.versionsText(r.On)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "\nSee " + g.fam.Title + ", " + strings.Join(parts, ", ") + "."
}

// draftName is the file name of the text of a version.
func (g *generator) draftName(v *spec.Version) string {
	return fmt.Sprintf("%s-%02d", g.fam.Title, v.Number)
}

var senders = map[string]string{
	"opener": "sent by its opener", "acceptor": "sent to its opener", "either": "sent by either side",
}

// layoutDoc is the figure of one layout, as code in a doc comment.
func (g *generator) layoutDoc(m *spec.Message, b *spec.Block) string {
	var lines [][2]string
	add := func(name, what string) { lines = append(lines, [2]string{name, what}) }
	for _, c := range b.Codes {
		add("Type", strings.TrimSpace(fmt.Sprintf("vi = 0x%x  %s", c.Value, g.within(c.On, b.On))))
	}
	for _, c := range b.Aliases {
		add("", strings.TrimSpace(fmt.Sprintf("or 0x%x, if read  %s", c.Value, g.within(c.On, b.On))))
	}
	if b.Framing != spec.Unframed {
		add("Length", string(b.Framing)+maxText(b))
	}
	for _, f := range b.Fields {
		add(f.Name, g.fieldDoc(f, b.On))
		for _, bit := range f.Bits {
			name := bit.Name
			if name == "" {
				name = fmt.Sprintf("= %d", bit.Fixed)
			}
			add(fmt.Sprintf("  0x%02x", bit.Mask), strings.TrimSpace(name+"  "+g.within(bit.On, b.On)))
		}
	}
	width := 0
	for _, l := range lines {
		width = max(width, len(l[0]))
	}
	var s strings.Builder
	fmt.Fprintf(&s, "\t%s {\n", m.Name)
	for _, l := range lines {
		fmt.Fprintf(&s, "\t  %-*s  %s\n", width, l[0], l[1])
	}
	s.WriteString("\t}")
	return s.String()
}

// maxText is the bound of the length of a message that has one of its own.
func maxText(b *spec.Block) string {
	if b.MaxBody == 0 {
		return ""
	}
	return fmt.Sprintf(" max %d", b.MaxBody)
}

// within names a set of versions where it is not all of those around it.
func (g *generator) within(on, outer spec.Set) string {
	if on == outer {
		return ""
	}
	return g.versionsText(on)
}

func (g *generator) fieldDoc(f *spec.Field, outer spec.Set) string {
	parts := []string{kindText(f.Kind)}
	if f.Given {
		parts[0] = "given " + parts[0]
	}
	if f.Limit != nil {
		parts = append(parts, "of "+limitText(f.Limit))
	}
	if f.HalfOf != "" {
		parts = append(parts, "at most half of "+f.HalfOf)
	}
	if f.Enum != "" {
		parts = append(parts, "as "+f.Enum)
	}
	if f.Unit != "" {
		parts = append(parts, "unit "+f.Unit)
	}
	if t := g.within(f.On, outer); t != "" {
		parts = append(parts, " "+t)
	}
	if f.If != nil {
		parts = append(parts, " if "+condText(f.If))
	}
	return strings.Join(parts, " ")
}

// kindText is a kind as a spec file has it.
func kindText(k spec.Kind) string {
	s := k.Name
	switch k.Name {
	case "list":
		s = k.Ref + boundsText(k)
	case "tuple":
		s += boundsText(k)
		if k.NonEmpty {
			s += " nonempty"
		}
	case "struct":
		s = k.Ref
	case "data", "id-delta", "params":
		s += " " + k.Ref
	}
	if k.Filling {
		s = "filling " + s
	}
	if k.Sized {
		s = "sized " + s
	}
	return s
}

func boundsText(k spec.Kind) string {
	low, high := "", ""
	if k.Low > 0 {
		low = fmt.Sprint(k.Low)
	}
	if k.High != maxUint64 {
		high = fmt.Sprint(k.High)
	}
	return "[" + low + ".." + high + "]"
}

func condText(c *spec.Cond) string {
	s := c.Field
	if c.Not {
		s = "not " + s
	}
	for i, l := range c.Values {
		text := fmt.Sprint(l.Low)
		if l.High != l.Low {
			text += ".." + fmt.Sprint(l.High)
		}
		switch {
		case i > 0:
			s += ", " + text
		case len(c.Values) == 1 && l.Low == l.High:
			s += " = " + text
		default:
			s += " in " + text
		}
	}
	return s
}
