package spec

import (
	gotoken "go/token"
	"strings"
)

// mangled is what names become in generated code, whatever the style: two that differ only in
// case or in what separates their words would collide.
func mangled(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "").Replace(name))
}

// names checks that the name of the family is one of a package, and that declarations do not collide in
// generated code.
func (c *checker) names() {
	if n := c.f.Name; n != mangled(n) || !gotoken.IsIdentifier(n) {
		c.add(c.f.Pos, "family %s is no name of a Go package: small letters and digits, and no keyword", n)
	}
	taken := map[string]Pos{}
	for _, name := range []string{"Version", "Versions", "Message", "New Message"} {
		taken[mangled(name)] = c.f.Pos
	}
	for _, name := range []string{"Uni Stream", "Bidi Stream", "Version"} {
		taken[mangled(name)], taken[mangled("Append "+name)], taken[mangled("Parse "+name)] = c.f.Pos, c.f.Pos, c.f.Pos
	}
	claim := func(name string, pos Pos) {
		if strings.Contains(name, "-") {
			c.add(pos, "%s is no name in Go or Lua: use _", name)
		}
		key := mangled(name)
		if at, ok := taken[key]; ok {
			c.add(pos, "%s collides with the declaration at %s", name, at)
		}
		taken[key] = pos
	}
	c.declared(claim)
	c.members()
	c.filterNames()
}

// declared claims the names that the declarations have in the generated package.
func (c *checker) declared(claim func(name string, pos Pos)) {
	for _, e := range c.f.Enums {
		claim(e.Name, e.Pos)
		values := map[string]bool{}
		for _, v := range e.Values {
			if key := mangled(v.Name); !values[key] {
				values[key] = true
				claim(e.Name+" "+v.Name, v.Pos)
			}
		}
	}
	for _, r := range c.f.Registries {
		claim(r.Name, r.Pos)
	}
	for _, m := range c.f.Structs {
		claim(m.Name, m.Pos)
	}
	for _, m := range c.f.Messages {
		claim(m.Name, m.Pos)
		for _, f := range m.Blocks[0].Fields {
			if f.Streamed {
				claim(m.Name+"_HEADER", f.Pos)
			}
		}
	}
	for _, ch := range c.f.Choices {
		claim("PARSE_"+ch.Name, ch.Pos)
	}
}

// members checks that no field has the name of a method of its struct, and no item one of what a list keeps.
func (c *checker) members() {
	for _, n := range c.fieldNames() {
		switch mangled(n.name) {
		case "append", "parse", "len", "logvalue", "messagename":
			c.add(n.pos, "%s is a method of generated code", n.name)
		}
	}
	for _, r := range c.f.Registries {
		for _, it := range r.Items {
			if key := mangled(it.Name); key == "unknown" || key == "order" {
				c.add(it.Pos, "%s is what generated code has for the rest of a list", it.Name)
			}
		}
	}
}

// named is something that has a name in the dissector's display filters.
type named struct {
	name string
	pos  Pos
}

// fieldNames are all names of fields, bits and items.
func (c *checker) fieldNames() []named {
	var list []named
	for _, m := range append(append([]*Message{}, c.f.Structs...), c.f.Messages...) {
		for _, b := range m.Blocks {
			for _, f := range b.Fields {
				list = append(list, named{f.Name, f.Pos})
				for _, bit := range f.Bits {
					list = append(list, named{bit.Name, bit.Pos})
				}
			}
		}
	}
	for _, r := range c.f.Registries {
		for _, it := range r.Items {
			list = append(list, named{it.Name, it.Pos})
		}
	}
	return list
}

// filterName is a name as display filters have it, behind the "moq." of all.
func filterName(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "_", "-", "_").Replace(name))
}

// filterNames checks that no name is what the dissector makes of another one: it tells the kinds of values
// that share a name apart by a suffix, and has some names for itself.
func (c *checker) filterNames() {
	all := c.fieldNames()
	first := map[string]Pos{}
	for _, n := range all {
		if _, ok := first[filterName(n.name)]; !ok {
			first[filterName(n.name)] = n.pos
		}
	}
	for _, n := range all {
		key := filterName(n.name)
		for _, suffix := range []string{"_uint", "_int", "_text", "_bytes"} {
			stem, ok := strings.CutSuffix(key, suffix)
			if at, taken := first[stem]; ok && taken {
				c.add(n.pos, "%s is what the dissector may make of the name at %s", n.name, at)
			}
		}
		switch key {
		case "message_field", "truncated_field", "malformed_field", "extra_field", "unknown_field":
			c.add(n.pos, "%s is what the dissector makes of a name that it has for itself", n.name)
		}
	}
}
