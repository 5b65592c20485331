package codegen

import (
	"math/bits"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// genAppend makes Append of a message. The newest layout stands in it, and those before in methods of their own.
func (g *generator) genAppend(f *j.File, mo *model) {
	f.Comment("Append writes m behind dst; see [Message].")
	head := func(name string) *j.Statement {
		return f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id(name).
			Params(j.Id("dst").Index().Byte(), j.Id("v").Id("Version")).Params(j.Index().Byte(), j.Error())
	}
	missing := j.Return(j.Id("dst"), j.Id("missing").Call(j.Id("v"), j.Lit(mo.wire)))
	before, last := mo.blocks[:len(mo.blocks)-1], mo.blocks[len(mo.blocks)-1]
	head("Append").BlockFunc(func(b *j.Group) {
		b.If(g.absent(mo.on)).Block(missing)
		for i, blk := range before {
			b.If(g.holds(blk.On, mo.on)).Block(j.Return(j.Id("m").Dot(layoutName("append", i)).Call(j.Id("dst"), j.Id("v"))))
		}
		g.appendBlock(b, mo, last)
	})
	for i, blk := range before {
		head(layoutName("append", i)).BlockFunc(func(b *j.Group) { g.appendBlock(b, mo, blk) })
	}
}

func (g *generator) appendBlock(b *j.Group, mo *model, blk *spec.Block) {
	c := g.codec(mo, blk, true)
	var body []j.Code
	body = append(body, c.carried()...)
	body = append(body, c.refusals(func(e *j.Statement) j.Code { return c.refuse("", e) })...)
	body = append(body, c.checkFields()...)
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
			Else().Block(end(c.vi().Dot("EndBody").Call(j.Id("b"), j.Id("mark"), c.maxBody()))...),
	}
}

// appendFields writes the fields, which have been checked.
func (c *codec) appendFields() []j.Code {
	done := map[*spec.Field]bool{}
	return c.eachField(func(f *spec.Field) []j.Code {
		if done[f] {
			return nil
		}
		var code []j.Code
		for _, f := range c.together(f) {
			done[f] = true
			code = append(code, c.appendField(f)...)
		}
		if f.If != nil && len(code) > 0 {
			code = []j.Code{j.If(c.cond(f.If)).Block(code...)}
		}
		return code
	})
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
		return []j.Code{j.Id("b").Op("=").Append(j.Id("b"), x)}
	case "flag":
		return []j.Code{j.Id("b").Op("=").Add(wire("AppendFlag")).Call(j.Id("b"), x)}
	case "u16":
		return []j.Code{j.Id("b").Op("=").Qual("encoding/binary", "BigEndian").Dot("AppendUint16").Call(j.Id("b"), x)}
	case "vi", "option", "zigzag", "id-delta":
		return c.appendVi(f)
	case "tail-vi":
		return []j.Code{j.If(x.Clone().Dot("Set")).Block(c.appendVarint(x.Clone().Dot("Value")))}
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
		return nil
	case "params":
		return c.appendParams(f)
	}
	return c.appendPart(f, x.Dot("append").Call(j.Id("b"), j.Id("v")))
}

// appendCall writes a field with a function that gives the new slice and an error.
func (c *codec) appendCall(f *spec.Field, call *j.Statement) []j.Code {
	return []j.Code{
		j.List(j.Id("b"), c.scratch("e")).Op("=").Add(call),
		j.If(j.Id("e").Op("!=").Nil()).Block(c.refuse(f.Name, j.Id("e"))),
	}
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
	x := c.self(f.Name)
	switch f.Kind.Name {
	case "option":
		return []j.Code{c.appendVarint(wire("OptionValue").Call(x))}
	case "zigzag":
		return []j.Code{c.appendVarint(wire("Zigzag").Call(x))}
	case "id-delta":
		prior, _ := c.value(f.Kind.Ref)
		return []j.Code{
			j.List(c.scratch("x"), c.scratch("ok")).Op("=").Add(c.vi()).Dot("IDDelta").Call(prior, x),
			j.If(j.Op("!").Id("ok")).Block(c.refuse(f.Name, c.vi().Dot("IDFault").Call(x))),
			c.appendVarint(j.Id("x")),
		}
	}
	if f.Enum != "" {
		x = j.Uint64().Call(x)
	}
	return []j.Code{c.appendVarint(x)}
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
	out = append(out, c.eachBit(f, c.appendBit)...)
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
	value := j.Uint64().Call(x)
	if shift > 0 {
		value = value.Op("<<").Lit(shift)
	}
	return []j.Code{j.Id("x").Op("|=").Add(value)}
}

// genStructAppend makes the append of a struct.
func (g *generator) genStructAppend(f *j.File, mo *model) {
	f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id("append").
		Params(j.Id("dst").Index().Byte(), j.Id("v").Id("Version")).Params(j.Index().Byte(), wireError()).
		BlockFunc(func(b *j.Group) { g.byBlock(b, mo, "append") })
	g.eachBlock(f, mo, "append", []j.Code{j.Index().Byte(), wireError()}, func(b *j.Group, blk *spec.Block) {
		c := g.codec(mo, blk, false)
		body := append(c.carried(), c.refusals(func(e *j.Statement) j.Code { return c.refuse("", e) })...)
		body = append(body, c.checkFields()...)
		body = append(body, j.Id("b").Op(":=").Id("dst"))
		body = append(body, c.appendFields()...)
		c.declare(b)
		for _, s := range body {
			b.Add(s)
		}
		b.Return(j.Id("b"), j.Nil())
	})
}
