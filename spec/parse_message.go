package spec

import "strings"

// message reads "message NAME 0x3 14+ unframed hot max 100 replaces OTHER on Place role { §4.8 14 §4.9 15+ fields }".
func (p *parser) message(pos Pos, doc string) {
	b := &Block{Pos: pos, Doc: doc, Framing: p.fam.Framing}
	name := p.name()
	if p.peek().kind == tokHex {
		p.codes(b)
	} else {
		b.On = p.ranges(p.all)
	}
	p.traits(b)
	if p.accept("replaces") {
		for {
			b.Replaces = append(b.Replaces, p.name())
			if !p.accept(",") {
				break
			}
		}
	}
	if p.accept("on") {
		p.places(b)
	} else {
		p.expected("on and the place of the message")
	}
	p.layout("message "+name, b)
	p.fam.Messages = addBlock(p.fam.Messages, name, b)
}

// longestBody is the longest body that a message may be allowed.
const longestBody = 1 << 30

// traits reads what a message is, in any order.
func (p *parser) traits(b *Block) {
	for {
		switch {
		case p.accept("hot"):
			b.Hot = true
		case p.accept("u16"):
			b.Framing = LengthU16
		case p.accept("unframed"):
			b.Framing = Unframed
		case p.accept("max"):
			at := p.peek().pos
			n := p.number("the longest body in bytes")
			if n == 0 || n > longestBody {
				p.add(at, "the longest body is 1 to %d bytes, not %d", longestBody, n)
			}
			b.MaxBody = int(n)
		default:
			return
		}
	}
}

func addBlock(list []*Message, name string, b *Block) []*Message {
	m := find(list, name)
	if m == nil {
		m = &Message{Name: name, Pos: b.Pos}
		list = append(list, m)
	}
	if b.Doc != "" {
		m.Doc = strings.TrimSpace(m.Doc + "\n" + b.Doc)
	}
	m.Blocks = append(m.Blocks, b)
	return list
}

func (p *parser) codes(b *Block) {
	for {
		t := p.next()
		c := Code{Value: t.value, Pos: t.pos, On: p.ranges(p.all)}
		if b.On&c.On != 0 {
			p.add(t.pos, "two codes in one version")
		}
		b.Codes = append(b.Codes, c)
		b.On |= c.On
		if p.peek().text != "," || p.toks[p.i+1].kind != tokHex {
			break
		}
		p.i++
	}
	for p.accept("or") {
		at := p.peek().pos
		b.Aliases = append(b.Aliases, Code{Value: p.number("a type"), Pos: at, On: p.ranges(b.On)})
	}
}

func (p *parser) places(b *Block) {
	for {
		t := p.peek()
		place := Place{Pos: t.pos}
		if p.accept("datagram") {
			place.Stream = "datagram"
		} else {
			place.Stream = p.name()
			place.Role = p.role()
			place.First = p.accept("first")
		}
		place.On = p.ranges(b.On)
		b.Places = append(b.Places, place)
		if !p.accept(",") {
			return
		}
	}
}

// role reads who of a stream sends.
func (p *parser) role() string {
	t := p.peek()
	role := p.ident("opener, acceptor or either")
	switch role {
	case "opener", "acceptor", "either":
	default:
		p.add(t.pos, "a sender is opener, acceptor or either, not %s", role)
	}
	return role
}

// layout reads the fields of a message or struct.
func (p *parser) layout(what string, b *Block) {
	p.block(what, func() {
		if p.peek().kind == tokRef {
			b.Refs = p.refs(b.Refs, b.On)
			return
		}
		if p.peek().text == "refuse" {
			b.Refuse = append(b.Refuse, p.refusal(b))
			return
		}
		b.Fields = append(b.Fields, p.field(b.On))
	})
}

// refs reads "§9.7 14  §9.9 15-16". Each version has a text, with sections of its own, though the bytes be those of
// another one: ranges mean the versions that they name.
func (p *parser) refs(list []Ref, on Set) []Ref {
	p.texts = true
	defer func() { p.texts = false }()
	for p.peek().kind == tokRef {
		t := p.next()
		list = append(list, Ref{Section: t.text, On: p.ranges(on), Pos: t.pos})
	}
	return list
}

// refusal reads `refuse 15+ if A and B "reason"`.
func (p *parser) refusal(b *Block) *Refusal {
	r := &Refusal{Pos: p.next().pos}
	r.On = p.ranges(b.On)
	p.expect("if")
	for {
		r.Conds = append(r.Conds, p.cond())
		if !p.accept("and") {
			break
		}
	}
	r.Reason = p.str("the rule in quotes")
	return r
}
