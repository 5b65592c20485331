package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The figures of the drafts and the layouts of the spec are the same: names, order, kinds and codes. Where they
// are not, and the bytes of deployed endpoints or the prose decide otherwise, waivers say so.
func TestLayoutsAreThoseOfTheFigures(t *testing.T) {
	used := map[int]bool{}
	ran := map[string][]int{}
	for _, from := range []func() (*Family, error){Lite, Transport} {
		f := load(t, from)
		eachDraft(t, f, func(t *testing.T, version int, text *draftText) {
			ran[f.Name] = append(ran[f.Name], version)
			differ := func(message, difference string) {
				for i, w := range waivers {
					if w.family == f.Name && w.from <= version && version <= w.to && w.message == message && slices.Contains(w.lines, difference) {
						used[i] = true
						return
					}
				}
				t.Errorf("%s: %s", message, difference)
			}
			for _, m := range append(append([]*Message{}, f.Structs...), f.Messages...) {
				if b := m.Layout(version); b != nil {
					compareFigure(f, m, b, version, text, differ)
				}
			}
			for _, fig := range text.figures {
				if name, ok := strings.CutSuffix(fig.name, " Message"); ok && !slices.ContainsFunc(f.Messages, func(m *Message) bool {
					return m.Layout(version) != nil && figureIs(fig, m.Name)
				}) {
					differ(name, "only in the text")
				}
			}
		})
	}
	for i, w := range waivers {
		for _, v := range ran[w.family] {
			if !used[i] && w.from <= v && v <= w.to {
				t.Errorf("%s: the waiver of %q is not needed", w.message, w.lines)
				break
			}
		}
	}
}

// compareFigure tells how the layout of a message differs from its figure.
func compareFigure(f *Family, m *Message, b *Block, version int, text *draftText, differ func(message, difference string)) {
	i := slices.IndexFunc(text.figures, func(f figure) bool { return figureIs(f, m.Name) || figureIs(f, sameFigure[m.Name]) })
	if i < 0 {
		differ(m.Name, "no figure")
		return
	}
	fig := text.figures[i]
	body := text.inlined(fig.body)
	if code, typed := codeIn(b, version); typed && sameFigure[m.Name] == "" {
		if want, ok := figureCode(body); !ok || want != code {
			differ(m.Name, fmt.Sprintf("type 0x%x, in the text 0x%x", code, want))
		}
	}
	if types := figureTypes(body); types != nil && len(b.Fields) > 0 && len(b.Fields[0].Bits) > 0 {
		if got := legalTypes(b, version); !slices.Equal(got, types) {
			differ(m.Name, fmt.Sprintf("types %v, in the text %v", without(got, types), without(types, got)))
		}
	}
	if len(b.Fields) > 0 && len(b.Fields[0].Bits) > 0 && b.Fields[0].Name == "Type" {
		body = strings.TrimPrefix(body, figureType.FindString(body))
	}
	for _, line := range difference(figureFields(f.Name, m.Name, body), specFields(b, version)) {
		differ(m.Name, line)
	}
}

// The tables of the drafts give the codes of errors and the types of parameters and options the names that the spec has.
func TestCodesAreThoseOfTheTables(t *testing.T) {
	f := load(t, Transport)
	eachDraft(t, f, func(t *testing.T, version int, text *draftText) {
		compared := 0
		for title, list := range text.codes {
			var got []string
			add := func(on Set, value uint64, name string) {
				if on.Has(version) && value < 0x40000 { // else an extension
					got = append(got, fmt.Sprintf("0x%x %s", value, name))
				}
			}
			if e := f.Enum(tables[title]); e != nil {
				for _, v := range e.Values {
					add(v.On, v.Value, v.Name)
				}
			} else if r := f.Registry(tables[title]); r != nil {
				for _, it := range r.Items {
					add(it.On, it.ID, it.Name)
				}
			} else {
				continue
			}
			compared++
			for _, line := range append(without(got, list), without(list, got)...) {
				if !slices.Contains(otherCodes[tables[title]], line) {
					t.Errorf("%s: %s is only in one of %q and the spec", tables[title], line, title)
				}
			}
		}
		if compared < 4 {
			t.Errorf("the text has only %d tables that are known", compared)
		}
	})
}

func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// figureIs tells whether a figure is that of a message or a part of messages.
func figureIs(f figure, name string) bool {
	if name == "" {
		return false
	}
	for _, want := range append([]string{name}, otherFigures[name]...) {
		if mangled(strings.TrimSuffix(f.name, " Message")) == mangled(want) && !strings.Contains(f.body, "Type = ") {
			return true
		}
	}
	// Some figures have no name, but stand alone with their first field.
	return f.name == "" && slices.ContainsFunc(firstFields[name], func(s string) bool { return strings.HasPrefix(f.body, s+" (") })
}

// inlined puts the figures that fields refer to in their place.
func (d *draftText) inlined(body string) string {
	for _, f := range d.figures {
		if f.name != "" && f.name != "Location" && f.name != "Redirect" && f.name != "Reason Phrase" {
			body = regexp.MustCompile(`\[?[A-Z][A-Za-z]* \(`+regexp.QuoteMeta(f.name)+`\)[],]*`).ReplaceAllString(body, strings.ReplaceAll(optionalFields(f.body), "$", ""))
		}
	}
	return body
}

// optionalFields marks every field of a figure as one that may be absent.
func optionalFields(body string) string {
	var out string
	for line := range strings.Lines(body) {
		out += "[" + strings.TrimRight(strings.TrimSpace(line), ",") + ",]\n"
	}
	return out
}

