package wire

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
)

func TestListsCheckTheirCountBeforeTheyAllocate(t *testing.T) {
	vi := RFC9000
	huge := vi.Append(nil, 1<<40)
	for name, parse := range map[string]func() *Error{
		"ints":  func() *Error { _, _, e := vi.ParseInts(huge, 0, math.MaxUint64); return e },
		"paths": func() *Error { _, _, e := vi.ParsePaths(huge, 0, math.MaxUint64); return e },
		"tuple": func() *Error { _, _, e := vi.ParseTuple(huge, 0, math.MaxUint64, false, 4096); return e },
		"items": func() *Error { _, e := vi.Items(huge, TLV, math.MaxUint64); return e },
	} {
		if e := parse(); !errors.Is(e, ErrShort) {
			t.Errorf("%s: a count of 2^40 in an empty list: %v", name, e)
		}
	}
	if _, _, e := vi.ParseInts([]byte{3, 1, 2, 3}, 0, 2); !errors.Is(e, ErrMalformed) {
		t.Errorf("a count above the limit: %v", e)
	}
	if _, _, e := vi.ParseInts([]byte{2, 1, 0x40}, 0, 9); e == nil || e.Field != "[1]" || e.Offset != 2 {
		t.Errorf("a list cut in its second element: %+v", e)
	}
	if _, e := vi.AppendInts(nil, []uint64{1, 1 << 62}, 0, 9); e == nil || e.Field != "[1]" {
		t.Errorf("an element above 62 bits: %+v", e)
	}
}

func TestTuples(t *testing.T) {
	vi := Vi64
	want := []string{"room", "", "\xff"}
	b, e := vi.AppendTuple(nil, want, 1, 32, false, 5)
	if e != nil {
		t.Fatal(e)
	}
	if got, n, e := vi.ParseTuple(b, 1, 32, false, 5); !slices.Equal(got, want) || n != len(b) || e != nil {
		t.Errorf("%q %d %v", got, n, e)
	}
	if TupleLen(want) != 5 {
		t.Errorf("length %d", TupleLen(want))
	}
	for name, c := range map[string]struct {
		low, high uint64
		nonEmpty  bool
		total     int
	}{
		"too few": {4, 32, false, 5}, "too many": {1, 2, false, 5}, "an empty element": {1, 32, true, 5}, "too long together": {1, 32, false, 4},
	} {
		if out, e := vi.AppendTuple([]byte{}, want, c.low, c.high, c.nonEmpty, c.total); !errors.Is(e, ErrMalformed) {
			t.Errorf("append, %s: %x %v", name, out, e)
		}
		if _, _, e := vi.ParseTuple(b, c.low, c.high, c.nonEmpty, c.total); !errors.Is(e, ErrMalformed) {
			t.Errorf("parse, %s: %v", name, e)
		}
	}
}

func TestTallyCountsWholeVarints(t *testing.T) {
	for s, want := range map[string]uint64{"": 0, "\x00": 1, "\x01\x80\x40\x02": 3} {
		if n, e := Vi64.Tally([]byte(s)); n != want || e != nil {
			t.Errorf("%x: %d, %v", s, n, e)
		}
	}
	if _, e := Vi64.Tally([]byte{1, 0x80}); !errors.Is(e, ErrShort) {
		t.Errorf("half a varint: %v", e)
	}
}

// readAll reads a list of items that all have no field.
func readAll(it Items) ([]Param, *Error) {
	var list []Param
	for {
		more, e := it.Next()
		if e != nil || !more {
			return list, e
		}
		p, e := it.Param()
		if e != nil {
			return list, e
		}
		list = append(list, p)
	}
}

