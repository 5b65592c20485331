package wire

import (
	"errors"
	"slices"
	"testing"
)

func TestNamesInNamespaces(t *testing.T) {
	vi := RFC9000
	for _, want := range [][]string{nil, {"room"}, {"", ""}, {"a", "", "bcd"}} {
		b, _ := vi.AppendTuple(nil, want, 0, 32, false, 9)
		name, _ := vi.AppendText(nil, "video", 9)
		tuple, n, e := vi.ScanTuple(b, 0, 32, false, 9)
		if e != nil || n != len(b) {
			t.Fatalf("%q: %d of %d bytes, %v", want, n, len(b), e)
		}
		list, text, n, e := vi.ParseTextOf(tuple, name, TupleLen(want)+5)
		if !slices.Equal(list, want) || text != "video" || n != 6 || e != nil {
			t.Errorf("%q comes back as %q, %q (%v)", want, list, text, e)
		}
		for _, total := range []int{TupleLen(want) + 4, 0, -1} {
			if _, _, _, e := vi.ParseTextOf(tuple, name, total); !errors.Is(e, ErrMalformed) {
				t.Errorf("%q and 5 bytes more are %d at most: %v", want, total, e)
			}
		}
	}
}
