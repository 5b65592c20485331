package wire

import "strconv"

// ItemWriter writes the items of a key-value list, whose types must not descend in the
// delta-coded forms; [ArrangeSlots] sees to that.
type ItemWriter struct {
	vi   Vi
	form Form
	prev uint64
}

// ItemWriter starts a list.
func (k Vi) ItemWriter(form Form) ItemWriter { return ItemWriter{vi: k, form: form} }

// Type writes the type of an item. Its value has to follow.
func (w *ItemWriter) Type(dst []byte, id uint64) ([]byte, *Error) {
	v := id
	if w.form == KVPDelta || w.form == Typed {
		v -= w.prev
	}
	if v > w.vi.Max() {
		return dst, MalformedCode("a type of at most 62 bits", id)
	}
	w.prev = id
	return w.vi.Append(dst, v), nil
}

// Number writes an item with an integer value.
func (w *ItemWriter) Number(dst []byte, id, v uint64) ([]byte, *Error) {
	dst, e := w.Type(dst, id)
	if e != nil {
		return dst, e
	}
	if v > w.vi.Max() {
		return dst, MalformedNumber("at most "+strconv.FormatUint(w.vi.Max(), 10), v)
	}
	if w.form != Typed && !w.form.isNumber(id) {
		dst = w.vi.Append(dst, uint64(w.vi.Len(v)))
	}
	return w.vi.Append(dst, v), nil
}

// Byte writes an item with a value of eight bits.
func (w *ItemWriter) Byte(dst []byte, id uint64, v uint8) ([]byte, *Error) {
	if w.form != Typed {
		return w.Number(dst, id, uint64(v))
	}
	dst, e := w.Type(dst, id)
	return append(dst, v), e
}

// Bytes writes an item with a value that stands behind its length.
func (w *ItemWriter) Bytes(dst []byte, id uint64, p []byte) ([]byte, *Error) {
	dst, e := w.Type(dst, id)
	if e != nil {
		return dst, e
	}
	return w.vi.AppendBytes(dst, p, MaxItemBytes)
}

// Text writes an item of UTF-8 that stands behind its length.
func (w *ItemWriter) Text(dst []byte, id uint64, s string) ([]byte, *Error) {
	dst, e := w.Type(dst, id)
	if e != nil {
		return dst, e
	}
	return w.vi.AppendString(dst, s, MaxItemBytes)
}

// Open writes the type of an item with a structured value and, where the value stands behind
// a length, leaves room for it. [ItemWriter.Close] fills it in.
func (w *ItemWriter) Open(dst []byte, id uint64, sized bool) (b []byte, mark int, e *Error) {
	dst, e = w.Type(dst, id)
	if e != nil {
		return dst, 0, e
	}
	if w.form == Typed && !sized {
		return dst, -1, nil
	}
	return append(dst, 0), len(dst), nil
}

// Close ends the value that Open began.
func (w *ItemWriter) Close(dst []byte, mark int) ([]byte, *Error) {
	if mark < 0 {
		return dst, nil
	}
	return w.vi.EndBody(dst, mark, MaxItemBytes)
}

// Param writes an item that has no field.
func (w *ItemWriter) Param(dst []byte, p Param) ([]byte, *Error) {
	switch {
	case w.form == Typed:
		return dst, Unsupported("a parameter of unknown type 0x" + strconv.FormatUint(p.ID, 16))
	case w.form.isNumber(p.ID):
		if p.Value != nil {
			return dst, MalformedCode("a number for an even type", p.ID)
		}
		return w.Number(dst, p.ID, p.Number)
	}
	if p.Number != 0 {
		return dst, MalformedCode("bytes for this type", p.ID)
	}
	return w.Bytes(dst, p.ID, p.Value)
}
