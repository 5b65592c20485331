package codegen

import (
	"slices"
	"strings"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

const wiretestPath = "github.com/moqrx/moqrx/gen/wiretest"

// genTests makes the tests of the family and the tables that they walk.
func (g *generator) genTests() {
	g.text("codec_test", codecTests)
	if g.hasTypedStreams() {
		g.text("stream_test", g.streamTests())
	}
	f := g.file("cases_test")
	f.ImportName(rapidPath, "rapid")
	f.ImportName(wiretestPath, "wiretest")
	g.genFraming(f)
	var messages []*spec.Message
	for _, m := range g.fam.Messages {
		messages = append(messages, m)
		if h := headerOf(m); h != nil {
			messages = append(messages, h)
		}
	}
	f.Var().Id("testCases").Op("=").Index().Id("testCase").ValuesFunc(func(l *j.Group) {
		for _, m := range messages {
			l.Line().Add(g.testCase(m))
		}
		l.Line()
	})
	f.Var().Id("fieldCases").Op("=").Index().Id("fieldCase").ValuesFunc(func(l *j.Group) {
		for _, m := range messages {
			g.fieldCases(l, m)
		}
		l.Line()
	})
	f.Var().Id("hotCases").Op("=").Index().Id("hotCase").ValuesFunc(func(l *j.Group) {
		for _, m := range messages {
			if m.Blocks[0].Hot {
				l.Line().Add(g.hotCase(m))
			}
		}
		l.Line()
	})
}

// streamTests repeats the line of the tests that is about one kind of stream.
func (g *generator) streamTests() string {
	const line = "\t\t\ttestStreamType(t, n, v, AppendKindStream, ParseKindStream)\n"
	all := ""
	for _, kind := range streamKinds {
		if len(g.typedStreams(kind.spec)) > 0 {
			all += strings.ReplaceAll(line, "Kind", kind.goName)
		}
	}
	return strings.Replace(streamTests, line, all, 1)
}

func wiretest(name string) *j.Statement { return j.Qual(wiretestPath, name) }

// genFraming makes the description of how messages of the family end.
func (g *generator) genFraming(f *j.File) {
	f.Comment("framing is how a framed message of v ends.")
	f.Func().Id("framing").Params(j.Id("v").Id("Version"), j.List(j.Id("typed"), j.Id("u16")).Bool(), j.Id("limit").Int()).Add(wiretest("Framing")).Block(
		g.needVi(),
		j.Return(wiretest("Framing").Values(j.Dict{
			j.Id("Vi"):     j.Id("vi"),
			j.Id("Typed"):  j.Id("typed"),
			j.Id("U16"):    j.Id("u16"),
			j.Id("Limit"):  j.Qual("cmp", "Or").Call(j.Id("limit"), j.Id("maxBody")),
			j.Id("Closes"): j.Lit(g.fam.Close != 0),
		})))
}

func (g *generator) versionList2(on spec.Set) *j.Statement {
	return j.Index().Id("Version").ValuesFunc(func(l *j.Group) {
		numbers := on.Numbers()
		for i := range numbers {
			l.Add(g.versionConst(numbers[len(numbers)-1-i]))
		}
	})
}

func (g *generator) testCase(m *spec.Message) *j.Statement {
	name := GoName(m.Name)
	b := m.Blocks[0]
	open := false
	for _, p := range b.Places {
		open = open || p.Stream == "datagram"
	}
	for _, f := range b.Fields {
		open = open || f.Kind.Name == "rest"
	}
	var typed, loose spec.Set // with a type; with something that may be left out at the end
	for _, b := range m.Blocks {
		if len(b.Codes) > 0 {
			typed |= b.On
		}
		for _, f := range b.Fields {
			if f.Kind.Name == "tail-vi" || f.Kind.Name == "tail-u8" {
				loose |= f.On
			}
		}
	}
	c := j.Dict{
		j.Id("name"):   j.Lit(m.Name),
		j.Id("on"):     g.versionList2(m.On()),
		j.Id("typed"):  g.versionList2(typed),
		j.Id("loose"):  g.versionList2(loose),
		j.Id("u16"):    j.Lit(b.Framing == spec.LengthU16),
		j.Id("framed"): j.Lit(b.Framing != spec.Unframed),
		j.Id("open"):   j.Lit(open),
		j.Id("draw"): j.Func().Params(j.Id("t").Op("*").Add(rapid("T")), j.Id("v").Id("Version")).Id("Message").Block(
			j.Return(j.Id("draw"+name).Call(j.Id("t"), j.Id("v")))),
		j.Id("fresh"): g.fresh(g.modelOf(m)),
	}
	if b.MaxBody != 0 {
		c[j.Id("limit")] = j.Lit(b.MaxBody)
	}
	if drops := g.drops(m); len(drops) > 0 {
		c[j.Id("drops")] = j.Index().String().Values(drops...)
	}
	return j.Values(c)
}

// drops lists the members that are left out in versions that lack them.
func (g *generator) drops(m *spec.Message) []j.Code {
	var list []j.Code
	for _, mem := range g.modelOf(m).members {
		if mem.droppable {
			list = append(list, j.Lit(mem.name))
		}
	}
	return list
}

// fresh is the function that gives an empty message, with what is given copied, or, of nothing, set.
func (g *generator) fresh(mo *model) *j.Statement {
	copied, set := j.Dict{}, j.Dict{}
	for _, m := range mo.members {
		if m.given {
			copied[j.Id(m.name)] = j.Id("m").Dot(m.name)
			set[j.Id(m.name)] = someValue(m)
		}
	}
	if len(copied) == 0 {
		return j.Func().Params(j.Id("Message")).Id("Message").Block(j.Return(j.New(j.Id(mo.name))))
	}
	return j.Func().Params(j.Id("like").Id("Message")).Id("Message").Block(
		j.If(j.List(j.Id("m"), j.Id("ok")).Op(":=").Id("like").Assert(j.Op("*").Id(mo.name)), j.Id("ok")).Block(
			j.Return(j.Op("&").Id(mo.name).Values(copied))),
		j.Return(j.Op("&").Id(mo.name).Values(set)))
}

// someValue is a value that is not absent.
func someValue(m *member) *j.Statement {
	switch m.typ.kind {
	case "flag":
		return j.True()
	case "string":
		return j.Lit("x")
	case "list":
		return m.typ.decl().Values(j.Values())
	case "bytes":
		return j.Index().Byte().Values(j.Lit(1))
	case "optional":
		return m.typ.decl().Values(j.Dict{j.Id("Set"): j.True()})
	case "pointer":
		return j.New(j.Id(m.typ.decl().GoString()[1:]))
	}
	return j.Lit(1)
}

// fieldCases lists the fields that some version of m lacks.
func (g *generator) fieldCases(l *j.Group, m *spec.Message) {
	mo := g.modelOf(m)
	add := func(field string, lacking spec.Set, set ...j.Code) {
		l.Line().Values(j.Dict{
			j.Id("message"): j.Lit(m.Name),
			j.Id("field"):   j.Lit(field),
			j.Id("lacking"): g.versionList2(lacking),
			j.Id("set"):     j.Func().Params(j.Id("m").Id("Message")).Block(set...),
		})
	}
	self := func() *j.Statement { return j.Id("m").Assert(j.Op("*").Id(mo.name)) }
	for _, mem := range mo.members {
		if lacking := mo.on &^ mem.on; lacking != 0 && !mem.given && !mem.droppable {
			x := self().Dot(mem.name)
			switch {
			case mem.typ.kind == "list" && mem.typ.decl().GoString() != "[]wire.Param":
				add(mem.wire, lacking, x.Op("=").Make(mem.typ.decl(), j.Lit(1)))
			case mem.typ.kind == "struct" && g.fam.Registry(mem.wire) == nil && g.isParams(mo, mem):
				add(mem.wire, lacking, x.Dot("Unknown").Op("=").Make(j.Index().Add(wire("Param")), j.Lit(1)))
			case mem.typ.kind == "struct":
				first := g.modelOf(g.fam.Struct(fieldOf(mo, mem).Kind.Ref)).members[0]
				add(mem.wire, lacking, x.Dot(first.name).Op("=").Add(someValue(first)))
			default:
				add(mem.wire, lacking, x.Op("=").Add(someValue(mem)))
			}
		}
		g.itemCases(mo, mem, self, add)
	}
}

// fieldOf finds a line of a member.
func fieldOf(mo *model, mem *member) *spec.Field {
	for _, b := range mo.blocks {
		for _, f := range b.Fields {
			if GoName(f.Name) == mem.name {
				return f
			}
		}
	}
	return nil
}

func (g *generator) isParams(mo *model, mem *member) bool {
	f := fieldOf(mo, mem)
	return f != nil && f.Kind.Name == "params"
}

// itemCases lists the items of a member's list that some version of the list lacks.
func (g *generator) itemCases(mo *model, mem *member, self func() *j.Statement, add func(string, spec.Set, ...j.Code)) {
	f := fieldOf(mo, mem)
	if f == nil || f.Kind.Name != "params" || f.If != nil {
		return
	}
	r := g.fam.Registry(f.Kind.Ref)
	list := &model{wire: r.Name, name: GoName(r.Name), on: g.all}
	g.addItems(list, r)
	for _, it := range list.members {
		if lacking := mem.on &^ it.on; lacking != 0 && it.name != "Unknown" && it.name != "Order" {
			value := someValue(it)
			if it.typ.kind == "list" {
				value = j.Make(it.typ.decl(), j.Lit(1))
			}
			add(mem.wire+"."+it.wire, lacking, self().Dot(mem.name).Dot(it.name).Op("=").Add(value))
		}
	}
}

// hotCase is a message as it stands on the path of a frame, with numbers of several bytes.
func (g *generator) hotCase(m *spec.Message) *j.Statement {
	mo := g.modelOf(m)
	return j.Values(j.Dict{
		j.Id("on"): g.versionList2(m.On()),
		j.Id("make"): j.Func().Params(j.Id("v").Id("Version")).Id("Message").BlockFunc(func(b *j.Group) {
			b.Id("m").Op(":=").Op("&").Id(mo.name).Values()
			for _, blk := range m.Blocks {
				var set []j.Code
				for _, f := range blk.Fields {
					if mo.member(GoName(f.Name)) != nil && isHot(blk, f) {
						set = append(set, g.when(f.On, blk.On, g.hotValue(f)...)...)
					}
				}
				for _, code := range g.when(blk.On, m.On(), set...) {
					b.Add(code)
				}
			}
			b.Return(j.Id("m"))
		}),
	})
}

// isHot tells whether a field is set in a hot message: one that is there in any case, or because of
// what is given, and such a condition itself.
func isHot(b *spec.Block, f *spec.Field) bool {
	given := func(name string) bool {
		return slices.ContainsFunc(b.Fields, func(g *spec.Field) bool { return g.Name == name && g.Given })
	}
	if f.If != nil {
		return given(f.If.Field)
	}
	return !f.Given || f.Kind.Name == "option" || slices.ContainsFunc(b.Fields, func(g *spec.Field) bool {
		return g.If != nil && g.If.Field == f.Name
	})
}

func (g *generator) hotValue(f *spec.Field) []j.Code {
	x := j.Id("m").Dot(GoName(f.Name))
	switch f.Kind.Name {
	case "flag":
		return []j.Code{x.Op("=").True()}
	case "data", "rest":
		return []j.Code{x.Op("=").Index().Byte().Call(j.Lit("payload"))}
	case "option":
		return []j.Code{x.Op("=").Add(wire("Some")).Call(j.Uint64().Call(j.Lit(1000)))}
	case "params":
		return g.hotItems(f, x)
	}
	if f.Kind.Name == "u8" {
		return []j.Code{x.Op("=").Lit(100)}
	}
	return []j.Code{x.Op("=").Lit(100000)}
}

// hotItems sets the items that are numbers.
func (g *generator) hotItems(f *spec.Field, x *j.Statement) []j.Code {
	var out []j.Code
	for _, it := range g.fam.Registry(f.Kind.Ref).Items {
		if it.Kind.Name == "vi" && !it.Repeat && it.Limit == nil {
			out = append(out, g.when(it.On, f.On, x.Clone().Dot(GoName(it.Name)).Op("=").Add(wire("Some")).Call(j.Uint64().Call(j.Lit(100000))))...)
		}
	}
	return out
}
