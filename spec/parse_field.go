package spec

import "math"

// field reads "Track Name  bytes max 4096  14-16  if Type = 3".
func (p *parser) field(all Set) *Field {
	t := p.peek()
	f := &Field{Pos: t.pos, Doc: p.doc(t.pos), Name: p.name(), On: all}
	p.fieldRest(f)
	return f
}

// fieldRest reads the kind and then, in any order, what qualifies it.
func (p *parser) fieldRest(f *Field) {
	f.Given = p.accept("given")
	f.Kind = p.kind()
	for !p.atEnd() {
		if p.atRange() {
			f.On = p.ranges(f.On)
			continue
		}
		if !p.modifier(f) {
			return
		}
	}
}

func (p *parser) modifier(f *Field) bool {
	t := p.peek()
	p.i++
	switch t.text {
	case "in":
		f.Limit = p.limit()
	case "max":
		f.Kind.Max = p.number("the longest length in bytes")
		if p.accept("with") {
			f.Kind.MaxWith = p.name()
		}
	case "as":
		f.Enum = p.name()
	case "if":
		f.If = p.cond()
	case "not":
		p.expect("below")
		f.NotBelow = p.name()
	case "delta":
		p.expect("of")
		f.DeltaOf = p.name()
	case "half":
		p.expect("of")
		f.HalfOf = p.name()
	case "broken":
		f.Broken = p.number("a code")
	case "unit":
		f.Unit = p.ident("the unit")
	case "droppable":
		f.Droppable = true
	case "quiet":
		f.Quiet = true
	case "streamed":
		f.Streamed = true
	case "bits":
		p.block("the bit field", func() { f.Bits = append(f.Bits, p.bit(f.On)) })
	default:
		p.i--
		p.expected("a version range or in, max, as, if, not below, delta of, half of, broken, unit, droppable, streamed, bits")
		return false
	}
	return true
}

// limit reads 1..4, 1.. or a single value.
func (p *parser) limit() *Limit {
	l := &Limit{Low: p.number("a number")}
	l.High = l.Low
	if p.accept("..") {
		l.High = math.MaxUint64
		if k := p.peek().kind; k == tokNumber || k == tokHex {
			l.High = p.next().value
		}
	}
	return l
}

// cond reads "Type = 3", "Type in 1..3, 5", "Name" or "not Name".
func (p *parser) cond() *Cond {
	c := &Cond{Pos: p.peek().pos}
	c.Not = p.accept("not")
	c.Field = p.name()
	switch {
	case p.accept("="):
		n := p.number("a number")
		c.Values = []Limit{{n, n}}
	case p.accept("in"):
		for {
			c.Values = append(c.Values, *p.limit())
			if !p.accept(",") {
				break
			}
		}
	}
	return c
}

// bit reads "0x06 Subgroup Mode in 0..2 15+" or "0x10 = 1".
func (p *parser) bit(all Set) *Bit {
	t := p.peek()
	b := &Bit{Pos: t.pos, Doc: p.doc(t.pos), On: all, Mask: p.number("a mask")}
	if p.accept("=") {
		b.Fixed = p.number("the value of the bits")
	} else {
		b.Name = p.name()
	}
	for !p.atEnd() {
		switch {
		case p.atRange():
			b.On = p.ranges(all)
		case p.accept("in"):
			b.Limit = p.limit()
		case p.accept("as"):
			b.Enum = p.name()
		default:
			p.expected("a version range, in or as")
			return b
		}
	}
	return b
}

// simpleKinds take nothing but their name.
var simpleKinds = map[string]bool{
	"vi": true, "u8": true, "u16": true, "flag": true, "string": true, "bytes": true, "path": true,
	"option": true, "zigzag": true, "rest": true, "tail": true, "tail-vi": true, "tail-u8": true, "tally": true,
}

