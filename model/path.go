package model

import (
	"cmp"
	"slices"
	"strings"
)

// MaxPathParts is the most components a path may have on the wire and in an
// origin (root and path together). Paths beyond it can be made, not published.
const MaxPathParts = 32

// Path names a broadcast: components separated by single slashes, none at the
// ends. There is no escaping, no case folding, and "." and ".." mean nothing.
//
// Being a string, it can be written as a literal with slashes elsewhere. Whatever takes
// a Path, its methods too, means the normal form of it, and what is returned is normal.
// Only where two are compared as strings, with == or as keys of a map, both have to be
// normal: see [NewPath]. A normal path is sliced and looked at without a copy.
type Path string

// NewPath normalises s: leading and trailing slashes go, runs of slashes become one.
func NewPath(s string) Path {
	s = strings.Trim(s, "/")
	for strings.Contains(s, "//") {
		s = strings.ReplaceAll(s, "//", "/")
	}
	return Path(s)
}

// normal is p in its normal form. Every method begins with it, so that nothing that is
// made of methods has to think of it.
func (p Path) normal() Path { return NewPath(string(p)) }

// String returns the normalised text.
func (p Path) String() string { return string(p.normal()) }

// UnmarshalText makes p the normal form of text, as in JSON. It never fails.
func (p *Path) UnmarshalText(text []byte) error {
	*p = NewPath(string(text))
	return nil
}

// IsEmpty reports whether p has no components. The empty path is a prefix of
// every path.
func (p Path) IsEmpty() bool { return p.normal() == "" }

// HasPrefix reports whether p is prefix or lies under it. Only whole components
// count: "foobar" does not have the prefix "foo".
func (p Path) HasPrefix(prefix Path) bool {
	_, ok := p.StripPrefix(prefix)
	return ok
}

// StripPrefix returns what is left of p under prefix, without a leading slash;
// false when p does not have that prefix.
func (p Path) StripPrefix(prefix Path) (Path, bool) {
	p, prefix = p.normal(), prefix.normal()
	switch {
	case prefix == "":
		return p, true
	case !strings.HasPrefix(string(p), string(prefix)):
		return "", false
	case len(p) == len(prefix):
		return "", true
	case p[len(prefix)] != '/':
		return "", false
	}
	return p[len(prefix)+1:], true
}

// Join returns p with q appended. Joining with the empty path changes nothing.
func (p Path) Join(q Path) Path {
	p, q = p.normal(), q.normal()
	switch {
	case p == "":
		return q
	case q == "":
		return p
	}
	return p + "/" + q
}

// Parts returns the components; none for the empty path.
func (p Path) Parts() []string {
	p = p.normal()
	if p == "" {
		return nil
	}
	return strings.Split(string(p), "/")
}

// NextPart splits off the first component; false for the empty path.
func (p Path) NextPart() (first string, rest Path, ok bool) {
	p = p.normal()
	if p == "" {
		return "", "", false
	}
	head, tail, _ := strings.Cut(string(p), "/")
	return head, Path(tail), true
}

// numParts counts the components without allocating.
func (p Path) numParts() int {
	p = p.normal()
	if p == "" {
		return 0
	}
	return strings.Count(string(p), "/") + 1
}

// PathPrefixes is a set of prefixes in canonical form: no duplicates, none that
// lies under another, shorter ones first and text order among equals. Two sets
// that cover the same paths are equal lists.
type PathPrefixes []Path

// NewPathPrefixes brings any list into canonical form.
func NewPathPrefixes(paths ...Path) PathPrefixes {
	sorted := slices.Clone(paths)
	for i, p := range sorted {
		sorted[i] = p.normal()
	}
	slices.SortFunc(sorted, func(a, b Path) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	out := PathPrefixes{}
	for _, p := range sorted {
		if !out.Covers(p) {
			out = append(out, p)
		}
	}
	return out
}

// Covers reports whether path lies at or under one of the prefixes.
func (s PathPrefixes) Covers(path Path) bool {
	return slices.ContainsFunc(s, path.HasPrefix)
}
