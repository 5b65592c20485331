package spec

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

var liteNames = map[string]string{
	"maxlatency": "maxlatency", "latencymax": "maxlatency", "delta": "timestampdelta", "error": "errorcode", "params": "parameters",
}

var liteKinds = map[string]string{
	"varint": "vi", "hop": "vi", "millis": "vi", "u8": "u8", "flag": "flag", "string": "string", "path": "path", "optplus1": "option",
	"hops": "list of vi", "hopcount": "vi 0..32", "paths": "list of path", "params": "SetupParameters", "kvp14": "ExchangeParameters",
	"zigzag": "zigzag", "rest": "rest", "varints": "list of vi",
}

// liteMessage is a layout in the survey of moq-lite.
type liteMessage struct {
	Name     string
	Versions []int
	Stream   string
	Type     *uint64
	Length   string
	Fields   [][2]string
}

func (m liteMessage) shapes() []shape {
	var list []shape
	for _, f := range m.Fields {
		name := mangled(f[0])
		if n, ok := liteNames[name]; ok {
			name = n
		}
		kind := liteKinds[f[1]]
		switch {
		case f[1] == "bytes": // the payload of a FRAME
			list = append(list, shape{"payloadlength", "vi"})
			kind = "data"
		case m.Name == "TRACK_INFO" && name == "timescale":
			kind = "vi 1..18446744073709551615"
		}
		list = append(list, shape{name, kind})
	}
	return list
}

func TestLiteIsWhatTheSurveySays(t *testing.T) {
	var facts struct{ Messages []liteMessage }
	readFacts(t, "lite-schema.json", &facts)
	fam := load(t, Lite)
	surveyed := map[string]bool{}
	for _, m := range facts.Messages {
		for _, v := range m.Versions {
			surveyed[fmt.Sprint(m.Name, v)] = true
			compareLite(t, fam, m, v)
		}
	}
	for _, m := range fam.Messages {
		for _, v := range m.On().Numbers() {
			if !surveyed[fmt.Sprint(m.Name, v)] {
				t.Errorf("%s on %02d is not in the survey", m.Name, v)
			}
		}
	}
}

func compareLite(t *testing.T, fam *Family, m liteMessage, v int) {
	t.Helper()
	where := fmt.Sprintf("%s on %02d", m.Name, v)
	msg := fam.Message(m.Name)
	if msg == nil || msg.Layout(v) == nil {
		t.Errorf("%s is not in the spec", where)
		return
	}
	b := msg.Layout(v)
	if got, want := shapes(b, v), m.shapes(); !slices.Equal(got, want) {
		t.Errorf("%s: the spec has %v, the survey %v", where, got, want)
	}
	if length := map[string]Framing{"varint": LengthVi, "u16": LengthU16, "none": Unframed}[m.Length]; b.Framing != length {
		t.Errorf("%s: the spec has a length of %s, the survey %s", where, b.Framing, m.Length)
	}
	code, ok := codeIn(b, v)
	if ok != (m.Type != nil) || ok && code != *m.Type {
		t.Errorf("%s: the spec has type %d (%v), the survey %v", where, code, ok, m.Type)
	}
	for _, place := range strings.Split(m.Stream, " and ") {
		kind, id, _ := strings.Cut(place, ":")
		if !slices.ContainsFunc(b.Places, func(p Place) bool {
			s := fam.Stream(p.Stream, Set(0).With(v))
			return p.On.Has(v) && (p.Stream == place || s != nil && s.Kind == kind && (id == "setup" && s.Name == "Setup" || id == fmt.Sprint(s.Code)))
		}) {
			t.Errorf("%s does not stand on %s in the spec", where, place)
		}
	}
}