func TestItemsInEachForm(t *testing.T) {
	numbers := []Param{{ID: 2, Number: 300}, {ID: 2, Number: 1}, {ID: 0x9d, Value: []byte("grease")}}
	bytesOnly := []Param{{ID: 1, Value: []byte{1}}, {ID: 2, Value: []byte{}}, {ID: 70, Value: []byte("abc")}}
	for _, c := range []struct {
		vi   Vi
		form Form
		list []Param
		hex  string
	}{
		{RFC9000, TLV, bytesOnly, "010101" + "0200" + "404603616263"},
		{RFC9000, KVP, numbers, "02412c" + "0201" + "409d06677265617365"},
		{RFC9000, KVPDelta, numbers, "02412c" + "0001" + "409b06677265617365"},
		{Vi64, KVPDelta, numbers, "02812c" + "0001" + "809b06677265617365"},
	} {
		w := c.vi.ItemWriter(c.form)
		var b []byte
		for _, p := range c.list {
			var e *Error
			if b, e = w.Param(b, p); e != nil {
				t.Fatal(e)
			}
		}
		if want := unhex(t, c.hex); !slices.Equal(b, want) {
			t.Errorf("form %d writes %x, want %x", c.form, b, want)
		}
		if got, e := readAll(c.vi.ItemsToEnd(b, c.form)); e != nil || !reflect.DeepEqual(got, c.list) {
			t.Errorf("form %d reads %+v, %v", c.form, got, e)
		}
		counted := append(c.vi.Append(nil, uint64(len(c.list))), b...)
		it, e := c.vi.Items(append(counted, "behind"...), c.form, 3)
		if e != nil {
			t.Fatal(e)
		}
		if got, e := readAll(it); e != nil || !reflect.DeepEqual(got, c.list) {
			t.Errorf("form %d, counted, reads %+v, %v", c.form, got, e)
		}
	}
}

func TestItemsThatAreWrong(t *testing.T) {
	for name, c := range map[string]struct {
		form Form
		hex  string
	}{
		"a type above 64 bits":         {KVPDelta, "0161" + "ffffffffffffffffff"},
		"an unknown type of no extent": {Typed, "0500"},
		"a value past the end":         {KVP, "0105"},
		"a number past the end":        {KVP, "0280"},
		"a value above 65535 bytes":    {KVP, "01c10000"},
	} {
		if got, e := readAll(Vi64.ItemsToEnd(unhex(t, c.hex), c.form)); e == nil {
			t.Errorf("%s reads as %+v", name, got)
		}
	}
	w := Vi64.ItemWriter(Typed)
	if _, e := w.Param(nil, Param{ID: 5}); !errors.Is(e, ErrUnsupported) {
		t.Errorf("an unknown type where the type says how to read it: %v", e)
	}
	w = Vi64.ItemWriter(KVP)
	if _, e := w.Param(nil, Param{ID: 4, Value: []byte{1}}); !errors.Is(e, ErrMalformed) {
		t.Errorf("bytes for an even type: %v", e)
	}
	if _, e := w.Param(nil, Param{ID: 5, Number: 1}); !errors.Is(e, ErrMalformed) {
		t.Errorf("a number for an odd type: %v", e)
	}
}

// value reads the first item of a list by one of the methods.
func value[T any](t *testing.T, form Form, hex string, read func(*Items) (T, *Error)) (T, *Error) {
	t.Helper()
	it := Vi64.ItemsToEnd(unhex(t, hex), form)
	if more, e := it.Next(); e != nil || !more {
		t.Fatal("no item", e)
	}
	return read(&it)
}

func TestItemValues(t *testing.T) {
	for hex, form := range map[string]Form{"0202812c": TLV, "02812c": KVP, "0302812c": KVP, "04812c": Typed} {
		if x, e := value(t, form, hex, (*Items).Number); x != 300 || e != nil {
			t.Errorf("%s in form %d is %d, %v", hex, form, x, e)
		}
		if x, e := value(t, form, hex, (*Items).Byte); (form == Typed) != (e == nil) {
			t.Errorf("%s in form %d as a byte is %d, %v", hex, form, x, e)
		}
	}
	for name, hex := range map[string]string{"more than the integer": "03020102", "less": "030180", "none": "0300"} {
		if x, e := value(t, KVP, hex, (*Items).Number); !errors.Is(e, ErrMalformed) {
			t.Errorf("%s behind the length: %d, %v", name, x, e)
		}
	}
	if s, e := value(t, Typed, "0101ff", (*Items).Text); !errors.Is(e, ErrMalformed) {
		t.Errorf("text that is not UTF-8: %q, %v", s, e)
	}
}

