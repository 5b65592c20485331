package wire

import "strings"

// Tuple is a namespace that has been checked and is still in its message.
type Tuple struct {
	b     []byte // lengths with bytes
	count int
	size  int // of the elements together
}

// ScanTuple finds a namespace: a count, and that many lengths with bytes, of at most total
// bytes together. It aliases b.
func (k Vi) ScanTuple(b []byte, low, high uint64, nonEmpty bool, total int) (t Tuple, n int, e *Error) {
	count, n, e := k.ParseCount(b, low, high)
	if e != nil {
		return t, 0, e
	}
	first := n
	for i := range count {
		p, size, e := k.ParseBytes(b[n:], total-t.size)
		if e == nil && nonEmpty && len(p) == 0 {
			e = Malformed("at least 1 byte", "none")
		}
		if e != nil {
			return t, 0, e.At(index(i), n)
		}
		n += size
		t.size += len(p)
	}
	t.b, t.count = b[first:n], count
	return t, n, nil
}

// ParseTuple is ScanTuple for a namespace that stands alone, and copies its elements.
func (k Vi) ParseTuple(b []byte, low, high uint64, nonEmpty bool, total int) (list []string, n int, e *Error) {
	t, n, e := k.ScanTuple(b, low, high, nonEmpty, total)
	if e != nil {
		return nil, 0, e
	}
	list, _ = k.copyTuple(t, nil)
	return list, n, nil
}

// ParseTextOf reads a length and the bytes of the name in the namespace t, which together have at most total bytes.
// It copies both.
func (k Vi) ParseTextOf(t Tuple, b []byte, total int) (list []string, name string, n int, e *Error) {
	p, n, e := k.ParseBytes(b, max(0, total-t.size))
	if e != nil {
		return nil, "", 0, e
	}
	list, name = k.copyTuple(t, p)
	return list, name, n, nil
}

// copyTuple makes the elements of t and a name out of one string: that is two allocations, however many they are.
func (k Vi) copyTuple(t Tuple, name []byte) (list []string, rest string) {
	if t.count == 0 {
		return nil, string(name)
	}
	var all strings.Builder
	all.Grow(t.size + len(name))
	for b := t.b; len(b) > 0; {
		size, n := k.Parse(b)
		all.Write(b[n : n+int(size)])
		b = b[n+int(size):]
	}
	all.Write(name)
	list, rest = make([]string, t.count), all.String()
	b := t.b
	for i := range list {
		size, n := k.Parse(b)
		list[i], rest = rest[:size], rest[size:]
		b = b[n+int(size):]
	}
	return list, rest
}

// AppendTuple writes the count of list and its elements.
func (k Vi) AppendTuple(dst []byte, list []string, low, high uint64, nonEmpty bool, total int) ([]byte, *Error) {
	if e := CheckCount(len(list), low, high); e != nil {
		return dst, e
	}
	dst = k.Append(dst, uint64(len(list)))
	for i, s := range list {
		if nonEmpty && s == "" {
			return dst, Malformed("at least 1 byte", "none").At(index(i), 0)
		}
		var e *Error
		if dst, e = k.AppendText(dst, s, total); e != nil {
			return dst, e.At(index(i), 0)
		}
		total -= len(s)
	}
	return dst, nil
}

// TupleLen is the number of bytes in the elements of list.
func TupleLen(list []string) int {
	n := 0
	for _, s := range list {
		n += len(s)
	}
	return n
}
