package fields

import (
	"fmt"

	"github.com/moqrx/moqrx/spec/tree"
)

// lite gives the fields of a message of moq-lite the forms that its JavaScript endpoint has for them.
func (r reader) lite(out map[string]any, n *tree.Node) {
	if typ := n.Child(tree.Type); typ != nil && typ.Field == nil {
		out["type"] = typ.Value
	}
	switch r.message {
	case "CLIENT_SETUP", "SERVER_SETUP":
		for _, key := range []string{"type", "version", "versions"} {
			codes(out, key)
		}
	case "SUBSCRIBE_OK": // which had none at first
		if out["type"] == nil {
			out["type"] = nil
		}
	case "PROBE": // 0 is unknown
		for _, key := range []string{"bitrate", "rtt"} {
			if out[key] == uint64(0) {
				out[key] = nil
			}
		}
	}
}

// codes makes hexadecimal of a number, or of several.
func codes(out map[string]any, key string) {
	switch v := out[key].(type) {
	case uint64:
		out[key] = fmt.Sprintf("0x%x", v)
	case []any:
		for i, e := range v {
			v[i] = fmt.Sprintf("0x%x", e)
		}
	}
}

// smallType is up to where types of parameters are numbers.
const smallType = 64

// liteItems is the list of parameters with which 01 and 02 agree on a version.
func liteItems(n *tree.Node) []any {
	list := []any{}
	for c := range n.Children() {
		if c.Field == nil && c.Name != tree.Unknown {
			continue
		}
		item := map[string]any{"id": c.Code}
		if c.Code >= smallType {
			item["id"] = fmt.Sprintf("0x%x", c.Code)
		}
		if c.Name != tree.Unknown {
			item["name"] = c.Name
		}
		switch v := c.Value.(type) {
		case []byte:
			item["bytes"] = text(v)
		case string:
			item["bytes"] = v
		default:
			item["varint"] = v
		}
		list = append(list, item)
	}
	return list
}
