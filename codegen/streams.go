package codegen

import (
	"fmt"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// hex is an untyped constant in hexadecimal.
func hex(v uint64) *j.Statement { return j.Op(fmt.Sprintf("0x%x", v)) }

// number is an untyped constant in decimal.
func number(v uint64) *j.Statement { return j.Op(fmt.Sprintf("%d", v)) }

func (g *generator) hasTypedStreams() bool {
	for _, s := range g.fam.Streams {
		if s.Typed {
			return true
		}
	}
	return false
}

// streamKinds are the kinds of streams and what they are called.
var streamKinds = []struct{ spec, goName, doc string }{
	{"uni", "Uni", "unidirectional"}, {"bidi", "Bidi", "bidirectional"},
}

// typedStreams lists the streams of a kind that have a type.
func (g *generator) typedStreams(kind string) []*spec.Stream {
	var list []*spec.Stream
	for _, s := range g.fam.Streams {
		if s.Kind == kind && s.Typed {
			list = append(list, s)
		}
	}
	return list
}

// genStreams makes the types of stream types and their codecs.
func (g *generator) genStreams() {
	f := g.file("stream")
	for _, kind := range streamKinds {
		if list := g.typedStreams(kind.spec); len(list) > 0 {
			g.genStreamType(f, kind.goName, kind.doc, list)
		}
	}
}

func (g *generator) genStreamType(f *j.File, prefix, kind string, list []*spec.Stream) {
	typ := prefix + "Stream"
	f.Comment(fmt.Sprintf("%s is the type of a %s stream, the first thing on it.", typ, kind))
	f.Type().Id(typ).Uint64()
	f.Comment("The types of " + kind + " streams.")
	f.Const().DefsFunc(func(d *j.Group) {
		for _, s := range list {
			line := d.Id(prefix + GoName(s.Name)).Id(typ).Op("=").Add(hex(s.Code))
			if doc := g.streamDoc(s); doc != "" {
				line.Comment(doc)
			}
		}
	})
	f.Comment("String is the name of the type, or its number.")
	f.Func().Params(j.Id("t").Id(typ)).Id("String").Params().String().Block(
		j.Switch(j.Id("t")).BlockFunc(func(sw *j.Group) {
			for _, s := range list {
				sw.Case(j.Id(prefix + GoName(s.Name))).Block(j.Return(j.Lit(s.Name)))
			}
		}),
		j.Return(j.Qual("fmt", "Sprintf").Call(j.Lit(prefix+"Stream(0x%x)"), j.Uint64().Call(j.Id("t")))))
	g.genStreamCheck(f, typ, prefix, list)
	g.genStreamCodec(f, typ)
}

// openedBy says who opens a stream.
func openedBy(who string) string {
	if who == "either" {
		return "opened by either side"
	}
	return "opened by the " + who
}

func (g *generator) streamDoc(s *spec.Stream) string {
	doc := ""
	if s.On != g.all {
		doc = g.versionsText(s.On)
	}
	if doc != "" {
		doc += ": "
	}
	doc += openedBy(s.Opener)
	if s.Doc != "" {
		doc += "; " + s.Doc
	}
	return doc
}

// genStreamCheck makes the check that a version serves a type.
func (g *generator) genStreamCheck(f *j.File, typ, prefix string, list []*spec.Stream) {
	f.Func().Params(j.Id("t").Id(typ)).Id("check").Params(j.Id("v").Id("Version")).Add(wireError()).Block(
		j.If(g.absent(g.all)).Block(j.Return(wire("Unsupported").Call(j.Lit("stream type ").Op("+").Id("t").Dot("String").Call()))),
		j.Switch(j.Id("t")).BlockFunc(func(sw *j.Group) {
			for _, s := range list {
				served := s.On &^ s.Refused
				body := g.when(served, g.all, j.Return(j.Nil()))
				sw.Case(j.Id(prefix + GoName(s.Name))).Block(body...)
			}
			sw.Default().Block(j.Return(wire("MalformedCode").Call(j.Lit("a known stream type"), j.Uint64().Call(j.Id("t")))))
		}),
		j.Return(wire("Unsupported").Call(j.Lit("stream type ").Op("+").Id("t").Dot("String").Call())))
}

func (g *generator) genStreamCodec(f *j.File, typ string) {
	f.Comment(fmt.Sprintf("Append%s writes the type. A type that no endpoint of v accepts is an error, and dst comes back as it was.", typ))
	f.Func().Id("Append"+typ).Params(j.Id("dst").Index().Byte(), j.Id("t").Id(typ), j.Id("v").Id("Version")).
		Params(j.Index().Byte(), j.Error()).Block(
		j.If(j.Id("e").Op(":=").Id("t").Dot("check").Call(j.Id("v")), j.Id("e").Op("!=").Nil()).Block(
			j.Return(j.Id("dst"), j.Id("refuse").Call(j.Id("v"), j.Lit("stream"), j.Lit("Type"), j.Id("e")))),
		g.needVi(),
		j.Return(j.Id("vi").Dot("Append").Call(j.Id("dst"), j.Uint64().Call(j.Id("t"))), j.Nil()))
	comment(f, fmt.Sprintf("Parse%s reads the type from the start of src. An unknown type is malformed, one that v does not\nserve is unsupported; both come with the type and the bytes it took.", typ))
	f.Func().Id("Parse"+typ).Params(j.Id("src").Index().Byte(), j.Id("v").Id("Version")).
		Params(j.Id("t").Id(typ), j.Id("n").Int(), j.Err().Error()).Block(
		g.needVi(),
		j.List(j.Id("x"), j.Id("n")).Op(":=").Id("vi").Dot("Parse").Call(j.Id("src")),
		j.If(j.Id("n").Op("<=").Lit(0)).Block(
			j.List(j.Id("_"), j.Err()).Op("=").Id("fail").Call(j.Id("v"), j.Lit("stream"), j.Lit("Type"), j.Lit(0), j.Id("vi").Dot("Fault").Call(j.Id("src"))),
			j.Return(j.Lit(0), j.Lit(0), j.Err())),
		j.Id("t").Op("=").Id(typ).Call(j.Id("x")),
		j.If(j.Id("e").Op(":=").Id("t").Dot("check").Call(j.Id("v")), j.Id("e").Op("!=").Nil()).Block(
			j.List(j.Id("_"), j.Err()).Op("=").Id("fail").Call(j.Id("v"), j.Lit("stream"), j.Lit("Type"), j.Lit(0), j.Id("e"))),
		j.Return(j.Id("t"), j.Id("n"), j.Err()))
}

// genEnum makes the type and the names of an enum.
func (g *generator) genEnum(e *spec.Enum) {
	name := GoName(e.Name)
	f := g.file(SnakeName(e.Name))
	doc := fmt.Sprintf("%s is one of the values below.", name)
	if !e.Closed {
		doc = fmt.Sprintf("%s is one of the values below, or one that later versions may give a meaning.", name)
	}
	comment(f, doc+"\n"+e.Doc)
	f.Type().Id(name).Add(enumBase(e))
	f.Comment("The values of " + name + ".")
	f.Const().DefsFunc(func(d *j.Group) {
		for _, v := range e.Values {
			line := d.Id(g.valueConst(e, v)).Id(name).Op("=").Add(enumNumber(e, v.Value))
			text := v.Doc
			if v.On != g.all {
				text = g.versionsText(v.On) + ": " + text
			}
			if text != "" {
				line.Comment(text)
			}
		}
	})
	g.genEnumNames(f, e, name)
	if e.Closed {
		g.genEnumValid(f, e, name)
	}
}

// valueConst is the name of the constant of a value. One whose number changed between versions
// has the first version of each behind it.
func (g *generator) valueConst(e *spec.Enum, v *spec.EnumValue) string {
	name := GoName(e.Name) + GoName(v.Name)
	for _, w := range e.Values {
		if w != v && w.Name == v.Name {
			return fmt.Sprintf("%s%0*d", name, g.width, v.On.Numbers()[0])
		}
	}
	return name
}

// enumNumber writes codes as the drafts do, and other values in decimal.
func enumNumber(e *spec.Enum, v uint64) *j.Statement {
	if e.Base == "vi" && !e.Closed {
		return hex(v)
	}
	return number(v)
}

// byValue groups the names of an enum by their number, in the order of the spec.
func byValue(e *spec.Enum) [][]*spec.EnumValue {
	var out [][]*spec.EnumValue
next:
	for _, v := range e.Values {
		for i, l := range out {
			if l[0].Value == v.Value {
				out[i] = append(l, v)
				continue next
			}
		}
		out = append(out, []*spec.EnumValue{v})
	}
	return out
}

// genEnumNames makes String and, where versions differ in the name of a number, Name.
func (g *generator) genEnumNames(f *j.File, e *spec.Enum, name string) {
	fallback := j.Return(j.Qual("strconv", "FormatUint").Call(j.Uint64().Call(j.Id("x")), j.Lit(10)))
	several := false
	f.Comment("String is the name of the value, or its number.")
	f.Func().Params(j.Id("x").Id(name)).Id("String").Params().String().Block(
		j.Switch(j.Id("x")).BlockFunc(func(s *j.Group) {
			for _, list := range byValue(e) {
				text := list[0].Name
				for _, v := range list[1:] {
					several = true
					text += " or " + v.Name
				}
				s.Case(j.Id(g.valueConst(e, list[0]))).Block(j.Return(j.Lit(text)))
			}
		}),
		fallback.Clone())
	if !several {
		return
	}
	f.Comment("Name is the name that the value has in v, or its number.")
	f.Func().Params(j.Id("x").Id(name)).Id("Name").Params(j.Id("v").Id("Version")).String().Block(
		j.Switch().BlockFunc(func(s *j.Group) {
			for _, v := range e.Values {
				is := j.Id("x").Op("==").Id(g.valueConst(e, v))
				if cond := g.holds(v.On, g.all); cond != nil {
					is.Op("&&").Add(cond)
				}
				s.Case(is).Block(j.Return(j.Lit(v.Name)))
			}
		}),
		fallback)
}

func enumBase(e *spec.Enum) *j.Statement {
	if e.Base == "u8" {
		return j.Uint8()
	}
	return j.Uint64()
}

func (g *generator) genEnumValid(f *j.File, e *spec.Enum, name string) {
	f.Comment("valid tells whether the value has a meaning in v; others are malformed.")
	f.Func().Params(j.Id("x").Id(name)).Id("valid").Params(j.Id("v").Id("Version")).Bool().Block(
		j.Switch(j.Id("x")).BlockFunc(func(s *j.Group) {
			for _, v := range e.Values {
				cond := g.holds(v.On, g.all)
				if cond == nil {
					cond = j.True()
				}
				s.Case(j.Id(name + GoName(v.Name))).Block(j.Return(cond))
			}
		}),
		j.Return(j.False()))
}
