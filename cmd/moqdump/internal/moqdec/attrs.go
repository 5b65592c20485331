package moqdec

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moqrx/moqrx/codegen"
	"github.com/moqrx/moqrx/spec/tree"
)

// attrs are the fields of a message, under their names in snake case. Parameters of a message
// stand among its fields; other lists and structs are groups. Payloads and tokens are counted.
func attrs(m *tree.Node) []slog.Attr {
	var out []slog.Attr
	for c := range m.Children() {
		out = append(out, attr(c)...)
	}
	return out
}

// attr is what one part of a message says: nothing where it is absent, or a zero that tells nothing.
func attr(n *tree.Node) []slog.Attr {
	key := codegen.SnakeName(n.Name)
	f := n.Field
	switch {
	case n.Name == tree.Unknown:
		return []slog.Attr{slog.String(fmt.Sprintf("%#x", n.Code), text(n))}
	case f == nil:
		return nil
	case len(f.Bits) > 0:
		return bits(n)
	}
	switch f.Kind.Name {
	case "params":
		if n.Code == 0 && (f.Kind.Inline || n.Name == "Parameters" || n.Name == "Options") {
			return attrs(n)
		}
		return group(key, n)
	case "struct":
		return group(key, n)
	case "list":
		return []slog.Attr{list(key, n)}
	case "tuple":
		return []slog.Attr{slog.String(key, text(n))}
	case "data", "rest", "tail":
		return []slog.Attr{slog.Int(key+"_length", n.Size)}
	case "tally":
		return nil
	}
	return value(key, n)
}

// group is what has parts of its own.
func group(key string, n *tree.Node) []slog.Attr {
	if parts := attrs(n); len(parts) > 0 {
		return []slog.Attr{{Key: key, Value: slog.GroupValue(parts...)}}
	}
	return nil
}

// bits are those of a type that are set.
func bits(n *tree.Node) []slog.Attr {
	var out []slog.Attr
	for b := range n.Children() {
		key := codegen.SnakeName(b.Name)
		switch v := b.Value.(type) {
		case bool:
			if v {
				out = append(out, slog.Bool(key, true))
			}
		case uint64:
			if v != 0 {
				out = append(out, slog.String(key, named(b, v)))
			}
		}
	}
	return out
}

func named(n *tree.Node, v uint64) string {
	if n.Note() != "" {
		return n.Note()
	}
	return fmt.Sprint(v)
}

func value(key string, n *tree.Node) []slog.Attr {
	switch v := n.Value.(type) {
	case uint64:
		switch {
		case v == 0 && (n.Field.Quiet || n.Field.Droppable):
			return nil
		case n.Field.Enum != "":
			return []slog.Attr{slog.String(key, named(n, v))}
		}
		return []slog.Attr{slog.Uint64(key, v)}
	case int64:
		return []slog.Attr{slog.Int64(key, v)}
	case bool:
		return []slog.Attr{slog.Bool(key, v)}
	case string, []byte:
		return []slog.Attr{slog.String(key, text(n))}
	}
	return nil
}

// list is a list of numbers or paths.
func list(key string, n *tree.Node) slog.Attr {
	numbers, paths := []uint64{}, []string{}
	for c := range n.Children() {
		switch v := c.Value.(type) {
		case uint64:
			if c.Field != nil { // else it is the count
				numbers = append(numbers, v)
			}
		case string:
			paths = append(paths, v)
		}
	}
	if n.Field.Kind.Ref == "vi" {
		return slog.Any(key, numbers)
	}
	return slog.Any(key, paths)
}

// text is the value of a part as text: bytes that are none in hexadecimal, the elements of a tuple with slashes
// between them.
func text(n *tree.Node) string {
	switch v := n.Value.(type) {
	case []byte:
		if !utf8.Valid(v) || strings.ContainsFunc(string(v), unicode.IsControl) {
			return "0x" + hex.EncodeToString(v)
		}
		return string(v)
	case nil:
		var parts []string
		for c := range n.Children() {
			if c.Field != nil {
				parts = append(parts, text(c))
			}
		}
		return strings.Join(parts, "/")
	}
	return fmt.Sprint(n.Value)
}

func without(fields []slog.Attr, keys ...string) []slog.Attr {
	return slices.DeleteFunc(fields, func(f slog.Attr) bool { return slices.Contains(keys, f.Key) })
}
