package vectors

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moqrx/moqrx/gen/named"
)

// comparison holds the fields of a vector, in whatever dialect, against those of an answer.
type comparison struct {
	p    *named.Protocol
	v    *vector
	name string // of the message
}

// fields compares objects: each key of want is a field of got, an item of one of its lists, or nothing that the
// version has a place for.
func (c comparison) fields(want, got map[string]any) error {
	var errs []error
	for key, value := range want {
		if err := c.field(key, value, want, got); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	return errors.Join(errs...)
}

func (c comparison) field(key string, want any, all, got map[string]any) error {
	if handle := special[normal(key)]; handle != nil {
		if done, err := handle(c, want, all, got); done {
			return err
		}
	}
	if have, ok := find(got, key); ok {
		return c.same(want, have)
	}
	if done, err := c.itemField(key, want, got); done {
		return err
	}
	if known, here := c.known(key); known && (!here || isZero(want) || sameNumber(want, defaults[normal(key)])) {
		return nil // what this version has no place for, or a default that is not written
	}
	return fmt.Errorf("no such field, want %v", want)
}

// defaults are what parameters mean that are not there, other than 0.
var defaults = map[string]any{"forward": "1", "subscriberpriority": "128", "publisherpriority": "128"}

// find looks for a field by its name in any style, then by its synonyms.
func find(got map[string]any, key string) (any, bool) {
	for _, name := range append([]string{normal(key)}, strings.Fields(synonyms[normal(key)])...) {
		for k, v := range got {
			if normal(k) == name {
				return v, true
			}
		}
	}
	return nil, false
}

// known tells whether the message has a field or an item of that name in any version, and whether this one does.
func (c comparison) known(key string) (ever, here bool) {
	m := c.p.Family.Message(c.name)
	if m == nil {
		return false, false
	}
	names := append([]string{normal(key)}, strings.Fields(synonyms[normal(key)])...)
	for _, b := range m.Blocks {
		for _, f := range b.Fields {
			now := b.On.Has(c.p.Version) && f.On.Has(c.p.Version)
			if r := c.p.Family.Registry(f.Kind.Ref); f.Kind.Name == "params" && r != nil {
				if _, ok := idOf(r, c.p.Version, key); ok {
					ever, here = true, here || now
				}
			}
			if slices.Contains(names, normal(f.Name)) {
				ever, here = true, here || now
			}
		}
	}
	return ever, here
}

// same compares values. Numbers are also text, in decimal or hexadecimal, flags and names; bytes are text or
// hexadecimal; a struct is its fields by name, or in order.
func (c comparison) same(want, got any) error {
	switch g := got.(type) {
	case map[string]any:
		if w, ok := want.(map[string]any); ok {
			return c.fields(w, g)
		}
		if w, ok := want.([]any); ok {
			return c.inOrder(w, g)
		}
	case []any:
		return c.list(want, g)
	default:
		if sameNumber(want, got) || sameBytes(want, got) || isZero(want) && isZero(got) {
			return nil
		}
		if raw, ok := rawBytes(got); ok {
			return c.raw(want, raw)
		}
	}
	return fmt.Errorf("is %v, want %v", got, want)
}

func (c comparison) inOrder(want []any, got map[string]any) error {
	for _, w := range want {
		m, ok := w.(map[string]any)
		if !ok {
			return fmt.Errorf("is %v, want %v", got, want)
		}
		if err := c.fields(m, got); err != nil {
			return err
		}
	}
	return nil
}

// list compares a list, a location, or items.
func (c comparison) list(want any, got []any) error {
	switch w := want.(type) {
	case []any:
		if isItems(got) {
			return c.items(w, got)
		}
		if len(w) != len(got) {
			return fmt.Errorf("%d elements, want %d: %v", len(got), len(w), got)
		}
		for i := range w {
			if err := c.same(w[i], got[i]); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return nil
	case map[string]any:
		if group, object := first(w, "group", "groupId"), first(w, "object", "objectId"); len(got) == 2 && group != nil {
			return errors.Join(c.same(group, got[0]), c.same(object, got[1]))
		}
		if isItems(got) {
			return c.itemsByName(w, got)
		}
		return c.filter(want, numbersIn(got))
	case string:
		if isItems(got) { // "A=1, B=2"
			byName := map[string]any{}
			for pair := range strings.SplitSeq(w, ", ") {
				name, value, _ := strings.Cut(pair, "=")
				byName[name] = value
			}
			return c.itemsByName(byName, got)
		}
	}
	return fmt.Errorf("is %v, want %v", got, want)
}

// raw compares bytes with what a vector says of their inside: numbers, a token, or a filter.
func (c comparison) raw(want any, got []byte) error {
	switch w := want.(type) {
	case []any:
		var all []byte
		for _, n := range w {
			x, err := strconv.ParseUint(fmt.Sprint(n), 0, 64)
			if err != nil {
				return err
			}
			all = c.p.Vi().Append(all, x)
		}
		return sameHex(all, got)
	case map[string]any:
		if group := first(w, "group", "groupId"); group != nil {
			return c.same(want, c.location("0x"+hex.EncodeToString(got)))
		}
		if w["alias_type"] != nil {
			return sameHex(c.token(w), got)
		}
		return c.filter(w, c.numbers(got))
	case string: // varints longer than necessary
		if b, ok := rawBytes(w); ok {
			return sameHex(c.minimal(b), c.minimal(got))
		}
	}
	if x, n := c.p.Vi().Parse(got); n == len(got) && n > 0 && sameNumber(want, json.Number(strconv.FormatUint(x, 10))) {
		return nil // an integer behind a length
	}
	return fmt.Errorf("is %x, want %v", got, want)
}

func (c comparison) token(w map[string]any) (b []byte) {
	for _, key := range []string{"alias_type", "token_alias", "token_type"} {
		if n, err := strconv.ParseUint(fmt.Sprint(w[key]), 0, 64); err == nil {
			b = c.p.Vi().Append(b, n)
		}
	}
	value, _ := w["token_value"].(string)
	text, _ := hex.DecodeString(value)
	return append(b, text...)
}

// numbers reads bytes as varints.
func (c comparison) numbers(b []byte) []uint64 {
	list := []uint64{}
	for len(b) > 0 {
		x, n := c.p.Vi().Parse(b)
		if n <= 0 {
			return nil
		}
		list, b = append(list, x), b[n:]
	}
	return list
}

// minimal writes the varints that b is made of as short as they can be.
func (c comparison) minimal(b []byte) []byte {
	list := c.numbers(b)
	if list == nil {
		return b
	}
	var out []byte
	for _, x := range list {
		out = c.p.Vi().Append(out, x)
	}
	return out
}

func sameHex(want, got []byte) error {
	if string(want) != string(got) {
		return fmt.Errorf("is %x, want %x", got, want)
	}
	return nil
}

// numbersIn flattens a list of numbers and lists.
func numbersIn(v any) (list []uint64) {
	if l, ok := v.([]any); ok {
		for _, e := range l {
			list = append(list, numbersIn(e)...)
		}
		return list
	}
	if n, err := strconv.ParseUint(fmt.Sprint(v), 0, 64); err == nil {
		list = append(list, n)
	}
	return list
}

// roles are names that vectors have for numbers.
var roles = map[string]string{"both": "0", "publisher": "1", "subscriber": "2", "active": "1", "ended": "0"}

// sameNumber accepts a number as JSON number, as decimal or 0x text, as a flag, and by name.
func sameNumber(want, got any) bool {
	w, ok1 := numeral(want)
	g, ok2 := numeral(got)
	return ok1 && ok2 && w == g
}

func numeral(v any) (string, bool) {
	text := fmt.Sprint(v)
	switch x := v.(type) {
	case bool:
		text = map[bool]string{true: "1", false: "0"}[x]
	case string:
		if r, ok := roles[x]; ok {
			text = r
		}
	}
	if n, err := strconv.ParseUint(text, 0, 64); err == nil {
		return strconv.FormatUint(n, 10), true
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return strconv.FormatInt(n, 10), true
	}
	return "", false
}

// sameBytes accepts bytes as 0x and hexadecimal, as plain hexadecimal, and as text.
func sameBytes(want, got any) bool {
	w, ok1 := want.(string)
	g, ok2 := got.(string)
	if !ok1 || !ok2 {
		return false
	}
	plain := hex.EncodeToString([]byte(g))
	if b, ok := rawBytes(g); ok {
		plain = hex.EncodeToString(b)
	}
	w = strings.TrimPrefix(w, "0x")
	return w == g || w == plain || hex.EncodeToString([]byte(w)) == plain
}

// rawBytes reads 0x and hexadecimal, or no bytes.
func rawBytes(v any) ([]byte, bool) {
	text, ok := v.(string)
	if ok && text == "" {
		return nil, true
	}
	rest, ok := strings.CutPrefix(text, "0x")
	b, err := hex.DecodeString(rest)
	return b, ok && err == nil
}

// isZero tells whether an encoder would leave the value out.
func isZero(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case bool:
		return !x
	case map[string]any:
		return len(x) == 0
	case []any:
		return len(x) == 0
	}
	text := fmt.Sprint(v)
	return text == "" || text == "0"
}