// kind reads the type of a field.
func (p *parser) kind() Kind {
	k := Kind{Pos: p.peek().pos}
	k.Sized = p.accept("sized")
	k.Filling = p.accept("filling")
	k.Name = p.ident("a kind")
	switch {
	case k.Name == "params":
		k.Ref = p.ident("the name of the params")
		k.Inline = p.accept("inline")
		if p.accept("scope") {
			k.Scope = p.ident("the scope")
		}
	case k.Name == "data" || k.Name == "id-delta":
		k.Ref = p.name()
	case p.peek().text == "[":
		p.listBounds(&k)
	case k.Name == "tuple" || k.Filling:
		p.expected("[")
	case !simpleKinds[k.Name]:
		k.Name, k.Ref = "struct", k.Name
	}
	return k
}

// listBounds reads the [1..32] behind the kind of the elements.
func (p *parser) listBounds(k *Kind) {
	p.i++
	if k.Name != "tuple" {
		k.Name, k.Ref = "list", k.Name
	}
	k.High = math.MaxUint64
	if p.peek().kind == tokNumber {
		k.Low = p.next().value
	}
	p.expect("..")
	if p.peek().kind == tokNumber {
		k.High = p.next().value
	}
	p.expect("]")
	k.NonEmpty = p.accept("nonempty")
}

// registry reads "params NAME { counted tlv max 64; unknown keep; ITEM 0x1 kind ... }".
func (p *parser) registry(pos Pos, doc string) {
	r := &Registry{Pos: pos, Doc: doc, Name: p.name()}
	on := p.ranges(p.all)
	p.block("params "+r.Name, func() {
		t := p.peek()
		if t.kind == tokRef {
			r.Refs = p.refs(r.Refs, on)
			return
		}
		switch t.text {
		case "counted", "filling":
			p.i++
			l := ListLayout{Extent: t.text, Pos: t.pos, Form: p.ident("tlv, kvp, kvp-delta or typed"), Max: 1024}
			if p.accept("max") {
				l.Max = p.number("the number of items")
			}
			l.On = p.ranges(on)
			r.Layouts = append(r.Layouts, l)
		case "unknown":
			r.Unknown = p.policies()
			r.UnknownOnce = p.accept("once")
		case "misplaced":
			r.Misplaced = p.policies()
		case "repeated":
			r.Repeated = p.policies()
		case "close":
			p.i++
			r.Close = p.number("a code")
			r.CloseOn = p.ranges(on)
		default:
			r.Items = append(r.Items, p.item(on))
		}
	})
	p.fam.Registries = append(p.fam.Registries, r)
}

// policies reads "unknown keep 14-15, refuse 16+".
func (p *parser) policies() Policies {
	p.i++
	var pol Policies
	for {
		refuse := p.accept("refuse")
		if !refuse && !p.accept("keep") {
			p.expected("keep or refuse")
			return pol
		}
		on := p.ranges(p.all)
		if refuse {
			pol.Refuse |= on
		}
		if !p.accept(",") {
			return pol
		}
	}
}

// item reads "GROUP_ORDER 0x22 u8 in 1..2 15+ for SUBSCRIBE, SUBSCRIBE_OK 15".
func (p *parser) item(all Set) *Item {
	t := p.peek()
	it := &Item{Field: Field{Pos: t.pos, Doc: p.doc(t.pos), Name: p.name(), On: all}}
	if p.peek().kind == tokHex {
		it.ID = p.next().value
	} else {
		p.expected("the type of the item, such as 0x2")
	}
	it.Kind = p.kind()
	for !p.atEnd() {
		switch {
		case p.atRange():
			it.On = p.ranges(all)
		case p.accept("close"):
			it.Close = p.number("a code")
		case p.accept("repeat"):
			it.Repeat = true
		case p.accept("for"):
			p.scopes(it)
		case !p.modifier(&it.Field):
			return it
		}
	}
	return it
}

func (p *parser) scopes(it *Item) {
	for {
		t := p.peek()
		s := Scope{Message: p.name(), Pos: t.pos}
		s.On = p.ranges(it.On) & it.On
		it.Scopes = append(it.Scopes, s)
		if !p.accept(",") {
			return
		}
	}
}
