package wiretest

import (
	"math"
	"reflect"
	"strings"

	"pgregory.net/rapid"

	"github.com/moqrx/moqrx/gen/wire"
)

// numbers are those at which something changes: enums and bits, lengths of varints, and what they can carry.
var numbers = []uint64{
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0b, 0x10, 0x20, 0x21, 0x3e, 0x3f, 0x40, 0x41, 0x7f, 0x80, 0xff, 0x100, 0x3fff, 0x4000, 0xffff, 0x10000,
	1<<30 - 1, 1 << 30, 1<<32 - 1, 1<<61 - 1, 1 << 61, wire.MaxVarint - 1, wire.MaxVarint, wire.MaxVarint + 1, math.MaxInt64, 1 << 63, math.MaxUint64 - 1, math.MaxUint64,
}

// lengths are those around the limits of strings, of lists and of what holds them.
var lengths = []int{0, 1, 2, 31, 32, 33, 63, 64, 255, 256, 257, 1024, 1025, 4095, 4096, 4097, 8192, 8193, 16384, 65535, 65536, 65537}

var texts = []string{"x", "/", "a//b", "/a/b/", "\xff", "\x00", strings.Repeat("a/", 40)}

// Disturb changes some of what the message m holds, without regard to what it may hold: numbers that are too large,
// strings and lists that are too long, values that are absent though they have to be there or the other way round.
func Disturb(t *rapid.T, m any) {
	for range rapid.IntRange(1, 4).Draw(t, "changes") {
		var places []place
		below(&places, reflect.ValueOf(m).Elem(), "")
		if len(places) == 0 {
			return
		}
		p := places[rapid.IntRange(0, len(places)-1).Draw(t, "place")]
		change(t, p.name, p.v)
	}
}

// place is a part of a message that can be changed.
type place struct {
	name string
	v    reflect.Value
}

// below lists the parts of v, itself among them.
func below(to *[]place, v reflect.Value, name string) {
	if name != "" {
		*to = append(*to, place{name, v})
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				below(to, v.Field(i), name+"."+f.Name)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			below(to, v.Elem(), name)
		}
	case reflect.Slice:
		for i := range min(v.Len(), 8) {
			if v.Type().Elem().Kind() != reflect.Uint8 {
				below(to, v.Index(i), name+"[]")
			}
		}
	}
}

func change(t *rapid.T, name string, v reflect.Value) {
	number := func() uint64 { return rapid.SampledFrom(numbers).Draw(t, name) }
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(number() & (math.MaxUint64 >> (64 - v.Type().Bits())))
	case reflect.Int64:
		v.SetInt(int64(number()))
	case reflect.String:
		if rapid.Bool().Draw(t, name+" odd") {
			v.SetString(rapid.SampledFrom(texts).Draw(t, name))
		} else {
			v.SetString(strings.Repeat("x", rapid.SampledFrom(lengths).Draw(t, name)))
		}
	case reflect.Slice:
		resize(v, rapid.SampledFrom(lengths).Draw(t, name))
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		} else {
			v.SetZero()
		}
	default:
		v.SetZero()
	}
}

// resize makes a list of n elements, those that it has over and over.
func resize(v reflect.Value, n int) {
	if v.Type().Elem().Kind() != reflect.Uint8 {
		n = min(n, 1025)
	}
	list := reflect.MakeSlice(v.Type(), n, n)
	for i := range n {
		if v.Len() > 0 {
			list.Index(i).Set(v.Index(i % v.Len()))
		}
	}
	v.Set(list)
}
