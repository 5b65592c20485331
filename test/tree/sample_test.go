package tree

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/codegen"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec/tree"
)

// sample makes the bytes of a message at random, or of one of each that stands at a place.
func (d decoding) sample(random *rand.Rand, pick uint64) []byte {
	if d.name != "" {
		b, _ := d.p.draw(d.name, d.p.given(d.name, pick), random)
		return b
	}
	var src []byte
	for _, s := range d.p.family.Streams {
		if s.Name == d.at.stream && s.Typed && s.On.Has(d.p.version) && d.at.role == "opener" {
			src = d.p.vi.Append(src, s.Code)
		}
	}
	var h history
	for _, e := range d.p.entries() {
		if d.p.family.Message(e.name) == nil || e.at != d.at {
			continue
		}
		b, m := d.p.draw(e.name, h.given(e.name), random)
		h.add(m)
		src = append(src, b...)
	}
	return src
}

// draw makes a message at random: it fills the struct, and then changes what the codec complains about. It
// gives nothing for a choice.
func (p *protocol) draw(name string, given []tree.Given, random *rand.Rand) (b []byte, m any) {
	if p.family.Message(strings.TrimSuffix(name, "_HEADER")) == nil && p.family.Message(name) == nil {
		return nil, nil
	}
	for range 20 {
		c := p.strict(name, nil)
		s := reflect.ValueOf(c.message()).Elem()
		fill(s, random)
		for range 100 {
			giving(c, given)
			b, err := c.append(nil)
			var e *wire.Error
			if err == nil {
				return b, c.message()
			}
			if !errors.As(err, &e) || !change(s, e.Field, random) {
				break
			}
		}
	}
	return nil, nil
}

// fill sets a value and what is in it.
func fill(v reflect.Value, random *rand.Rand) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	case reflect.Int64:
		v.SetInt(int64(random.Uint64()) >> (3 + random.IntN(61)))
	case reflect.Uint8, reflect.Uint16, reflect.Uint64:
		v.SetUint(random.Uint64() >> random.IntN(64) & (1<<v.Type().Bits() - 1))
		if random.IntN(2) == 0 {
			v.SetUint(uint64(random.IntN(5)))
		}
	case reflect.String:
		v.SetString("live/room"[:random.IntN(10)])
	case reflect.Pointer:
		if random.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), random)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[[]wire.Param]() {
			return // the other lists of the family have enough of what is unknown to them
		}
		v.Set(reflect.MakeSlice(v.Type(), random.IntN(4), 4))
		for i := range v.Len() {
			fill(v.Index(i), random)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Order" {
				fill(v.Field(i), random)
			}
		}
	}
}

// change clears the field at the path of an error, any where it names none; one that is empty is filled.
func change(v reflect.Value, path string, random *rand.Rand) bool {
	if path == "" {
		path = v.Type().Field(random.IntN(v.NumField())).Name
	}
	for name := range strings.SplitSeq(path, ".") {
		name, _, _ = strings.Cut(name, "[")
		for v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		inner := reflect.Value{}
		if v.Kind() == reflect.Struct {
			if inner = v.FieldByName("Value"); v.FieldByName("Set").IsValid() && inner.Kind() == reflect.Struct {
				v = inner
			}
			inner = v.FieldByName(codegen.GoName(name))
		}
		if !inner.IsValid() {
			break
		}
		v = inner
	}
	if v.IsZero() {
		fill(v, random)
	} else {
		v.SetZero()
	}
	return v.CanSet()
}

// What is made at random has to be a message, on every version.
func TestSamples(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for name, p := range protocols {
		for _, e := range p.entries() {
			if p.family.Message(strings.TrimSuffix(e.name, "_HEADER")) == nil {
				continue
			}
			for pick := range uint64(8) {
				given := p.given(e.name, pick)
				b, m := p.draw(e.name, given, random)
				if m == nil {
					t.Fatalf("%s: no %s with %v", name, e.name, given)
				}
				if ok, err := p.compare(e.name, b, given); !ok || err != nil {
					t.Fatalf("%s: %s with %v, %x: %v", name, e.name, given, b, err)
				}
			}
		}
	}
}
