package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// moqtFacts is the survey of moq-transport.
type moqtFacts struct {
	ALPN     map[string]string
	Messages []struct {
		Name, Type string
		Drafts     [2]int
		Fields     []moqtField
	}
	Encodings map[string]map[string]string   `json:"message_parameter_encodings"`
	Scope     map[string]map[string][]string `json:"message_parameter_scope"`
	Session   []codeFact                     `json:"session_errors"`
	Request   []codeFact                     `json:"request_errors"`
	Done      []codeFact                     `json:"publish_done"`
	Reset     []codeFact                     `json:"stream_reset"`
	Draft14   map[string]map[string]string   `json:"draft14_errors"`
	Subgroup  map[string][]string            `json:"subgroup_types"`
	Datagram  map[string][]string            `json:"datagram_types"`
}

type moqtField struct {
	Name, Kind, When string
	Drafts           [2]int
}

type codeFact struct {
	Code, Name string
	Drafts     [2]int
}

var moqtNames = map[string]string{
	"versions": "supportedversions", "version": "selectedversion", "params": "parameters", "uri": "newsessionuri",
	"namespace": "tracknamespace", "name": "trackname", "largest": "largestlocation", "start": "startlocation", "end": "endlocation",
	"reason": "reasonphrase", "prefix": "tracknamespaceprefix", "suffix": "tracknamespacesuffix", "properties": "trackproperties",
}

var moqtKinds = map[string]string{
	"vi": "vi", "vilist": "list of vi", "setup_params": "SetupOptions", "setup_opts": "SetupOptions", "uri": "bytes max 8192",
	"vi?": "tail-vi", "ns": "tuple", "ns0": "tuple", "prefix": "tuple", "bytes": "bytes", "u8": "u8", "u8<=1": "u8 0..1", "u8<=2": "u8 0..2",
	"u8 1..2": "u8 1..2", "vi<=2": "vi 0..2", "loc": "location", "params": "MessageParameters", "props": "TrackProperties",
	"reason": "string max 1024", "redirect": "redirect", "fetch_type": "vi 1..3",
}

// moqtShapes are the fields of a message in one draft. The three fields of a filter are one in the spec.
func moqtShapes(fields []moqtField, draft int) []shape {
	var list []shape
	filter := false
	for _, f := range fields {
		inDraft := f.Drafts[0] <= draft && draft <= f.Drafts[1]
		switch {
		case !inDraft:
		case f.Kind == "filter_type":
			filter = true
			list = append(list, shape{"filter", "filter"})
		case filter && strings.HasPrefix(f.When, "filter_type"):
		default:
			name, kind := mangled(f.Name), moqtKinds[f.Kind]
			if n, ok := moqtNames[name]; ok {
				name = n
			}
			if f.When != "" {
				kind += " if"
			}
			list = append(list, shape{name, kind})
		}
	}
	return list
}

func TestTransportMessagesAreWhatTheSurveySays(t *testing.T) {
	var facts moqtFacts
	readFacts(t, "moqt-defs.json", &facts)
	fam := load(t, Transport)
	surveyed := map[string]bool{}
	for _, m := range facts.Messages {
		for draft := m.Drafts[0]; draft <= m.Drafts[1]; draft++ {
			where := fmt.Sprintf("%s on %d", m.Name, draft)
			surveyed[where] = true
			msg := fam.Message(m.Name)
			if msg == nil || msg.Layout(draft) == nil {
				t.Errorf("%s is not in the spec", where)
				continue
			}
			b := msg.Layout(draft)
			if got, want := shapes(b, draft), moqtShapes(m.Fields, draft); !slices.Equal(got, want) {
				t.Errorf("%s: the spec has %v, the survey %v", where, got, want)
			}
			if code, _ := codeIn(b, draft); fmt.Sprintf("0x%x", code) != m.Type {
				t.Errorf("%s: the spec has type 0x%x, the survey %s", where, code, m.Type)
			}
		}
	}
	for _, m := range fam.Messages {
		for _, v := range m.On().Numbers() {
			if where := fmt.Sprintf("%s on %d", m.Name, v); m.Layout(v).Framing != Unframed && !surveyed[where] {
				t.Errorf("%s is not in the survey", where)
			}
		}
	}
	for _, v := range fam.Versions {
		if want := facts.ALPN[strconv.Itoa(v.Number)]; v.ALPN != want {
			t.Errorf("%d: ALPN is %s, the survey has %s", v.Number, v.ALPN, want)
		}
	}
}

