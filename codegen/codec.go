package codegen

import (
	"fmt"
	"math"
	"slices"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// codec is what the emitters of one function share: where its fields are and how it fails.
// The emitters note which scratch variables they use, so that only those are declared.
type codec struct {
	g      *generator
	mo     *model
	block  *spec.Block
	within spec.Set // the versions that reach the code being emitted
	isMsg  bool     // a message, not a struct: errors name it
	uses   map[string]bool
}

func (g *generator) codec(mo *model, b *spec.Block, isMsg bool) *codec {
	return &codec{g: g, mo: mo, block: b, within: b.On, isMsg: isMsg, uses: map[string]bool{}}
}

// scratch gives a variable of the function being emitted.
func (c *codec) scratch(name string) *j.Statement {
	c.uses[name] = true
	return j.Id(name)
}

// declare declares the scratch variables that were used.
func (c *codec) declare(b *j.Group) {
	if c.uses["vi"] && !c.g.oneVi {
		b.Id("vi").Op(":=").Id("v").Dot("vi").Call()
	}
	if c.uses["top"] {
		b.Id("top").Op(":=").Id("vi").Dot("Max").Call()
	}
	for _, v := range []struct {
		name string
		typ  *j.Statement
	}{{"n", j.Int()}, {"x", j.Uint64()}, {"e", wireError()}, {"ok", j.Bool()}, {"tuple", wire("Tuple")}} {
		if c.uses[v.name] {
			b.Var().Id(v.name).Add(v.typ)
		}
	}
}

func (c *codec) vi() *j.Statement { return c.scratch("vi") }

// self is the member that holds field f.
func (c *codec) self(name string) *j.Statement { return j.Id("m").Dot(GoName(name)) }

// value is where a condition finds the value of an earlier field: a member, or the local
// variable of a length that has none.
func (c *codec) value(name string) (*j.Statement, goType) {
	for _, f := range c.block.Fields {
		if f.Name == name && lengthOf(c.block, f) != nil {
			return j.Id(unexported(GoName(name))), plainType("number", j.Uint64)
		}
	}
	m := c.mo.member(GoName(name))
	return c.self(name), m.typ
}

// holds is the condition of a line, or nil.
func (c *codec) cond(cond *spec.Cond) *j.Statement {
	x, t := c.value(cond.Field)
	if len(cond.Values) == 0 {
		if !cond.Not {
			return t.set(x)
		}
		if t.kind == "flag" || t.kind == "optional" {
			return j.Op("!").Add(t.raw(x))
		}
		if t.kind == "struct" {
			return t.zero(x)
		}
		return j.Op("!").Parens(t.set(x))
	}
	var any *j.Statement
	for _, l := range cond.Values {
		one := inLimit(x.Clone(), l)
		if any == nil {
			any = one
		} else {
			any = any.Op("||").Add(one)
		}
	}
	switch one := cond.Values[0]; {
	case !cond.Not:
		return any
	case len(cond.Values) == 1 && one.Low == one.High:
		return x.Op("!=").Add(number(one.Low))
	}
	return j.Op("!").Parens(any)
}

func inLimit(x *j.Statement, l spec.Limit) *j.Statement {
	switch {
	case l.Low == l.High:
		return x.Op("==").Add(number(l.Low))
	case l.Low == 0:
		return x.Op("<=").Add(number(l.High))
	case l.High == math.MaxUint64:
		return x.Op(">=").Add(number(l.Low))
	}
	return x.Clone().Op(">=").Add(number(l.Low)).Op("&&").Add(x).Op("<=").Add(number(l.High))
}

// outside is the condition that x breaks l, or nil when nothing does. top is the largest value of its type.
func outside(x *j.Statement, l *spec.Limit, top uint64) *j.Statement {
	low, high := l.Low > 0, l.High < top
	switch {
	case low && l.Low == l.High:
		return x.Op("!=").Add(number(l.Low))
	case low && high:
		return x.Clone().Op("<").Add(number(l.Low)).Op("||").Add(x).Op(">").Add(number(l.High))
	case low && l.Low == 1:
		return x.Op("==").Lit(0)
	case low:
		return x.Op("<").Add(number(l.Low))
	case high:
		return x.Op(">").Add(number(l.High))
	}
	return nil
}

func limitText(l *spec.Limit) string {
	switch {
	case l.High == math.MaxUint64:
		return fmt.Sprintf("at least %d", l.Low)
	case l.Low == l.High:
		return fmt.Sprint(l.Low)
	case l.Low == 0:
		return fmt.Sprintf("at most %d", l.High)
	}
	return fmt.Sprintf("%d to %d", l.Low, l.High)
}

// topOf is the largest value of a numeric kind.
func topOf(kind string) uint64 {
	switch kind {
	case "u8":
		return math.MaxUint8
	case "u16":
		return math.MaxUint16
	}
	return math.MaxUint64
}

// checks are the rules about the value of a number, once it is read or before it is written.
// fail makes the statement that ends the function with an error.
func (c *codec) checks(f *spec.Field, x *j.Statement, fail func(e *j.Statement) j.Code) []j.Code {
	var out []j.Code
	add := func(cond, e *j.Statement) {
		if f.Broken != 0 {
			e = e.Dot("Closing").Call(hex(f.Broken))
		}
		out = append(out, j.If(cond).Block(fail(e)))
	}
	number := func(text string) *j.Statement {
		return wire("MalformedNumber").Call(j.Lit(text), j.Uint64().Call(x.Clone()))
	}
	if f.Limit != nil {
		if cond := outside(x.Clone(), f.Limit, topOf(f.Kind.Name)); cond != nil {
			add(cond, number(limitText(f.Limit)))
		}
	}
	if f.Enum != "" && c.g.fam.Enum(f.Enum).Closed {
		add(j.Op("!").Add(x.Clone()).Dot("valid").Call(j.Id("v")), number("a value of "+GoName(f.Enum)+" in this version"))
	}
	if f.NotBelow != "" {
		base, _ := c.value(f.NotBelow)
		add(x.Clone().Op("<").Add(base), number("at least "+f.NotBelow))
	}
	if f.HalfOf != "" {
		base, _ := c.value(f.HalfOf)
		add(x.Clone().Op(">").Add(base).Op("/").Lit(2), number("at most half of "+f.HalfOf))
	}
	if f.DeltaOf != "" {
		base, _ := c.value(f.DeltaOf)
		add(x.Clone().Op(">").Qual("math", "MaxUint64").Op("-").Add(base), number("a sum with "+f.DeltaOf+" of at most 64 bits"))
	}
	return out
}

// refusals checks for the combinations that are malformed. Where several in a row have their last condition
// in common, it is looked at once.
func (c *codec) refusals(fail func(e *j.Statement) j.Code) []j.Code {
	var runs versionRuns
	for list := c.block.Refuse; len(list) > 0; {
		first := list[0]
		shared := first.Conds[len(first.Conds)-1]
		n := slices.IndexFunc(list, func(r *spec.Refusal) bool {
			return r.On != first.On || len(r.Conds) < 2 || !sameCond(r.Conds[len(r.Conds)-1], shared)
		})
		if n < 0 {
			n = len(list)
		}
		var code []j.Code
		if n < 2 {
			n, code = 1, []j.Code{c.refusal(first, first.Conds, fail)}
		} else {
			var inner []j.Code
			for _, r := range list[:n] {
				inner = append(inner, c.refusal(r, r.Conds[:len(r.Conds)-1], fail))
			}
			code = []j.Code{j.If(c.cond(shared)).Block(inner...)}
		}
		runs.add(first.On, code...)
		list = list[n:]
	}
	return c.g.inTurn(runs, c.within)
}

func sameCond(a, b *spec.Cond) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Field == b.Field && a.Not == b.Not && slices.Equal(a.Values, b.Values)
}

// refusal fails where all of the conditions hold; those about many fields are looked at last.
func (c *codec) refusal(r *spec.Refusal, conds []*spec.Cond, fail func(e *j.Statement) j.Code) j.Code {
	many := func(cond *spec.Cond) int {
		if _, t := c.value(cond.Field); t.kind == "struct" {
			return 1
		}
		return 0
	}
	var all *j.Statement
	for _, cond := range slices.SortedStableFunc(slices.Values(conds), func(a, b *spec.Cond) int { return many(a) - many(b) }) {
		one := c.cond(cond)
		if len(cond.Values) > 1 {
			one = j.Parens(one)
		}
		if all == nil {
			all = one
		} else {
			all = all.Op("&&").Add(one)
		}
	}
	return j.If(all).Block(fail(wire("Malformed").Call(j.Lit(r.Reason), j.Lit(""))))
}
