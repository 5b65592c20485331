package spec

// uses checks what only shows where declarations meet the lines that name them.
func (c *checker) uses() {
	used := map[string]bool{}
	for _, m := range append(append([]*Message{}, c.f.Structs...), c.f.Messages...) {
		for _, b := range m.Blocks {
			for _, f := range b.Fields {
				c.use(f, used)
			}
		}
	}
	for _, r := range c.f.Registries {
		for _, it := range r.Items {
			c.use(&it.Field, used)
		}
	}
	for _, s := range c.f.Structs {
		if !used[s.Name] {
			c.add(s.Pos, "nothing uses struct %s", s.Name)
		}
	}
}

func (c *checker) use(f *Field, used map[string]bool) {
	if f.Kind.Name == "struct" {
		used[f.Kind.Ref] = true
	}
	c.closed(f.Pos, f.Enum, f.On)
	for _, b := range f.Bits {
		c.closed(b.Pos, b.Enum, b.On&f.On)
	}
}

// closed checks that a field of a closed enum has a value that it may take, in each version.
func (c *checker) closed(pos Pos, name string, on Set) {
	e := c.f.Enum(name)
	if e == nil || !e.Closed {
		return
	}
	for _, v := range e.Values {
		on &^= v.On
	}
	if on != 0 {
		c.add(pos, "enum %s is closed and has no value in %s", name, c.text(on))
	}
}
