package spec

import (
	"math"
	"slices"
)

// numeric kinds hold a number that bounds and conditions can look at.
var numeric = map[string]bool{"vi": true, "u8": true, "u16": true, "tally": true}

// fields checks the lines of one layout.
func (c *checker) fields(m *Message, b *Block, isStruct bool) {
	for i, f := range b.Fields {
		before := b.Fields[:i]
		switch {
		case f.On == 0:
			c.add(f.Pos, "%s is in no version", f.Name)
		case f.On&^b.On != 0:
			c.add(f.Pos, "%s is not in %s", m.Name, c.text(f.On&^b.On))
		}
		for _, g := range before {
			if shared := f.On & g.On; mangled(f.Name) == mangled(g.Name) && shared != 0 {
				c.add(f.Pos, "%s has a line for %s at %s", f.Name, c.text(shared), g.Pos)
			}
			if shared := f.On & g.On; shared != 0 && !f.Given && !follows(f, g) && c.toEnd(g, shared) {
				c.add(f.Pos, "%s goes on to the end, so nothing can follow it in %s", g.Name, c.text(shared))
			}
		}
		c.kind(f, before, isStruct)
		c.qualifiers(f, before)
		c.bits(f)
	}
	for _, r := range b.Refuse {
		if r.On&^b.On != 0 {
			c.add(r.Pos, "%s is not in %s", m.Name, c.text(r.On&^b.On))
		}
		for _, cond := range r.Conds {
			c.cond(cond, r.On, b.Fields)
		}
	}
}

// follows tells whether f is there only where g is: then g, which may be left out at the end, does not
// take what is f's.
func follows(f, g *Field) bool {
	return (g.Kind.Name == "tail-vi" || g.Kind.Name == "tail-u8") &&
		f.If != nil && f.If.Field == g.Name && !f.If.Not && len(f.If.Values) == 0
}

// toEnd tells whether f takes all that is left in some of these versions.
func (c *checker) toEnd(f *Field, on Set) bool {
	switch f.Kind.Name {
	case "rest", "tail", "tail-vi", "tail-u8":
		return true
	case "list":
		return f.Kind.Filling
	}
	if f.Kind.Name != "params" || f.Kind.Sized {
		return false
	}
	if r := c.f.Registry(f.Kind.Ref); r != nil {
		for _, l := range r.Layouts {
			if l.Extent == "filling" && l.On&on != 0 {
				return true
			}
		}
	}
	return false
}

// kind checks that what a kind refers to exists where it is used.
func (c *checker) kind(f *Field, before []*Field, isStruct bool) {
	k := f.Kind
	switch k.Name {
	case "struct":
		c.structRef(f)
	case "params":
		c.paramsRef(f)
	case "list":
		if k.Ref != "vi" && k.Ref != "path" {
			c.add(k.Pos, "a list is of vi or path, not %s", k.Ref)
		}
		if k.Filling && k.Ref != "vi" {
			c.add(k.Pos, "a list that fills what holds it is of vi, not %s", k.Ref)
		}
	case "data":
		if g := earlier(before, k.Ref, f.On); g == nil || g.Kind.Name != "vi" || !sameCond(g.If, f.If) {
			c.add(k.Pos, "the length of %s has to be an earlier vi in the same versions", f.Name)
		}
	case "id-delta":
		if g := earlier(before, k.Ref, f.On); g == nil || g.Kind.Name != "option" || !g.Given {
			c.add(k.Pos, "%s needs an earlier line %q", f.Name, k.Ref+"  given option")
		}
	case "tally":
		if !isStruct {
			c.add(k.Pos, "a tally counts what a struct is made of; %s is not in one", f.Name)
		}
	}
	if (k.Name == "list" || k.Name == "tuple") && k.Low > k.High {
		c.add(k.Pos, "the bounds %d..%d leave nothing", k.Low, k.High)
	}
	if k.Sized && k.Name != "struct" && k.Name != "params" {
		c.add(k.Pos, "sized is for structs and params; %s tells its own length", k.Name)
	}
}

func (c *checker) structRef(f *Field) {
	s := c.f.Struct(f.Kind.Ref)
	switch {
	case s == nil:
		c.add(f.Kind.Pos, "unknown kind %s", f.Kind.Ref)
	case f.On&^s.On() != 0:
		c.add(f.Kind.Pos, "%s is not in %s", f.Kind.Ref, c.text(f.On&^s.On()))
	case s.Pos.Line >= f.Pos.Line:
		c.add(f.Kind.Pos, "struct %s has to stand above its use", f.Kind.Ref)
	}
}

func (c *checker) paramsRef(f *Field) {
	r := c.f.Registry(f.Kind.Ref)
	if r == nil {
		c.add(f.Kind.Pos, "there are no params %s", f.Kind.Ref)
		return
	}
	if missing := f.On &^ r.on(); missing != 0 {
		c.add(f.Kind.Pos, "%s is not in %s", r.Name, c.text(missing))
	}
}

// earlier finds the line of a field that stands before. Its lines together have to cover all
// of these versions; otherwise there is none.
func earlier(before []*Field, name string, on Set) *Field {
	var last *Field
	var covered Set
	for _, f := range before {
		if f.Name == name {
			last = f
			covered |= f.On
		}
	}
	if on&^covered != 0 {
		return nil
	}
	return last
}

