package tree

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/moqrx/moqrx/spec"
)

// bytesField decodes what stands behind its length: text, a path, or anything.
func (s *state) bytesField(f *spec.Field) bool {
	limit := s.limit(f)
	if f.Kind.MaxWith != "" {
		limit -= min(limit, s.get(f.Kind.MaxWith).n)
	}
	n := s.add(f.Name, f)
	at := s.off
	p, ok := s.bytes(n, limit)
	s.checkText(n, f.Kind.Name, at, p)
	s.set(f.Name, uint64(len(p)), len(p) > 0)
	return ok
}

// limit is the longest length of a field.
func (s *state) limit(f *spec.Field) uint64 {
	if f.Kind.Max != 0 {
		return f.Kind.Max
	}
	return uint64(s.family.MaxBody)
}

// bytes reads a length and as many bytes into n. After a length that says too much it gives what is there.
func (s *state) bytes(n *Node, limit uint64) (p []byte, ok bool) {
	at := s.off
	size, ok := s.varint(n)
	if !ok {
		return nil, false
	}
	if size > limit {
		s.malformed(n, at, s.off-at, "at most "+bytesText(limit), decimal(size))
	}
	if ok = size <= uint64(s.end-s.off); !ok {
		s.short(n, s.off, size)
		size = uint64(s.end - s.off)
	}
	p = s.src[s.off : s.off+int(size) : s.off+int(size)]
	s.off += int(size)
	n.Size = s.off - n.Offset
	return p, ok
}

// checkText sets the value of a string that started at from, and checks what its kind asks for.
func (s *state) checkText(n *Node, kind string, from int, p []byte) {
	switch {
	case kind == "bytes":
		s.raw(n, p)
	case !utf8.Valid(p):
		s.raw(n, p)
		s.malformed(n, s.off-len(p), len(p), "UTF-8", "other bytes")
	case kind == "path":
		s.pathText(n, from, p)
	default:
		s.text(n, p)
	}
}

// maxSegments is how many segments a path may have.
const maxSegments = 32

// pathText sets a path, without the slashes that mean nothing.
func (s *state) pathText(n *Node, from int, p []byte) {
	text := strings.Trim(string(p), "/")
	for strings.Contains(text, "//") {
		text = strings.ReplaceAll(text, "//", "/")
	}
	if s.budget -= 16 + 2*len(p); len(text) != len(p) {
		n.remark(&normalized)
	}
	if n.Name != Omitted {
		n.Value = text
	}
	if count := strings.Count(text, "/") + 1; count > maxSegments {
		s.malformed(n, from, s.off-from, "at most 32 segments", strconv.Itoa(count))
	}
}

// data decodes bytes whose number stood in an earlier field.
func (s *state) data(f *spec.Field) bool {
	size := s.get(f.Kind.Ref).n
	n := s.add(f.Name, f)
	ok := size <= uint64(s.end-s.off)
	if !ok {
		s.short(n, s.off, size)
		size = uint64(s.end - s.off)
	}
	s.raw(n, s.src[s.off:s.off+int(size)])
	s.off += int(size)
	n.Size = s.off - n.Offset
	s.set(f.Name, size, size > 0)
	return ok
}

// toEnd decodes what goes on to the end.
func (s *state) toEnd(f *spec.Field) bool {
	p := s.src[s.off:s.end]
	s.raw(s.leaf(f.Name, f, len(p)), p)
	s.set(f.Name, uint64(len(p)), len(p) > 0)
	return true
}

// tally counts the varints up to the end, which the fields behind it decode.
func (s *state) tally(f *spec.Field) bool {
	n := s.add(f.Name, f)
	at, count := s.off, uint64(0)
	for ; at < s.end; count++ {
		_, size, ok := s.peek(at)
		if !ok {
			s.fault(n, at, size)
			return false
		}
		at += size
	}
	s.number(n, count)
	n.remark(&notWritten)
	from := s.off
	s.off = at // so that a wrong number is that of all these bytes
	s.checks(n, f, from, count)
	s.off = from
	s.set(f.Name, count, count != 0)
	return true
}
