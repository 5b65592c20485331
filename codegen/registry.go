package codegen

import (
	"slices"
	"strings"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// genRegistry makes the codec of a registry: of a struct of its own, or of the message whose
// only content it is.
func (g *generator) genRegistry(r *spec.Registry) {
	f := g.file(SnakeName(r.Name))
	mo := g.inlineModel(r)
	if mo == nil {
		mo = &model{wire: r.Name, name: GoName(r.Name), on: g.all}
		g.addItems(mo, r)
		g.genType(f, mo, g.registryDoc(r))
		g.genLogValue(f, mo)
		g.genItemsZero(f, mo)
	}
	if g.scoped(r) {
		g.genScopes(f)
	}
	rc := &registryCodec{g: g, r: r, mo: mo, lines: linesByID(r)}
	rc.genParseItems(f)
	rc.genParseItem(f)
	rc.genClosing(f)
	rc.genAppendItems(f)
	rc.genAppendItem(f)
	rc.genHasField(f)
}

// inlineModel is the model of the message that holds the items of r directly, or nil.
func (g *generator) inlineModel(r *spec.Registry) *model {
	for _, m := range g.fam.Messages {
		for _, b := range m.Blocks {
			for _, f := range b.Fields {
				if f.Kind.Inline && f.Kind.Ref == r.Name {
					return g.modelOf(m)
				}
			}
		}
	}
	return nil
}

// registryCodec is what the emitters of one registry share.
type registryCodec struct {
	g     *generator
	r     *spec.Registry
	mo    *model
	lines [][]*spec.Item // one element for each type, in ascending order
}

func linesByID(r *spec.Registry) [][]*spec.Item {
	var out [][]*spec.Item
	for _, it := range r.Items {
		i, found := slices.BinarySearchFunc(out, it.ID, func(l []*spec.Item, id uint64) int {
			return int(int64(l[0].ID) - int64(id))
		})
		if found {
			out[i] = append(out[i], it)
		} else {
			out = slices.Insert(out, i, []*spec.Item{it})
		}
	}
	return out
}

// addItems makes the members of a registry.
func (g *generator) addItems(mo *model, r *spec.Registry) {
	for _, it := range r.Items {
		mo.add(it.Name, g.itemType(it), it.On, it.Doc)
	}
	params := plainType("list", func() *j.Statement { return j.Index().Add(wire("Param")) })
	mo.add("Unknown", params, mo.on, "items of types that have no field here, and further ones of those that have")
	if free := freeOrder(r); free != 0 {
		ids := plainType("list", func() *j.Statement { return j.Index().Uint64() })
		mo.add("Order", ids, mo.on, "types in their order on the wire, when that was not ascending; "+g.versionsText(free))
	}
}

// freeOrder is the versions in which items may stand in any order.
func freeOrder(r *spec.Registry) spec.Set {
	var s spec.Set
	for _, l := range r.Layouts {
		if l.Form == "tlv" || l.Form == "kvp" {
			s |= l.On
		}
	}
	return s
}

func (g *generator) itemType(it *spec.Item) goType {
	t := g.valueType(it)
	switch {
	case it.Repeat:
		list := plainType("list", func() *j.Statement { return j.Index().Add(t.decl()) })
		list.part = t.kind == "struct"
		return list
	case it.Kind.Name == "params":
		return goType{kind: "pointer", decl: func() *j.Statement { return j.Op("*").Add(t.decl()) }}
	}
	return optionalType(t)
}

func (g *generator) valueType(it *spec.Item) goType {
	switch it.Kind.Name {
	case "struct", "params":
		return plainType("struct", func() *j.Statement { return j.Id(GoName(it.Kind.Ref)) })
	}
	return g.typeOf(&it.Field)
}

func (g *generator) genItemsZero(f *j.File, mo *model) {
	var cond *j.Statement
	for _, m := range mo.members {
		if m.name == "Order" {
			continue // of items that may be gone
		}
		x := j.Id("m").Dot(m.name)
		one := j.Op("!").Add(x.Clone()).Dot("Set")
		switch m.typ.kind {
		case "list":
			one = j.Len(x).Op("==").Lit(0)
		case "pointer":
			one = x.Op("==").Nil()
		}
		if cond == nil {
			cond = one
		} else {
			cond = cond.Op("&&").Add(one)
		}
	}
	f.Comment("isZero tells whether there is no item.")
	f.Func().Params(j.Id("m").Op("*").Id(mo.name)).Id("isZero").Params().Bool().Block(j.Return(cond))
}

// scoped tells whether the items of r may stand in some messages only.
func (g *generator) scoped(r *spec.Registry) bool { return len(scopeNames(r)) > 0 }

func scopeNames(r *spec.Registry) []string {
	var names []string
	for _, it := range r.Items {
		for _, s := range it.Scopes {
			if !slices.Contains(names, s.Message) {
				names = append(names, s.Message)
			}
		}
	}
	return names
}

// genScopes makes the names of the places of items.
func (g *generator) genScopes(f *j.File) {
	var names []string
	for _, r := range g.fam.Registries {
		for _, n := range scopeNames(r) {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	f.Comment("scope is the place of a list of items, which may not hold all of them.")
	f.Type().Id("scope").Uint8()
	f.Const().DefsFunc(func(d *j.Group) {
		for i, n := range names {
			d.Id(scopeConst(n)).Id("scope").Op("=").Lit(i)
		}
	})
}

// signature is the receiver and the parameters of a function of the registry.
func (rc *registryCodec) signature(f *j.File, name string, params ...j.Code) *j.Statement {
	params = append(params, j.Id("v").Id("Version"))
	if rc.g.scoped(rc.r) {
		params = append(params, j.Id("in").Id("scope"))
	}
	return f.Func().Params(j.Id("m").Op("*").Id(rc.mo.name)).Id(name).Params(params...)
}

func (rc *registryCodec) call(name string, args ...j.Code) *j.Statement {
	args = append(args, j.Id("v"))
	if rc.g.scoped(rc.r) {
		args = append(args, j.Id("in"))
	}
	return j.Id("m").Dot(name).Call(args...)
}

func (g *generator) registryDoc(r *spec.Registry) string {
	return strings.TrimSpace(GoName(r.Name) + " is the items of a list, each present or not.\n" + r.Doc)
}
