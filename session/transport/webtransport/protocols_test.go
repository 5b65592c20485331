package webtransport

import (
	"slices"
	"testing"
	"unicode/utf8"
)

func TestListsOfProtocols(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  []string
	}{
		{nil, nil},
		{[]string{`"moq-lite-05"`}, []string{"moq-lite-05"}},
		{[]string{`"a", "b"`, ` "c" `}, []string{"a", "b", "c"}},
		{[]string{"\"a\"\t,\"b\""}, []string{"a", "b"}},
		{[]string{`"a\"\\,b", ""`}, []string{`a"\,b`, ""}},
		{[]string{`"a";q=1;s="x,\"y", "b";v`}, []string{"a", "b"}},
		{[]string{`"a", b`}, nil},
		{[]string{`"a",`}, nil},
		{[]string{`a`}, nil},
		{[]string{`"a`}, nil},
		{[]string{`"a\b"`}, nil},
		{[]string{`"a\`}, nil},
		{[]string{"\"\x7f\""}, nil},
		{[]string{`"ä"`}, nil},
	} {
		if got := parseList(c.lines); !slices.Equal(got, c.want) {
			t.Errorf("parseList(%q) = %q, want %q", c.lines, got, c.want)
		}
	}
	if _, err := formatList([]string{"fine", "ä"}); err == nil {
		t.Error("a token that no header can carry is offered")
	}
}

func TestChosenProtocol(t *testing.T) {
	offered := []string{"moq-lite-05", "moqt-18"}
	for _, c := range []struct {
		lines []string
		want  string
		ok    bool
	}{
		{nil, "", true},
		{[]string{`"moqt-18"`}, "moqt-18", true},
		{[]string{` "moqt-18";x=y `}, "moqt-18", true},
		{[]string{`moqt-18`}, "", false},
		{[]string{`"moqt-20"`}, "", false},
		{[]string{`""`}, "", false},
		{[]string{`"moqt-18", "moq-lite-05"`}, "", false},
	} {
		if got, err := chosen(c.lines, offered); got != c.want || (err == nil) != c.ok {
			t.Errorf("chosen(%q) = %q, %v", c.lines, got, err)
		}
	}
	if got := choose([]string{"moqt-20", "b", "a"}, []string{"a", "b"}); got != "b" {
		t.Errorf("chose %q, want the first of the client", got)
	}
}

func FuzzProtocols(f *testing.F) {
	for _, s := range []string{`"a"`, `"a", "b"`, `"a";x="\"",  "b"`, `"\`, `,`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		tokens := parseList([]string{field})
		if tokens == nil {
			return
		}
		list, err := formatList(tokens)
		if err != nil || !utf8.ValidString(list) || !slices.Equal(parseList([]string{list}), tokens) {
			t.Errorf("%q became %q, %q, %v", field, tokens, list, err)
		}
	})
}
