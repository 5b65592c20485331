package spec

import (
	"fmt"
	"strconv"
	"strings"
)

func (p *parser) family(pos Pos, doc string) {
	if len(p.fam.Versions) > 0 {
		p.add(pos, "a file has one family")
	}
	f := p.fam
	f.Name, f.Pos, f.Doc, f.MaxBody = p.ident("the name of the family"), pos, doc, 0xffff
	f.Title = p.str("the name of the draft in quotes")
	p.block("family "+f.Name, func() {
		if p.accept("close") {
			f.Close = p.number("a code")
			return
		}
		if !p.accept("length") {
			p.versions()
			return
		}
		switch framing := p.ident("vi or u16"); framing {
		case "vi", "u16":
			f.Framing = Framing(framing)
		default:
			p.add(p.toks[p.i-1].pos, "a length is vi or u16, not %s", framing)
		}
		if p.accept("max") {
			f.MaxBody = int(p.number("the longest body in bytes"))
		}
	})
	if len(f.Versions) == 0 {
		p.add(pos, "family %s has no versions", f.Name)
	}
	p.all = f.All()
}

// versions reads "15 16  name ..." or "21 = 20".
func (p *parser) versions() {
	var list []*Version
	for p.peek().kind == tokNumber {
		t := p.next()
		if t.value > 63 {
			p.add(t.pos, "version numbers go up to 63")
			return
		}
		list = append(list, &Version{Number: int(t.value), Alias: -1, Pos: t.pos})
	}
	if len(list) == 0 {
		p.expected("a version number or length")
		return
	}
	if p.accept("=") {
		p.alias(list)
	}
	for p.peek().kind == tokIdent {
		p.versionAttribute(list)
	}
	for _, v := range list {
		p.addVersion(v)
	}
}

func (p *parser) alias(list []*Version) {
	t := p.peek()
	n := int(p.number("the version that this one equals"))
	base := p.fam.Version(n)
	if base == nil || base.Alias >= 0 || len(list) != 1 {
		p.add(t.pos, "one version can equal one that stands above it")
		return
	}
	list[0].Alias, list[0].Vi = n, base.Vi
}

func (p *parser) versionAttribute(list []*Version) {
	t := p.next()
	if t.text == "vi" {
		kind := p.ident("rfc9000, vi64-no7 or vi64")
		for _, v := range list {
			v.Vi = kind
		}
		return
	}
	for p.peek().kind == tokString {
		s := p.next()
		for _, v := range list {
			text, ok := withNumber(s.text, v.Number)
			if !ok {
				p.add(s.pos, "in %q the number of the version stands as %%d, or with two digits as %%02d or %%02x", text)
				return
			}
			switch t.text {
			case "name":
				v.Name = text
			case "alpn":
				v.ALPN = text
			case "also":
				v.Also = append(v.Also, text)
			case "code":
				n, err := strconv.ParseUint(text, 0, 64)
				if err != nil {
					p.add(t.pos, "the code %q is not a number", text)
				}
				v.Code = n
			default:
				p.add(t.pos, "a version has name, alpn, also, code and vi, not %s", t.text)
			}
		}
	}
}

// withNumber puts the number of a version into a text that has a place for it. The text is no format of
// package fmt: there a few bytes can ask for megabytes.
func withNumber(text string, n int) (string, bool) {
	out := text
	for _, verb := range []string{"%d", "%02d", "%02x"} {
		out = strings.ReplaceAll(out, verb, fmt.Sprintf(verb, n))
	}
	if strings.Contains(out, "%") {
		return text, false
	}
	return out, true
}

func (p *parser) addVersion(v *Version) {
	list := p.fam.Versions
	i := len(list)
	for i > 0 && list[i-1].Number >= v.Number {
		i--
	}
	if i < len(list) && list[i].Number == v.Number {
		p.add(v.Pos, "version %d is declared twice", v.Number)
		return
	}
	p.fam.Versions = append(list[:i], append([]*Version{v}, list[i:]...)...)
}

// stream reads "stream bidi Announce 0x1 by subscriber 03+ refused 03-04".
func (p *parser) stream(pos Pos, doc string) {
	s := &Stream{Pos: pos, Doc: doc, Kind: p.ident("uni or bidi")}
	if s.Kind != "uni" && s.Kind != "bidi" {
		p.add(pos, "a stream is uni or bidi, not %s", s.Kind)
	}
	s.Name = p.name()
	if p.peek().kind == tokHex {
		s.Typed, s.Code = true, p.next().value
	}
	if p.accept("by") {
		s.Opener = p.opener()
	} else {
		p.expected("by and who opens the stream")
	}
	s.On = p.ranges(p.all)
	if p.accept("refused") {
		s.Refused = p.ranges(s.On)
	}
	p.fam.Streams = append(p.fam.Streams, s)
}

// opener reads who opens a stream.
func (p *parser) opener() string {
	t := p.peek()
	who := p.ident("client, server, publisher, subscriber or either")
	switch who {
	case "client", "server", "publisher", "subscriber", "either":
	default:
		p.add(t.pos, "a stream is opened by client, server, publisher, subscriber or either, not %s", who)
	}
	return who
}

// enum reads "enum AnnounceStatus u8 closed { Ended 0 }".
func (p *parser) enum(pos Pos, doc string) {
	e := &Enum{Pos: pos, Doc: doc, Name: p.name(), Base: p.ident("u8 or vi")}
	e.Closed = p.accept("closed")
	p.block("enum "+e.Name, func() {
		t := p.peek()
		if t.kind == tokRef {
			e.Refs = p.refs(e.Refs, p.all)
			return
		}
		v := &EnumValue{Pos: t.pos, Doc: p.doc(t.pos), Name: p.name(), Value: p.number("a value")}
		v.On = p.ranges(p.all)
		e.Values = append(e.Values, v)
	})
	p.fam.Enums = append(p.fam.Enums, e)
}

// choice reads "choice SUBSCRIBE_RESPONSE on Subscribe acceptor".
func (p *parser) choice(pos Pos, doc string) {
	c := &Choice{Pos: pos, Doc: doc, Name: p.name()}
	c.On = p.ranges(p.all)
	p.expect("on")
	c.Stream = p.name()
	c.Role = p.role()
	p.fam.Choices = append(p.fam.Choices, c)
}

func (p *parser) structDecl(pos Pos, doc string) {
	b := &Block{Pos: pos, Doc: doc, Framing: Unframed}
	name := p.ident("the name of the struct in lower case")
	b.On = p.ranges(p.all)
	p.layout("struct "+name, b)
	p.fam.Structs = addBlock(p.fam.Structs, name, b)
}
