package codegen

import (
	"math/bits"
	"slices"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// genAppend makes Append of a message.
func (g *generator) genAppend(f *j.File, mo *model) {
	f.Comment("Append writes m behind dst; see [Message].")
	head := func(name string) *j.Statement {
		return f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id(name).
			Params(j.Id("dst").Index().Byte(), j.Id("v").Id("Version")).Params(j.Index().Byte(), j.Error())
	}
	missing := j.Return(j.Id("dst"), j.Id("missing").Call(j.Id("v"), j.Lit(mo.wire)))
	if len(mo.blocks) == 1 {
		head("Append").BlockFunc(func(b *j.Group) {
			b.If(g.absent(mo.on)).Block(missing)
			g.appendBlock(b, mo, mo.blocks[0])
		})
		return
	}
	head("Append").BlockFunc(func(b *j.Group) {
		b.If(g.absent(mo.on)).Block(missing)
		g.byBlock(b, mo, "append")
	})
	for i, blk := range mo.blocks {
		head(layoutName("append", i)).BlockFunc(func(b *j.Group) { g.appendBlock(b, mo, blk) })
	}
}

func (g *generator) appendBlock(b *j.Group, mo *model, blk *spec.Block) {
	c := g.codec(mo, blk, true)
	var body []j.Code
	body = append(body, c.carried()...)
	body = append(body, c.refusals(func(e *j.Statement) j.Code { return c.refuse("", e) })...)
	body = append(body, j.Id("b").Op(":=").Id("dst"))
	body = append(body, c.beginBody()...)
	body = append(body, c.appendFields()...)
	body = append(body, c.endBody()...)
	c.declare(b)
	for _, s := range body {
		b.Add(s)
	}
	b.Return(j.Id("b"), j.Nil())
}

// carried refuses fields that are set though no line of the version has them.
func (c *codec) carried() []j.Code {
	var out []j.Code
	for _, m := range c.mo.members {
		lacking := c.within &^ m.on
		if lacking == 0 || m.given || m.droppable {
			continue
		}
		out = append(out, c.g.when(lacking, c.within, j.If(m.typ.set(j.Id("m").Dot(m.name))).Block(
			c.refuse(m.wire, wire("Unsupported").Call(j.Lit("")))))...)
	}
	return out
}

// refuse ends an append with an error.
func (c *codec) refuse(field string, e *j.Statement) j.Code {
	if !c.isMsg {
		return j.Return(j.Id("dst"), e.Dot("At").Call(j.Lit(field), j.Lit(0)))
	}
	return j.Return(j.Id("dst"), j.Id("refuse").Call(j.Id("v"), j.Lit(c.mo.wire), j.Lit(field), e))
}

// beginBody writes the type and leaves room for the length.
func (c *codec) beginBody() []j.Code {
	var out []j.Code
	for _, code := range c.block.Codes {
		out = append(out, c.g.when(code.On, c.within,
			c.appendVarint(hex(code.Value)))...)
	}
	if c.block.Framing == spec.Unframed {
		return out
	}
	room := []j.Code{j.Id("b"), j.Lit(0)}
	if c.block.Framing == spec.LengthU16 {
		room = append(room, j.Lit(0))
	}
	return append(out,
		j.Id("mark").Op(":=").Len(j.Id("b")),
		j.Id("b").Op("=").Append(room...))
}

// endBody fills in the length. Most bodies are short and need no call for that.
func (c *codec) endBody() []j.Code {
	end := func(call *j.Statement) []j.Code {
		return []j.Code{
			j.List(j.Id("b"), c.scratch("e")).Op("=").Add(call),
			j.If(j.Id("e").Op("!=").Nil()).Block(c.refuse("Length", j.Id("e"))),
		}
	}
	switch c.block.Framing {
	case spec.Unframed:
		return nil
	case spec.LengthU16:
		return end(wire("EndBodyU16").Call(j.Id("b"), j.Id("mark")))
	}
	return []j.Code{
		j.If(j.Id("size").Op(":=").Len(j.Id("b")).Op("-").Id("mark").Op("-").Lit(1), j.Id("size").Op("<=").Add(wire("ShortBody"))).
			Block(j.Id("b").Index(j.Id("mark")).Op("=").Byte().Call(j.Id("size"))).
			Else().Block(end(c.vi().Dot("EndBody").Call(j.Id("b"), j.Id("mark"), j.Id("maxBody")))...),
	}
}

func (c *codec) appendFields() []j.Code {
	return c.eachField(func(f *spec.Field) []j.Code {
		code := c.appendField(f)
		if f.If != nil {
			code = c.conditional(f, code)
		}
		if of := lengthOf(c.block, f); of != nil {
			code = append([]j.Code{j.Id(unexported(GoName(f.Name))).Op(":=").Uint64().Call(j.Len(c.self(of.Name)))}, code...)
		}
		return code
	})
}

// conditional puts code under the condition of f; elsewhere f has to be absent.
func (c *codec) conditional(f *spec.Field, code []j.Code) []j.Code {
	stmt := j.If(c.cond(f.If)).Block(code...)
	if m := c.mo.member(GoName(f.Name)); m != nil {
		stmt = stmt.Else().If(m.typ.set(c.self(f.Name))).Block(
			c.refuse(f.Name, wire("Malformed").Call(j.Lit("it to be absent, as the fields before it say"), j.Lit("a value"))))
	}
	return []j.Code{stmt}
}

// appendField emits the code that writes one field, by its kind.
func (c *codec) appendField(f *spec.Field) []j.Code {
	x := c.self(f.Name)
	switch f.Kind.Name {
	case "u8":
		if len(f.Bits) > 0 {
			return c.appendBits(f)
		}
		if f.Enum != "" {
			x = j.Uint8().Call(x)
		}
		return append(c.appendChecks(f), j.Id("b").Op("=").Append(j.Id("b"), x))
	case "flag":
		return []j.Code{j.Id("b").Op("=").Add(wire("AppendFlag")).Call(j.Id("b"), x)}
	case "u16":
		return append(c.appendChecks(f), j.Id("b").Op("=").Qual("encoding/binary", "BigEndian").Dot("AppendUint16").Call(j.Id("b"), x))
	case "vi", "option", "zigzag", "id-delta":
		return c.appendVi(f)
	case "tail-vi":
		return []j.Code{j.If(x.Clone().Dot("Set")).Block(
			c.ifAbove(f, x.Clone().Dot("Value")), c.appendVarint(x.Clone().Dot("Value")))}
	case "tail-u8":
		return []j.Code{j.If(x.Clone().Dot("Set")).Block(j.Id("b").Op("=").Append(j.Id("b"), x.Clone().Dot("Value")))}
	case "data", "rest", "tail":
		return []j.Code{j.Id("b").Op("=").Append(j.Id("b"), x.Op("..."))}
	case "string":
		return c.appendCall(f, c.vi().Dot("AppendString").Call(j.Id("b"), x, maxLen(f)))
	case "bytes":
		return c.appendCall(f, c.vi().Dot("AppendText").Call(j.Id("b"), x, c.textLen(f)))
	case "path":
		return c.appendCall(f, c.vi().Dot("AppendPath").Call(j.Id("b"), x, maxLen(f)))
	case "tuple":
		return c.appendCall(f, c.vi().Dot("AppendTuple").Call(append([]j.Code{j.Id("b"), x}, tupleBounds(f)...)...))
	case "list":
		return c.appendCall(f, c.vi().Dot(listFuncs(f.Kind).append).Call(append([]j.Code{j.Id("b"), x}, bounds(f)...)...))
	case "tally":
		return c.appendChecks(f)
	case "params":
		return c.appendParams(f)
	}
	return c.appendPart(f, x.Dot("append").Call(j.Id("b"), j.Id("v")))
}

func (c *codec) appendChecks(f *spec.Field) []j.Code {
	return c.checks(f, c.self(f.Name), func(e *j.Statement) j.Code { return c.refuse(f.Name, e) })
}

// appendCall writes a field with a function that gives the new slice and an error.
func (c *codec) appendCall(f *spec.Field, call *j.Statement) []j.Code {
	return append(c.appendChecks(f),
		j.List(j.Id("b"), c.scratch("e")).Op("=").Add(call),
		j.If(j.Id("e").Op("!=").Nil()).Block(c.refuse(f.Name, j.Id("e"))))
}

// appendPart is appendCall for a nested part, which may stand behind its length.
func (c *codec) appendPart(f *spec.Field, call *j.Statement) []j.Code {
	if !f.Kind.Sized {
		return c.appendCall(f, call)
	}
	mark := unexported(GoName(f.Name)) + "Mark"
	out := []j.Code{
		j.Id(mark).Op(":=").Len(j.Id("b")),
		j.Id("b").Op("=").Append(j.Id("b"), j.Lit(0)),
	}
	out = append(out, c.appendCall(f, call)...)
	return append(out, c.appendCall(f, c.vi().Dot("EndBody").Call(j.Id("b"), j.Id(mark), maxLen(f)))...)
}

func (c *codec) appendParams(f *spec.Field) []j.Code {
	if f.Kind.Inline {
		return c.appendPart(f, j.Id("m").Dot("appendItems").Call(j.Id("b"), j.Id("v")))
	}
	args := []j.Code{j.Id("b"), j.Id("v")}
	if c.g.scoped(c.g.fam.Registry(f.Kind.Ref)) {
		args = append(args, c.scope(f))
	}
	return c.appendPart(f, c.self(f.Name).Dot("appendItems").Call(args...))
}

// appendVi writes a field that is one varint on the wire.
func (c *codec) appendVi(f *spec.Field) []j.Code {
	if len(f.Bits) > 0 {
		return c.appendBits(f)
	}
	if lengthOf(c.block, f) != nil { // conditions may refer to it, so it has a name
		return []j.Code{c.appendVarint(j.Id(unexported(GoName(f.Name))))}
	}
	out := c.appendChecks(f)
	x := c.self(f.Name)
	switch f.Kind.Name {
	case "option":
		return c.appendChecked(f, wire("OptionValue").Call(x, c.vi().Dot("Max").Call()))
	case "zigzag":
		return c.appendChecked(f, wire("Zigzag").Call(x))
	case "id-delta":
		prior, _ := c.value(f.Kind.Ref)
		return []j.Code{
			j.List(c.scratch("x"), c.scratch("e")).Op("=").Add(wire("IDDelta")).Call(prior, x),
			j.If(j.Id("e").Op("!=").Nil()).Block(c.refuse(f.Name, j.Id("e"))),
			c.ifAbove(f, j.Id("x")),
			c.appendVarint(j.Id("x")),
		}
	}
	if f.Enum != "" {
		x = j.Uint64().Call(x)
	}
	if f.Limit == nil || f.Limit.High > 1<<62-1 {
		out = append(out, c.ifAbove(f, x.Clone()))
	}
	return append(out, c.appendVarint(x))
}

// appendChecked writes a varint that comes out of a conversion.
func (c *codec) appendChecked(f *spec.Field, value *j.Statement) []j.Code {
	return []j.Code{
		c.scratch("x").Op("=").Add(value),
		c.ifAbove(f, j.Id("x")),
		c.appendVarint(j.Id("x")),
	}
}

// ifAbove refuses a number that the varint of the version cannot carry.
func (c *codec) ifAbove(f *spec.Field, x *j.Statement) j.Code {
	return j.If(x.Clone().Op(">").Add(c.vi()).Dot("Max").Call()).Block(
		c.refuse(f.Name, wire("MalformedNumber").Call(j.Lit("a varint of at most 62 bits"), x)))
}

// appendBits puts a bit field together.
func (c *codec) appendBits(f *spec.Field) []j.Code {
	runs := c.maskRuns(f)
	out := []j.Code{c.scratch("x").Op("=").Add(hex(runs[0].fixed))}
	for i, r := range runs {
		if i > 0 && r.fixed != runs[i-1].fixed {
			out = append(out, c.g.when(r.on, c.within, j.Id("x").Op("=").Add(hex(r.fixed)))...)
		}
	}
	for _, b := range f.Bits {
		if b.Name == "" {
			continue
		}
		out = append(out, c.g.when(b.On, c.within, c.appendBit(b)...)...)
	}
	if f.Kind.Name == "u8" {
		return append(out, j.Id("b").Op("=").Append(j.Id("b"), j.Byte().Call(j.Id("x"))))
	}
	return append(out, c.appendVarint(j.Id("x")))
}

func (c *codec) appendBit(b *spec.Bit) []j.Code {
	x := c.self(b.Name)
	shift := bits.TrailingZeros64(b.Mask)
	if c.g.bitType(b).kind == "flag" {
		return []j.Code{j.If(x).Block(j.Id("x").Op("|=").Add(hex(b.Mask)))}
	}
	l := b.Limit
	if l == nil {
		l = &spec.Limit{High: b.Mask >> shift}
	}
	var out []j.Code
	if cond := outside(x.Clone(), l, maxUint64); cond != nil && !c.fits(b, l.High) {
		out = append(out, j.If(cond).Block(c.refuse(b.Name, wire("MalformedNumber").Call(j.Lit(limitText(l)), j.Uint64().Call(x.Clone())))))
	}
	if mask := b.Mask >> shift; mask&(mask+1) != 0 && b.Limit == nil { // bits with gaps between them
		out = []j.Code{j.If(x.Clone().Op("&^").Add(hex(mask)).Op("!=").Lit(0)).Block(
			c.refuse(b.Name, wire("MalformedNumber").Call(j.Lit("bits "+hexText(mask)), j.Uint64().Call(x.Clone()))))}
	}
	if c.g.closed(b.Enum) {
		out = append(out, j.If(j.Op("!").Add(x.Clone()).Dot("valid").Call(j.Id("v"))).Block(
			c.refuse(b.Name, wire("MalformedNumber").Call(j.Lit("a value of "+GoName(b.Enum)+" in this version"), j.Uint64().Call(x.Clone())))))
	}
	value := j.Uint64().Call(x)
	if shift > 0 {
		value = value.Op("<<").Lit(shift)
	}
	return append(out, j.Id("x").Op("|=").Add(value))
}

// fits tells whether the values of a closed enum, which are checked anyway, are all within the bits.
func (c *codec) fits(b *spec.Bit, high uint64) bool {
	return c.g.closed(b.Enum) && !slices.ContainsFunc(c.g.fam.Enum(b.Enum).Values, func(v *spec.EnumValue) bool {
		return v.On&b.On != 0 && v.Value > high
	})
}

// genStructAppend makes the append of a struct.
func (g *generator) genStructAppend(f *j.File, mo *model) {
	f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id("append").
		Params(j.Id("dst").Index().Byte(), j.Id("v").Id("Version")).Params(j.Index().Byte(), wireError()).
		BlockFunc(func(b *j.Group) { g.byBlock(b, mo, "append") })
	g.eachBlock(f, mo, "append", []j.Code{j.Index().Byte(), wireError()}, func(b *j.Group, blk *spec.Block) {
		c := g.codec(mo, blk, false)
		body := append(c.carried(), c.refusals(func(e *j.Statement) j.Code { return c.refuse("", e) })...)
		body = append(body, j.Id("b").Op(":=").Id("dst"))
		body = append(body, c.appendFields()...)
		c.declare(b)
		for _, s := range body {
			b.Add(s)
		}
		b.Return(j.Id("b"), j.Nil())
	})
}
