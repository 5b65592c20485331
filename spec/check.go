package spec

import (
	"slices"
	"strings"
)

// checker looks for what parses but makes no sense.
type checker struct {
	*collector
	f   *Family
	all Set
}

// check notes everything that is wrong with f.
func check(f *Family, errs *collector) {
	c := &checker{collector: errs, f: f, all: f.All()}
	c.versions()
	c.streams()
	c.names()
	for _, e := range f.Enums {
		c.enum(e)
	}
	for _, r := range f.Registries {
		c.registry(r)
	}
	for _, s := range f.Structs {
		c.message(s, true)
	}
	for _, m := range f.Messages {
		c.message(m, false)
	}
	c.uses()
	c.codes()
	for _, ch := range f.Choices {
		c.choice(ch)
	}
}

func (c *checker) text(s Set) string { return s.Format(c.all, 2) }

func (c *checker) versions() {
	if c.f.Framing == "" {
		for _, m := range c.f.Messages {
			for _, b := range m.Blocks {
				if b.Framing == "" {
					c.add(b.Pos, "%s has a length, but the family does not say which: add a length line", m.Name)
				}
			}
		}
	}
	names := map[string]Pos{}
	for _, v := range c.f.Versions {
		if v.Name == "" {
			c.add(v.Pos, "version %d has no name", v.Number)
		}
		if v.ALPN == "" {
			c.add(v.Pos, "version %d has no alpn", v.Number)
		}
		switch v.Vi {
		case "rfc9000", "vi64-no7", "vi64":
		case "":
			c.add(v.Pos, "version %d has no vi: rfc9000, vi64-no7 or vi64", v.Number)
		default:
			c.add(v.Pos, "vi is rfc9000, vi64-no7 or vi64, not %s", v.Vi)
		}
		for _, name := range append([]string{v.Name}, v.Also...) {
			if at, ok := names[name]; ok && name != "" {
				c.add(v.Pos, "the name %q is taken at %s", name, at)
			}
			names[name] = v.Pos
		}
	}
}

func (c *checker) streams() {
	for i, s := range c.f.Streams {
		if s.Refused&^s.On != 0 {
			c.add(s.Pos, "stream %s is refused in versions that do not have it", s.Name)
		}
		for _, t := range c.f.Streams[:i] {
			shared := s.On & t.On
			switch {
			case shared == 0:
			case s.Name == t.Name:
				c.add(s.Pos, "stream %s is declared for %s at %s", s.Name, c.text(shared), t.Pos)
			case s.Typed && t.Typed && s.Kind == t.Kind && s.Code == t.Code:
				c.add(s.Pos, "type 0x%x of %s streams is %s in %s", s.Code, s.Kind, t.Name, c.text(shared))
			}
		}
	}
}

func (c *checker) enum(e *Enum) {
	top := uint64(255)
	switch e.Base {
	case "u8":
	case "vi":
		top = 1<<62 - 1
	default:
		c.add(e.Pos, "an enum is u8 or vi, not %s", e.Base)
	}
	c.refs(e.Name, e.Refs, c.all)
	for i, v := range e.Values {
		if v.Value > top {
			c.add(v.Pos, "%d does not fit into %s", v.Value, e.Base)
		}
		for _, w := range e.Values[:i] {
			switch {
			case v.On&w.On == 0:
			case mangled(v.Name) == mangled(w.Name):
				c.add(v.Pos, "%s is declared at %s", v.Name, w.Pos)
			case v.Value == w.Value:
				c.add(v.Pos, "value %d is %s", v.Value, w.Name)
			}
		}
	}
}

// message checks the layouts of a message or struct.
func (c *checker) message(m *Message, isStruct bool) {
	for i, b := range m.Blocks {
		if b.On == 0 {
			c.add(b.Pos, "%s is in no version", m.Name)
		}
		for _, a := range b.Aliases {
			if extra := a.On &^ b.On; extra != 0 {
				c.add(a.Pos, "%s is not in %s, so it has no type 0x%x there", m.Name, c.text(extra), a.Value)
			}
		}
		if b.MaxBody != 0 && b.Framing != LengthVi {
			c.add(b.Pos, "max is for a message whose length is a varint; that of %s is not", m.Name)
		}
		for _, other := range m.Blocks[:i] {
			if shared := b.On & other.On; shared != 0 {
				c.add(b.Pos, "%s has a layout for %s at %s", m.Name, c.text(shared), other.Pos)
			}
		}
		for _, p := range b.Places {
			c.place(m, b, p)
		}
		c.refs(m.Name, b.Refs, b.On)
		c.fields(m, b, isStruct)
	}
	c.sameTypes(m)
}

