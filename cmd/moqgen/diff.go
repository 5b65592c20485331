package main

import (
	"fmt"
	"strings"
)

// context is how many equal lines stand around a difference.
const context = 3

// diff is a unified diff of two texts, "" when they are equal. It has one hunk, from the
// first line that differs to the last: enough to see what drifted.
func diff(name, old, new string) string {
	if old == new {
		return ""
	}
	a, b := lines(old), lines(new)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	start := max(0, head-context)
	after := min(tail, context)
	var s strings.Builder
	fmt.Fprintf(&s, "--- %s\n+++ %s (generated)\n", name, name)
	fmt.Fprintf(&s, "@@ -%d,%d +%d,%d @@\n", start+1, len(a)-tail+after-start, start+1, len(b)-tail+after-start)
	put := func(mark string, lines []string) {
		for _, l := range lines {
			s.WriteString(mark + l + "\n")
		}
	}
	put(" ", a[start:head])
	put("-", a[head:len(a)-tail])
	put("+", b[head:len(b)-tail])
	put(" ", a[len(a)-tail:len(a)-tail+after])
	return s.String()
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
