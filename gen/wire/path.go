package wire

import "strings"

// MaxSegments is how many segments a path may have.
const MaxSegments = 32

// NormalizePath strips slashes from both ends of s and joins runs of them, as every
// moq-lite endpoint does on both sides. It allocates only when there is a run to join.
func NormalizePath(s string) string {
	s = strings.Trim(s, "/")
	if !strings.Contains(s, "//") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		if s[i] != '/' || s[i-1] != '/' {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func checkSegments(path string) *Error {
	if n := strings.Count(path, "/") + 1; n > MaxSegments {
		return MalformedNumber("at most 32 segments", uint64(n))
	}
	return nil
}

// ParsePath reads a string and normalises it. More than 32 segments are malformed.
func (k Vi) ParsePath(b []byte, limit int) (path string, n int, e *Error) {
	s, n, e := k.ParseString(b, limit)
	if e != nil {
		return "", 0, e
	}
	path = NormalizePath(s)
	if e := checkSegments(path); e != nil {
		return "", 0, e
	}
	return path, n, nil
}

// AppendPath writes path in normalised form.
func (k Vi) AppendPath(dst []byte, path string, limit int) ([]byte, *Error) {
	path = NormalizePath(path)
	if e := checkSegments(path); e != nil {
		return dst, e
	}
	return k.AppendString(dst, path, limit)
}
