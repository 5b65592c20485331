package tree

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec"
	"github.com/moqrx/moqrx/spec/tree"
)

// place is one side of a stream, or a datagram, in which case the kind is "datagram" and there is no role.
type place struct{ kind, stream, role string }

// entry is something that bytes may be decoded as: a message, the part of one in front of its bulk, a choice
// between messages, or, without a name, everything that stands at a place.
type entry struct {
	at   place
	name string
}

// entries lists what stands at the places of a version.
func (p *protocol) entries() []entry {
	var list []entry
	add := func(at place, names ...string) {
		for _, name := range append(names, "") {
			if e := (entry{at, name}); !slices.Contains(list, e) && (name == "" || p.strict(name, nil) != nil) {
				list = append(list, e)
			}
		}
	}
	for _, s := range p.family.Streams {
		if s.Typed && s.On.Has(p.version) {
			add(place{s.Kind, s.Name, "opener"})
		}
	}
	for _, m := range p.family.Messages {
		b := m.Layout(p.version)
		for i := 0; b != nil && i < len(b.Places); i++ {
			if b.Places[i].On.Has(p.version) {
				for _, at := range p.sides(b.Places[i].Stream, b.Places[i].Role) {
					add(at, m.Name, m.Name+"_HEADER")
				}
			}
		}
	}
	for _, c := range p.family.Choices {
		if c.On.Has(p.version) {
			for _, at := range p.sides(c.Stream, c.Role) {
				add(at, c.Name)
			}
		}
	}
	return list
}

// sides are the places that a line of a spec names.
func (p *protocol) sides(stream, role string) []place {
	s := p.family.Stream(stream, spec.Set(0).With(p.version))
	switch {
	case s == nil:
		return []place{{kind: stream}}
	case s.Kind == "uni":
		return []place{{s.Kind, stream, "opener"}}
	case role == "either":
		return []place{{s.Kind, stream, "opener"}, {s.Kind, stream, "acceptor"}}
	}
	return []place{{s.Kind, stream, role}}
}

func (p *protocol) placeTree(at place, src []byte) (*tree.Tree, error) {
	if at.stream == "" {
		return p.tree.Place(at.kind, "", src)
	}
	return p.tree.Place(at.stream, at.role, src)
}

// walk decodes everything at a place both ways: what the tree has there tiles it, and up to its first error
// is what the codecs say, each with what those before it said.
func (p *protocol) walk(at place, src []byte) error {
	t, err := p.placeTree(at, src)
	if err != nil {
		return err
	}
	if t.Root.Size != len(src) {
		return fmt.Errorf("%d of %d bytes are in the tree", t.Root.Size, len(src))
	}
	if err := p.tiles(t.Root, src); err != nil {
		return err
	}
	var h history
	for n := range t.Root.Children() {
		given := h.given(n.Name)
		c := p.strict(n.Name, given)
		if c == nil {
			continue // the type of the stream, or none that is known
		}
		size, err := c.parse(src[n.Offset:])
		if hasError(n) {
			if err == nil {
				return fmt.Errorf("%s at %d is wrong in the tree alone: %w", n.Name, n.Offset, t.Err())
			}
			return nil // what follows depends on what this would have said
		}
		if err != nil && t.Further > 0 {
			return nil // one of the errors that the tree only counts
		}
		if err != nil || size != n.Size {
			return fmt.Errorf("%s at %d takes %d bytes in the tree, %d in the codec: %w", n.Name, n.Offset, n.Size, size, or(err))
		}
		if omitted(n) {
			return nil
		}
		want, got := ofStruct(reflect.ValueOf(c.message()).Elem(), given), ofTree(n, p.family)
		if !reflect.DeepEqual(want, got) {
			return fmt.Errorf("at %d the tree has\n%v, the codec\n%v", n.Offset, got, want)
		}
		h.add(c.message())
	}
	return nil
}

func hasError(n *tree.Node) bool {
	for _, part := range n.All() {
		if part.Err != nil {
			return true
		}
	}
	return false
}

// history is what messages of a stream say that later ones take over.
type history struct {
	header  moqt.SubgroupHeader
	prior   wire.Optional[uint64]
	fetched bool
}

func (h *history) add(m any) {
	switch m := m.(type) {
	case *moqt.SubgroupHeader:
		h.header = *m
	case *moqt.SubgroupObject:
		h.prior = wire.Some(m.ObjectID)
	case *moqt.FetchObject:
		h.fetched = true
	}
}

func (h *history) given(name string) []tree.Given {
	number := map[bool]uint64{true: 1}
	switch name {
	case "SUBGROUP_OBJECT":
		return []tree.Given{
			{Field: "Has Properties", Value: number[h.header.Properties], Set: h.header.Properties},
			{Field: "Prior Object ID", Value: h.prior.Value, Set: h.prior.Set},
		}
	case "FETCH_OBJECT":
		return []tree.Given{{Field: "First", Value: number[!h.fetched], Set: !h.fetched}}
	}
	return nil
}
