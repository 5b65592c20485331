package codegen

import (
	"math"
	"math/bits"
	"strings"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// parseTally counts the varints up to the end: a number that is not on the wire itself.
func (c *codec) parseTally(f *spec.Field) []j.Code {
	out := []j.Code{
		j.List(c.self(f.Name), c.scratch("e")).Op("=").Add(c.vi()).Dot("Tally").Call(rest()),
		j.If(j.Id("e").Op("!=").Nil()).Block(c.parseFail(f.Name, j.Id("off"), j.Id("e"))),
	}
	return append(out, c.parseChecks(f)...)
}

// parseStruct reads a nested struct. One with a length of its own has to fill it.
func (c *codec) parseStruct(f *spec.Field) []j.Code {
	call := func(src *j.Statement) *j.Statement {
		return c.self(f.Name).Dot("parse").Call(src, j.Id("v"))
	}
	if !f.Kind.Sized {
		return c.parseNested(f, call(rest()))
	}
	return c.parseSized(f, func(part *j.Statement) *j.Statement { return call(part) })
}

func (c *codec) parseNested(f *spec.Field, call *j.Statement) []j.Code {
	return []j.Code{
		j.List(c.scratch("n"), c.scratch("e")).Op("=").Add(call),
		j.If(j.Id("e").Op("!=").Nil()).Block(c.parseFail(f.Name, j.Id("off"), j.Id("e"))),
		c.advance(),
	}
}

// parseSized reads a part that stands behind its length and has to fill it.
func (c *codec) parseSized(f *spec.Field, call func(part *j.Statement) *j.Statement) []j.Code {
	part := unexported(GoName(f.Name)) + "Part"
	body := []j.Code{
		j.List(j.Id(part), j.Id("size"), j.Id("e")).Op(":=").Add(c.vi()).Dot("ParseBytes").Call(rest(), maxLen(f)),
		j.If(j.Id("e").Op("!=").Nil()).Block(c.parseFail(f.Name, j.Id("off"), j.Id("e"))),
		j.Id("off").Op("+=").Id("size").Op("-").Len(j.Id(part)),
		j.List(j.Id("n"), j.Id("e")).Op(":=").Add(call(j.Id(part))),
		j.If(j.Id("e").Op("!=").Nil()).Block(c.parseFail(f.Name, j.Id("off"), j.Id("e").Dot("Closed").Call())),
		j.If(j.Id("n").Op("!=").Len(j.Id(part))).Block(
			c.parseFail(f.Name, j.Id("off").Op("+").Id("n"), wire("Trailing").Call(j.Len(j.Id(part)).Op("-").Id("n")))),
		j.Id("off").Op("+=").Id("n"),
	}
	if f.If != nil {
		return body // which has a block of its own
	}
	return []j.Code{j.Block(body...)}
}

// parseParams reads a key-value list into its registry's struct, or into the message itself.
func (c *codec) parseParams(f *spec.Field) []j.Code {
	call := func(src *j.Statement) *j.Statement {
		if f.Kind.Inline {
			return j.Id("m").Dot("parseItems").Call(src, j.Id("v"))
		}
		args := []j.Code{src, j.Id("v")}
		if c.g.scoped(c.g.fam.Registry(f.Kind.Ref)) {
			args = append(args, c.scope(f))
		}
		return c.self(f.Name).Dot("parseItems").Call(args...)
	}
	if f.Kind.Sized {
		return c.parseSized(f, call)
	}
	return c.parseNested(f, call(rest()))
}

// scope is what the items of the list are checked against: the message, unless the field says otherwise.
func (c *codec) scope(f *spec.Field) *j.Statement {
	name := f.Kind.Scope
	if name == "" {
		name = strings.TrimSuffix(c.mo.wire, "_HEADER")
	}
	return j.Id(scopeConst(name))
}

func scopeConst(name string) string { return "in" + GoName(name) }

// parseBits takes a bit field apart. What no line names has to be zero.
func (c *codec) parseBits(f *spec.Field) []j.Code {
	fail := func(text string) j.Code {
		return c.parseFail(f.Name, j.Id("off"), wire("MalformedCode").Call(j.Lit(text), j.Id("x")))
	}
	out := []j.Code{
		j.List(c.scratch("x"), c.scratch("n")).Op("=").Add(c.parseVarint(rest())),
		j.If(j.Id("n").Op("<=").Lit(0)).Block(c.parseFail(f.Name, j.Id("off"), c.vi().Dot("Fault").Call(rest()))),
	}
	if f.Kind.Name == "u8" {
		out = []j.Code{
			j.If(j.Id("off").Op(">=").Len(j.Id("src"))).Block(c.parseFail(f.Name, j.Id("off"), wire("Short").Call(j.Lit(1), j.Lit(0)))),
			j.List(j.Id("x"), j.Id("n")).Op("=").List(j.Uint64().Call(j.Id("src").Index(j.Id("off"))), j.Lit(1)),
		}
	}
	for _, part := range c.maskRuns(f) {
		out = append(out, c.g.when(part.on, c.within,
			j.If(part.broken()).
				Block(fail(f.Name+" bits of this version")))...)
	}
	for _, b := range f.Bits {
		if b.Name == "" {
			continue
		}
		value := j.Id("x").Op("&").Add(hex(b.Mask))
		shift := bits.TrailingZeros64(b.Mask)
		switch t := c.g.bitType(b); {
		case t.kind == "flag":
			value = value.Op("!=").Lit(0)
		case shift > 0:
			value = j.Add(t.decl()).Call(value.Op(">>").Lit(shift))
		default:
			value = j.Add(t.decl()).Call(value)
		}
		code := []j.Code{c.self(b.Name).Op("=").Add(value)}
		if b.Limit != nil {
			if cond := outside(c.self(b.Name), b.Limit, b.Mask>>shift); cond != nil {
				code = append(code, j.If(cond).Block(fail(b.Name+" of "+limitText(b.Limit))))
			}
		}
		if c.g.closed(b.Enum) {
			code = append(code, j.If(j.Op("!").Add(c.self(b.Name)).Dot("valid").Call(j.Id("v"))).Block(
				fail("a value of "+GoName(b.Enum)+" in this version")))
		}
		out = append(out, c.g.when(b.On, c.within, code...)...)
	}
	return append(out, c.advance())
}

// maskRun is which bits may be set in some versions, and which have to have a given value.
type maskRun struct {
	on                     spec.Set
	mask, fixedMask, fixed uint64
}

// broken is the condition that x does not fit.
func (r maskRun) broken() *j.Statement {
	cond := j.Id("x").Op("&^").Add(hex(r.mask)).Op("!=").Lit(0)
	if r.fixedMask != 0 {
		cond.Op("||").Id("x").Op("&").Add(hex(r.fixedMask)).Op("!=").Add(hex(r.fixed))
	}
	return cond
}

// closed tells whether an enum has a meaning for its own values only.
func (g *generator) closed(enum string) bool { return enum != "" && g.fam.Enum(enum).Closed }

// maskRuns groups the versions of the layout by the bits that they have.
func (c *codec) maskRuns(f *spec.Field) []maskRun {
	var runs []maskRun
	for _, n := range c.within.Numbers() {
		r := maskRun{on: spec.Set(0).With(n)}
		for _, b := range f.Bits {
			if b.On.Has(n) {
				r.mask |= b.Mask
				if b.Name == "" {
					r.fixedMask |= b.Mask
					r.fixed |= b.Fixed << bits.TrailingZeros64(b.Mask)
				}
			}
		}
		if k := len(runs) - 1; k >= 0 && runs[k].mask == r.mask && runs[k].fixedMask == r.fixedMask && runs[k].fixed == r.fixed {
			runs[k].on |= r.on
		} else {
			runs = append(runs, r)
		}
	}
	return runs
}

// genStructParse makes the parse of a struct: its errors are relative to where it starts.
func (g *generator) genStructParse(f *j.File, mo *model) {
	f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id("parse").
		Params(j.Id("src").Index().Byte(), j.Id("v").Id("Version")).Params(j.Int(), wireError()).
		BlockFunc(func(b *j.Group) { g.byBlock(b, mo, "parse") })
	g.eachBlock(f, mo, "parse", []j.Code{j.Int(), wireError()}, func(b *j.Group, blk *spec.Block) {
		c := g.codec(mo, blk, false)
		body := append(c.reset(), j.Id("off").Op(":=").Lit(0))
		body = append(body, c.parseFields()...)
		c.declare(b)
		for _, s := range body {
			b.Add(s)
		}
		b.Return(j.Id("off"), j.Nil())
	})
}

// byBlock emits the way to the layout of the version; versions without one cannot come here.
func (g *generator) byBlock(b *j.Group, mo *model, verb string) {
	arg := j.Id("src")
	if verb == "append" {
		arg = j.Id("dst")
	}
	for i, blk := range mo.blocks {
		call := j.Return(j.Id("m").Dot(layoutName(verb, i)).Call(arg.Clone(), j.Id("v")))
		if i == len(mo.blocks)-1 {
			b.Add(call)
			return
		}
		b.If(g.holds(blk.On, mo.on)).Block(call)
	}
}

func (g *generator) eachBlock(f *j.File, mo *model, verb string, results []j.Code, emit func(*j.Group, *spec.Block)) {
	arg := j.Id("src")
	if verb == "append" {
		arg = j.Id("dst")
	}
	for i, blk := range mo.blocks {
		f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id(layoutName(verb, i)).
			Params(arg.Clone().Index().Byte(), j.Id("v").Id("Version")).Params(results...).
			BlockFunc(func(b *j.Group) { emit(b, blk) })
	}
}

const maxUint64 = math.MaxUint64