// paramKind is the encoding of an item in the words of the survey.
func paramKind(it *Item, draft int) []string {
	k := it.Kind
	old := draft <= 16 // all are key-value pairs
	switch {
	case k.Ref == "location" && old:
		return []string{"bytes", "bytes(Location)"}
	case k.Ref == "location":
		return []string{"loc"}
	case k.Ref == "filter" && !k.Sized:
		return []string{"filter22"}
	case k.Ref == "filter":
		return []string{"bytes", "bytes(filter)"}
	case k.Ref == "prefix":
		return []string{"ns"}
	case k.Sized || k.Name == "bytes":
		return []string{"bytes"}
	case old:
		return []string{"varint"}
	}
	return []string{k.Name}
}

func TestTransportParametersAreWhatTheSurveySays(t *testing.T) {
	var facts moqtFacts
	readFacts(t, "moqt-defs.json", &facts)
	fam := load(t, Transport)
	for draft := 14; draft <= 22; draft++ {
		version := strconv.Itoa(draft)
		encodings, scopes := map[string]bool{}, map[string]bool{}
		for _, it := range fam.Registry("MessageParameters").Items {
			id := fmt.Sprintf("0x%x", it.ID)
			if !it.On.Has(draft) || it.ID >= 0x40000 { // an extension
				continue
			}
			encodings[id] = true
			if got, want := paramKind(it, draft), facts.Encodings[version][id]; !slices.Contains(got, want) {
				t.Errorf("%d %s: the spec has %v, the survey %s", draft, it.Name, got, want)
			}
			for _, s := range it.Scopes {
				if s.On.Has(draft) && s.Message != "FILL_PARAMETERS" {
					scopes[s.Message+" "+id] = true
					if !slices.Contains(facts.Scope[version][s.Message], id) {
						t.Errorf("%d %s in %s is not in the survey", draft, it.Name, s.Message)
					}
				}
			}
		}
		for id := range facts.Encodings[version] {
			if !encodings[id] {
				t.Errorf("%d: parameter %s is not in the spec", draft, id)
			}
		}
		for message, ids := range facts.Scope[version] {
			for _, id := range ids {
				// From 18 on "PUBLISH_OK" is the REQUEST_OK that answers a PUBLISH.
				if !scopes[message+" "+id] && (message != "PUBLISH_OK" || draft < 18) {
					t.Errorf("%d: parameter %s may not stand in %s in the spec", draft, id, message)
				}
			}
		}
	}
}

func TestTransportCodesAreWhatTheSurveySays(t *testing.T) {
	var facts moqtFacts
	readFacts(t, "moqt-defs.json", &facts)
	fam := load(t, Transport)
	compare := func(enum string, list []codeFact) {
		t.Helper()
		var want, got []string
		for _, f := range list {
			for draft := f.Drafts[0]; draft <= f.Drafts[1]; draft++ {
				want = append(want, fmt.Sprint(draft, " ", f.Code, " ", f.Name))
			}
		}
		for _, v := range fam.Enum(enum).Values {
			for _, draft := range v.On.Numbers() {
				got = append(got, fmt.Sprintf("%d 0x%x %s", draft, v.Value, v.Name))
			}
		}
		sameSet(t, enum, got, want)
	}
	compare("SessionErrorCode", facts.Session)
	compare("RequestErrorCode", facts.Request)
	compare("PublishDoneCode", facts.Done)
	compare("StreamResetCode", facts.Reset)
	for message, codes := range facts.Draft14 {
		var list []codeFact
		for code, name := range codes {
			n, err := strconv.Atoi(code)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, codeFact{fmt.Sprintf("0x%x", n), name, [2]int{14, 14}})
		}
		words := strings.Split(strings.ToLower(message), "_")
		for i, w := range words {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
		compare(strings.Join(words, "")+"Code", list)
	}
	for draft := 14; draft <= 22; draft++ {
		sameSet(t, fmt.Sprint("subgroup types of ", draft), legalTypes(fam.Message("SUBGROUP_HEADER").Layout(draft), draft), facts.Subgroup[strconv.Itoa(draft)])
		sameSet(t, fmt.Sprint("datagram types of ", draft), legalTypes(fam.Message("OBJECT_DATAGRAM").Layout(draft), draft), facts.Datagram[strconv.Itoa(draft)])
	}
}
