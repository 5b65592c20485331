package tree

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/moqrx/moqrx/codegen"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec"
	"github.com/moqrx/moqrx/spec/tree"
)

// compare decodes src both ways and says how the results differ. accepted tells whether there was a message.
func (p *protocol) compare(name string, src []byte, given []tree.Given) (accepted bool, err error) {
	t, err := p.tree.Message(name, src, given...)
	if err != nil {
		return false, err
	}
	if err := p.tiles(t.Root, src); err != nil {
		return false, err
	}
	c := p.strict(name, given)
	n, strictErr := c.parse(src)
	if strictErr != nil || t.Err() != nil {
		return false, sameError(strictErr, t.Err(), n, len(src))
	}
	if t.Root.Size != n {
		return true, fmt.Errorf("the tree takes %d bytes, the codec %d", t.Root.Size, n)
	}
	if !omitted(t.Root) {
		want, got := ofStruct(reflect.ValueOf(c.message()).Elem(), given), ofTree(t.Root, p.family)
		if !reflect.DeepEqual(want, got) {
			return true, fmt.Errorf("the tree has\n%v, the codec\n%v", got, want)
		}
	}
	return true, p.stable(name, c, given)
}

// stable appends what was parsed and parses it again: it is the same.
func (p *protocol) stable(name string, c *codec, given []tree.Given) error {
	b, err := c.append(nil)
	if err != nil {
		return fmt.Errorf("%+v cannot be appended: %w", c.message(), err)
	}
	again := p.strict(name, given)
	if n, err := again.parse(b); err != nil || n != len(b) || !reflect.DeepEqual(again.message(), c.message()) {
		return fmt.Errorf("%+v is appended as %x, of which %d bytes are %+v: %w", c.message(), b, n, again.message(), or(err))
	}
	return nil
}

// omitted tells whether the tree left out values, of which there were too many for their bytes.
func omitted(root *tree.Node) bool {
	for _, n := range root.All() {
		if n.Name == tree.Omitted {
			return true
		}
	}
	return false
}

// sameError compares the strict error, which came with n, with the first of the tree.
func sameError(strict, tolerant error, n, size int) error {
	var w *wire.Error
	var e *tree.Error
	if !errors.As(strict, &w) || !errors.As(tolerant, &e) {
		return fmt.Errorf("the codec says %w, the tree %w", or(strict), or(tolerant))
	}
	if e.Kind.Error() != w.Kind.Error() || e.Offset != w.Offset || e.Field != w.Field || e.Message != w.Message {
		return fmt.Errorf("the codec says %w: %w, the tree %w: %w", w.Kind, w, e.Kind, e)
	}
	if n != 0 || w.Offset < 0 || w.Offset > size {
		return fmt.Errorf("%d of %d bytes were taken in spite of the error %w", n, size, w)
	}
	return nil
}

func or(err error) error {
	if err == nil {
		return errors.New("nothing")
	}
	return err
}

// tiles checks that leaves follow each other from the start to the end of n, and that numbers are
// those that stand where the tree says.
func (p *protocol) tiles(n *tree.Node, src []byte) error {
	if n.Offset < 0 || n.Size < 0 || n.End() > len(src) {
		return fmt.Errorf("%s is at %d, %d bytes, of %d", n.Name, n.Offset, n.Size, len(src))
	}
	at, parts := n.Offset, 0
	for c := range n.Children() {
		if c.Size == 0 {
			if c.Offset < n.Offset || c.Offset > n.End() {
				return fmt.Errorf("%s is at %d, outside of %s", c.Name, c.Offset, n.Name)
			}
			continue
		}
		if c.Offset != at {
			return fmt.Errorf("%s in %s starts at %d, what was before it ended at %d", c.Name, n.Name, c.Offset, at)
		}
		if err := p.tiles(c, src); err != nil {
			return err
		}
		at, parts = c.End(), parts+1
	}
	if parts > 0 && at != n.End() {
		return fmt.Errorf("%s ends at %d, its parts at %d", n.Name, n.End(), at)
	}
	return p.stands(n, src)
}

