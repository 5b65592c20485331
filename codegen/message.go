package codegen

import (
	"strings"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// genMessage makes the file of a message and, where it has bulk, of its header.
func (g *generator) genMessage(m *spec.Message) {
	f := g.file(strings.ToLower(m.Name))
	g.genMessageType(f, m, g.modelOf(m))
	if h := headerOf(m); h != nil {
		mo := g.modelOf(h)
		mo.header = true
		g.genMessageType(f, h, mo)
	}
}

func (g *generator) genMessageType(f *j.File, m *spec.Message, mo *model) {
	g.genType(f, mo, g.messageDoc(m, mo))
	f.Comment("MessageName is " + mo.wire + ".")
	f.Func().Params(j.Op("*").Id(mo.name)).Id("MessageName").Params().String().Block(j.Return(j.Lit(mo.wire)))
	g.genParse(f, mo)
	g.genAppend(f, mo)
	f.Comment("Len is how many bytes Append writes.")
	f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id("Len").Params(j.Id("v").Id("Version")).Params(j.Int(), j.Error()).Block(
		j.Return(wire("Len").Call(j.Id("m").Dot("Append"), j.Id("v"))))
	g.genLogValue(f, mo)
}

// genStruct makes the file of a struct, whose codec other messages call.
func (g *generator) genStruct(m *spec.Message) {
	f := g.file(strings.ToLower(m.Name))
	mo := g.modelOf(m)
	g.genType(f, mo, g.structDoc(m, mo))
	g.genStructParse(f, mo)
	g.genStructAppend(f, mo)
	g.genLogValue(f, mo)
	f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id("isZero").Params().Bool().Block(j.Return(isZero(mo)))
}

// isZero is the condition that no member of m is set.
func isZero(mo *model) *j.Statement {
	plain := true
	var all *j.Statement
	for _, m := range mo.members {
		x := func() *j.Statement { return j.Id("m").Dot(m.name) }
		one := j.Op("!").Parens(m.typ.set(x()))
		switch m.typ.kind {
		case "list", "bytes":
			plain, one = false, j.Len(x()).Op("==").Lit(0)
		case "string":
			one = x().Op("==").Lit("")
		case "struct":
			plain, one = false, m.typ.zero(x())
		}
		if all == nil {
			all = one
		} else {
			all = all.Op("&&").Add(one)
		}
	}
	if plain {
		return j.Op("*").Id("m").Op("==").Parens(j.Id(mo.name).Values())
	}
	return all
}

// genMessages makes what holds for all messages: their interface and the way to one by name.
func (g *generator) genMessages() {
	f := g.file("message")
	f.Comment("Message is what every message of the package can do. A message is not safe for concurrent use.")
	f.Type().Id("Message").Interface(
		j.Comment("MessageName is the name in the draft."),
		j.Id("MessageName").Params().String(),
		j.Comment("Append writes the whole message behind dst. On an error dst comes back as it was."),
		j.Id("Append").Params(j.Id("dst").Index().Byte(), j.Id("v").Id("Version")).Params(j.Index().Byte(), j.Error()),
		j.Comment("Parse reads a whole message from the start of src and returns how many bytes it took."),
		j.Comment("It sets every field; after an error what they hold is unspecified. Strings and lists"),
		j.Comment("are copies. A payload aliases src."),
		j.Id("Parse").Params(j.Id("src").Index().Byte(), j.Id("v").Id("Version")).Params(j.Id("n").Int(), j.Err().Error()),
		j.Comment("Len is how many bytes Append writes. It fails as Append does, and costs as much."),
		j.Id("Len").Params(j.Id("v").Id("Version")).Params(j.Int(), j.Error()),
		j.Comment("LogValue is the fields for a log, with the names of the draft in snake case."),
		j.Qual("log/slog", "LogValuer"),
	)
	f.Comment("NewMessage gives an empty message of that name, or nil.")
	f.Func().Id("NewMessage").Params(j.Id("name").String()).Id("Message").Block(
		j.Switch(j.Id("name")).BlockFunc(func(s *j.Group) {
			for _, m := range g.fam.Messages {
				s.Case(j.Lit(m.Name)).Block(j.Return(j.New(j.Id(GoName(m.Name)))))
				if h := headerOf(m); h != nil {
					s.Case(j.Lit(h.Name)).Block(j.Return(j.New(j.Id(GoName(h.Name)))))
				}
			}
		}),
		j.Return(j.Nil()),
	)
	g.genHasMessage(f)
	for _, c := range g.fam.Choices {
		g.genChoice(f, c)
	}
}

// genHasMessage makes the common way to refuse a message that the version does not have.
func (g *generator) genHasMessage(f *j.File) {
	f.Comment("missing is the error of a message that v does not have. It stays out of line, so that the codecs are small.")
	f.Comment("//")
	f.Comment("//go:noinline")
	f.Func().Id("missing").Params(j.Id("v").Id("Version"), j.Id("message").String()).Error().Block(
		j.Return(wire("Unsupported").Call(j.Lit("")).Dot("In").Call(j.Id("v").Dot("String").Call(), j.Id("message"))))
}

// genChoice makes the parser of a place in which the type code tells the messages apart.
func (g *generator) genChoice(f *j.File, c *spec.Choice) {
	doc := "Parse" + GoName(c.Name) + " reads the message at the start of src, one of those that stand there, by its type."
	f.Comment(doc)
	name := "Parse" + GoName(c.Name)
	f.Func().Id(name).Params(j.Id("src").Index().Byte(), j.Id("v").Id("Version")).
		Params(j.Id("Message"), j.Int(), j.Error()).BlockFunc(func(b *j.Group) {
		b.If(g.absent(c.On)).Block(j.Return(j.Nil(), j.Lit(0), j.Id("missing").Call(j.Id("v"), j.Lit(c.Name))))
		for _, m := range g.fam.Messages {
			for _, code := range g.uncoded(c, m) {
				b.Add(code)
			}
		}
		b.Add(g.needVi())
		b.List(j.Id("code"), j.Id("n")).Op(":=").Id("vi").Dot("Parse").Call(j.Id("src"))
		b.If(j.Id("n").Op("<=").Lit(0)).Block(
			j.List(j.Id("_"), j.Err()).Op(":=").Id("fail").Call(j.Id("v"), j.Lit(c.Name), j.Lit("Type"), j.Lit(0), j.Id("vi").Dot("Fault").Call(j.Id("src"))),
			j.Return(j.Nil(), j.Lit(0), j.Err()))
		b.Var().Id("m").Id("Message")
		b.Switch().BlockFunc(func(s *j.Group) { g.choiceCases(s, c) })
		b.List(j.Id("n"), j.Err()).Op(":=").Id("m").Dot("Parse").Call(j.Id("src"), j.Id("v"))
		b.Return(j.Id("m"), j.Id("n"), j.Err())
	})
}

// stands tells in which versions a layout of a message stands where the choice is.
func stands(c *spec.Choice, b *spec.Block) spec.Set {
	var on spec.Set
	for _, p := range b.Places {
		if p.Stream == c.Stream && (p.Role == c.Role || p.Role == "either" || c.Role == "either") {
			on |= p.On & c.On
		}
	}
	return on
}

// uncoded reads m in the versions in which it stands in the place of the choice without a type.
func (g *generator) uncoded(c *spec.Choice, m *spec.Message) []j.Code {
	var out []j.Code
	for _, b := range m.Blocks {
		if len(b.Codes) > 0 {
			continue
		}
		out = append(out, g.when(stands(c, b)&^g.coded(c), c.On,
			j.Id("m").Op(":=").New(j.Id(GoName(m.Name))),
			j.List(j.Id("n"), j.Err()).Op(":=").Id("m").Dot("Parse").Call(j.Id("src"), j.Id("v")),
			j.Return(j.Id("m"), j.Id("n"), j.Err()))...)
	}
	return out
}

// coded is the versions in which the messages of a choice have types.
func (g *generator) coded(c *spec.Choice) spec.Set {
	var on spec.Set
	for _, m := range g.fam.Messages {
		for _, b := range m.Blocks {
			if len(b.Codes) > 0 {
				on |= stands(c, b)
			}
		}
	}
	return on
}

func (g *generator) choiceCases(s *j.Group, c *spec.Choice) {
	for _, m := range g.fam.Messages {
		for _, b := range m.Blocks {
			for _, code := range b.Types() {
				if on := code.On & stands(c, b); on != 0 {
					s.Case(g.codeIs(code.Value, on, c.On)).Block(j.Id("m").Op("=").New(j.Id(GoName(m.Name))))
				}
			}
		}
	}
	s.Default().Block(
		j.List(j.Id("_"), j.Err()).Op(":=").Id("fail").Call(j.Id("v"), j.Lit(c.Name), j.Lit("Type"), j.Lit(0),
			wire("MalformedCode").Call(j.Lit("a type of this version"), j.Id("code"))),
		j.Return(j.Nil(), j.Lit(0), j.Err()))
}

func (g *generator) codeIs(code uint64, on, within spec.Set) *j.Statement {
	is := j.Id("code").Op("==").Add(hex(code))
	if cond := g.holds(on, within); cond != nil {
		if len(on.Runs(within)) > 1 {
			cond = j.Parens(cond)
		}
		is.Op("&&").Add(cond)
	}
	return is
}
