package spec

// on is the versions that have the list of r.
func (r *Registry) on() Set {
	var s Set
	for _, l := range r.Layouts {
		s |= l.On
	}
	return s
}

// registry checks the list and the items of r.
func (c *checker) registry(r *Registry) {
	for i, l := range r.Layouts {
		switch l.Form {
		case "tlv", "kvp", "kvp-delta":
		case "typed":
			if open := l.On &^ r.Unknown.Refuse; open != 0 {
				c.add(l.Pos, "nothing says where an unknown item of a typed list ends: %s has to refuse it", c.text(open))
			}
		default:
			c.add(l.Pos, "the items of a list are tlv, kvp, kvp-delta or typed, not %s", l.Form)
		}
		for _, o := range r.Layouts[:i] {
			if shared := l.On & o.On; shared != 0 {
				c.add(l.Pos, "%s has a list for %s at %s", r.Name, c.text(shared), o.Pos)
			}
		}
	}
	if len(r.Layouts) == 0 {
		c.add(r.Pos, "%s does not say how its list is written", r.Name)
	}
	c.refs(r.Name, r.Refs, r.on())
	if extra := r.CloseOn &^ r.on(); extra != 0 && r.CloseOn != c.all {
		c.add(r.Pos, "%s has a code for a list in %s, where there is none", r.Name, c.text(extra))
	}
	for i, it := range r.Items {
		c.item(r, it)
		for _, o := range r.Items[:i] {
			shared := it.On & o.On
			switch {
			case shared == 0 && mangled(it.Name) == mangled(o.Name) && (goKind(&it.Field) != goKind(&o.Field) || it.Repeat != o.Repeat):
				c.add(it.Pos, "%s is a %s here and a %s at %s", it.Name, goKind(&it.Field), goKind(&o.Field), o.Pos)
			case shared == 0:
			case it.ID == o.ID:
				c.add(it.Pos, "type 0x%x is %s in %s", it.ID, o.Name, c.text(shared))
			case mangled(it.Name) == mangled(o.Name):
				c.add(it.Pos, "%s has a line for %s at %s", it.Name, c.text(shared), o.Pos)
			}
		}
	}
	c.inline(r)
}

func (c *checker) item(r *Registry, it *Item) {
	if extra := it.On &^ r.on(); extra != 0 {
		c.add(it.Pos, "%s has no list in %s", r.Name, c.text(extra))
	}
	switch it.Kind.Name {
	case "vi", "u8", "string", "bytes":
	case "struct":
		c.structRef(&it.Field)
	case "params":
		c.paramsRef(&it.Field)
	default:
		c.add(it.Kind.Pos, "an item is vi, u8, string, bytes, a struct or params, not %s", it.Kind.Name)
	}
	c.qualifiers(&it.Field, nil)
	c.parity(r, it)
	for _, s := range it.Scopes {
		c.scope(r, it, s)
	}
}

// parity checks that pairs of even type are bare numbers, since every reader takes them so.
func (c *checker) parity(r *Registry, it *Item) {
	if it.ID%2 == 1 || it.Kind.Name == "vi" || it.Kind.Name == "u8" {
		return
	}
	for _, l := range r.Layouts {
		if shared := l.On & it.On; shared != 0 && (l.Form == "kvp" || l.Form == "kvp-delta") {
			c.add(it.Pos, "type 0x%x is even, so its value in %s is a number and not %s", it.ID, c.text(shared), it.Kind.Name)
		}
	}
}

// scope checks that a message that may carry an item has a list for it.
func (c *checker) scope(r *Registry, it *Item, s Scope) {
	if s.On == 0 {
		c.add(s.Pos, "%s is in no version in which it could be in %s", it.Name, s.Message)
	}
	for _, o := range r.Items {
		if o.Kind.Name == "params" && (o.Kind.Scope == s.Message || o.Kind.Scope == "" && o.Name == s.Message) {
			return
		}
	}
	m := c.f.Message(s.Message)
	if m == nil {
		c.add(s.Pos, "there is no message %s", s.Message)
		return
	}
	var on Set
	for _, b := range m.Blocks {
		for _, f := range b.Fields {
			if f.Kind.Name == "params" && f.Kind.Ref == r.Name {
				on |= f.On
			}
		}
	}
	if missing := s.On &^ on; missing != 0 {
		c.add(s.Pos, "%s has no %s in %s", s.Message, r.Name, c.text(missing))
	}
}

// inline checks that a list whose items are fields of a message is all that the message has.
func (c *checker) inline(r *Registry) {
	uses, inlined := 0, 0
	for _, m := range c.f.Messages {
		for _, b := range m.Blocks {
			for _, f := range b.Fields {
				if f.Kind.Name != "params" || f.Kind.Ref != r.Name {
					continue
				}
				uses++
				if f.Kind.Inline {
					inlined++
					if len(b.Fields) > 1 {
						c.add(f.Pos, "an inline list has to be the only field of its message")
					}
				}
			}
		}
	}
	if inlined > 0 && uses > 1 {
		c.add(r.Pos, "%s is inline and used more than once", r.Name)
	}
	if uses == 0 {
		c.add(r.Pos, "nothing uses %s", r.Name)
	}
}