// qualifiers checks what follows the kind.
func (c *checker) qualifiers(f *Field, before []*Field) {
	if f.Limit != nil {
		switch {
		case !numeric[f.Kind.Name]:
			c.add(f.Pos, "bounds are for numbers; %s is a %s", f.Name, f.Kind.Name)
		case f.Limit.Low > f.Limit.High:
			c.add(f.Pos, "the bounds %d..%d leave nothing", f.Limit.Low, f.Limit.High)
		case f.Limit.High != math.MaxUint64 && f.Limit.High > top(f.Kind.Name):
			c.add(f.Pos, "%d does not fit into %s", f.Limit.High, f.Kind.Name)
		}
	}
	if f.Enum != "" {
		e := c.f.Enum(f.Enum)
		switch {
		case e == nil:
			c.add(f.Pos, "there is no enum %s", f.Enum)
		case e.Base != f.Kind.Name:
			c.add(f.Pos, "enum %s is %s, %s is %s", e.Name, e.Base, f.Name, f.Kind.Name)
		}
	}
	if f.If != nil {
		c.cond(f.If, f.On, before)
	}
	for _, name := range []string{f.NotBelow, f.DeltaOf, f.HalfOf} {
		if name == "" {
			continue
		}
		if g := earlier(before, name, f.On); g == nil || !numeric[g.Kind.Name] {
			c.add(f.Pos, "%s has to be a number in an earlier line, in the same versions", name)
		}
	}
	if name := f.Kind.MaxWith; name != "" {
		if g := earlier(before, name, 0); g == nil || g.Kind.Name != "tuple" || f.Kind.Name != "bytes" {
			c.add(f.Pos, "a shared length is one of bytes with an earlier tuple")
		}
	}
	if f.Streamed && f.Kind.Name != "data" {
		c.add(f.Pos, "what is streamed has to be data behind its length")
	}
}

func top(kind string) uint64 {
	switch kind {
	case "u8":
		return math.MaxUint8
	case "u16":
		return math.MaxUint16
	}
	return math.MaxUint64
}

// sameCond tells whether two lines are there under the same condition.
func sameCond(a, b *Cond) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Field == b.Field && a.Not == b.Not && slices.Equal(a.Values, b.Values)
}

// cond checks that a condition looks at something that is known by then.
func (c *checker) cond(cond *Cond, on Set, before []*Field) {
	var bits Set
	for _, f := range before {
		for _, b := range f.Bits {
			if b.Name == cond.Field {
				bits |= b.On
			}
		}
	}
	if bits != 0 && (on&^bits == 0 || cond.Not && len(cond.Values) == 0) {
		return // a bit that a version does not have is not set there
	}
	f := earlier(before, cond.Field, on)
	switch {
	case f == nil:
		c.add(cond.Pos, "%s is not the name of an earlier field in the same versions", cond.Field)
	case len(cond.Values) > 0 && !numeric[f.Kind.Name]:
		c.add(cond.Pos, "%s is a %s and has no values to compare", cond.Field, f.Kind.Name)
	}
}

func (c *checker) bits(f *Field) {
	if len(f.Bits) > 0 && f.Kind.Name != "vi" && f.Kind.Name != "u8" {
		c.add(f.Pos, "a bit field is a vi or a u8, not %s", f.Kind.Name)
	}
	for i, b := range f.Bits {
		if b.Mask == 0 {
			c.add(b.Pos, "a mask has at least one bit")
		}
		if b.Enum != "" && c.f.Enum(b.Enum) == nil {
			c.add(b.Pos, "there is no enum %s", b.Enum)
		}
		for _, o := range f.Bits[:i] {
			if shared := b.On & o.On; b.Mask&o.Mask != 0 && shared != 0 {
				c.add(b.Pos, "bits 0x%x have a meaning at %s", b.Mask&o.Mask, o.Pos)
			}
		}
	}
}

// sameTypes checks that lines of one name can share a field of the generated struct.
func (c *checker) sameTypes(m *Message) {
	seen := map[string]*Field{}
	for _, b := range m.Blocks {
		for _, f := range b.Fields {
			key := mangled(f.Name)
			if len(f.Bits) > 0 {
				continue
			}
			if g := seen[key]; g != nil && goKind(g) != goKind(f) {
				c.add(f.Pos, "%s is a %s here and a %s at %s", f.Name, goKind(f), goKind(g), g.Pos)
			}
			seen[key] = f
		}
	}
}

// goKind is what decides the type of a field in generated code.
func goKind(f *Field) string {
	switch {
	case f.Enum != "":
		return f.Enum
	case f.Kind.Name == "tally" || f.Kind.Name == "id-delta":
		return "vi"
	case f.Kind.Name == "tail-vi":
		return "optional"
	case f.Kind.Name == "tail-u8":
		return "optional byte"
	case f.Kind.Name == "path" || f.Kind.Name == "bytes" || f.Kind.Name == "tail":
		return "string"
	}
	return f.Kind.Name + f.Kind.Ref
}
