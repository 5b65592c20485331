package codegen

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/moqrx/moqrx/spec"
)

func (w *luaWriter) message(m *spec.Message, b *spec.Block, n int) {
	code := "nil"
	for _, c := range b.Codes {
		if c.On.Has(n) {
			code = luaNumber(c.Value)
		}
	}
	also := ""
	for _, c := range b.Aliases {
		if c.On.Has(n) {
			also += fmt.Sprintf("[%s] = true, ", luaNumber(c.Value))
		}
	}
	if also != "" {
		also = "also = { " + also + "}, "
	}
	w.line(2, "%s = { name = %q, code = %s, %sframing = %q, fields = {", m.Name, m.Name, code, also, b.Framing)
	w.layout(b, n)
	w.line(2, "} },")
}

func (w *luaWriter) layout(b *spec.Block, n int) {
	for _, f := range b.Fields {
		if f.On.Has(n) {
			w.line(3, "{ %s },", w.field(f, n))
		}
	}
}

// field is the inside of a field's table.
func (w *luaWriter) field(f *spec.Field, n int) string {
	s := fmt.Sprintf("name = %q, kind = %q", f.Name, f.Kind.Name)
	if sort := w.luaSort(f); sort != "" {
		s += fmt.Sprintf(", key = %q", w.key(f.Name, sort))
	}
	if f.Kind.Ref != "" {
		s += fmt.Sprintf(", ref = %q", f.Kind.Ref)
	}
	for _, flag := range []struct {
		name string
		on   bool
	}{{"sized", f.Kind.Sized}, {"filling", f.Kind.Filling}, {"given", f.Given}, {"streamed", f.Streamed}} {
		if flag.on {
			s += ", " + flag.name + " = true"
		}
	}
	if f.Enum != "" {
		s += fmt.Sprintf(", enum = %q", f.Enum)
	}
	if f.Limit != nil {
		s += ", limit = " + luaLimit(*f.Limit)
	}
	if f.If != nil {
		s += ", cond = " + luaCond(f.If)
	}
	if len(f.Bits) > 0 {
		s += w.bits(f, n)
	}
	return s
}

// bits lists the parts of a bit field; bits between them that have no name are fixed to 0.
func (w *luaWriter) bits(f *spec.Field, n int) string {
	var parts []string
	var used uint64
	part := func(mask uint64, rest string) {
		parts = append(parts, fmt.Sprintf("{ runs = { %s }, %s }", luaRuns(mask), rest))
	}
	for _, b := range f.Bits {
		if !b.On.Has(n) {
			continue
		}
		used |= b.Mask
		rest := fmt.Sprintf("fixed = %d", b.Fixed)
		if b.Name != "" {
			rest = fmt.Sprintf("name = %q, key = %q", b.Name, w.key(b.Name, "uint"))
		}
		if b.Enum != "" {
			rest += fmt.Sprintf(", enum = %q", b.Enum)
		}
		part(b.Mask, rest)
	}
	if used > math.MaxUint32 {
		w.fail(f.Pos, "bits beyond the 32nd")
	}
	for i := range bits.Len64(used) {
		if used>>i&1 == 0 {
			part(1<<i, "fixed = 0")
		}
	}
	return fmt.Sprintf(", unused = %s, bits = { %s }", luaNumber(1<<bits.Len64(used)), strings.Join(parts, ", "))
}

// luaRuns is the runs of neighboring bits in a mask: where each starts, how many values it has,
// and what one of them adds to the value of the mask as a whole.
func luaRuns(mask uint64) string {
	var runs []string
	first := bits.TrailingZeros64(mask)
	for mask != 0 {
		low := bits.TrailingZeros64(mask)
		size := bits.TrailingZeros64(^(mask >> low))
		runs = append(runs, fmt.Sprintf("{ %s, %s, %s }", luaNumber(1<<low), luaNumber(1<<size), luaNumber(1<<(low-first))))
		mask &^= (1<<size - 1) << low
	}
	return strings.Join(runs, ", ")
}

// list writes the layout of a key-value list and its types.
func (w *luaWriter) list(r *spec.Registry, n int) {
	for _, l := range r.Layouts {
		if !l.On.Has(n) {
			continue
		}
		w.line(2, "%s = { form = %q, counted = %t, items = {", r.Name, l.Form, l.Extent == "counted")
		for _, it := range r.Items {
			if it.On.Has(n) {
				w.line(3, `["%d"] = { %s },`, it.ID, w.field(&it.Field, n))
			}
		}
		w.line(2, "} },")
	}
}

func (w *luaWriter) enum(e *spec.Enum, n int) {
	var values []string
	for _, v := range e.Values {
		if v.On.Has(n) {
			values = append(values, fmt.Sprintf(`["%d"] = %q`, v.Value, v.Name))
		}
	}
	if len(values) > 0 {
		w.line(2, "%s = { %s },", e.Name, strings.Join(values, ", "))
	}
}

func luaCond(c *spec.Cond) string {
	s := fmt.Sprintf("{ field = %q", c.Field)
	if c.Not {
		s += ", no = true"
	}
	if len(c.Values) > 0 {
		var limits []string
		for _, l := range c.Values {
			limits = append(limits, luaLimit(l))
		}
		s += ", values = { " + strings.Join(limits, ", ") + " }"
	}
	return s + " }"
}

// luaLimit is the bounds of a number; the upper one is left out where it is none.
func luaLimit(l spec.Limit) string {
	if l.High == math.MaxUint64 {
		return "{ " + luaNumber(l.Low) + " }"
	}
	return "{ " + luaNumber(l.Low) + ", " + luaNumber(l.High) + " }"
}

// luaNumber is n as Lua 5.2, where all numbers are floats, and 5.4, where integers are signed,
// both read it: the nearest float where it is large.
func luaNumber(n uint64) string {
	if n > math.MaxInt64 {
		return fmt.Sprintf("%d.0", n)
	}
	return strconv.FormatUint(n, 10)
}
