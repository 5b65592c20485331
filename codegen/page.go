package codegen

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/moqrx/moqrx/spec"
)

// page describes one version of a family for people. Markdown shows it; two of them are
// compared to tell what changed.
type page struct {
	g        *generator
	version  *spec.Version
	sections []*section
}

// section is what a page has of one sort: messages, lists, enums.
type section struct {
	title   string
	columns []string // of the tables of its entries
	entries []*entry
}

// entry is one thing that has a name.
type entry struct {
	name  string
	doc   string
	facts []fact // what it has besides the table
	rows  []row
}

type fact struct{ key, text string }

// row is a line of a table. Its first cell, with the count of those before it that have the
// same, tells it from others; doc is a remark, which does not count as a change.
type row struct {
	cells []string
	doc   string
}

// placesColumn is a list of messages.
const placesColumn = "May stand in"

// page collects what version v has.
func (g *generator) page(v *spec.Version) *page {
	p := &page{g: g, version: v}
	n := v.Number
	streams := &section{title: "Streams", columns: []string{"Stream", "Kind", "Type", "Opener"}}
	streams.entries = []*entry{{name: "", rows: p.streamRows(n)}}
	messages := &section{title: "Messages", columns: []string{"Field", "Kind", "Bounds"}}
	for _, m := range g.fam.Messages {
		if b := m.Layout(n); b != nil {
			messages.entries = append(messages.entries, p.message(m, b))
		}
	}
	parts := &section{title: "Parts of messages", columns: messages.columns}
	for _, s := range g.fam.Structs {
		if b := s.Layout(n); b != nil {
			parts.entries = append(parts.entries, &entry{name: s.Name, doc: joinDocs(s, b), facts: p.refs(b.Refs), rows: p.fieldRows(b)})
		}
	}
	lists := &section{title: "Key-value lists", columns: []string{"Type", "Name", "Kind", "Bounds", placesColumn}}
	for _, r := range g.fam.Registries {
		if e := p.registry(r); e != nil {
			lists.entries = append(lists.entries, e)
		}
	}
	enums := &section{title: "Values", columns: []string{"Value", "Name"}}
	for _, e := range g.fam.Enums {
		if one := p.enum(e); len(one.rows) > 0 {
			enums.entries = append(enums.entries, one)
		}
	}
	for _, s := range []*section{streams, messages, parts, lists, enums} {
		if len(s.entries) > 0 {
			p.sections = append(p.sections, s)
		}
	}
	return p
}

func (p *page) streamRows(n int) []row {
	var rows []row
	for _, s := range p.g.fam.Streams {
		if !s.On.Has(n) {
			continue
		}
		code, doc := "", s.Doc
		if s.Typed {
			code = fmt.Sprintf("0x%x", s.Code)
		}
		if s.Refused.Has(n) {
			doc = strings.TrimSuffix("no endpoint accepts it; "+doc, "; ")
		}
		rows = append(rows, row{[]string{s.Name, s.Kind, code, s.Opener}, doc})
	}
	return rows
}

// message describes the layout b of m.
func (p *page) message(m *spec.Message, b *spec.Block) *entry {
	n := p.version.Number
	e := &entry{name: m.Name, doc: joinDocs(m, b)}
	for _, c := range b.Codes {
		if c.On.Has(n) {
			e.facts = append(e.facts, fact{"type", fmt.Sprintf("0x%x", c.Value)})
		}
	}
	for _, c := range b.Aliases {
		if c.On.Has(n) {
			e.facts = append(e.facts, fact{"other type", fmt.Sprintf("0x%x, which is read but not written", c.Value)})
		}
	}
	e.facts = append(e.facts, fact{"length", framingText(b)})
	for _, place := range b.Places {
		if place.On.Has(n) {
			e.facts = append(e.facts, fact{"place", p.place(place)})
		}
	}
	e.facts = append(e.facts, p.refs(b.Refs)...)
	e.rows = p.fieldRows(b)
	for _, r := range b.Refuse {
		if r.On.Has(n) {
			e.facts = append(e.facts, fact{"malformed", refusalText(r)})
		}
	}
	return e
}

// refs names the section of the draft.
func (p *page) refs(list []spec.Ref) []fact {
	for _, r := range list {
		if r.On.Has(p.version.Number) {
			return []fact{{"section", r.Section + " of " + p.g.draftName(p.version)}}
		}
	}
	return nil
}

func (p *page) place(place spec.Place) string {
	s := p.g.fam.Stream(place.Stream, spec.Set(0).With(p.version.Number))
	if s == nil {
		return place.Stream
	}
	text := fmt.Sprintf("%s stream %s, %s", s.Kind, s.Name, senders[place.Role])
	if place.First {
		text += ", first"
	}
	return text
}

func framingText(b *spec.Block) string {
	switch b.Framing {
	case spec.LengthVi:
		if b.MaxBody != 0 {
			return fmt.Sprintf("a varint, at most %d", b.MaxBody)
		}
		return "a varint"
	case spec.LengthU16:
		return "16 bits"
	case spec.Unframed:
		return "none"
	}
	return string(b.Framing)
}

func refusalText(r *spec.Refusal) string {
	var conds []string
	for _, c := range r.Conds {
		conds = append(conds, condition(c))
	}
	return strings.Join(conds, " and ") + ": " + r.Reason
}

