package codegen

import (
	"math/bits"
	"slices"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// What an append refuses is looked at before anything is written: then the writing is a straight line, with nothing
// to keep for an error. Only what another function writes is checked there.

// carried refuses fields that are set though no line of the version has them.
func (c *codec) carried() []j.Code {
	var runs versionRuns
	for _, m := range c.mo.members {
		lacking := c.within &^ m.on
		if lacking == 0 || m.given || m.droppable {
			continue
		}
		runs.add(lacking, j.If(m.typ.set(j.Id("m").Dot(m.name))).Block(
			c.refuse(m.wire, wire("Unsupported").Call(j.Lit("")))))
	}
	return c.g.inTurn(runs, c.within)
}

// refuse ends an append with an error.
func (c *codec) refuse(field string, e *j.Statement) j.Code {
	if !c.isMsg {
		return j.Return(j.Id("dst"), e.Dot("At").Call(j.Lit(field), j.Lit(0)))
	}
	return j.Return(j.Id("dst"), j.Id("refuse").Call(j.Id("v"), j.Lit(c.mo.wire), j.Lit(field), e))
}

// checkFields refuses values that the layout cannot carry.
func (c *codec) checkFields() []j.Code {
	return c.eachField(func(f *spec.Field) []j.Code {
		code := c.fieldChecks(f)
		if f.If != nil {
			code = c.onlyIf(f, code)
		}
		if of := lengthOf(c.block, f); of != nil {
			code = append([]j.Code{j.Id(unexported(GoName(f.Name))).Op(":=").Uint64().Call(j.Len(c.self(of.Name)))}, code...)
		}
		return code
	})
}

// onlyIf puts checks under the condition of f; elsewhere f has to be absent.
func (c *codec) onlyIf(f *spec.Field, checks []j.Code) []j.Code {
	m := c.mo.member(GoName(f.Name))
	if m == nil { // the length of a field with the same condition
		return nil
	}
	set, refuse := m.typ.set(c.self(f.Name)), c.refuse(f.Name, wire("Misplaced").Call())
	if len(checks) > 0 {
		return []j.Code{j.If(c.cond(f.If)).Block(checks...).Else().If(set).Block(refuse)}
	}
	not := *f.If
	not.Not = !not.Not
	cond := c.cond(&not)
	if len(not.Values) > 1 {
		cond = j.Parens(cond)
	}
	return []j.Code{j.If(cond.Op("&&").Add(set)).Block(refuse)}
}

// fieldChecks are the rules about the value of one field, by its kind.
func (c *codec) fieldChecks(f *spec.Field) []j.Code {
	if len(f.Bits) > 0 {
		return c.eachBit(f, c.bitChecks)
	}
	x := c.self(f.Name)
	switch f.Kind.Name {
	case "option": // there has to be room for the one
		value := x.Clone().Dot("Value")
		return []j.Code{j.If(x.Clone().Dot("Set").Op("&&").Add(value.Clone()).Op(">=").Add(c.top())).Block(c.refuse(f.Name, wire("TooLarge").Call(value)))}
	case "zigzag":
		return []j.Code{c.ifAbove(f, wire("Zigzag").Call(x))}
	case "id-delta": // checked when the difference is known
		return nil
	case "tail-vi":
		return []j.Code{j.If(x.Clone().Dot("Set")).Block(c.ifAbove(f, x.Clone().Dot("Value")))}
	}
	if lengthOf(c.block, f) != nil {
		return nil
	}
	out := c.checks(f, x.Clone(), func(e *j.Statement) j.Code { return c.refuse(f.Name, e) })
	if f.Kind.Name == "vi" && (f.Limit == nil || f.Limit.High > 1<<62-1) && !c.g.closed(f.Enum) {
		if f.Enum != "" {
			x = j.Uint64().Call(x)
		}
		out = append(out, c.ifAbove(f, x))
	}
	return out
}

// top is the largest number that a varint of the version carries.
func (c *codec) top() *j.Statement {
	if c.g.oneVi {
		return c.vi().Dot("Max").Call()
	}
	c.scratch("vi")
	return c.scratch("top")
}

// ifAbove refuses a number that the varint of the version cannot carry.
func (c *codec) ifAbove(f *spec.Field, x *j.Statement) j.Code {
	return j.If(x.Clone().Op(">").Add(c.top())).Block(c.refuse(f.Name, wire("TooLarge").Call(x)))
}

// eachBit emits code for the named bits of f. Where two lines with one name need the same, as a member may have more
// bits in later versions, it is there once.
func (c *codec) eachBit(f *spec.Field, emit func(b *spec.Bit) []j.Code) []j.Code {
	var runs versionRuns
	for _, b := range f.Bits {
		if b.Name == "" {
			continue
		}
		code := emit(b)
		if n := len(runs); n > 0 && j.Block(code...).GoString() == j.Block(runs[n-1].code...).GoString() {
			runs[n-1].on |= b.On
		} else {
			runs.add(b.On, code...)
		}
	}
	return c.g.inTurn(runs, c.within)
}

// bitChecks are the rules about the value of some bits.
func (c *codec) bitChecks(b *spec.Bit) []j.Code {
	if c.g.bitType(b).kind == "flag" {
		return nil
	}
	x := c.self(b.Name)
	mask := b.Mask >> bits.TrailingZeros64(b.Mask)
	l := b.Limit
	if l == nil {
		l = &spec.Limit{High: mask}
	}
	refuse := func(cond *j.Statement, expected string) j.Code {
		return j.If(cond).Block(c.refuse(b.Name, wire("MalformedNumber").Call(j.Lit(expected), j.Uint64().Call(x.Clone()))))
	}
	var out []j.Code
	if cond := outside(x.Clone(), l, maxUint64); cond != nil && !c.fits(b, l.High) {
		out = append(out, refuse(cond, limitText(l)))
	}
	if mask&(mask+1) != 0 && b.Limit == nil { // bits with gaps between them
		out = []j.Code{refuse(x.Clone().Op("&^").Add(hex(mask)).Op("!=").Lit(0), "bits "+hexText(mask))}
	}
	if c.g.closed(b.Enum) {
		out = append(out, refuse(j.Op("!").Add(x.Clone()).Dot("valid").Call(j.Id("v")), "a value of "+GoName(b.Enum)+" in this version"))
	}
	return out
}

// fits tells whether the values of a closed enum, which are checked anyway, are all within the bits.
func (c *codec) fits(b *spec.Bit, high uint64) bool {
	return c.g.closed(b.Enum) && !slices.ContainsFunc(c.g.fam.Enum(b.Enum).Values, func(v *spec.EnumValue) bool {
		return v.On&b.On != 0 && v.Value > high
	})
}
