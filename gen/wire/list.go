package wire

import "strconv"

// ParseCount reads the number of elements of a list: between low and high, and never more
// than there are bytes left, since each takes at least one.
func (k Vi) ParseCount(b []byte, low, high uint64) (count, n int, e *Error) {
	c, n := k.Parse(b)
	if n <= 0 {
		return 0, 0, k.Fault(b)
	}
	if c < low || c > high {
		return 0, 0, MalformedNumber(between(low, high), c)
	}
	if left := uint64(len(b) - n); c > left {
		return 0, 0, Short(int(min(c, 1<<31)), int(left)).At("", n)
	}
	return int(c), n, nil
}

func between(low, high uint64) string {
	return strconv.FormatUint(low, 10) + " to " + strconv.FormatUint(high, 10) + " elements"
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// CheckCount is the check of ParseCount for an Append.
func CheckCount(count int, low, high uint64) *Error {
	if uint64(count) < low || uint64(count) > high {
		return MalformedNumber(between(low, high), uint64(count))
	}
	return nil
}

// ParseInts reads a count and that many integers.
func (k Vi) ParseInts(b []byte, low, high uint64) (list []uint64, n int, e *Error) {
	count, n, e := k.ParseCount(b, low, high)
	if e != nil || count == 0 {
		return nil, n, e
	}
	list = make([]uint64, count)
	for i := range list {
		v, size := k.Parse(b[n:])
		if size <= 0 {
			return nil, 0, k.Fault(b[n:]).At(index(i), n)
		}
		list[i] = v
		n += size
	}
	return list, n, nil
}

// ParseIntsToEnd reads integers up to the end: between low and high of them.
func (k Vi) ParseIntsToEnd(b []byte, low, high uint64) (list []uint64, n int, e *Error) {
	for n < len(b) {
		v, size := k.Parse(b[n:])
		if size <= 0 {
			return nil, 0, k.Fault(b[n:]).At(index(len(list)), n)
		}
		list = append(list, v)
		n += size
	}
	if e := CheckCount(len(list), low, high); e != nil {
		return nil, 0, e
	}
	return list, n, nil
}

// AppendIntsToEnd writes the elements of list without their count.
func (k Vi) AppendIntsToEnd(dst []byte, list []uint64, low, high uint64) ([]byte, *Error) {
	if e := CheckCount(len(list), low, high); e != nil {
		return dst, e
	}
	return k.appendInts(dst, list)
}

// AppendInts writes the count of list and its elements.
func (k Vi) AppendInts(dst []byte, list []uint64, low, high uint64) ([]byte, *Error) {
	if e := CheckCount(len(list), low, high); e != nil {
		return dst, e
	}
	return k.appendInts(k.Append(dst, uint64(len(list))), list)
}

func (k Vi) appendInts(dst []byte, list []uint64) ([]byte, *Error) {
	for i, v := range list {
		if v > k.Max() {
			return dst, MalformedNumber("at most "+strconv.FormatUint(k.Max(), 10), v).At(index(i), 0)
		}
		dst = k.Append(dst, v)
	}
	return dst, nil
}

// ParsePaths reads a count and that many paths.
func (k Vi) ParsePaths(b []byte, low, high uint64) (list []string, n int, e *Error) {
	count, n, e := k.ParseCount(b, low, high)
	if e != nil || count == 0 {
		return nil, n, e
	}
	list = make([]string, count)
	for i := range list {
		s, size, e := k.ParsePath(b[n:], len(b))
		if e != nil {
			return nil, 0, e.At(index(i), n)
		}
		list[i] = s
		n += size
	}
	return list, n, nil
}

// AppendPaths writes the count of list and its paths.
func (k Vi) AppendPaths(dst []byte, list []string, low, high uint64) ([]byte, *Error) {
	if e := CheckCount(len(list), low, high); e != nil {
		return dst, e
	}
	dst = k.Append(dst, uint64(len(list)))
	for i, s := range list {
		var e *Error
		if dst, e = k.AppendPath(dst, s, len(s)); e != nil {
			return dst, e.At(index(i), 0)
		}
	}
	return dst, nil
}

// Tally counts the integers that b is made of.
func (k Vi) Tally(b []byte) (count uint64, e *Error) {
	for off := 0; off < len(b); count++ {
		_, n := k.Parse(b[off:])
		if n <= 0 {
			return 0, k.Fault(b[off:]).At("", off)
		}
		off += n
	}
	return count, nil
}