var figureType = regexp.MustCompile(`^Type \([a-z0-9]+\) = ([0-9xA-Fa-f./, \n-]*[0-9A-Fa-f])`)

func figureCode(body string) (uint64, bool) {
	m := figureType.FindStringSubmatch(body)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseUint(m[1], 0, 64)
	return n, err == nil
}

// figureTypes are the values that a type may have, if there are several.
func figureTypes(body string) []string {
	m := figureType.FindStringSubmatch(body)
	if m == nil || !strings.ContainsAny(m[1], ".,-/") {
		return nil
	}
	var list []string
	for part := range strings.FieldsFuncSeq(m[1], func(r rune) bool { return strings.ContainsRune("/, \n", r) }) {
		low, high, ok := strings.Cut(strings.ReplaceAll(part, "..", "-"), "-")
		if !ok {
			high = low
		}
		if !strings.HasPrefix(high, "0x") {
			high = "0x" + high
		}
		a, errA := strconv.ParseUint(low, 0, 64)
		b, errB := strconv.ParseUint(high, 0, 64)
		for n := a; n <= b && errA == nil && errB == nil; n++ {
			list = append(list, fmt.Sprintf("0x%x", n))
		}
	}
	return list
}

var figureField = regexp.MustCompile(`([A-Z][A-Za-z ]*?) ?\(([^()]*)\)( ?\.\.\.)?`)

// figureFields are the fields of a figure as name, kind and whether they may be absent. Counts and lengths
// belong to what they count.
func figureFields(family, message, body string) []string {
	if loc := figureType.FindStringIndex(body); loc != nil {
		body = body[loc[1]:]
	}
	var names, kinds []string
	for _, m := range figureField.FindAllStringSubmatchIndex(body, -1) {
		name, kind := mangled(body[m[2]:m[3]]), figureKinds[body[m[4]:m[5]]]
		if kind == "" {
			kind = mangled(body[m[4]:m[5]])
		}
		if m[6] >= 0 && kind != "bytes" {
			kind = "list of " + kind
		}
		if strings.Count(body[:m[0]], "[") > strings.Count(body[:m[0]], "]") {
			kind += " if"
		}
		names, kinds = append(names, name), append(kinds, kind)
	}
	var out []string
	for i, name := range names {
		if name == "length" || name == "messagelength" && !slices.Contains(names, "payload") || measures(name, names[i+1:]) {
			continue
		}
		if to := fieldNames[family+" "+message+"."+name]; to != "" {
			name = to
		} else if to := fieldNames[family+" "+name]; to != "" {
			name = to
		}
		switch {
		case name == "payload": // which may be empty
			kinds[i] = "bytes"
		case message == "filter" && name == "startlocation":
			out = append(out, "startgroup vi if", "startobject vi if")
			continue
		}
		out = append(out, name+" "+kinds[i])
	}
	return out
}

// measures tells whether a field is the length or number of one that follows.
func measures(name string, later []string) bool {
	of := strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(name, "length"), "count"), "numberof")
	if of == name {
		return false
	}
	if name == "messagelength" {
		return true
	}
	return slices.ContainsFunc(later, func(s string) bool {
		return s == of || strings.HasPrefix(s, of) || strings.HasSuffix(s, of) || strings.HasPrefix(of, s)
	})
}

// specFields are the fields of a layout in the words of the figures.
func specFields(b *Block, version int) []string {
	var out []string
	for _, f := range b.Fields {
		if !f.On.Has(version) || f.Given || lengthOfData(b, f) || len(f.Bits) > 0 && f.Name == "Type" || f.If != nil && f.If.Field == "Cluster" {
			continue
		}
		name, kind := mangled(f.Name), specKinds[f.Kind.Name]
		switch f.Kind.Name {
		case "list":
			kind = "list of " + specKinds[f.Kind.Ref]
		case "struct":
			if kind = f.Kind.Ref; kind == "filter" { // whose fields stand in the figures that have it
				out = append(out, "filtertype vi", "startlocation location if", "endgroup vi if")
				continue
			}
		}
		if kind == "" {
			kind = f.Kind.Name
		}
		if f.If != nil && !always(b, f.If, version) && name != "payload" || f.Kind.Name == "tail-vi" {
			kind += " if"
		}
		out = append(out, name+" "+kind)
	}
	return out
}

// always tells whether a condition is that a bit is not set which the version does not have.
func always(b *Block, c *Cond, version int) bool {
	for _, f := range b.Fields {
		for _, bit := range f.Bits {
			if c.Not && bit.Name == c.Field {
				return !bit.On.Has(version)
			}
		}
	}
	return false
}

func lengthOfData(b *Block, f *Field) bool {
	return slices.ContainsFunc(b.Fields, func(g *Field) bool { return g.Kind.Name == "data" && g.Kind.Ref == f.Name })
}

// difference lists what only one of the two has, in their order.
func difference(text, spec []string) []string {
	// common[i][j] is the length of the longest common part of text[i:] and spec[j:].
	common := make([][]int, len(text)+1)
	for i := range common {
		common[i] = make([]int, len(spec)+1)
	}
	for i := len(text) - 1; i >= 0; i-- {
		for j := len(spec) - 1; j >= 0; j-- {
			if text[i] == spec[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	for i, j := 0, 0; i < len(text) || j < len(spec); {
		switch {
		case i < len(text) && j < len(spec) && text[i] == spec[j]:
			i, j = i+1, j+1
		case j == len(spec) || i < len(text) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "text: "+text[i])
			i++
		default:
			out = append(out, "spec: "+spec[j])
			j++
		}
	}
	return out
}
