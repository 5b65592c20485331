package codegen

import (
	"slices"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

func (c *codec) parseFields() []j.Code {
	done := map[*spec.Field]bool{}
	out := c.eachField(func(f *spec.Field) []j.Code {
		if done[f] {
			return nil
		}
		var lengths, code []j.Code
		for _, f := range c.together(f) {
			done[f] = true
			code = append(code, c.parseField(f)...)
			if lengthOf(c.block, f) != nil {
				lengths = append(lengths, j.Var().Id(unexported(GoName(f.Name))).Uint64())
			}
		}
		if f.If != nil {
			code = []j.Code{j.If(c.cond(f.If)).Block(code...)}
		}
		return append(lengths, code...)
	})
	return append(out, c.refusals(func(e *j.Statement) j.Code { return c.parseFail("", j.Id("off"), e) })...)
}

// together is f and the fields behind it that stand there under the same condition.
func (c *codec) together(f *spec.Field) []*spec.Field {
	list := c.block.Fields[slices.Index(c.block.Fields, f):]
	n := 1
	for n < len(list) && f.If != nil && list[n].If != nil && list[n].On == f.On && sameCond(list[n].If, f.If) {
		n++
	}
	return list[:n]
}

// eachField emits the fields that are on the wire. Neighbors of the same versions share
// their condition.
func (c *codec) eachField(emit func(f *spec.Field) []j.Code) []j.Code {
	var runs versionRuns
	for _, f := range c.block.Fields {
		if f.Given {
			continue
		}
		c.within = c.block.On & f.On
		runs.add(f.On, emit(f)...)
		c.within = c.block.On
	}
	return c.g.inTurn(runs, c.block.On)
}

// rest is the source from where the next field starts.
func rest() *j.Statement { return j.Id("src").Index(j.Id("off"), j.Empty()) }

// advance moves behind the field that was read.
func (c *codec) advance() j.Code { return j.Id("off").Op("+=").Add(c.scratch("n")) }

// parseField emits the code that reads one field, by its kind.
func (c *codec) parseField(f *spec.Field) []j.Code {
	switch f.Kind.Name {
	case "u8", "flag":
		if len(f.Bits) > 0 {
			return c.parseBits(f)
		}
		return c.parseByte(f)
	case "vi", "option", "zigzag", "id-delta":
		return c.parseVi(f)
	case "tail-vi":
		return c.parseTailVi(f)
	case "tail-u8":
		return []j.Code{j.If(j.Id("off").Op("<").Len(j.Id("src"))).Block(
			c.self(f.Name).Op("=").Add(wire("Some")).Call(j.Id("src").Index(j.Id("off"))),
			j.Id("off").Op("++"),
		)}
	case "data":
		return c.parseData(f, j.Id(unexported(GoName(f.Kind.Ref))))
	case "rest":
		return []j.Code{c.self(f.Name).Op("=").Add(rest()), j.Id("off").Op("=").Len(j.Id("src"))}
	case "tail":
		return []j.Code{c.self(f.Name).Op("=").String().Call(rest()), j.Id("off").Op("=").Len(j.Id("src"))}
	case "u16":
		return c.parseCall(f, wire("ParseU16").Call(rest()))
	case "string":
		return c.parseCall(f, c.vi().Dot("ParseString").Call(rest(), maxLen(f)))
	case "bytes":
		if c.hasNamespace(f) {
			return c.parseNameOf(f)
		}
		return c.parseCall(f, c.vi().Dot("ParseText").Call(rest(), c.textLen(f)))
	case "path":
		return c.parseCall(f, c.vi().Dot("ParsePath").Call(rest(), maxLen(f)))
	case "tuple":
		args := append([]j.Code{rest()}, tupleBounds(f)...)
		if c.hasName(f) {
			return c.parseInto(f, c.scratch("tuple"), c.vi().Dot("ScanTuple").Call(args...))
		}
		return c.parseCall(f, c.vi().Dot("ParseTuple").Call(args...))
	case "list":
		return c.parseCall(f, c.vi().Dot(listFuncs(f.Kind).parse).Call(append([]j.Code{rest()}, bounds(f)...)...))
	case "tally":
		return c.parseTally(f)
	case "params":
		return c.parseParams(f)
	}
	return c.parseStruct(f)
}

// parseData aliases bytes whose number stood in an earlier field.
func (c *codec) parseData(f *spec.Field, length *j.Statement) []j.Code {
	return []j.Code{
		j.If(length.Clone().Op(">").Uint64().Call(j.Len(j.Id("src")).Op("-").Id("off"))).Block(
			c.parseFail(f.Name, j.Id("off"), wire("ShortData").Call(rest(), length))),
		c.scratch("n").Op("=").Id("off").Op("+").Int().Call(length),
		c.self(f.Name).Op("=").Id("src").Index(j.Id("off"), j.Id("n"), j.Id("n")),
		j.Id("off").Op("=").Id("n"),
	}
}

// listFuncs names what reads and writes the lists of a kind.
func listFuncs(k spec.Kind) struct{ parse, append string } {
	name := map[string]string{"vi": "Ints", "path": "Paths"}[k.Ref]
	if k.Filling {
		name += "ToEnd"
	}
	return struct{ parse, append string }{"Parse" + name, "Append" + name}
}

func bounds(f *spec.Field) []j.Code {
	return []j.Code{number(f.Kind.Low), hexOrNumber(f.Kind.High)}
}

func hexOrNumber(v uint64) *j.Statement {
	if v > 1<<32 {
		return hex(v)
	}
	return number(v)
}

func tupleBounds(f *spec.Field) []j.Code {
	return append(bounds(f), j.Lit(f.Kind.NonEmpty), maxLen(f))
}

// textLen is the longest length of bytes that may share their limit with a tuple.
func (c *codec) textLen(f *spec.Field) j.Code {
	if f.Kind.MaxWith == "" {
		return maxLen(f)
	}
	return number(f.Kind.Max).Op("-").Add(wire("TupleLen")).Call(c.self(f.Kind.MaxWith))
}

func maxLen(f *spec.Field) j.Code {
	if f.Kind.Max != 0 {
		return number(f.Kind.Max)
	}
	return j.Id("maxBody")
}

// parseCall reads a field with a function that gives value, size and error.
func (c *codec) parseCall(f *spec.Field, call *j.Statement) []j.Code {
	return c.parseInto(f, c.self(f.Name), call)
}

// A name that shares its limit with a namespace is read by what copies both.

// hasName tells whether such a name stands wherever the namespace f does.
func (c *codec) hasName(f *spec.Field) bool {
	return slices.ContainsFunc(c.block.Fields, func(name *spec.Field) bool { return paired(f, name) })
}

func paired(namespace, name *spec.Field) bool {
	return name.Kind.MaxWith == namespace.Name && namespace.On&^name.On == 0 && sameCond(namespace.If, name.If)
}

// hasNamespace tells whether the namespace of the name f has been read with it in mind.
func (c *codec) hasNamespace(f *spec.Field) bool {
	return f.Kind.MaxWith != "" && !slices.ContainsFunc(c.block.Fields, func(namespace *spec.Field) bool {
		return namespace.Name == f.Kind.MaxWith && namespace.On&f.On != 0 && !paired(namespace, f)
	})
}

func (c *codec) parseNameOf(f *spec.Field) []j.Code {
	both := j.List(c.self(f.Kind.MaxWith), c.self(f.Name))
	return c.parseInto(f, both, c.vi().Dot("ParseTextOf").Call(c.scratch("tuple"), rest(), number(f.Kind.Max)))
}

// parseInto is parseCall for a value that goes elsewhere.
func (c *codec) parseInto(f *spec.Field, value, call *j.Statement) []j.Code {
	out := []j.Code{
		j.List(value, c.scratch("n"), c.scratch("e")).Op("=").Add(call),
		j.If(j.Id("e").Op("!=").Nil()).Block(c.parseFail(f.Name, j.Id("off"), j.Id("e"))),
	}
	out = append(out, c.parseChecks(f)...)
	return append(out, c.advance())
}

func (c *codec) parseChecks(f *spec.Field) []j.Code {
	return c.checks(f, c.self(f.Name), func(e *j.Statement) j.Code { return c.parseFail(f.Name, j.Id("off"), e) })
}

func (c *codec) parseByte(f *spec.Field) []j.Code {
	out := []j.Code{j.If(j.Id("off").Op(">=").Len(j.Id("src"))).Block(
		c.parseFail(f.Name, j.Id("off"), wire("Short").Call(j.Lit(1), j.Lit(0))))}
	b := j.Id("src").Index(j.Id("off"))
	switch {
	case f.Kind.Name == "flag":
		b = b.Op("!=").Lit(0)
	case f.Enum != "":
		b = j.Id(GoName(f.Enum)).Call(b)
	}
	out = append(out, c.self(f.Name).Op("=").Add(b))
	out = append(out, c.parseChecks(f)...)
	return append(out, j.Id("off").Op("++"))
}

// parseVi reads a field that is one varint on the wire.
func (c *codec) parseVi(f *spec.Field) []j.Code {
	if len(f.Bits) > 0 {
		return c.parseBits(f)
	}
	call := c.parseVarint(rest())
	failed := j.If(c.scratch("n").Op("<=").Lit(0)).Block(
		c.parseFail(f.Name, j.Id("off"), c.vi().Dot("Fault").Call(rest())))
	if lengthOf(c.block, f) != nil {
		local := j.Id(unexported(GoName(f.Name)))
		return []j.Code{j.List(local, j.Id("n")).Op("=").Add(call), failed, c.advance()}
	}
	if f.Kind.Name == "vi" && f.Enum == "" {
		out := []j.Code{j.List(c.self(f.Name), j.Id("n")).Op("=").Add(call), failed}
		return append(append(out, c.parseChecks(f)...), c.advance())
	}
	out := []j.Code{j.List(c.scratch("x"), j.Id("n")).Op("=").Add(call), failed}
	out = append(out, c.fromVi(f)...)
	return append(append(out, c.parseChecks(f)...), c.advance())
}

// parseTailVi reads a varint that is there if anything is.
func (c *codec) parseTailVi(f *spec.Field) []j.Code {
	return []j.Code{j.If(j.Id("off").Op("<").Len(j.Id("src"))).Block(
		j.List(c.scratch("x"), c.scratch("n")).Op("=").Add(c.parseVarint(rest())),
		j.If(j.Id("n").Op("<=").Lit(0)).Block(c.parseFail(f.Name, j.Id("off"), c.vi().Dot("Fault").Call(rest()))),
		c.self(f.Name).Op("=").Add(wire("Some")).Call(j.Id("x")),
		c.advance(),
	)}
}

// fromVi turns the varint x into the value of the field.
func (c *codec) fromVi(f *spec.Field) []j.Code {
	x := j.Id("x")
	switch f.Kind.Name {
	case "option":
		return []j.Code{c.self(f.Name).Op("=").Add(wire("OptionOf")).Call(x)}
	case "zigzag":
		return []j.Code{c.self(f.Name).Op("=").Add(wire("Unzigzag")).Call(x)}
	case "id-delta":
		prior, _ := c.value(f.Kind.Ref)
		return []j.Code{
			j.List(c.self(f.Name), c.scratch("ok")).Op("=").Add(c.vi()).Dot("NextID").Call(prior, x),
			j.If(j.Op("!").Id("ok")).Block(c.parseFail(f.Name, j.Id("off"), c.vi().Dot("IDFault").Call(x))),
		}
	}
	return []j.Code{c.self(f.Name).Op("=").Id(GoName(f.Enum)).Call(x)}
}