// A part with a length of its own has to fill it; one without takes what it needs.
func TestItemParts(t *testing.T) {
	for _, c := range []struct {
		form  Form
		sized bool
		hex   string
		takes int
		ok    bool
	}{
		{Typed, false, "090503ff", 2, true},
		{Typed, true, "09020503", 2, true},
		{Typed, true, "09020503", 1, false},
		{KVP, false, "09020503", 2, true},
	} {
		it := Vi64.ItemsToEnd(unhex(t, c.hex), c.form)
		if _, e := it.Next(); e != nil {
			t.Fatal(e)
		}
		part, at, e := it.Open(c.sized)
		if e != nil || part[0] != 5 || it.b[at] != 5 {
			t.Fatalf("%s opens at %d as %x, %v", c.hex, at, part, e)
		}
		// What is short within a length of its own will not get longer, and is wrong as a value.
		own := c.form != Typed || c.sized
		if e := it.Fault(Short(9, 2)); errors.Is(e, ErrMalformed) != own || (e.ClosingValue(6).Close == 6) != own {
			t.Errorf("%s: short inside is %v, closing with %d", c.hex, e.Kind, e.Close)
		}
		if e := it.Close(c.takes); (e == nil) != c.ok {
			t.Errorf("%s, %d bytes taken: %v", c.hex, c.takes, e)
		}
	}
}

func TestSlotsAreWrittenInOrder(t *testing.T) {
	slots := func(ids ...uint64) []Slot {
		var list []Slot
		for i, id := range ids {
			list = append(list, Slot{ID: id, Index: i})
		}
		return list
	}
	for _, c := range []struct {
		ids, order []uint64
		want       []int // indexes
	}{
		{[]uint64{5, 1, 3}, nil, []int{1, 2, 0}},
		{[]uint64{2, 1, 2, 1}, nil, []int{1, 3, 0, 2}},
		{[]uint64{1, 3, 5}, []uint64{5, 1, 3}, []int{2, 0, 1}},
		{[]uint64{1, 3, 5, 7}, []uint64{5}, []int{2, 0, 1, 3}},
		{[]uint64{1, 1, 3}, []uint64{1, 3, 1}, []int{0, 2, 1}},
		{[]uint64{1, 3}, []uint64{9, 3, 3, 1}, []int{1, 0}},
	} {
		list := slots(c.ids...)
		ArrangeSlots(list, c.order)
		var got []int
		for _, s := range list {
			got = append(got, s.Index)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v in the order %v are %v, want %v", c.ids, c.order, got, c.want)
		}
	}
	if CheckOnce(slots(1, 2, 3)) != nil || CheckOnce(slots(1, 2, 1)) == nil {
		t.Error("repeated types are not found")
	}
	if HasParam([]Param{{ID: 3}}, 4) || !HasParam([]Param{{ID: 3}}, 3) {
		t.Error("a type is not found")
	}
}

func TestOrderIsKeptWhereItIsNotAscending(t *testing.T) {
	for hex, want := range map[string][]uint64{"0201" + "0401": nil, "0401" + "0201" + "0401": {4, 2, 4}, "0501ff" + "0201": {5, 2}} {
		it := RFC9000.ItemsToEnd(unhex(t, hex), KVP)
		for {
			more, e := it.Next()
			if e != nil {
				t.Fatal(e)
			}
			if !more {
				break
			}
			if _, e := it.Param(); e != nil {
				t.Fatal(e)
			}
		}
		if got := it.Order(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", hex, got, want)
		}
	}
}
