package vectors

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/gen/named"
)

// inputs are keys in which vectors have what their encoder was asked for, or know no better, and not what is on the wire.
var inputs = []struct {
	reason string
	fits   func(v *vector, key string, want any) bool
}{
	{"the parameters of SETUP before draft 17 have the names of message parameters, where one has that type", func(v *vector, key string, _ any) bool {
		return key == "params" && strings.HasSuffix(v.Message, "_SETUP") && strings.HasPrefix(v.Version, "draft-")
	}},
	{"what is measured as 0 is sent as 1", func(v *vector, _ string, want any) bool { return v.Message == "PROBE" && isZero(want) }},
	{"on moq-lite-03 hops are only counted", func(v *vector, key string, _ any) bool { return v.Version == "lite-03" && key == "hops" }},
	{"a cost that is not known is sent as 0", func(_ *vector, key string, want any) bool { return key == "cost" && want == nil }},
	{"an id is text in messages, and a number in what was put together of them", func(v *vector, key string, _ any) bool {
		return strings.Contains(v.Message, "(whole)") && key == "subscribe"
	}},
}

// Answers have the names and forms of the vectors that were derived from the drafts, and for moq-lite of those that were
// recorded with its JavaScript endpoint: without synonyms, and to the letter.
func TestAnswersSpeakTheDialectOfTheVectors(t *testing.T) {
	var list []*vector
	for _, v := range load(t) {
		how, _ := treat(v)
		plain := strings.HasPrefix(v.Source, "spec-derived") || strings.HasPrefix(v.Source, "run:@moq/net")
		if plain && v.Stream == nil && v.Hex != nil && v.Error == "" && v.DecodeError == "" && slices.Contains([]treatment{asWritten, decodeOnly}, how) {
			list = append(list, v)
		}
	}
	equal, absent := 0, 0
	for v, answers := range ask(t, list) {
		for key, want := range v.Fields {
			have, ok := answers[0].Fields[key]
			switch {
			case ok && fmt.Sprintf("%#v", have) == fmt.Sprintf("%#v", want):
				equal++
			case isInput(v, key, want):
			case !ok && strings.HasPrefix(v.Source, "run:"): // that this version has no place for
				absent++
			default:
				t.Errorf("%s: %s %s %s: %s is %#v, want %#v", v.at, v.Version, named.Message(v.Message), *v.Hex, key, have, want)
			}
		}
	}
	if equal < 20*absent || equal < 500 {
		t.Errorf("only %d fields are equal, and %d not there", equal, absent)
	}
}

func isInput(v *vector, key string, want any) bool {
	for _, e := range inputs {
		if e.fits(v, key, want) {
			return true
		}
	}
	return false
}