// stands checks that the value of a leaf is what its bytes say.
func (p *protocol) stands(n *tree.Node, src []byte) error {
	b := src[n.Offset:n.End()]
	switch v := n.Value.(type) {
	case []byte:
		if len(v) > 0 && !bytes.HasSuffix(b, v) {
			return fmt.Errorf("%s is %x, at %d stands %x", n.Name, v, n.Offset, b)
		}
	case uint64:
		x, _ := p.vi.Parse(b)
		if f := n.Field; f != nil && f.Kind.Name == "vi" && n.Code == 0 && n.Size > 0 && x != v {
			return fmt.Errorf("%s is %d, at %d stands %x", n.Name, v, n.Offset, b)
		}
	}
	return nil
}

// ofTree is what a node with parts says, in the form of ofStruct.
func ofTree(n *tree.Node, f *spec.Family) map[string]any {
	out := map[string]any{}
	add := func(name string, v any) {
		if v != nil {
			out[codegen.GoName(name)] = v
		}
	}
	var lengths []string
	for c := range n.Children() {
		if c.Field != nil && c.Field.Kind.Name == "data" {
			lengths = append(lengths, c.Field.Kind.Ref)
		}
	}
	for c := range n.Children() {
		switch {
		case c.Field == nil, slices.Contains(lengths, c.Name):
		case len(c.Field.Bits) > 0:
			for b := range c.Children() {
				add(b.Name, nonzero(b.Value))
			}
		case c.Field.Kind.Inline:
			for name, v := range listOf(c, f) {
				out[name] = v
			}
		case c.Field.Kind.Name == "params":
			if m := listOf(c, f); len(m) > 0 {
				add(c.Name, m)
			}
		case c.Field.Kind.Name == "struct":
			if m := ofTree(c, f); len(m) > 0 {
				add(c.Name, m)
			}
		case c.Field.Kind.Name == "list" || c.Field.Kind.Name == "tuple":
			var list []any
			for e := range c.Children() {
				if e.Field != nil {
					list = append(list, leafValue(e))
				}
			}
			if list != nil {
				add(c.Name, list)
			}
		case c.Field.Kind.Name == "option" || c.Field.Kind.Name == "tail-vi" || c.Field.Kind.Name == "tail-u8":
			add(c.Name, c.Value)
		default:
			add(c.Name, nonzero(leafValue(c)))
		}
	}
	return out
}

// listOf is what a key-value list says.
func listOf(n *tree.Node, f *spec.Family) map[string]any {
	r := f.Registry(n.Field.Kind.Ref)
	out := map[string]any{}
	for c := range n.Children() {
		switch c.Name {
		case tree.Count, tree.Length, tree.Type:
		case tree.Unknown:
			v := fmt.Sprintf("0x%x = %x", c.Code, c.Value)
			if num, ok := c.Value.(uint64); ok {
				v = fmt.Sprintf("0x%x = %d", c.Code, num)
			}
			list, _ := out["Unknown"].([]any)
			out["Unknown"] = append(list, v)
		default:
			name := codegen.GoName(c.Name)
			v := itemValue(c, f)
			if repeats(r, c.Code) {
				list, _ := out[name].([]any)
				v = append(list, v)
			}
			out[name] = v
		}
	}
	return out
}

func repeats(r *spec.Registry, id uint64) bool {
	return slices.ContainsFunc(r.Items, func(it *spec.Item) bool { return it.ID == id && it.Repeat })
}

func itemValue(n *tree.Node, f *spec.Family) any {
	switch n.Field.Kind.Name {
	case "struct":
		return ofTree(n, f)
	case "params":
		return listOf(n, f)
	}
	return leafValue(n)
}

func leafValue(n *tree.Node) any {
	if b, ok := n.Value.([]byte); ok {
		return string(b)
	}
	return n.Value
}