// refs checks that one section describes something in each version.
func (c *checker) refs(name string, list []Ref, on Set) {
	for i, r := range list {
		if r.Section == "" || strings.Trim(r.Section, "ABCDEFGHIJKLMNOPQRSTUVWXYZ.0123456789") != "" {
			c.add(r.Pos, "a section is a number such as §9.7, not §%s", r.Section)
		}
		if extra := r.On &^ on; extra != 0 {
			c.add(r.Pos, "%s is not in %s", name, c.text(extra))
		}
		for _, o := range list[:i] {
			if shared := r.On & o.On; shared != 0 {
				c.add(r.Pos, "section %s describes %s in %s", o.Section, name, c.text(shared))
			}
		}
	}
}

func (c *checker) place(m *Message, b *Block, p Place) {
	if extra := p.On &^ b.On; extra != 0 {
		c.add(p.Pos, "%s is not in %s", m.Name, c.text(extra))
		return
	}
	if p.Stream == "datagram" {
		return
	}
	var on Set
	for _, s := range c.f.Streams {
		if s.Name != p.Stream {
			continue
		}
		on |= s.On
		if shared := s.On & p.On; s.Kind == "uni" && p.Role != "opener" && shared != 0 {
			c.add(p.Pos, "only its opener sends on the uni stream %s in %s", s.Name, c.text(shared))
		}
	}
	switch missing := p.On &^ on; {
	case on == 0:
		c.add(p.Pos, "there is no stream %s", p.Stream)
	case missing != 0:
		c.add(p.Pos, "stream %s is not in %s", p.Stream, c.text(missing))
	}
}

// use is a layout of a message in one of its places.
type use struct {
	m *Message
	b *Block
	p Place
}

// codes checks that a type code means one message in each place, and that one which comes to mean another says
// so: a decoder that keeps to the older version would misread it.
func (c *checker) codes() {
	var uses []use
	replaced := map[string]bool{} // "NEW OLD"
	for _, m := range c.f.Messages {
		for _, b := range m.Blocks {
			for _, p := range b.Places {
				now := use{m, b, p}
				for _, u := range uses {
					if u.m != m && u.p.Stream == p.Stream && (u.p.Role == p.Role || u.p.Role == "either" || p.Role == "either") {
						c.sameCode(u, now, replaced)
					}
				}
				uses = append(uses, now)
			}
		}
	}
	for _, u := range uses {
		for _, name := range u.b.Replaces {
			if !replaced[u.m.Name+" "+name] {
				c.add(u.b.Pos, "%s had no type of %s in the same place", name, u.m.Name)
			}
		}
	}
}

func (c *checker) sameCode(old, now use, replaced map[string]bool) {
	for _, a := range now.b.Types() {
		for _, b := range old.b.Types() {
			if a.Value != b.Value || a.On&now.p.On == 0 || b.On&old.p.On == 0 {
				continue
			}
			if shared := a.On & b.On & old.p.On & now.p.On; shared != 0 {
				c.add(a.Pos, "type 0x%x is %s in %s", a.Value, old.m.Name, c.text(shared))
				continue
			}
			later, earlier, code, at := now, old, b, a.Pos
			if a.On < b.On { // sets are bits, the latest version the highest
				later, earlier, code, at = old, now, a, b.Pos
			}
			replaced[later.m.Name+" "+earlier.m.Name] = true
			if !slices.Contains(later.b.Replaces, earlier.m.Name) {
				c.add(at, "type 0x%x was %s in %s: say \"replaces %s\"", a.Value, earlier.m.Name, c.text(code.On), earlier.m.Name)
			}
		}
	}
}

// choice checks that in each version the type, or there being one message only, tells what stands there.
func (c *checker) choice(ch *Choice) {
	var coded, plain, twice Set
	for _, m := range c.f.Messages {
		for _, b := range m.Blocks {
			for _, p := range b.Places {
				on := p.On & ch.On
				switch {
				case p.Stream != ch.Stream || p.Role != ch.Role && p.Role != "either" && ch.Role != "either":
				case len(b.Codes) > 0:
					coded |= on
				default:
					twice |= plain & on
					plain |= on
				}
			}
		}
	}
	switch missing, doubt := ch.On&^(coded|plain), twice&^coded; {
	case coded == 0:
		c.add(ch.Pos, "no message with a type stands on %s (%s)", ch.Stream, ch.Role)
	case missing != 0:
		c.add(ch.Pos, "no message stands on %s (%s) in %s", ch.Stream, ch.Role, c.text(missing))
	case doubt != 0:
		c.add(ch.Pos, "nothing tells the messages on %s (%s) apart in %s", ch.Stream, ch.Role, c.text(doubt))
	}
}
