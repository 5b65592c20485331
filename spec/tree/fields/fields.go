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

// short are the names that vectors shorten.
var short = map[string]string{
	"track_namespace":        "namespace",
	"track_namespace_prefix": "prefix",
	"track_namespace_suffix": "suffix",
	"track_name":             "name",
	"parameters":             "params",
	"track_properties":       "properties",
	"supported_versions":     "versions",
	"selected_version":       "version",
	"largest_location":       "largest",
	"start_location":         "start",
	"end_location":           "end",
	"reason_phrase":          "reason",
	"new_session_uri":        "uri",
	"connect_uri":            "uri",
}

// shortData are the names that vectors shorten for objects and their headers.
var shortData = map[string]string{
	"group_id":           "group",
	"subgroup_id":        "subgroup",
	"object_id":          "object",
	"group_id_delta":     "group",
	"object_id_delta":    "object",
	"publisher_priority": "priority",
}

// lite are the names of moq-lite that are not in snake case.
var lite = map[string]string{
	"max_latency": "maxLatency",
	"start_group": "startGroup",
	"end_group":   "endGroup",
	"error_code":  "error",
}

// texts are the fields of moq-lite whose numbers are strings.
var texts = map[string]bool{
	"SUBSCRIBE.id": true, "ANNOUNCE_END.id": true, "ANNOUNCE_UPDATE.id": true, "GROUP.subscribe": true, "DATAGRAM.subscribe": true,
	"SETUP.origin": true, "ANNOUNCE_OK.origin": true, "ANNOUNCE_REQUEST.exclude_hop": true,
	"ANNOUNCE.hops": true, "ANNOUNCE_START.hops": true, "ANNOUNCE_UPDATE.hops": true,
}

// Name is the name that vectors have for a field of a message.
func Name(f *spec.Family, message, field string) string {
	snake := strings.ToLower(strings.NewReplacer(" ", "_", "-", "_").Replace(field))
	list := short
	switch {
	case f.Name == "lite" && message == "TRACK_INFO" && snake == "max_latency":
		return "latencyMax"
	case f.Name == "lite":
		list = lite
	case message == "OBJECT_DATAGRAM" && snake == "track_alias":
		return "alias"
	case snake == "properties" && isData(message):
		if message == "SUBGROUP_OBJECT" {
			return snake
		}
		return "ext"
	case snake == "object_id" && message == "SUBGROUP_OBJECT":
		return "delta"
	case isData(message) && shortData[snake] != "":
		list = shortData
	}
	if name := list[snake]; name != "" {
		return name
	}
	return snake
}

func isData(message string) bool {
	return strings.HasPrefix(message, "OBJECT") || strings.HasPrefix(message, "FETCH_OBJECT") || strings.HasPrefix(message, "SUBGROUP_")
}

// Of is the fields of the message whose tree this is, made of src.
func Of(n *tree.Node, f *spec.Family, src []byte) map[string]any {
	r := reader{f, n.Name, src}
	out := map[string]any{}
	if pad := n.Child("Padding"); pad != nil && n.Child(tree.Type) != nil {
		return map[string]any{"type": fmt.Sprintf("0x%x", n.Child(tree.Type).Value), "padding": pad.Size}
	}
	if typ := n.Child(tree.Type); typ != nil && typ.Field == nil && f.Name == "lite" {
		out["type"] = typ.Value
	}
	r.into(out, n)
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

// items is a list of parameters or properties, in the order in which they stand.
func (r reader) items(n *tree.Node) []any {
	list := []any{}
	for c := range n.Children() {
		if c.Field == nil && c.Name != tree.Unknown {
			continue
		}
		item := map[string]any{"id": fmt.Sprintf("0x%02x", c.Code)}
		if c.Name == tree.Unknown {
			item["value"] = c.Value
			if b, ok := c.Value.([]byte); ok {
				item["value"] = text(b)
			}
		} else {
			if !strings.HasSuffix(n.Field.Kind.Ref, "Properties") && n.Name != "Options" {
				item["name"] = c.Name
			}
			item["value"] = r.item(c)
		}
		list = append(list, item)
	}
	return list
}

// item is the value of one item. What stands behind a length of its own is bytes to vectors.
func (r reader) item(n *tree.Node) any {
	if length := n.Child(tree.Length); length != nil {
		return raw(r.src[length.End():n.End()])
	}
	if n.Field.Kind.Ref == "filter" {
		var typ any
		numbers := []any{}
		for c := range n.Children() {
			switch {
			case c.Name == tree.Type && c.Field != nil:
				typ = c.Value
			case c.Field != nil:
				numbers = append(numbers, c.Value)
			}
		}
		return []any{typ, numbers}
	}
	if n.Field.Kind.Name == "struct" && n.Field.Kind.Ref == "location" {
		list := []any{}
		for c := range n.Children() {
			if c.Field != nil {
				list = append(list, c.Value)
			}
		}
		return list
	}
	if b, ok := n.Value.([]byte); ok {
		return raw(b)
	}
	return r.value(n)
}

// raw is bytes in hexadecimal.
func raw(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return "0x" + hex.EncodeToString(b)
}
