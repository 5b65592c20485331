package vectors

import (
	"fmt"
	"slices"

	"github.com/moqrx/moqrx/spec"
)

// lists are the keys under which answers have key-value lists, and the registries that their items are from.
var lists = []struct {
	key        string
	registries []string
}{
	{"params", []string{"MessageParameters", "SetupOptions", "ExchangeParameters"}},
	{"options", []string{"SetupOptions"}},
	{"properties", []string{"TrackProperties", "ObjectProperties"}},
	{"ext", []string{"ObjectProperties", "TrackProperties"}},
}

// itemField compares an item of a list that a vector has among the fields. done is false when none is of that name.
func (c comparison) itemField(key string, want any, got map[string]any) (done bool, err error) {
	for _, l := range lists {
		list, ok := got[l.key].([]any)
		if !ok {
			continue
		}
		for _, it := range list {
			if it := it.(map[string]any); c.isNamed(it, key, l.registries) {
				return true, c.same(want, it["value"])
			}
		}
	}
	return false, nil
}

// isNamed tells whether an item has a name; one that answers leave without is known by the type that goes with it.
func (c comparison) isNamed(it map[string]any, key string, registries []string) bool {
	if n, ok := it["name"].(string); ok {
		return itemName(n) == itemName(key)
	}
	for _, name := range registries {
		if r := c.p.Family.Registry(name); r != nil {
			if id, ok := idOf(r, c.p.Version, key); ok && sameNumber(it["id"], fmt.Sprint(id)) {
				return true
			}
		}
	}
	return false
}

func itemName(name string) string {
	if s, ok := itemSynonyms[normal(name)]; ok {
		return s
	}
	return normal(name)
}

// idOf finds the type of an item by its name. Some encoders write what a version does not
// define: then the type is that of the versions that do.
func idOf(r *spec.Registry, version int, name string) (id uint64, ok bool) {
	for _, it := range r.Items {
		if normal(it.Name) != itemName(name) && normal(it.Name) != normal(name) {
			continue
		}
		if it.On.Has(version) {
			return it.ID, true
		}
		id, ok = it.ID, true
	}
	return id, ok
}

// isItems tells a key-value list from others.
func isItems(list []any) bool {
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok || m["id"] == nil {
			return false
		}
	}
	return true
}

// items compares lists that are in order.
func (c comparison) items(want, got []any) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d items, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		w, ok := want[i].(map[string]any)
		if !ok {
			return fmt.Errorf("item %d is %v, want %v", i, got[i], want[i])
		}
		g := got[i].(map[string]any)
		if id := first(w, "id", "type"); !sameNumber(id, g["id"]) {
			return fmt.Errorf("item %d is of type %v, want %v", i, g["id"], id)
		}
		if err := c.same(valueOf(w), valueOf(g)); err != nil {
			return fmt.Errorf("item %v: %w", g["id"], err)
		}
	}
	return nil
}

func valueOf(item map[string]any) any {
	return first(item, "value", "raw_hex", "value_hex", "varint", "bytes")
}

// first is the value of the first of the keys that m has.
func first(m map[string]any, keys ...string) any {
	for _, k := range keys {
		if v, ok := m[k]; ok {
			return v
		}
	}
	return nil
}

// itemsByName compares a list with an object that has an entry for each of its items, several of one type as a list.
func (c comparison) itemsByName(want map[string]any, got []any) error {
	left := slices.Clone(got)
	take := func(fits func(map[string]any) bool) (taken []map[string]any) {
		left = slices.DeleteFunc(left, func(e any) bool {
			it := e.(map[string]any)
			if fits(it) {
				taken = append(taken, it)
				return true
			}
			return false
		})
		return taken
	}
	for name, value := range want {
		if name == "unknown" {
			for _, u := range value.([]any) {
				m := u.(map[string]any)
				taken := take(func(it map[string]any) bool { return sameNumber(m["id"], it["id"]) })
				if len(taken) != 1 || m["raw_hex"] != nil && !sameBytes(m["raw_hex"], valueOf(taken[0])) {
					return fmt.Errorf("unknown item %v is %v", m, taken)
				}
			}
			continue
		}
		mine := take(func(it map[string]any) bool {
			return c.isNamed(it, name, []string{"SetupOptions", "MessageParameters", "ObjectProperties", "TrackProperties", "ExchangeParameters"})
		})
		values, ok := value.([]any)
		if !ok || len(values) != len(mine) {
			values = []any{value}
		}
		if len(mine) != len(values) {
			return fmt.Errorf("%s: %d items, want %d of %v", name, len(mine), len(values), got)
		}
		for i, it := range mine {
			if err := c.same(values[i], valueOf(it)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("%d items more than wanted: %v", len(left), left)
	}
	return nil
}
