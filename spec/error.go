package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a spec file. Lines and columns count from 1, columns in bytes.
type Pos struct {
	File string
	Line int
	Col  int
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Error is one thing that is wrong in a spec file.
type Error struct {
	Pos Pos
	Msg string
}

// Error has the form of a compiler's: file:line:column: message.
func (e *Error) Error() string { return e.Pos.String() + ": " + e.Msg }

// Errors is everything that is wrong, in the order of the text. It is never empty where it
// is returned as an error.
type Errors []*Error

// Error gives one line for each error.
func (l Errors) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// collector gathers errors; at most one for each line, since the rest tend to follow from it.
type collector struct {
	list  Errors
	lines map[int]bool // that have one
	found func()       // told of each error; a test learns from it who reported
}

func (c *collector) add(pos Pos, format string, args ...any) {
	if c.lines[pos.Line] {
		return
	}
	if c.lines == nil {
		c.lines = map[int]bool{}
	}
	c.lines[pos.Line] = true
	c.list = append(c.list, &Error{Pos: pos, Msg: fmt.Sprintf(format, args...)})
	if c.found != nil {
		c.found()
	}
}

func (c *collector) err() error {
	if len(c.list) == 0 {
		return nil
	}
	slices.SortStableFunc(c.list, func(a, b *Error) int { return a.Pos.Line - b.Pos.Line })
	return c.list
}