// condition is condText without an upper bound that is none.
func condition(c *spec.Cond) string {
	return strings.ReplaceAll(condText(c), fmt.Sprint("..", uint64(maxUint64)), "..")
}

// joinDocs is the remark on a message and the one on its layout, when that is another.
func joinDocs(m *spec.Message, b *spec.Block) string {
	if len(m.Blocks) > 1 && b.Doc != "" {
		return b.Doc
	}
	return m.Doc
}

// fieldRows lists the fields of a layout, and the parts of bit fields below them.
func (p *page) fieldRows(b *spec.Block) []row {
	n := p.version.Number
	var rows []row
	for _, f := range b.Fields {
		if !f.On.Has(n) {
			continue
		}
		rows = append(rows, row{[]string{f.Name, fieldKind(f), boundsOf(f)}, f.Doc})
		for _, bit := range f.Bits {
			if bit.On.Has(n) {
				rows = append(rows, row{bitCells(bit), bit.Doc})
			}
		}
	}
	return rows
}

func bitCells(bit *spec.Bit) []string {
	mask := fmt.Sprintf("0x%02x", bit.Mask)
	if bit.Name == "" {
		return []string{"· " + mask, "bits", fmt.Sprintf("always 0x%02x", bit.Fixed<<bits.TrailingZeros64(bit.Mask))}
	}
	kind := "bits " + mask
	if bit.Enum != "" {
		kind += " as " + bit.Enum
	}
	bounds := ""
	if bit.Limit != nil {
		bounds = limitText(bit.Limit)
	}
	return []string{"· " + bit.Name, kind, bounds}
}

// fieldKind is the kind of a field with all that tells how its bytes are read.
func fieldKind(f *spec.Field) string {
	s := kindText(f.Kind)
	if f.Enum != "" {
		s += " as " + f.Enum
	}
	if f.Unit != "" {
		s += " in " + f.Unit
	}
	if f.Given {
		s += ", not on the wire"
	}
	if f.If != nil {
		s += ", if " + condition(f.If)
	}
	return s
}

// boundsOf is what is malformed outside of it.
func boundsOf(f *spec.Field) string {
	var parts []string
	if f.Limit != nil {
		parts = append(parts, limitText(f.Limit))
	}
	if f.Kind.Max != 0 {
		s := fmt.Sprintf("at most %d bytes", f.Kind.Max)
		if f.Kind.MaxWith != "" {
			s += " with " + f.Kind.MaxWith
		}
		parts = append(parts, s)
	}
	if f.NotBelow != "" {
		parts = append(parts, "not below "+f.NotBelow)
	}
	if f.DeltaOf != "" {
		parts = append(parts, "added to "+f.DeltaOf)
	}
	return strings.Join(parts, ", ")
}

func (p *page) enum(e *spec.Enum) *entry {
	one := &entry{name: e.Name, doc: e.Doc, facts: []fact{{"others", "kept"}}}
	if e.Closed {
		one.facts[0].text = "malformed"
	}
	one.facts = append(one.facts, p.refs(e.Refs)...)
	for _, v := range e.Values {
		if v.On.Has(p.version.Number) {
			one.rows = append(one.rows, row{[]string{fmt.Sprintf("0x%x", v.Value), v.Name}, v.Doc})
		}
	}
	return one
}

// registry describes a list, or gives nil when the version has none of that name.
func (p *page) registry(r *spec.Registry) *entry {
	n := p.version.Number
	e := &entry{name: r.Name, doc: r.Doc}
	for _, l := range r.Layouts {
		if l.On.Has(n) {
			e.facts = append(e.facts, fact{"written", listText(l)})
		}
	}
	if len(e.facts) == 0 {
		return nil
	}
	policy := func(key string, refuse spec.Policies) {
		text := "kept"
		if refuse.Refuse.Has(n) {
			text = "malformed"
		}
		e.facts = append(e.facts, fact{key, text})
	}
	policy("unknown types", r.Unknown)
	policy("types out of place", r.Misplaced)
	policy("repeated types", r.Repeated)
	e.facts = append(e.facts, p.refs(r.Refs)...)
	for _, it := range r.Items {
		if it.On.Has(n) {
			e.rows = append(e.rows, p.item(it))
		}
	}
	return e
}

func (p *page) item(it *spec.Item) row {
	var scopes []string
	for _, s := range it.Scopes {
		if s.On.Has(p.version.Number) {
			scopes = append(scopes, s.Message)
		}
	}
	kind := fieldKind(&it.Field)
	if it.Repeat {
		kind += ", may repeat"
	}
	return row{[]string{fmt.Sprintf("0x%02x", it.ID), it.Name, kind, boundsOf(&it.Field), strings.Join(scopes, ", ")}, it.Doc}
}

var formTexts = map[string]string{
	"tlv":       "type, length, value",
	"kvp":       "type, then a varint when it is even, else length and bytes",
	"kvp-delta": "distance to the type before, then a varint when the type is even, else length and bytes",
	"typed":     "distance to the type before, then the value as its kind is written",
}

func listText(l spec.ListLayout) string {
	text := formTexts[l.Form]
	if text == "" {
		text = l.Form
	}
	if l.Extent == "counted" {
		return "behind the count: " + text
	}
	return "to the end of what holds it: " + text
}
