package model

import "strings"

// RelativePath leads from one path to another as the links of a page do: its last component takes the place of
// the last one of the base, and ".." goes up. As with a [Path], its normal form is meant wherever one is taken;
// [NewRelativePath] makes it. Unlike in a [Path], "." and ".." mean something here.
type RelativePath string

const (
	here   = "."
	parent = ".."
)

// NewRelativePath normalises s: slashes as in [NewPath], and "." goes, unless it is all there is.
func NewRelativePath(s string) RelativePath {
	parts := NewPath(s).Parts()
	kept := make([]string, 0, len(parts))
	for _, part := range parts {
		if part != here {
			kept = append(kept, part)
		}
	}
	if len(kept) == 0 && len(parts) > 0 {
		return here
	}
	return RelativePath(strings.Join(kept, "/"))
}

// String returns the normalised text.
func (r RelativePath) String() string { return string(NewRelativePath(string(r))) }

// Resolve returns where r leads from base: the empty one to base itself, "." to its parent. Going up stops at
// the empty path.
func (p Path) Resolve(r RelativePath) Path {
	to, _ := p.resolve(r)
	return to
}

// TryResolve is Resolve, but returns false when r goes up further than to the empty path.
func (p Path) TryResolve(r RelativePath) (Path, bool) {
	to, ok := p.resolve(r)
	if !ok {
		return "", false
	}
	return to, true
}

func (p Path) resolve(r RelativePath) (to Path, inside bool) {
	p = p.normal()
	if NewPath(string(r)) == "" {
		return p, true
	}
	parts, inside := p.Parts(), true
	if len(parts) > 0 {
		parts = parts[:len(parts)-1]
	}
	for _, part := range Path(r).Parts() {
		switch {
		case part == here:
		case part != parent:
			parts = append(parts, part)
		case len(parts) > 0:
			parts = parts[:len(parts)-1]
		default:
			inside = false
		}
	}
	return Path(strings.Join(parts, "/")), inside
}

// RelativeTo returns the relative path that leads from base to p: empty when they are equal, "." when p is the
// parent of base. False when a component of p that it has to name is "." or "..", which no relative path can say.
func (p Path) RelativeTo(base Path) (RelativePath, bool) {
	p, base = p.normal(), base.normal()
	if p == base {
		return "", true
	}
	from, to := base.Parts(), p.Parts()
	if len(from) > 0 {
		from = from[:len(from)-1]
	}
	common := 0
	for common < len(from) && common < len(to) && from[common] == to[common] {
		common++
	}
	var parts []string
	for range from[common:] {
		parts = append(parts, parent)
	}
	for _, part := range to[common:] {
		if part == here || part == parent {
			return "", false
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return here, true
	}
	return RelativePath(strings.Join(parts, "/")), true
}
