package fields

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/moqrx/moqrx/spec/tree"
)

// isNamed tells whether vectors have the name of an item beside its type: properties and options have none,
// but for one that is in no draft.
func isNamed(list *tree.Node, name string) bool {
	return name == "TIMESTAMP" || list.Name != "Options" && !strings.HasSuffix(list.Field.Kind.Ref, "Properties")
}

// items is a list of parameters or properties, in the order in which they stand.
func (r reader) items(n *tree.Node) []any {
	if r.family.Name == "lite" {
		return liteItems(n)
	}
	list := []any{}
	for c := range n.Children() {
		if c.Field == nil && c.Name != tree.Unknown {
			continue
		}
		item := map[string]any{"id": fmt.Sprintf("0x%02x", c.Code)}
		if c.Name == tree.Unknown {
			if isNamed(n, "") {
				item["name"] = nil
			}
			item["value"] = c.Value
			if b, ok := c.Value.([]byte); ok {
				item["value"] = text(b)
			}
		} else {
			if isNamed(n, c.Name) {
				item["name"] = c.Name
			}
			item["value"] = r.item(c, n.Field.Kind.Ref)
		}
		list = append(list, item)
	}
	return list
}

// item is the value of one item. What stands behind a length of its own is bytes to vectors.
func (r reader) item(n *tree.Node, list string) any {
	if length := n.Child(tree.Length); length != nil {
		return raw(r.src[length.End():n.End()])
	}
	if x, ok := n.Value.(uint64); ok && list == "SetupOptions" && n.Code%2 == 1 {
		if b := r.varint(n, x); b != nil { // a number to the spec, bytes to those who know its type only
			return raw(b)
		}
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

// varint is the bytes of a number at the end of an item, behind a length of one byte.
func (r reader) varint(n *tree.Node, x uint64) []byte {
	for size := 1; size <= 9 && size < n.Size; size++ {
		b := r.src[n.End()-size : n.End()]
		var v uint64
		for _, c := range b {
			v = v<<8 | uint64(c)
		}
		if size <= 8 {
			v &= 1<<(7*size) - 1
		}
		if v == x && r.src[n.End()-size-1] == byte(size) {
			return b
		}
	}
	return nil
}

// raw is bytes in hexadecimal.
func raw(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return "0x" + hex.EncodeToString(b)
}
