package codegen

import (
	"slices"
	"strings"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// model is the Go struct of a message, struct or registry: one member for each name, however
// many lines of the spec it has.
type model struct {
	wire    string // name in the spec
	name    string // Go name
	doc     string
	on      spec.Set
	blocks  []*spec.Block
	members []*member
	header  bool // the part of another message that stands in front of its bulk
}

// member is a field of the Go struct.
type member struct {
	wire      string
	name      string
	typ       goType
	on        spec.Set
	given     bool
	droppable bool
	quiet     bool
	docs      []string
}

// goType says how a value is declared and when it counts as absent.
type goType struct {
	decl func() *j.Statement
	zero func(x *j.Statement) *j.Statement // condition that x is absent
	kind string                            // number signed flag string bytes list optional pointer struct
	part bool                              // list and optional: of a struct
}

// set is the condition that x is not absent.
func (t goType) set(x *j.Statement) *j.Statement {
	switch t.kind {
	case "flag", "optional":
		return t.raw(x)
	case "struct":
		return j.Op("!").Add(t.zero(x))
	case "list", "bytes":
		return j.Len(x).Op("!=").Lit(0)
	case "pointer":
		return x.Op("!=").Nil()
	case "string":
		return x.Op("!=").Lit("")
	}
	return x.Op("!=").Lit(0)
}

func (t goType) raw(x *j.Statement) *j.Statement {
	if t.kind == "optional" {
		return x.Dot("Set")
	}
	return x
}

func plainType(kind string, decl func() *j.Statement) goType {
	return goType{kind: kind, decl: decl}
}

// typeOf gives the Go type of a field.
func (g *generator) typeOf(f *spec.Field) goType {
	switch f.Kind.Name {
	case "flag":
		return plainType("flag", j.Bool)
	case "string", "bytes", "path", "tail":
		return plainType("string", j.String)
	case "option", "tail-vi":
		return optionalType(plainType("number", j.Uint64))
	case "tail-u8":
		return optionalType(plainType("number", j.Uint8))
	case "zigzag":
		return plainType("signed", j.Int64)
	case "tuple":
		return plainType("list", func() *j.Statement { return j.Index().String() })
	case "list":
		elem := g.typeOf(&spec.Field{Kind: spec.Kind{Name: f.Kind.Ref}})
		return plainType("list", func() *j.Statement { return j.Index().Add(elem.decl()) })
	case "data", "rest":
		return plainType("bytes", func() *j.Statement { return j.Index().Byte() })
	case "struct", "params":
		return goType{
			kind: "struct",
			decl: func() *j.Statement { return j.Id(GoName(f.Kind.Ref)) },
			zero: func(x *j.Statement) *j.Statement { return x.Dot("isZero").Call() },
		}
	}
	return g.numberType(f)
}

func (g *generator) numberType(f *spec.Field) goType {
	switch {
	case f.Enum != "":
		return plainType("number", func() *j.Statement { return j.Id(GoName(f.Enum)) })
	case f.Kind.Name == "u8":
		return plainType("number", j.Uint8)
	case f.Kind.Name == "u16":
		return plainType("number", j.Uint16)
	}
	return plainType("number", j.Uint64)
}

func optionalType(t goType) goType {
	return goType{kind: "optional", part: t.kind == "struct", decl: func() *j.Statement {
		return wire("Optional").Index(t.decl())
	}}
}

// modelOf collects the members of a message or struct over all its blocks.
func (g *generator) modelOf(m *spec.Message) *model {
	mo := &model{wire: m.Name, name: GoName(m.Name), doc: m.Doc, on: m.On(), blocks: m.Blocks}
	for _, b := range m.Blocks {
		for _, f := range b.Fields {
			g.addField(mo, b, f)
		}
	}
	return mo
}

func (g *generator) addField(mo *model, b *spec.Block, f *spec.Field) {
	switch {
	case len(f.Bits) > 0:
		for _, bit := range f.Bits {
			if bit.Name != "" {
				mo.add(bit.Name, g.bitType(bit), bit.On, bit.Doc)
			}
		}
	case f.Kind.Inline:
		r := g.fam.Registry(f.Kind.Ref)
		g.inline[r.Name] = mo
		g.addItems(mo, r)
	case lengthOf(b, f) == nil:
		m := mo.add(f.Name, g.typeOf(f), f.On, f.Doc)
		m.given = m.given || f.Given
		m.droppable = m.droppable || f.Droppable
		m.quiet = m.quiet || f.Quiet
	}
}

// bitType is bool for a single bit without bounds or names.
func (g *generator) bitType(bit *spec.Bit) goType {
	f := &spec.Field{Kind: spec.Kind{Name: "u8"}, Enum: bit.Enum}
	if bit.Mask&(bit.Mask-1) == 0 && bit.Enum == "" {
		f.Kind.Name = "flag"
	}
	return g.typeOf(f)
}

// lengthOf finds the field whose length f carries, if it does: then it is not a member.
func lengthOf(b *spec.Block, f *spec.Field) *spec.Field {
	for _, other := range b.Fields {
		if other.Kind.Name == "data" && other.Kind.Ref == f.Name {
			return other
		}
	}
	return nil
}

func (mo *model) add(name string, t goType, on spec.Set, doc string) *member {
	goName := GoName(name)
	m := mo.member(goName)
	if m == nil {
		m = &member{wire: name, name: goName, typ: t}
		mo.members = append(mo.members, m)
	}
	m.on |= on & mo.on
	if doc != "" && !slices.Contains(m.docs, doc) {
		m.docs = append(m.docs, doc)
	}
	return m
}

// member finds a member by its Go name, or gives nil.
func (mo *model) member(goName string) *member {
	for _, m := range mo.members {
		if m.name == goName {
			return m
		}
	}
	return nil
}

// headerOf cuts the bulk off a message that has some: what is left is a message of its own,
// for callers that read the bulk by themselves.
func headerOf(m *spec.Message) *spec.Message {
	h := &spec.Message{
		Name: m.Name + "_HEADER", Pos: m.Pos,
		Doc: "A " + m.Name + " up to its bulk, which the caller reads or writes itself.",
	}
	for _, b := range m.Blocks {
		cut := *b
		i := slices.IndexFunc(b.Fields, func(f *spec.Field) bool { return f.Streamed })
		if i < 0 {
			return nil
		}
		cut.Fields = slices.Delete(slices.Clone(b.Fields), i, i+1)
		h.Blocks = append(h.Blocks, &cut)
	}
	return h
}

// comment writes text as a doc comment, if there is any. Lines that start with a tab are code.
func comment(g interface{ Comment(string) *j.Statement }, text string) {
	text = strings.TrimSpace(text)
	if text == "" {
		return
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "":
			g.Comment("//")
		case line[0] == '\t':
			g.Comment("//" + line)
		default:
			g.Comment("// " + line)
		}
	}
}

// article is "a" or "an", as name is read.
func article(name string) string {
	if strings.ContainsRune("AEIO", rune(name[0])) {
		return "an "
	}
	return "a "
}

// genType declares the Go struct.
func (g *generator) genType(f *j.File, mo *model, doc string) {
	comment(f, doc)
	f.Type().Id(mo.name).StructFunc(func(s *j.Group) {
		for _, m := range mo.members {
			line := s.Id(m.name).Add(m.typ.decl())
			if text := g.memberDoc(mo, m); text != "" {
				line.Comment(text)
			}
		}
	})
}

// memberDoc is the comment behind a member: what it means, and where it exists.
func (g *generator) memberDoc(mo *model, m *member) string {
	var parts []string
	switch {
	case m.given:
		parts = append(parts, "not on the wire: set it before Parse and Append")
	case m.on != mo.on:
		text := g.versionsText(m.on)
		if m.droppable {
			text += ", dropped elsewhere"
		}
		parts = append(parts, text)
	}
	for _, d := range m.docs {
		parts = append(parts, strings.ReplaceAll(d, "\n", " "))
	}
	return strings.Join(parts, ": ")
}
