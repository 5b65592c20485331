package codegen

import (
	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// genDrawItems makes the draw function of a list: each item that may stand there, or not.
func (g *generator) genDrawItems(f *j.File, r *spec.Registry, name string) {
	mo := &model{wire: r.Name, name: name, on: g.all}
	g.addItems(mo, r)
	rc := &registryCodec{g: g, r: r, mo: mo}
	var more []j.Code
	if g.scoped(r) {
		more = append(more, j.Id("in").Id("scope"))
	}
	drawHead(f, name, more...).BlockFunc(func(b *j.Group) {
		d := &drawer{codec: g.codec(mo, &spec.Block{On: rc.on()}, true), r: rc}
		body := []j.Code{j.Id("m").Op(":=").Op("&").Id(name).Values()}
		for _, it := range r.Items {
			d.within = it.On
			has := draw(rapid("Bool").Call(), "has "+it.Name)
			if cond := rc.misplaced(it); cond != nil {
				has = j.Op("!").Parens(cond).Op("&&").Add(has)
			}
			body = append(body, g.when(it.On, rc.on(), j.If(has).Block(d.item(it)...))...)
		}
		body = append(body, d.unknown()...)
		if d.uses["vi"] {
			b.Add(g.needVi())
		}
		for _, s := range body {
			b.Add(s)
		}
		b.Return(j.Id("m"))
	})
}

func (d *drawer) item(it *spec.Item) []j.Code {
	x := j.Id("m").Dot(GoName(it.Name))
	value := d.value(&it.Field)
	switch {
	case it.Repeat:
		elem := j.Func().Params().Add(d.g.valueType(it).decl()).Block(j.Return(value))
		return []j.Code{x.Op("=").Id("drawList").Call(j.Id("t"), j.Lit(1), j.Lit(3), j.Lit(it.Name), elem)}
	case it.Kind.Name == "params":
		scope := it.Kind.Scope
		if scope == "" {
			scope = it.Name
		}
		return []j.Code{x.Op("=").Id("draw"+GoName(it.Kind.Ref)).Call(j.Id("t"), j.Id("v"), j.Id(scopeConst(scope)))}
	}
	return []j.Code{x.Op("=").Add(wire("Some")).Call(value)}
}

// unknown draws items that have no field, where the list keeps them: of types above all that
// have one, ascending, the first even and the second odd.
func (d *drawer) unknown() []j.Code {
	var out []j.Code
	for _, l := range d.r.r.Layouts {
		on := l.On &^ d.r.r.Unknown.Refuse
		number := j.Dict{j.Id("ID"): hex(1 << 20), j.Id("Number"): draw(rapid("Uint64Range").Call(j.Lit(0), d.vi().Dot("Max").Call()), "unknown number")}
		value := j.Dict{j.Id("ID"): hex(1<<20 + 1), j.Id("Value"): j.Id("drawBytes").Call(j.Id("t"), j.Lit(0), j.Lit(20), j.Lit("unknown bytes"))}
		if l.Form == "tlv" {
			number = j.Dict{j.Id("ID"): hex(1 << 20), j.Id("Value"): j.Id("drawBytes").Call(j.Id("t"), j.Lit(0), j.Lit(20), j.Lit("unknown bytes"))}
		}
		code := j.If(draw(rapid("Bool").Call(), "has unknown")).Block(
			j.Id("m").Dot("Unknown").Op("=").Index().Add(wire("Param")).Values(j.Values(number), j.Values(value)))
		out = append(out, d.g.when(on, d.r.on(), code)...)
	}
	return out
}
