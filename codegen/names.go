package codegen

import (
	"strings"
	"unicode"
)

// initialisms are written in capitals in Go names.
var initialisms = map[string]bool{"ID": true, "OK": true, "URI": true, "RTT": true}

// GoName turns a name of the spec into an exported Go identifier: "Track Alias" and
// "TRACK_ALIAS" both become TrackAlias.
func GoName(name string) string {
	var b strings.Builder
	for _, word := range words(name) {
		upper := strings.ToUpper(word)
		switch {
		case initialisms[upper]:
			b.WriteString(upper)
		case word == upper || word == strings.ToLower(word):
			b.WriteString(upper[:1] + strings.ToLower(word[1:]))
		default: // AnnounceStatus: already in Go's form
			b.WriteString(word)
		}
	}
	return b.String()
}

// SnakeName is the name as log attributes and file names have it: track_alias.
func SnakeName(name string) string {
	return strings.ToLower(strings.Join(words(camelWords(name)), "_"))
}

func words(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '_' || r == '-' })
}

// camelWords puts a space in front of each capital that follows a small letter.
func camelWords(name string) string {
	var b strings.Builder
	var prev rune
	for _, r := range name {
		if unicode.IsUpper(r) && unicode.IsLower(prev) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		prev = r
	}
	return b.String()
}

// unexported is a Go name with a small first word.
func unexported(goName string) string {
	n := 0
	for n < len(goName) && unicode.IsUpper(rune(goName[n])) {
		n++
	}
	switch {
	case n == len(goName):
		return strings.ToLower(goName)
	case n > 1:
		n--
	}
	return strings.ToLower(goName[:n]) + goName[n:]
}
