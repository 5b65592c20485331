package codegen

import (
	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// genParse makes Parse of a message. One with several layouts gets a function for each.
func (g *generator) genParse(f *j.File, mo *model) {
	f.Comment("Parse reads " + article(mo.wire) + mo.wire + " from the start of src; see [Message].")
	head := func() *j.Statement {
		return f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id("Parse").
			Params(j.Id("src").Index().Byte(), j.Id("v").Id("Version")).Params(j.Int(), j.Error())
	}
	if len(mo.blocks) == 1 {
		head().BlockFunc(func(b *j.Group) {
			b.If(g.absent(mo.on)).Block(j.Return(j.Lit(0), j.Id("missing").Call(j.Id("v"), j.Lit(mo.wire))))
			g.parseBlock(b, mo, mo.blocks[0])
		})
		return
	}
	head().BlockFunc(func(b *j.Group) {
		b.If(g.absent(mo.on)).Block(j.Return(j.Lit(0), j.Id("missing").Call(j.Id("v"), j.Lit(mo.wire))))
		g.byBlock(b, mo, "parse")
	})
	for i, blk := range mo.blocks {
		f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id(layoutName("parse", i)).
			Params(j.Id("src").Index().Byte(), j.Id("v").Id("Version")).Params(j.Int(), j.Error()).
			BlockFunc(func(b *j.Group) { g.parseBlock(b, mo, blk) })
	}
}

func layoutName(verb string, i int) string { return verb + string(rune('A'+i)) }

// parseBlock emits the body of a parse of one layout of a message.
func (g *generator) parseBlock(b *j.Group, mo *model, blk *spec.Block) {
	c := g.codec(mo, blk, true)
	var body []j.Code
	body = append(body, c.parseFraming()...)
	body = append(body, c.reset()...)
	body = append(body, c.parseFields()...)
	if blk.Framing != spec.Unframed || c.fillsDatagram() {
		body = append(body, j.If(j.Id("off").Op("!=").Len(j.Id("src"))).Block(
			c.parseFail("", j.Id("off"), wire("Trailing").Call(j.Len(j.Id("src")).Op("-").Id("off")))))
	}
	c.declare(b)
	for _, s := range body {
		b.Add(s)
	}
	b.Return(j.Id("off"), j.Nil())
}

// fillsDatagram tells whether something may be left over at the end of a datagram.
func (c *codec) fillsDatagram() bool {
	for _, f := range c.block.Fields {
		if f.Kind.Name == "rest" && f.If == nil {
			return false
		}
	}
	return len(c.block.Places) == 1 && c.block.Places[0].Stream == "datagram"
}

// parseFraming reads type and length, cuts src to the message and leaves off at its fields.
func (c *codec) parseFraming() []j.Code {
	if c.block.Framing == spec.Unframed && len(c.block.Codes) == 0 {
		return []j.Code{j.Id("off").Op(":=").Lit(0)}
	}
	var out []j.Code
	at := j.Lit(0)
	if len(c.block.Codes) > 0 {
		at = c.scratch("n")
		out = append(out,
			j.List(c.scratch("x"), c.scratch("n")).Op("=").Add(c.parseVarint(j.Id("src"))),
			j.If(j.Id("n").Op("<=").Lit(0)).Block(c.early("Type", c.vi().Dot("Fault").Call(j.Id("src")))))
		for _, code := range c.block.Codes {
			out = append(out, c.g.when(code.On, c.within, j.If(c.otherType(code)).Block(
				c.early("Type", wire("MalformedCode").Call(j.Lit(hexText(code.Value)), j.Id("x")))))...)
		}
	}
	if c.block.Framing == spec.Unframed {
		return append(out, j.Id("off").Op(":=").Id("n"))
	}
	return append(out, c.parseLength(at)...)
}

// otherType is the condition that x is neither code nor an alias of it.
func (c *codec) otherType(code spec.Code) *j.Statement {
	cond := j.Id("x").Op("!=").Add(hex(code.Value))
	for _, alias := range c.block.Aliases {
		on := alias.On & code.On & c.within
		other := j.Id("x").Op("!=").Add(hex(alias.Value))
		switch on {
		case 0:
		case code.On & c.within:
			cond.Op("&&").Add(other)
		default:
			cond.Op("&&").Parens(other.Op("||").Add(c.g.absent(on)))
		}
	}
	return cond
}

// parseLength reads the length and cuts src to the body. What is wrong is left to the
// primitives; what is right needs no call.
func (c *codec) parseLength(at *j.Statement) []j.Code {
	fault := c.vi().Dot("Body").Call(j.Id("src"), at, c.maxBody())
	var read []j.Code
	left := j.Len(j.Id("src")).Op("-").Id("off")
	switch {
	case c.block.Framing == spec.LengthU16:
		fault = wire("BodyU16").Call(j.Id("src"), at)
		read = []j.Code{
			j.List(j.Id("off"), j.Id("end"), j.Id("e")).Op(":=").Add(fault),
			j.If(j.Id("e").Op("!=").Nil()).Block(c.early("", j.Id("e"))),
			j.Id("src").Op("=").Id("src").Index(j.Empty(), j.Id("end")),
		}
		return read
	case len(c.block.Codes) == 0:
		read = append(read, j.List(j.Id("size"), j.Id("off")).Op(":=").Add(c.parseVarint(j.Id("src"))))
	default:
		read = append(read,
			j.List(j.Id("size"), j.Id("off")).Op(":=").Add(c.parseVarint(j.Id("src").Index(j.Id("n"), j.Empty()))),
		)
		left = j.Len(j.Id("src")).Op("-").Id("n").Op("-").Id("off")
	}
	bad := j.Id("off").Op("<=").Lit(0).Op("||").Id("size").Op(">").Add(c.maxBody()).Op("||").Id("size").Op(">").Uint64().Call(left)
	read = append(read, j.If(bad).Block(
		j.List(j.Id("_"), j.Id("_"), j.Id("e")).Op(":=").Add(fault),
		c.early("", j.Id("e"))))
	if len(c.block.Codes) > 0 {
		read = append(read, j.Id("off").Op("+=").Id("n"))
	}
	return append(read, j.Id("src").Op("=").Id("src").Index(j.Empty(), j.Id("off").Op("+").Int().Call(j.Id("size"))))
}

// maxBody is the longest body of the message.
func (c *codec) maxBody() *j.Statement {
	if c.block.MaxBody != 0 {
		return j.Lit(c.block.MaxBody)
	}
	return j.Id("maxBody")
}

// parseVarint reads a varint: without a detour where all versions have the QUIC form.
func (c *codec) parseVarint(src *j.Statement) *j.Statement {
	if c.g.quicVi() {
		return wire("ParseVarint").Call(src)
	}
	return c.vi().Dot("Parse").Call(src)
}

// appendVarint writes a varint to b.
func (c *codec) appendVarint(x *j.Statement) *j.Statement {
	if c.g.quicVi() {
		return j.Id("b").Op("=").Add(wire("AppendVarint")).Call(j.Id("b"), x)
	}
	return j.Id("b").Op("=").Add(c.vi()).Dot("Append").Call(j.Id("b"), x)
}

func (g *generator) quicVi() bool { return g.oneVi && g.fam.Versions[0].Vi == "rfc9000" }

func hexText(code uint64) string { return hex(code).GoString() }

// early fails outside of the body, where more bytes may help.
func (c *codec) early(field string, e *j.Statement) j.Code {
	return j.Return(j.Id("fail").Call(j.Id("v"), j.Lit(c.mo.wire), j.Lit(field), j.Lit(0), e))
}

// parseFail ends a parse with an error about a field that starts at off.
func (c *codec) parseFail(field string, off, e *j.Statement) j.Code {
	if !c.isMsg {
		return j.Return(j.Lit(0), e.Dot("At").Call(j.Lit(field), off))
	}
	name := "failBody"
	if c.block.Framing == spec.Unframed {
		name = "fail"
	}
	return j.Return(j.Id(name).Call(j.Id("v"), j.Lit(c.mo.wire), j.Lit(field), off, e))
}

// reset clears what the fields of this layout may leave as it was.
func (c *codec) reset() []j.Code {
	var unset []j.Code
	for _, m := range c.mo.members {
		if !c.alwaysSet(m) {
			unset = append(unset, j.Id("m").Dot(m.name).Op("=").Add(zeroOf(m)))
		}
	}
	if len(unset) < 2 {
		return unset
	}
	keep := j.Dict{}
	for _, m := range c.mo.members {
		if m.given {
			keep[j.Id(m.name)] = j.Id("m").Dot(m.name)
		}
	}
	return []j.Code{j.Op("*").Id("m").Op("=").Id(c.mo.name).Values(keep)}
}

// alwaysSet tells whether one unconditional line of the layout sets m in all its versions.
func (c *codec) alwaysSet(m *member) bool {
	if m.given {
		return true
	}
	for _, f := range c.block.Fields {
		if GoName(f.Name) == m.name && f.On == c.block.On && f.If == nil && len(f.Bits) == 0 && !f.Kind.Inline && f.Kind.Name != "tail-vi" && f.Kind.Name != "tail-u8" {
			return true
		}
	}
	return false
}
