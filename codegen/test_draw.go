package codegen

import (
	"math"
	"math/bits"
	"slices"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

const rapidPath = "pgregory.net/rapid"

// genDraws makes the functions that draw a valid value of each type at random.
func (g *generator) genDraws() {
	f := g.file("draw_test")
	f.ImportName(rapidPath, "rapid")
	for _, r := range g.fam.Registries {
		if g.inlineModel(r) == nil {
			g.genDrawItems(f, r, GoName(r.Name))
		}
	}
	for _, s := range g.fam.Structs {
		g.genDraw(f, s)
	}
	for _, m := range g.fam.Messages {
		g.genDraw(f, m)
		if h := headerOf(m); h != nil {
			g.genDraw(f, h)
		}
	}
}

// drawer emits the draw function of one type.
type drawer struct {
	*codec
	r *registryCodec // of the list whose items are drawn, if it is one
}

func drawHead(f *j.File, name string, more ...j.Code) *j.Statement {
	params := append([]j.Code{j.Id("t").Op("*").Qual(rapidPath, "T"), j.Id("v").Id("Version")}, more...)
	return f.Func().Id("draw" + name).Params(params...).Op("*").Id(name)
}

// genDraw makes the draw function of a message or struct.
func (g *generator) genDraw(f *j.File, m *spec.Message) {
	mo := g.modelOf(m)
	for _, b := range m.Blocks {
		for _, field := range b.Fields {
			if field.Kind.Inline {
				g.genDrawItems(f, g.fam.Registry(field.Kind.Ref), mo.name)
				return
			}
		}
	}
	drawHead(f, mo.name).BlockFunc(func(b *j.Group) {
		body := []j.Code{j.Id("m").Op(":=").Op("&").Id(mo.name).Values()}
		c := g.codec(mo, m.Blocks[0], true)
		for _, blk := range m.Blocks {
			c.block, c.within = blk, blk.On
			d := &drawer{codec: c}
			body = append(body, g.when(blk.On, g.all, d.fields()...)...)
		}
		if c.uses["vi"] {
			b.Add(g.needVi())
		}
		for _, s := range body {
			b.Add(s)
		}
		b.Return(j.Id("m"))
	})
}

// fields draws what a layout has, in its order, so that conditions find what they look at.
func (d *drawer) fields() []j.Code {
	var out []j.Code
	known := map[string]bool{}
	done := map[*spec.Refusal]bool{}
	for _, f := range d.block.Fields {
		d.within = f.On
		var code []j.Code
		switch {
		case f.Kind.Name == "data":
			continue // drawn where its length stands
		case len(f.Bits) > 0:
			code = d.bits(f)
		case lengthOf(d.block, f) != nil:
			code = d.length(f)
		default:
			code = []j.Code{d.self(f.Name).Op("=").Add(d.value(f))}
		}
		if f.If != nil {
			code = []j.Code{j.If(d.cond(f.If)).Block(code...)}
		}
		out = append(out, d.g.when(f.On, d.block.On, code...)...)
		known[f.Name] = true
		for _, b := range f.Bits {
			known[b.Name] = true
		}
		out = append(out, d.avoidable(known, done)...)
	}
	return append(out, d.avoidable(nil, done)...)
}

// avoidable gets rid of the combinations that are malformed, as soon as all their fields are
// drawn: what is drawn later may depend on them.
func (d *drawer) avoidable(known map[string]bool, done map[*spec.Refusal]bool) []j.Code {
	var out []j.Code
	for _, r := range d.block.Refuse {
		missing := slices.ContainsFunc(r.Conds, func(c *spec.Cond) bool { return known != nil && !known[c.Field] })
		if !missing && !done[r] {
			done[r] = true
			out = append(out, d.g.when(r.On, d.block.On, d.avoid(r))...)
		}
	}
	return out
}

// length draws the bytes that a length counts first, since conditions look at their number.
func (d *drawer) length(f *spec.Field) []j.Code {
	of := lengthOf(d.block, f)
	out := []j.Code{d.self(of.Name).Op("=").Add(d.value(of))}
	for _, other := range d.block.Fields {
		if other.If != nil && other.If.Field == f.Name {
			return append(out, j.Id(unexported(GoName(f.Name))).Op(":=").Len(d.self(of.Name)))
		}
	}
	return out
}

// avoid clears the last field of a combination that is malformed.
func (d *drawer) avoid(r *spec.Refusal) j.Code {
	var all *j.Statement
	for _, c := range r.Conds {
		if all == nil {
			all = d.cond(c)
		} else {
			all = all.Op("&&").Add(d.cond(c))
		}
	}
	last := r.Conds[len(r.Conds)-1].Field
	m := d.mo.member(GoName(last))
	return j.If(all).Block(d.self(last).Op("=").Add(zeroOf(m)))
}

func zeroOf(m *member) *j.Statement {
	switch m.typ.kind {
	case "struct":
		return m.typ.decl().Values()
	case "list", "bytes", "pointer":
		return j.Nil()
	case "flag":
		return j.False()
	case "string":
		return j.Lit("")
	}
	return j.Lit(0)
}

func rapid(name string) *j.Statement { return j.Qual(rapidPath, name) }

// draw draws from a generator under the name of a field.
func draw(gen *j.Statement, name string) *j.Statement {
	return gen.Dot("Draw").Call(j.Id("t"), j.Lit(name))
}

// value is the expression that draws the value of a field.
func (d *drawer) value(f *spec.Field) *j.Statement {
	switch f.Kind.Name {
	case "flag":
		return draw(rapid("Bool").Call(), f.Name)
	case "string":
		return j.Id("drawText").Call(j.Id("t"), room(f, 1), j.Lit(f.Name))
	case "path":
		return j.Id("drawPath").Call(j.Id("t"), j.Lit(f.Name))
	case "bytes", "tail":
		return j.String().Call(j.Id("drawBytes").Call(j.Id("t"), j.Lit(0), room(f, 2), j.Lit(f.Name)))
	case "data", "rest":
		return j.Id("drawBytes").Call(j.Id("t"), j.Lit(0), room(f, 1), j.Lit(f.Name))
	case "option":
		return d.option(f)
	case "tail-vi":
		return wire("OptionOf").Call(draw(rapid("Uint64Range").Call(j.Lit(0), d.vi().Dot("Max").Call()), f.Name))
	case "tail-u8":
		return j.Func().Params().Add(d.g.typeOf(f).decl()).Block(
			j.If(draw(rapid("Bool").Call(), f.Name)).Block(
				j.Return(wire("Some").Call(draw(rapid("Uint8").Call(), f.Name)))),
			j.Return(d.g.typeOf(f).decl().Values())).Call()
	case "zigzag":
		limit := j.Lit(1).Op("<<").Lit(61)
		return draw(rapid("Int64Range").Call(j.Op("-").Parens(limit.Clone()), limit.Clone().Op("-").Lit(1)), f.Name)
	case "tuple", "list":
		return d.list(f)
	case "struct":
		return j.Op("*").Id("draw"+GoName(f.Kind.Ref)).Call(j.Id("t"), j.Id("v"))
	case "params":
		args := []j.Code{j.Id("t"), j.Id("v")}
		if d.g.scoped(d.g.fam.Registry(f.Kind.Ref)) {
			args = append(args, d.scope(f))
		}
		return j.Op("*").Id("draw" + GoName(f.Kind.Ref)).Call(args...)
	case "id-delta":
		prior, _ := d.codec.value(f.Kind.Ref)
		return draw(rapid("Uint64Range").Call(j.Add(prior).Dot("Value").Op("+").Lit(1), d.vi().Dot("Max").Call()), f.Name)
	}
	return d.number(f)
}

// room is how long the bytes of a field may be drawn, if parts of them share its limit.
func room(f *spec.Field, parts uint64) *j.Statement {
	if f.Kind.Max == 0 {
		return number(20)
	}
	return number(min(20, f.Kind.Max/parts))
}

func (d *drawer) option(f *spec.Field) *j.Statement {
	some := wire("OptionOf").Call(draw(rapid("Uint64Range").Call(j.Lit(0), d.vi().Dot("Max").Call().Op("-").Lit(1)), f.Name))
	return some
}

func (d *drawer) list(f *spec.Field) *j.Statement {
	high := min(f.Kind.High, f.Kind.Low+5)
	var elem, typ *j.Statement
	switch {
	case f.Kind.Name == "tuple":
		low := 0
		if f.Kind.NonEmpty {
			low = 1
		}
		elem, typ = j.String().Call(j.Id("drawBytes").Call(j.Id("t"), j.Lit(low), room(f, 2*high), j.Lit("element"))), j.String()
	case f.Kind.Ref == "path":
		elem, typ = j.Id("drawPath").Call(j.Id("t"), j.Lit("element")), j.String()
	default:
		elem, typ = draw(rapid("Uint64Range").Call(j.Lit(0), d.vi().Dot("Max").Call()), "element"), j.Uint64()
	}
	return j.Id("drawList").Call(j.Id("t"), number(f.Kind.Low), number(high), j.Lit(f.Name),
		j.Func().Params().Add(typ).Block(j.Return(elem)))
}

// number draws within the bounds of a field, and within what earlier fields leave.
func (d *drawer) number(f *spec.Field) *j.Statement {
	typ := j.Null()
	if f.Enum != "" {
		typ = j.Id(GoName(f.Enum))
		if e := d.g.fam.Enum(f.Enum); e.Closed {
			return d.enum(f, e)
		}
	}
	low, high := number(0), number(topOf(f.Kind.Name))
	switch {
	case f.HalfOf != "":
		base, _ := d.codec.value(f.HalfOf)
		high = j.Add(base).Op("/").Lit(2)
	case f.DeltaOf != "":
		base, _ := d.codec.value(f.DeltaOf)
		high = j.Qual("math", "MaxUint64").Op("-").Add(base)
	case f.Limit != nil && f.Limit.High != math.MaxUint64:
		high = number(f.Limit.High)
	case f.Kind.Name == "vi":
		high = d.vi().Dot("Max").Call()
	}
	switch {
	case f.NotBelow != "":
		low, _ = d.codec.value(f.NotBelow)
	case f.Limit != nil:
		low = number(f.Limit.Low)
	}
	gen := map[string]string{"u8": "Uint8Range", "u16": "Uint16Range"}[f.Kind.Name]
	if gen == "" {
		gen = "Uint64Range"
	}
	x := draw(rapid(gen).Call(low, high), f.Name)
	if f.Enum != "" {
		return typ.Call(x)
	}
	return x
}

func (d *drawer) enum(f *spec.Field, e *spec.Enum) *j.Statement {
	var always, some []j.Code
	for _, v := range e.Values {
		if d.within&^v.On == 0 {
			always = append(always, j.Id(GoName(e.Name)+GoName(v.Name)))
		} else if d.within&v.On != 0 {
			some = append(some, j.Id(GoName(e.Name)+GoName(v.Name)))
		}
	}
	all := append(always, some...)
	gen := rapid("SampledFrom").Call(j.Index().Id(GoName(e.Name)).Values(all...))
	if len(some) > 0 {
		gen = gen.Dot("Filter").Call(j.Func().Params(j.Id("x").Id(GoName(e.Name))).Bool().Block(j.Return(j.Id("x").Dot("valid").Call(j.Id("v")))))
	}
	return draw(gen, f.Name)
}

func (d *drawer) bits(f *spec.Field) []j.Code {
	var out []j.Code
	for _, b := range f.Bits {
		if b.Name == "" {
			continue
		}
		x := draw(rapid("Bool").Call(), b.Name)
		if t := d.g.bitType(b); t.kind != "flag" {
			high := b.Mask >> bits.TrailingZeros64(b.Mask)
			mask := high
			if b.Limit != nil {
				high = b.Limit.High
			}
			if d.g.closed(b.Enum) {
				d.within = b.On
				x = d.enum(&spec.Field{Name: b.Name}, d.g.fam.Enum(b.Enum))
				d.within = f.On
			} else {
				x = j.Add(t.decl()).Call(draw(rapid("Uint8Range").Call(j.Lit(0), number(high)), b.Name).Op("&").Add(hex(mask)))
			}
		}
		out = append(out, d.g.when(b.On, d.within, d.self(b.Name).Op("=").Add(x))...)
	}
	return out
}
