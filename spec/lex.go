package spec

import (
	"strconv"
	"strings"
)

type tokenKind int

const (
	tokEOF tokenKind = iota
	tokNewline
	tokIdent
	tokNumber // decimal: a version or a bound
	tokHex    // 0x...: a code
	tokString
	tokRef // §...
	tokPunct
)

type token struct {
	kind  tokenKind
	text  string // of a string, without its quotes
	value uint64 // of a number
	pos   Pos
}

// describe names t for an error message.
func (t token) describe() string {
	switch t.kind {
	case tokEOF:
		return "the end of the file"
	case tokNewline:
		return "the end of the line"
	case tokString:
		return strconv.Quote(t.text)
	}
	return t.text
}

// comment is the text after a #. alone is set when nothing stands before it on its line.
type comment struct {
	text  string
	alone bool
}

// lexer splits a spec file into tokens. Newlines are tokens: a statement is one line.
type lexer struct {
	file     string
	tokens   []token
	comments map[int]comment // by line
	errs     *collector
}

func lex(file, text string, errs *collector) *lexer {
	l := &lexer{file: file, comments: map[int]comment{}, errs: errs}
	line := 0
	for s := range strings.Lines(text) {
		line++
		l.line(strings.TrimRight(s, "\r\n"), line)
		l.tokens = append(l.tokens, token{kind: tokNewline, pos: Pos{file, line, len(s)}})
	}
	l.tokens = append(l.tokens, token{kind: tokEOF, pos: Pos{file, line + 1, 1}})
	return l
}

func (l *lexer) line(s string, line int) {
	before := len(l.tokens)
	for i := 0; i < len(s); {
		pos := Pos{l.file, line, i + 1}
		switch c := s[i]; {
		case c == ' ' || c == '\t':
			i++
		case c == '#':
			l.comments[line] = comment{strings.TrimRight(strings.TrimPrefix(s[i+1:], " "), " \t"), len(l.tokens) == before}
			return
		case isLetter(c):
			n := scan(s[i:], isIdent)
			// A trailing hyphen or dot is punctuation of a range.
			word := strings.TrimRight(s[i:i+n], "-")
			l.push(tokIdent, word, pos)
			i += len(word)
		case isDigit(c):
			i += l.number(s[i:], pos)
		case c == '"':
			n := strings.IndexByte(s[i+1:], '"')
			if n < 0 {
				l.errs.add(pos, "the string is not closed")
				return
			}
			l.push(tokString, s[i+1:i+1+n], pos)
			i += n + 2
		case strings.HasPrefix(s[i:], "§"):
			n := strings.IndexAny(s[i:]+" ", " \t{")
			l.push(tokRef, strings.TrimPrefix(s[i:i+n], "§"), pos)
			i += n
		default:
			n := punct(s[i:])
			if n == 0 {
				l.errs.add(pos, "unexpected character %q", []rune(s[i:])[0])
				return
			}
			l.push(tokPunct, s[i:i+n], pos)
			i += n
		}
	}
}

func (l *lexer) push(kind tokenKind, text string, pos Pos) {
	l.tokens = append(l.tokens, token{kind: kind, text: text, pos: pos})
}

func (l *lexer) number(s string, pos Pos) int {
	n := scan(s, isAlnum)
	t := token{kind: tokNumber, text: s[:n], pos: pos}
	var err error
	if hex, ok := strings.CutPrefix(s[:n], "0x"); ok {
		t.kind = tokHex
		t.value, err = strconv.ParseUint(hex, 16, 64)
	} else {
		t.value, err = strconv.ParseUint(s[:n], 10, 64)
	}
	if err != nil {
		l.errs.add(pos, "%s is not a number", s[:n])
	}
	l.tokens = append(l.tokens, t)
	return n
}

// punct is the length of the punctuation that s starts with.
func punct(s string) int {
	for _, p := range []string{"..", ">=", "{", "}", "[", "]", "=", ",", "-", "+"} {
		if strings.HasPrefix(s, p) {
			return len(p)
		}
	}
	return 0
}

func scan(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isAlnum(c byte) bool  { return isLetter(c) || isDigit(c) }
func isIdent(c byte) bool  { return isAlnum(c) || c == '_' || c == '-' }
