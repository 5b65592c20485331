package vectors

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/moqrx/moqrx/gen/named"
)

// Vectors that are a little different from what the bytes say do not pass. What stays unnoticed is what
// is not on the wire of the version.
func TestADifferentVectorFails(t *testing.T) {
	var list []*vector
	for _, v := range load(t) {
		if how, _ := treat(v); v.Stream == nil && v.Hex != nil && v.Error == "" && v.JS == nil && (how == asWritten || how == decodeOnly) {
			list = append(list, v)
		}
	}
	answers := ask(t, list)
	noticed, missed := 0, map[string]int{}
	for _, v := range list {
		for _, key := range slices.Sorted(maps.Keys(v.Fields)) {
			if unread[normal(key)] != "" {
				continue
			}
			other, ok := different(v.Fields[key])
			if !ok {
				continue
			}
			changed := *v
			changed.Fields = maps.Clone(v.Fields)
			changed.Fields[key] = other
			version := named.Versions(v.Version)[0]
			if changed.compare(version, answers[v][0].Fields) == nil {
				missed[v.Version+" "+named.Message(v.Message)+" "+key]++
			} else {
				noticed++
			}
		}
	}
	total := 0
	for _, key := range slices.Sorted(maps.Keys(missed)) {
		total += missed[key]
		t.Logf("unnoticed: %d %s", missed[key], key)
	}
	if noticed < 20*total {
		t.Errorf("%d changes noticed, %d not", noticed, total)
	}
}

// different is another value of the same kind.
func different(v any) (any, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := strconv.ParseUint(v.String(), 10, 64)
		return json.Number(strconv.FormatUint(n^1, 10)), err == nil
	case bool:
		return !v, true
	case string:
		if n, err := strconv.ParseUint(v, 0, 64); err == nil {
			return strconv.FormatUint(n^1, 10), true
		}
		return v + "00", true
	case []any:
		for i, e := range v {
			if other, ok := different(e); ok {
				list := slices.Clone(v)
				list[i] = other
				return list, true
			}
		}
		return append(slices.Clone(v), "more"), true
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if other, ok := different(v[key]); ok && unread[normal(key)] == "" {
				m := maps.Clone(v)
				m[key] = other
				return m, true
			}
		}
	}
	return nil, false
}
