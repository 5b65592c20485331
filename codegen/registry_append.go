package codegen

import (
	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// genAppendItems makes what puts the items of a list in order and writes them.
func (rc *registryCodec) genAppendItems(f *j.File) {
	f.Comment("appendItems writes the list behind dst, which comes back as it was on an error.")
	rc.signature(f, "appendItems", j.Id("dst").Index().Byte()).Params(j.Index().Byte(), wireError()).BlockFunc(func(b *j.Group) {
		b.Var().Id("room").Index(j.Lit(16)).Add(wire("Slot"))
		b.Id("slots").Op(":=").Id("room").Index(j.Empty(), j.Lit(0))
		for _, m := range rc.mo.members {
			rc.slotsOf(b, m)
		}
		b.For(j.List(j.Id("i"), j.Id("p")).Op(":=").Range().Id("m").Dot("Unknown")).Block(rc.addSlot(
			j.Id("p").Dot("ID"), j.Dict{j.Id("Index"): j.Id("i"), j.Id("Unknown"): j.True()}))
		rc.arrange(b)
		b.Add(rc.g.needVi())
		b.Id("b").Op(":=").Id("dst")
		b.Var().Id("w").Add(wire("ItemWriter"))
		rc.byLayout(b, rc.beginList)
		b.For(j.List(j.Id("_"), j.Id("s")).Op(":=").Range().Id("slots")).Block(
			j.Var().Id("field").String(),
			j.Var().Id("e").Add(wireError()),
			j.If(j.List(j.Id("b"), j.Id("field"), j.Id("e")).Op("=").Add(rc.call("appendItem", j.Id("b"), j.Op("&").Id("w"), j.Id("s"))), j.Id("e").Op("!=").Nil()).Block(
				j.Return(j.Id("dst"), j.Id("e").Dot("At").Call(j.Id("field"), j.Lit(0)))),
		)
		b.Return(j.Id("b"), j.Nil())
	})
}

func (rc *registryCodec) beginList(l spec.ListLayout) []j.Code {
	out := []j.Code{
		j.If(j.Len(j.Id("slots")).Op(">").Add(number(l.Max))).Block(
			j.Return(j.Id("dst"), wire("CheckCount").Call(j.Len(j.Id("slots")), j.Lit(0), number(l.Max)))),
		j.Id("w").Op("=").Id("vi").Dot("ItemWriter").Call(wire(formConsts[l.Form])),
	}
	if l.Extent == "counted" {
		out = append(out, j.Id("b").Op("=").Id("vi").Dot("Append").Call(j.Id("b"), j.Uint64().Call(j.Len(j.Id("slots")))))
	}
	return out
}

// arrange sorts the slots and, where types may not repeat, sees to that.
func (rc *registryCodec) arrange(b *j.Group) {
	order := j.Nil()
	if free := freeOrder(rc.r); free != 0 {
		order = j.Id("order")
		if cond := rc.g.holds(free, rc.on()); cond != nil {
			b.Var().Id("order").Index().Uint64()
			b.If(cond).Block(j.Id("order").Op("=").Id("m").Dot("Order"))
		} else {
			order = j.Id("m").Dot("Order")
		}
	}
	b.Add(wire("ArrangeSlots")).Call(j.Id("slots"), order)
	if rc.r.UnknownOnce {
		b.If(j.Id("e").Op(":=").Add(wire("CheckOnce")).Call(j.Id("slots")), j.Id("e").Op("!=").Nil()).Block(
			j.Return(j.Id("dst"), j.Id("e")))
	}
}

func (rc *registryCodec) addSlot(id *j.Statement, more j.Dict) j.Code {
	more[j.Id("ID")] = id
	return j.Id("slots").Op("=").Append(j.Id("slots"), wire("Slot").Values(more))
}

// slotsOf lists what a member adds to the items. One that is set in a version without it is
// an error.
func (rc *registryCodec) slotsOf(b *j.Group, m *member) {
	x := j.Id("m").Dot(m.name)
	var body []j.Code
	var on spec.Set
	repeat := false
	for _, it := range rc.r.Items {
		if GoName(it.Name) != m.name {
			continue
		}
		on |= it.On
		repeat = repeat || it.Repeat
		slot := rc.addSlot(hex(it.ID), j.Dict{})
		if it.Repeat {
			slot = rc.addSlot(hex(it.ID), j.Dict{j.Id("Index"): j.Id("i")})
		}
		body = append(body, rc.g.when(it.On, rc.g.all, slot)...)
	}
	if on == 0 {
		return // Unknown and Order
	}
	lacking := rc.on() &^ on
	body = append(body, rc.g.when(lacking, rc.g.all, j.Return(j.Id("dst"), wire("Unsupported").Call(j.Lit("")).Dot("At").Call(j.Lit(m.wire), j.Lit(0))))...)
	switch {
	case repeat:
		b.For(j.Id("i").Op(":=").Range().Add(x)).Block(body...)
	case m.typ.kind == "pointer":
		b.If(x.Op("!=").Nil()).Block(body...)
	default:
		b.If(x.Dot("Set")).Block(body...)
	}
}

// genAppendItem makes the choice by type.
func (rc *registryCodec) genAppendItem(f *j.File) {
	f.Comment("appendItem writes the item of a slot and gives the name of its field.")
	rc.signature(f, "appendItem", j.Id("b").Index().Byte(), j.Id("w").Op("*").Add(wire("ItemWriter")), j.Id("s").Add(wire("Slot"))).
		Params(j.Index().Byte(), j.String(), wireError()).BlockFunc(func(b *j.Group) {
		b.If(j.Id("s").Dot("Unknown")).BlockFunc(func(u *j.Group) {
			rc.appendUnknown(u)
		})
		b.Switch(j.Id("s").Dot("ID")).BlockFunc(func(s *j.Group) {
			for _, lines := range rc.lines {
				s.Case(hex(lines[0].ID)).BlockFunc(func(cb *j.Group) {
					for _, it := range lines {
						for _, code := range rc.g.when(it.On, rc.g.all, rc.appendLine(it)...) {
							cb.Add(code)
						}
					}
				})
			}
		})
		b.Return(j.Id("b"), j.Lit(""), wire("Unsupported").Call(j.Lit("")))
	})
}

func (rc *registryCodec) appendUnknown(b *j.Group) {
	b.If(rc.call("hasField", j.Id("s").Dot("ID"))).Block(j.Return(j.Id("b"), j.Lit("Unknown"),
		wire("MalformedCode").Call(j.Lit("the field of a known type to be used"), j.Id("s").Dot("ID"))))
	if refuse := rc.r.Unknown.Refuse; refuse != 0 {
		for _, code := range rc.g.when(refuse, rc.g.all, j.Return(j.Id("b"), j.Lit("Unknown"), wire("Unsupported").Call(j.Lit("an unknown type")))) {
			b.Add(code)
		}
	}
	b.List(j.Id("b"), j.Id("e")).Op(":=").Id("w").Dot("Param").Call(j.Id("b"), j.Id("m").Dot("Unknown").Index(j.Id("s").Dot("Index")))
	b.Return(j.Id("b"), j.Lit("Unknown"), j.Id("e"))
}

// appendLine writes an item as one line of the registry has it.
func (rc *registryCodec) appendLine(it *spec.Item) []j.Code {
	name := j.Lit(it.Name)
	fail := func(e *j.Statement) j.Code { return j.Return(j.Id("b"), name, e) }
	var out []j.Code
	if cond := rc.misplaced(it); cond != nil {
		out = append(out, j.If(cond).Block(fail(wire("Unsupported").Call(j.Lit("it may not stand in this message")))))
	}
	x := j.Id("m").Dot(GoName(it.Name))
	switch {
	case it.Repeat:
		x = x.Index(j.Id("s").Dot("Index"))
	case it.Kind.Name != "params":
		x = x.Dot("Value")
	}
	out = append(out, j.Id("x").Op(":=").Add(x))
	c := &codec{g: rc.g, mo: rc.mo, block: &spec.Block{}, within: it.On, uses: map[string]bool{}}
	out = append(out, c.checks(&it.Field, j.Id("x"), fail)...)
	write := func(method string, value *j.Statement) []j.Code {
		return append(out,
			j.List(j.Id("b"), j.Id("e")).Op(":=").Id("w").Dot(method).Call(j.Id("b"), j.Id("s").Dot("ID"), value),
			j.Return(j.Id("b"), name, j.Id("e")))
	}
	switch it.Kind.Name {
	case "struct", "params":
		return append(out, rc.appendPart(it)...)
	case "string":
		return write("Text", j.Id("x"))
	case "bytes":
		return write("Bytes", j.Index().Byte().Call(j.Id("x")))
	case "u8":
		return write("Byte", j.Uint8().Call(j.Id("x")))
	}
	return write("Number", j.Uint64().Call(j.Id("x")))
}

func (rc *registryCodec) appendPart(it *spec.Item) []j.Code {
	name := j.Lit(it.Name)
	check := func() j.Code {
		return j.If(j.Id("e").Op("!=").Nil()).Block(j.Return(j.Id("b"), name, j.Id("e")))
	}
	return []j.Code{
		j.List(j.Id("b"), j.Id("mark"), j.Id("e")).Op(":=").Id("w").Dot("Open").Call(j.Id("b"), j.Id("s").Dot("ID"), j.Lit(it.Kind.Sized)),
		check(),
		j.If(j.List(j.Id("b"), j.Id("e")).Op("=").Add(rc.partCall(it, "append", j.Id("b"))), j.Id("e").Op("!=").Nil()).Block(
			j.Return(j.Id("b"), name, j.Id("e"))),
		j.List(j.Id("b"), j.Id("e")).Op("=").Id("w").Dot("Close").Call(j.Id("b"), j.Id("mark")),
		j.Return(j.Id("b"), name, j.Id("e")),
	}
}

// genHasField makes the test whether the field of a type is the place for an item, as it is for a parse.
func (rc *registryCodec) genHasField(f *j.File) {
	f.Comment("hasField tells whether an item of a type belongs into the field of the type in v, not among the unknown.")
	rc.signature(f, "hasField", j.Id("id").Uint64()).Bool().Block(
		j.Switch(j.Id("id")).BlockFunc(func(s *j.Group) {
			for _, lines := range rc.lines {
				s.Case(hex(lines[0].ID)).BlockFunc(func(cb *j.Group) {
					for _, it := range lines {
						for _, code := range rc.g.when(it.On, rc.g.all, j.Return(rc.vacant(it))) {
							cb.Add(code)
						}
					}
				})
			}
		}),
		j.Return(j.False()))
}

// vacant is the condition that the field of an item takes one more.
func (rc *registryCodec) vacant(it *spec.Item) *j.Statement {
	unset := j.Op("!").Id("m").Dot(GoName(it.Name)).Dot("Set")
	if it.Kind.Name == "params" {
		unset = j.Id("m").Dot(GoName(it.Name)).Op("==").Nil()
	}
	refuse := rc.r.Repeated.Refuse & it.On
	switch {
	case it.Repeat || refuse == it.On:
		return j.True()
	case refuse == 0:
		return unset
	}
	return rc.g.holds(refuse, it.On).Op("||").Add(unset)
}
