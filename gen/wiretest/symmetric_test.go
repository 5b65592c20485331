package wiretest

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/moqrx/moqrx/gen/wire"
)

// lax is a message of a name of at most 3 bytes, and of numbers that it has on version 1.
type lax struct {
	Name    string
	Numbers []uint64
	Option  wire.Optional[uint64]
	Items   []wire.Param
	Part    *struct{ On bool }
	Signed  int64

	mistake string
}

func (*lax) MessageName() string { return "LAX" }

func (m *lax) Append(dst []byte, v int) ([]byte, error) {
	if len(m.Numbers) > 0 && v != 1 && m.mistake != "loses numbers" {
		return dst, wire.Unsupported("")
	}
	limit := 3
	if m.mistake == "writes what it does not read" {
		limit = 100
	}
	b, e := wire.RFC9000.AppendText(dst, m.Name, limit)
	switch {
	case e == nil && v == 1:
		b, e = wire.RFC9000.AppendInts(b, m.Numbers, 0, 9)
	case e != nil && m.mistake == "is short":
		return dst, wire.Short(1, 0)
	case e != nil && m.mistake == "leaves something behind":
		return append(dst, 1), e
	}
	if e != nil {
		return dst, e
	}
	return b, nil
}

func (m *lax) Parse(src []byte, v int) (int, error) {
	name, n, e := wire.RFC9000.ParseText(src, 3)
	if e == nil && v == 1 {
		var size int
		m.Numbers, size, e = wire.RFC9000.ParseInts(src[n:], 0, 9)
		n += size
	}
	if e != nil {
		return 0, e
	}
	m.Name = name
	if m.mistake == "reads something else" {
		m.Name += "x"
	}
	return n, nil
}

func TestSymmetricFindsTheMistake(t *testing.T) {
	for _, tc := range []struct {
		mistake   string
		m         lax
		want      string
		droppable []string
	}{
		{m: lax{Name: "a"}},
		{m: lax{Name: "abcd"}},
		{m: lax{Numbers: []uint64{1}}},
		{m: lax{Option: wire.Optional[uint64]{Value: 1}, Items: []wire.Param{}}},
		{mistake: "is short", m: lax{Name: "abcd"}, want: "want malformed"},
		{mistake: "leaves something behind", m: lax{Name: "abcd"}, want: "want malformed"},
		{mistake: "writes what it does not read", m: lax{Name: "abcd"}, want: "append made it of"},
		{mistake: "reads something else", m: lax{Name: "a"}, want: "which is written as"},
		{mistake: "loses numbers", m: lax{Numbers: []uint64{1}}, want: "another Numbers number of elements"},
		{mistake: "loses numbers", m: lax{Numbers: []uint64{1}}, droppable: []string{"Numbers"}},
		{m: lax{Option: wire.Some(uint64(1))}, want: "another Option Value value"},
		{m: lax{Items: []wire.Param{{ID: 1}}}, want: "another Items"},
		{m: lax{Signed: 1}, want: "another Signed value"},
	} {
		r := &recorder{}
		func() {
			defer func() {
				if p := recover(); p != nil && p != any(r) {
					panic(p)
				}
			}()
			tc.m.mistake = tc.mistake
			Symmetric(r, Message[int](&tc.m), Message[int](&lax{mistake: tc.mistake}), 2, tc.droppable...)
		}()
		if (tc.want == "") != (r.failed == "") || !strings.Contains(r.failed, tc.want) {
			t.Errorf("%q: %q, want %q", tc.mistake, r.failed, tc.want)
		}
	}
}

// Every part of a message is changed at some time, and so that an append refuses it.
func TestDisturbReachesEverything(t *testing.T) {
	changed, refused := map[string]bool{}, 0
	for seed := range 300 {
		m := rapid.Custom(func(t *rapid.T) *lax {
			m := &lax{Numbers: []uint64{1}, Items: []wire.Param{{ID: 1}}}
			Disturb(t, m)
			return m
		}).Example(seed)
		v := reflect.ValueOf(*m)
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !v.Field(i).IsZero() {
				changed[f.Name] = true
			}
		}
		if _, err := m.Append(nil, 1); errors.Is(err, wire.ErrMalformed) {
			refused++
		}
	}
	if len(changed) != 6 || refused < 30 || refused > 270 {
		t.Errorf("%v change, and %d of 300 are refused", changed, refused)
	}
}
