package codegen

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moqrx/moqrx/spec"
)

// luaWriter writes the tables of a dissector. Its first error stands for all.
type luaWriter struct {
	b     bytes.Buffer
	names []string // of fields, in the order of the specs
	// sorts has the title of each field by name and sort: one name may be a number here and a
	// text there, which are two fields for Wireshark.
	sorts map[string]map[string]string
	alpns map[string]bool // that a version has already
	err   error
}

// luaReserved are the names that the runtime has for itself.
var luaReserved = []string{"message", "truncated", "malformed", "extra", "unknown"}

// luaSorts are the sorts of fields, the one that gets the plain name first.
var luaSorts = []string{"uint", "int", "text", "bytes"}

// luaSort is how Wireshark holds a value of a kind, "" for what only groups others.
func (w *luaWriter) luaSort(f *spec.Field) string {
	switch f.Kind.Name {
	case "vi", "u8", "u16", "flag", "option", "tally", "tail-vi", "tail-u8", "id-delta":
		return "uint"
	case "zigzag":
		return "int"
	case "string", "path", "bytes", "tuple":
		return "text"
	case "data", "rest", "tail":
		return "bytes"
	case "list":
		if f.Kind.Ref == "vi" {
			return "uint"
		}
		return "text"
	}
	return "" // a struct or params
}

func (w *luaWriter) fail(pos spec.Pos, format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("%s: the dissector has nothing for "+format, append([]any{pos}, args...)...)
	}
}

// collect notes all fields of a family.
func (w *luaWriter) collect(f *spec.Family) {
	for _, m := range slices.Concat(f.Structs, f.Messages) {
		for _, b := range m.Blocks {
			for _, field := range b.Fields {
				w.note(field.Name, w.luaSort(field))
				for _, bit := range field.Bits {
					w.note(bit.Name, "uint")
				}
			}
		}
	}
	for _, r := range f.Registries {
		for _, it := range r.Items {
			w.note(it.Name, w.luaSort(&it.Field))
		}
	}
}

func (w *luaWriter) note(name, sort string) {
	key := luaName(name)
	if key == "" || sort == "" {
		return
	}
	if w.sorts[key] == nil {
		w.sorts[key] = map[string]string{}
		w.names = append(w.names, key)
	}
	if w.sorts[key][sort] == "" {
		w.sorts[key][sort] = name
	}
}

func luaName(name string) string {
	key := SnakeName(name)
	if slices.Contains(luaReserved, key) {
		return key + "_field"
	}
	return key
}

// key is the name of the field of a sort: moq.priority, or moq.priority_text where another has the plain one.
func (w *luaWriter) key(name, sort string) string {
	key := luaName(name)
	for _, s := range luaSorts {
		if _, ok := w.sorts[key][s]; ok {
			if s == sort {
				return key
			}
			break
		}
	}
	return key + "_" + sort
}

func (w *luaWriter) fields() {
	for _, key := range w.names {
		for _, sort := range luaSorts {
			if title, ok := w.sorts[key][sort]; ok {
				fmt.Fprintf(&w.b, "  { %q, %q, %q },\n", w.key(title, sort), title, sort)
			}
		}
	}
}

func (w *luaWriter) line(indent int, format string, args ...any) {
	w.b.WriteString(strings.Repeat("  ", indent))
	fmt.Fprintf(&w.b, format+"\n", args...)
}

// version writes all that one version has, in a function of its own: Lua bounds the constants
// of each.
func (w *luaWriter) version(g *generator, v *spec.Version) {
	alpn := "nil"
	if !w.alpns[v.ALPN] {
		w.alpns[v.ALPN] = true
		alpn = strconv.Quote(v.ALPN)
	}
	w.line(0, "\nVERSIONS[#VERSIONS + 1] = (function() return {")
	w.line(1, "name = %q, alpn = %s, vi = %q,", v.Name, alpn, v.Vi)
	if v.Code != 0 {
		w.line(1, `code = "%d",`, v.Code)
	}
	if v.Alias >= 0 {
		w.line(1, "same = %q,", g.fam.Version(v.Alias).Name)
		w.line(0, "} end)()")
		return
	}
	n := v.Number
	w.streams(g.fam, n)
	w.places(g.fam, n)
	w.line(1, "messages = {")
	for _, m := range g.fam.Messages {
		if b := m.Layout(n); b != nil {
			w.message(m, b, n)
		}
	}
	w.line(1, "},")
	w.line(1, "structs = {")
	for _, s := range g.fam.Structs {
		if b := s.Layout(n); b != nil {
			w.line(2, "[%q] = {", s.Name)
			w.layout(b, n)
			w.line(2, "},")
		}
	}
	w.line(1, "},")
	w.line(1, "lists = {")
	for _, r := range g.fam.Registries {
		w.list(r, n)
	}
	w.line(1, "},")
	w.line(1, "enums = {")
	for _, e := range g.fam.Enums {
		w.enum(e, n)
	}
	w.line(1, "},")
	w.line(0, "} end)()")
}

// streams writes the types of streams, and in order those that have none.
func (w *luaWriter) streams(f *spec.Family, n int) {
	typed, untyped := map[string][]string{}, map[string][]string{}
	for _, s := range f.Streams {
		switch {
		case !s.On.Has(n):
		case s.Typed:
			typed[s.Kind] = append(typed[s.Kind], fmt.Sprintf(`["%d"] = %q`, s.Code, s.Name))
		default:
			untyped[s.Kind] = append(untyped[s.Kind], strconv.Quote(s.Name))
		}
	}
	for _, t := range []struct {
		name string
		of   map[string][]string
	}{{"typed", typed}, {"untyped", untyped}} {
		var parts []string
		for _, kind := range []string{"uni", "bidi"} {
			if list := t.of[kind]; list != nil {
				parts = append(parts, kind+" = { "+strings.Join(list, ", ")+" }")
			}
		}
		w.line(1, "%s = { %s },", t.name, strings.Join(parts, ", "))
	}
}

// places writes which messages may stand where, in the order of the spec.
func (w *luaWriter) places(f *spec.Family, n int) {
	var order []string
	at := map[string][]string{}
	put := func(place, message string) {
		if at[place] == nil {
			order = append(order, place)
		}
		if !slices.Contains(at[place], message) {
			at[place] = append(at[place], message)
		}
	}
	for _, m := range f.Messages {
		b := m.Layout(n)
		if b == nil {
			continue
		}
		for _, p := range b.Places {
			switch {
			case !p.On.Has(n):
			case p.Role == "either":
				put(p.Stream+":opener", strconv.Quote(m.Name))
				put(p.Stream+":acceptor", strconv.Quote(m.Name))
			default:
				put(p.Stream+":"+p.Role, strconv.Quote(m.Name))
			}
		}
	}
	w.line(1, "places = {")
	for _, place := range order {
		w.line(2, "[%q] = { %s },", place, strings.Join(at[place], ", "))
	}
	w.line(1, "},")
}
