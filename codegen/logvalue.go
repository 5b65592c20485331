package codegen

import (
	j "github.com/dave/jennifer/jen"
)

const slogPath = "log/slog"

// genLogValue makes LogValue: the fields under the names of the draft. What is absent, and
// what few versions have and is zero, is left out.
func (g *generator) genLogValue(f *j.File, mo *model) {
	f.Comment("LogValue is the fields of m for a log.")
	head := f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id("LogValue").Params().Qual(slogPath, "Value")
	if len(mo.members) == 0 {
		head.Block(j.Return(j.Qual(slogPath, "GroupValue").Call()))
		return
	}
	head.BlockFunc(func(b *j.Group) {
		b.Id("attrs").Op(":=").Make(j.Index().Qual(slogPath, "Attr"), j.Lit(0), j.Lit(len(mo.members)))
		for _, m := range mo.members {
			x := j.Id("m").Dot(m.name)
			add := j.Id("attrs").Op("=").Append(j.Id("attrs"), g.attr(m))
			rare := m.quiet || 2*len(m.on.Numbers()) < len(mo.on.Numbers())
			if rare || m.typ.kind == "optional" || m.typ.kind == "pointer" || m.given || m.typ.kind == "struct" || m.typ.kind == "list" {
				b.If(m.typ.set(x)).Block(add)
			} else {
				b.Add(add)
			}
		}
		b.Return(j.Qual(slogPath, "GroupValue").Call(j.Id("attrs").Op("...")))
	})
}

func (g *generator) attr(m *member) *j.Statement {
	x := j.Id("m").Dot(m.name)
	key := j.Lit(SnakeName(m.wire))
	call := func(name string, value *j.Statement) *j.Statement {
		return j.Qual(slogPath, name).Call(key, value)
	}
	switch m.typ.kind {
	case "flag":
		return call("Bool", x)
	case "string":
		return call("String", x)
	case "signed":
		return call("Int64", x)
	case "optional":
		if m.typ.part {
			return call("Any", x.Dot("Value").Dot("LogValue").Call())
		}
		return call("Any", x.Dot("Value"))
	case "pointer":
		return call("Any", x.Dot("LogValue").Call())
	case "bytes":
		return j.Qual(slogPath, "Int").Call(j.Lit(SnakeName(m.wire)+"_length"), j.Len(x))
	case "struct":
		return call("Any", x.Dot("LogValue").Call())
	case "list":
		if m.typ.part { // a log has no business with the content of tokens
			return j.Qual(slogPath, "Int").Call(j.Lit(SnakeName(m.wire)+"_count"), j.Len(x))
		}
		return call("Any", x)
	}
	if t := m.typ.decl().GoString(); t != "uint64" && t != "uint8" && t != "uint16" {
		return call("String", x.Dot("String").Call())
	}
	return call("Uint64", j.Uint64().Call(x))
}
