package spec

import (
	"math"
	"strings"
)

// Parse reads the text of a spec file and checks it. file names it in errors. The error is
// an [Errors] with everything that is wrong, as far as it could be told.
func Parse(file, text string) (*Family, error) {
	errs := &collector{}
	f := read(file, text, errs)
	if err := errs.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// read is Parse, with the errors that there are in errs.
func read(file, text string, errs *collector) *Family {
	l := lex(file, text, errs)
	p := &parser{collector: errs, toks: l.tokens, comments: l.comments, fam: &Family{Pos: Pos{file, 1, 1}}}
	p.file()
	if len(errs.list) == 0 {
		check(p.fam, errs)
	}
	return p.fam
}

// parser is a recursive descent over the tokens. A method that meets something unexpected
// notes it and goes on: the collector keeps the first error of each line, and every line is
// left at its end by endLine, so one mistake gives one error.
type parser struct {
	*collector
	toks     []token
	i        int
	comments map[int]comment
	fam      *Family
	all      Set  // versions of the family
	texts    bool // ranges are those of texts, so that an alias is a version as any
}

func (p *parser) peek() token { return p.toks[p.i] }

func (p *parser) next() token {
	t := p.toks[p.i]
	if t.kind != tokEOF {
		p.i++
	}
	return t
}

// accept takes the next token if it is the punctuation or word given.
func (p *parser) accept(text string) bool {
	t := p.peek()
	if (t.kind == tokPunct || t.kind == tokIdent) && t.text == text {
		p.i++
		return true
	}
	return false
}

func (p *parser) expected(what string) {
	t := p.peek()
	p.add(t.pos, "expected %s, found %s", what, t.describe())
}

func (p *parser) expect(text string) bool {
	if p.accept(text) {
		return true
	}
	p.expected(text)
	return false
}

// atEnd tells whether the statement is over.
func (p *parser) atEnd() bool {
	k := p.peek().kind
	return k == tokNewline || k == tokEOF
}

// endLine goes to the start of the next line; what is left on this one is an error.
func (p *parser) endLine() {
	if !p.atEnd() {
		p.expected("the end of the line")
	}
	for !p.atEnd() {
		p.i++
	}
	p.next()
}

func (p *parser) ident(what string) string {
	if p.peek().kind != tokIdent {
		p.expected(what)
		return ""
	}
	return p.next().text
}

func (p *parser) str(what string) string {
	if p.peek().kind != tokString {
		p.expected(what)
		return ""
	}
	return p.next().text
}

func (p *parser) number(what string) uint64 {
	if k := p.peek().kind; k != tokNumber && k != tokHex {
		p.expected(what)
		return 0
	}
	return p.next().value
}

func isName(t token) bool {
	return t.kind == tokIdent && t.text[0] >= 'A' && t.text[0] <= 'Z'
}

// name reads the name of a field: words that start with a capital.
func (p *parser) name() string {
	if !isName(p.peek()) {
		p.expected("a name that starts with a capital")
		return ""
	}
	var words []string
	for isName(p.peek()) {
		words = append(words, p.next().text)
	}
	return strings.Join(words, " ")
}

// block reads { lines }. A line function leaves what it does not understand to endLine.
func (p *parser) block(what string, line func()) {
	open := p.peek().pos
	if !p.expect("{") {
		for !p.atEnd() && !p.accept("{") {
			p.i++
		}
	}
	p.endLine()
	for {
		switch t := p.peek(); {
		case t.kind == tokEOF:
			p.add(open, "%s is not closed", what)
			return
		case t.kind == tokNewline:
			p.i++
		case p.accept("}"):
			return
		default:
			line()
			p.endLine()
		}
	}
}

// doc is the comment of what starts at pos: the comment lines right above it, and the one at
// the end of its line.
func (p *parser) doc(pos Pos) string {
	var lines []string
	for n := pos.Line - 1; n > 0 && p.comments[n].alone; n-- {
		lines = append([]string{p.comments[n].text}, lines...)
	}
	if c, ok := p.comments[pos.Line]; ok {
		lines = append(lines, c.text)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// file reads all declarations.
func (p *parser) file() {
	for p.peek().kind == tokNewline {
		p.i++
	}
	if p.peek().text != "family" {
		p.expected("family")
		return
	}
	for p.peek().kind != tokEOF {
		if p.peek().kind == tokNewline {
			p.i++
			continue
		}
		p.decl()
		p.endLine()
	}
}

func (p *parser) decl() {
	t := p.peek()
	decls := map[string]func(Pos, string){
		"family": p.family, "stream": p.stream, "enum": p.enum, "params": p.registry,
		"struct": p.structDecl, "message": p.message, "choice": p.choice,
	}
	f := decls[t.text]
	if f == nil || t.kind != tokIdent {
		p.expected("family, stream, enum, params, struct, message or choice")
		if !strings.HasSuffix(p.lineText(), "{") {
			return
		}
		p.block("the block", func() {
			for !p.atEnd() {
				p.i++
			}
		})
		return
	}
	p.i++
	f(t.pos, p.doc(t.pos))
}

// lineText is the last token of the line, to see whether it opens a block.
func (p *parser) lineText() string {
	last := ""
	for i := p.i; p.toks[i].kind != tokNewline && p.toks[i].kind != tokEOF; i++ {
		last = p.toks[i].text
	}
	return last
}

// atRange tells whether a version range, or none, comes next.
func (p *parser) atRange() bool {
	t := p.peek()
	return t.kind == tokNumber || t.kind == tokIdent && t.text == "none"
}

// ranges reads 14, 14-16, 17+ or lists of these; without any it gives fallback.
func (p *parser) ranges(fallback Set) Set {
	if !p.atRange() {
		return fallback
	}
	if p.accept("none") {
		return 0
	}
	var s Set
	for {
		s |= p.oneRange()
		// A comma may also go on to the next code, place or scope.
		if p.peek().text != "," || p.toks[p.i+1].kind != tokNumber {
			return s
		}
		p.i++
	}
}

func (p *parser) oneRange() Set {
	t := p.next()
	r := rangeText{from: int(min(t.value, math.MaxInt32)), pos: t.pos}
	r.to = r.from
	switch {
	case p.accept("+"):
		r.to = -1
	case p.accept("-"):
		r.to = int(min(p.number("the last version of the range"), math.MaxInt32))
	}
	return p.resolve(r)
}

// resolve turns a range into the versions that it names, aliases of these included where it is of bytes.
func (p *parser) resolve(r rangeText) Set {
	for _, end := range []int{r.from, r.to} {
		v := p.fam.Version(end)
		switch {
		case end == -1:
		case v == nil:
			p.add(r.pos, "the family has no version %02d", end)
			return 0
		case v.Alias >= 0 && !p.texts:
			p.add(r.pos, "version %02d is the same as %02d and has nothing of its own; name %02d", end, v.Alias, v.Alias)
			return 0
		}
	}
	if r.to != -1 && r.to < r.from {
		p.add(r.pos, "the range %s runs backwards", r)
		return 0
	}
	var s Set
	for _, v := range p.fam.Versions {
		n := v.Number
		if v.Alias >= 0 && !p.texts {
			n = v.Alias
		}
		if n >= r.from && (r.to == -1 || n <= r.to) {
			s = s.With(v.Number)
		}
	}
	return s
}
