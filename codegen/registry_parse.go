package codegen

import (
	"slices"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

var formConsts = map[string]string{"tlv": "TLV", "kvp": "KVP", "kvp-delta": "KVPDelta", "typed": "Typed"}

// on is the versions that have the list at all.
func (rc *registryCodec) on() spec.Set {
	var s spec.Set
	for _, l := range rc.r.Layouts {
		s |= l.On
	}
	return s
}

// byLayout emits code that differs between the layouts of the list.
func (rc *registryCodec) byLayout(b *j.Group, emit func(l spec.ListLayout) []j.Code) {
	if len(rc.r.Layouts) == 1 {
		for _, s := range emit(rc.r.Layouts[0]) {
			b.Add(s)
		}
		return
	}
	b.Switch().BlockFunc(func(s *j.Group) {
		for i, l := range rc.r.Layouts {
			if i == len(rc.r.Layouts)-1 {
				s.Default().Block(emit(l)...)
			} else {
				s.Case(rc.g.holds(l.On, rc.on())).Block(emit(l)...)
			}
		}
	})
}

// genParseItems makes the loop over the items of a list.
func (rc *registryCodec) genParseItems(f *j.File) {
	f.Comment("parseItems reads the list at the start of src; one that is not counted fills it.")
	rc.signature(f, "parseItems", j.Id("src").Index().Byte()).Params(j.Int(), wireError()).BlockFunc(func(b *j.Group) {
		b.Add(rc.g.needVi())
		if rc.mo.name == GoName(rc.r.Name) {
			b.Op("*").Id("m").Op("=").Id(rc.mo.name).Values()
		}
		b.Var().Id("it").Add(wire("Items"))
		if rc.anyCounted() {
			b.Var().Id("e").Add(wireError())
		}
		rc.byLayout(b, func(l spec.ListLayout) []j.Code {
			form := wire(formConsts[l.Form])
			if l.Extent == "filling" {
				return []j.Code{j.Id("it").Op("=").Id("vi").Dot("ItemsToEnd").Call(j.Id("src"), form)}
			}
			return []j.Code{j.List(j.Id("it"), j.Id("e")).Op("=").Id("vi").Dot("Items").Call(j.Id("src"), form, number(l.Max))}
		})
		if rc.anyCounted() {
			b.If(j.Id("e").Op("!=").Nil()).Block(j.Return(j.Lit(0), j.Id("e")))
		}
		b.For().Block(
			j.List(j.Id("more"), j.Id("e")).Op(":=").Id("it").Dot("Next").Call(),
			j.If(j.Id("e").Op("!=").Nil()).Block(j.Return(j.Lit(0), j.Id("e"))),
			j.If(j.Op("!").Id("more")).Block(j.Break()),
			j.If(j.List(j.Id("field"), j.Id("e")).Op(":=").Add(rc.call("parseItem", j.Op("&").Id("it"))), j.Id("e").Op("!=").Nil()).Block(
				j.Return(j.Lit(0), j.Id("e").Dot("At").Call(j.Id("field"), j.Lit(0)))),
		)
		if freeOrder(rc.r) != 0 {
			b.Id("m").Dot("Order").Op("=").Id("it").Dot("Order").Call()
		}
		b.Return(j.Id("it").Dot("Len").Call(), j.Nil())
	})
}

func (rc *registryCodec) anyCounted() bool {
	return slices.ContainsFunc(rc.r.Layouts, func(l spec.ListLayout) bool { return l.Extent == "counted" })
}

// genParseItem makes the choice by type, with what is unknown at its end.
func (rc *registryCodec) genParseItem(f *j.File) {
	f.Comment("parseItem reads the value of the item at hand and gives the name of its field.")
	rc.signature(f, "parseItem", j.Id("it").Op("*").Add(wire("Items"))).Params(j.String(), wireError()).BlockFunc(func(b *j.Group) {
		b.Switch(j.Id("it").Dot("ID")).BlockFunc(func(s *j.Group) {
			for _, lines := range rc.lines {
				s.Case(hex(lines[0].ID)).BlockFunc(func(cb *j.Group) {
					for _, it := range lines {
						for _, code := range rc.g.when(it.On, rc.g.all, rc.parseLine(it)...) {
							cb.Add(code)
						}
					}
				})
			}
		})
		if refuse := rc.r.Unknown.Refuse; refuse != 0 {
			for _, code := range rc.g.when(refuse, rc.g.all, j.Return(j.Lit("Unknown"),
				wire("MalformedCode").Call(j.Lit("a type of this version"), j.Id("it").Dot("ID")).Dot("At").Call(j.Lit(""), j.Id("it").Dot("Len").Call()))) {
				b.Add(code)
			}
		}
		b.List(j.Id("p"), j.Id("e")).Op(":=").Id("it").Dot("Param").Call()
		if rc.r.UnknownOnce {
			b.If(j.Id("e").Op("==").Nil().Op("&&").Add(wire("HasParam")).Call(j.Id("m").Dot("Unknown"), j.Id("p").Dot("ID"))).Block(
				j.Id("e").Op("=").Add(rc.repeated()))
		}
		b.Id("m").Dot("Unknown").Op("=").Add(wire("AppendItem")).Call(j.Id("it"), j.Id("m").Dot("Unknown"), j.Id("p"))
		b.Return(j.Lit("Unknown"), j.Id("e"))
	})
}

// repeated is the error of an item that may stand once.
func (rc *registryCodec) repeated() *j.Statement {
	return wire("MalformedCode").Call(j.Lit("each type once"), j.Id("it").Dot("ID")).
		Dot("At").Call(j.Lit(""), j.Id("it").Dot("Len").Call())
}

// parseLine reads an item as one line of the registry has it.
func (rc *registryCodec) parseLine(it *spec.Item) []j.Code {
	member := j.Id("m").Dot(GoName(it.Name))
	name := j.Lit(it.Name)
	var out []j.Code
	if cond := rc.misplaced(it); cond != nil {
		out = append(out, j.If(cond).Block(j.Return(name, wire("MalformedCode").Call(j.Lit("a type that may stand here"), j.Id("it").Dot("ID")).
			Dot("At").Call(j.Lit(""), j.Id("it").Dot("Len").Call()))))
	}
	value := rc.parseValue(it)
	if it.Repeat {
		return append(out, append(value,
			member.Clone().Op("=").Add(wire("AppendItem")).Call(j.Id("it"), member, j.Id("x")),
			j.Return(name, j.Nil()))...)
	}
	store := member.Clone().Op("=").Add(wire("Some")).Call(j.Id("x"))
	isSet := member.Clone().Dot("Set")
	if it.Kind.Name == "params" {
		store = member.Clone().Op("=").Op("&").Id("x")
		isSet = member.Clone().Op("!=").Nil()
	}
	body := append(value, store, j.Return(name, j.Nil()))
	refuse := rc.r.Repeated.Refuse & it.On
	switch refuse {
	case 0:
		// A further one is kept among the unknown.
		return append(out, j.If(j.Op("!").Add(isSet)).Block(body...))
	case it.On:
		out = append(out, j.If(isSet).Block(j.Return(name, rc.repeated())))
		return append(out, body...)
	}
	out = append(out, rc.g.when(refuse, it.On, j.If(isSet.Clone()).Block(j.Return(name, rc.repeated())))...)
	return append(out, j.If(j.Op("!").Add(isSet)).Block(body...))
}

// misplaced is the condition that the item may not stand in the list at hand, or nil.
func (rc *registryCodec) misplaced(it *spec.Item) *j.Statement {
	refuse := rc.r.Misplaced.Refuse & it.On
	if refuse == 0 || len(it.Scopes) == 0 {
		return nil
	}
	var allowed *j.Statement
	for _, s := range it.Scopes {
		if s.On&refuse == 0 {
			continue
		}
		one := j.Id("in").Op("==").Id(scopeConst(s.Message))
		if cond := rc.g.holds(s.On&refuse, refuse); cond != nil {
			one.Op("&&").Add(j.Parens(cond))
		}
		if allowed == nil {
			allowed = one
		} else {
			allowed = allowed.Op("||").Add(one)
		}
	}
	cond := j.True()
	if allowed != nil {
		cond = j.Op("!").Parens(allowed)
	}
	if in := rc.g.holds(refuse, it.On); in != nil {
		cond = j.Parens(in).Op("&&").Add(cond)
	}
	return cond
}

// parseValue reads the value of an item into x.
func (rc *registryCodec) parseValue(it *spec.Item) []j.Code {
	fail := func(e *j.Statement) j.Code { return j.Return(j.Lit(it.Name), e) }
	check := j.If(j.Id("e").Op("!=").Nil()).Block(fail(rc.closing(it, j.Id("e"))))
	raw := j.If(j.Id("e").Op("!=").Nil()).Block(fail(j.Id("e")))
	read := func(method string) []j.Code {
		return []j.Code{j.List(j.Id("x"), j.Id("e")).Op(":=").Id("it").Dot(method).Call(), check}
	}
	var out []j.Code
	switch it.Kind.Name {
	case "struct", "params":
		return rc.parsePart(it, raw)
	case "string":
		return read("Text")
	case "bytes":
		out = []j.Code{
			j.List(j.Id("p"), j.Id("e")).Op(":=").Id("it").Dot("Bytes").Call(), raw,
			j.Id("x").Op(":=").String().Call(j.Id("p")),
		}
		return out
	}
	at := j.Id("at").Op(":=").Id("it").Dot("Len").Call()
	method, enumName := "Number", it.Enum
	if it.Kind.Name == "u8" {
		method = "Byte"
	}
	if enumName != "" {
		out = []j.Code{
			j.List(j.Id("raw"), j.Id("e")).Op(":=").Id("it").Dot(method).Call(), check,
			j.Id("x").Op(":=").Id(GoName(enumName)).Call(j.Id("raw")),
		}
	} else {
		out = read(method)
	}
	c := &codec{g: rc.g, mo: rc.mo, block: &spec.Block{}, within: it.On, uses: map[string]bool{}}
	checks := c.checks(&it.Field, j.Id("x"), func(e *j.Statement) j.Code { return fail(e.Dot("At").Call(j.Lit(""), j.Id("at"))) })
	if len(checks) > 0 {
		out = append([]j.Code{at}, out...)
	}
	return append(out, checks...)
}

// parsePart reads an item that is a struct or a list of its own.
func (rc *registryCodec) parsePart(it *spec.Item, raw *j.Statement) []j.Code {
	return []j.Code{
		j.List(j.Id("part"), j.Id("at"), j.Id("e")).Op(":=").Id("it").Dot("Open").Call(j.Lit(it.Kind.Sized)),
		raw,
		j.Var().Id("x").Id(GoName(it.Kind.Ref)),
		j.List(j.Id("n"), j.Id("e")).Op(":=").Add(rc.partCall(it, "parse", j.Id("part"))),
		j.If(j.Id("e").Op("!=").Nil()).Block(
			j.Return(j.Lit(it.Name), rc.closing(it, j.Id("it").Dot("Fault").Call(j.Id("e")).Dot("At").Call(j.Lit(""), j.Id("at"))))),
		j.If(j.Id("e").Op(":=").Id("it").Dot("Close").Call(j.Id("n")), j.Id("e").Op("!=").Nil()).Block(
			j.Return(j.Lit(it.Name), rc.closing(it, j.Id("e")))),
	}
}

// closing gives the error of a value that is not of its type the code of the item or the registry.
func (rc *registryCodec) closing(it *spec.Item, e *j.Statement) *j.Statement {
	switch {
	case it.Close != 0:
		return e.Dot("ClosingValue").Call(hex(it.Close))
	case it.On&rc.r.CloseOn == 0:
		return e
	case it.On&^rc.r.CloseOn == 0:
		return e.Dot("ClosingValue").Call(hex(rc.r.Close))
	}
	return j.Id("m").Dot("closing").Call(j.Id("v"), e)
}

// genClosing makes what closing calls where only some versions have a code.
func (rc *registryCodec) genClosing(f *j.File) {
	if !slices.ContainsFunc(rc.r.Items, func(it *spec.Item) bool {
		return it.Close == 0 && it.On&rc.r.CloseOn != 0 && it.On&^rc.r.CloseOn != 0
	}) {
		return
	}
	f.Comment("closing gives the error of a value that is not of its type the code of v.")
	f.Func().Params(j.Id("m").Op("*").Id(rc.mo.name)).Id("closing").
		Params(j.Id("v").Id("Version"), j.Id("e").Add(wireError())).Add(wireError()).Block(
		j.If(rc.g.holds(rc.r.CloseOn, rc.on())).Block(j.Return(j.Id("e").Dot("ClosingValue").Call(hex(rc.r.Close)))),
		j.Return(j.Id("e")))
}

// partCall calls the codec of the struct or list that an item holds; x is its value.
func (rc *registryCodec) partCall(it *spec.Item, verb string, arg *j.Statement) *j.Statement {
	x := j.Id("x")
	if it.Kind.Name == "struct" {
		return x.Dot(verb).Call(arg, j.Id("v"))
	}
	args := []j.Code{arg, j.Id("v")}
	if rc.g.scoped(rc.g.fam.Registry(it.Kind.Ref)) {
		name := it.Kind.Scope
		if name == "" {
			name = it.Name
		}
		args = append(args, j.Id(scopeConst(name)))
	}
	return x.Dot(verb + "Items").Call(args...)
}
