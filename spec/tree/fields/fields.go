package fields

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moqrx/moqrx/spec"
	"github.com/moqrx/moqrx/spec/tree"
)

// Of is the fields of the message whose tree this is, made of src.
func Of(n *tree.Node, f *spec.Family, src []byte) map[string]any {
	r := reader{f, n.Name, src}
	out := map[string]any{}
	if pad := n.Child("Padding"); pad != nil && n.Child(tree.Type) != nil {
		return map[string]any{"type": fmt.Sprintf("0x%x", n.Child(tree.Type).Value), "padding": pad.Size}
	}
	r.into(out, n)
	if f.Name == "lite" {
		r.lite(out, n)
	}
	return exact(out).(map[string]any)
}

// exactly is the largest number up to which all have a form of their own in every JSON library.
const exactly = 1<<53 - 1

// exact makes text of the numbers that a reader of JSON may round.
func exact(v any) any {
	switch v := v.(type) {
	case uint64:
		if v > exactly {
			return strconv.FormatUint(v, 10)
		}
	case []any:
		for i, e := range v {
			v[i] = exact(e)
		}
	case map[string]any:
		for k, e := range v {
			v[k] = exact(e)
		}
	}
	return v
}

// reader makes fields of one message.
type reader struct {
	family  *spec.Family
	message string
	src     []byte
}

// into adds what the parts of n say.
func (r reader) into(out map[string]any, n *tree.Node) {
	for c := range n.Children() {
		if c.Field == nil || c.Field.Kind.Name == "tally" || r.implied(n, c) {
			continue
		}
		name := Name(r.family, r.message, c.Name)
		switch {
		case len(c.Field.Bits) > 0:
			out[strings.ToLower(c.Name)] = fmt.Sprintf("0x%02x", c.Value)
			r.bits(out, c)
		case c.Field.Kind.Name == "id-delta":
			out[name] = c.Code
		case c.Field.Kind.Inline:
			for item := range c.Children() {
				if item.Field != nil {
					itemName := Name(r.family, r.message, item.Name)
					out[itemName] = r.asText(itemName, r.value(item))
				}
			}
		case c.Field.Kind.Ref == "filter":
			r.filter(out, c)
		default:
			out[name] = r.asText(name, r.value(c))
		}
	}
}

// implied tells whether vectors leave out a part: the length of a payload, and the payload
// where a status stands instead.
func (r reader) implied(n, part *tree.Node) bool {
	for c := range n.Children() {
		if c.Field != nil && c.Field.Kind.Name == "data" && c.Field.Kind.Ref == part.Name {
			return true
		}
	}
	return part.Field.Kind.Name == "data" && part.Size == 0 && n.Child("Status") != nil
}

// bits adds what vectors tell of a type beside its number.
func (r reader) bits(out map[string]any, n *tree.Node) {
	if r.message != "SUBGROUP_HEADER" {
		if !isData(r.message) {
			for b := range n.Children() {
				out[Name(r.family, "", b.Name)] = b.Value
			}
		}
		return
	}
	out["first_object"] = false
	for b := range n.Children() {
		switch {
		case b.Name == "End Of Group" || b.Name == "First Object":
			out[Name(r.family, "", b.Name)] = b.Value
		case b.Name == "Default Priority" && b.Value == true:
			out["priority"] = nil
		case b.Name == "Subgroup Mode" && b.Value == uint64(0):
			out["subgroup"] = 0
		}
	}
}

// filter adds a filter that is written into its message.
func (r reader) filter(out map[string]any, n *tree.Node) {
	var start []any
	for c := range n.Children() {
		switch c.Name {
		case "Type":
			out["filter_type"] = c.Value
		case "Start Group", "Start Object":
			start = append(start, c.Value)
		default:
			out[Name(r.family, "", c.Name)] = c.Value
		}
	}
	if start != nil {
		out["start"] = start
	}
}

// asText makes strings of the numbers of moq-lite that may be too large for a number.
func (r reader) asText(name string, v any) any {
	if r.family.Name != "lite" || !texts[r.message+"."+name] {
		return v
	}
	if list, ok := v.([]any); ok {
		for i, e := range list {
			list[i] = fmt.Sprint(e)
		}
		return list
	}
	return fmt.Sprint(v)
}

func (r reader) value(n *tree.Node) any {
	switch n.Field.Kind.Name {
	case "params":
		return r.items(n)
	case "struct":
		return r.structure(n)
	case "list", "tuple":
		list := []any{}
		for c := range n.Children() {
			if c.Field != nil {
				list = append(list, r.leaf(c))
			}
		}
		return list
	}
	return r.leaf(n)
}

func (r reader) leaf(n *tree.Node) any {
	b, ok := n.Value.([]byte)
	if !ok {
		return n.Value
	}
	if k := n.Field.Kind.Name; r.family.Name == "lite" && (k == "data" || k == "rest") {
		return hex.EncodeToString(b)
	}
	return text(b)
}

// text is bytes as text where they can be read.
func text(b []byte) string {
	s := string(b)
	if utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	return "0x" + hex.EncodeToString(b)
}

// structure is a struct: a list where all that it has are numbers, else an object. One that has a single
// field is that field.
func (r reader) structure(n *tree.Node) any {
	out := map[string]any{}
	r.into(out, n)
	if n.Field.Kind.Ref == "location" {
		list := []any{}
		for c := range n.Children() {
			list = append(list, c.Value)
		}
		return list
	}
	if len(out) == 1 && n.Code != 0 {
		for _, v := range out {
			return v
		}
	}
	return out
}
