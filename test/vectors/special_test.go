package vectors

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
)

// special are the keys whose meaning is not the field of that name. done tells whether the
// key is dealt with; if not, the rules for fields apply.
var special = map[string]func(p protocol, want any, all map[string]any, message string, s reflect.Value) (done bool, err error){
	"type": func(p protocol, want any, _ map[string]any, message string, _ reflect.Value) (bool, error) {
		for _, c := range p.family.Message(message).Layout(p.version).Codes {
			if c.On.Has(p.version) && want != nil {
				return true, sameNumber(want, c.Value)
			}
		}
		return true, nil
	},
	"maxlatencymicros": func(p protocol, want any, _ map[string]any, message string, s reflect.Value) (bool, error) {
		if !p.carries(message, "MaxLatency") {
			return true, nil
		}
		micros, err := want.(json.Number).Int64()
		if err != nil {
			return true, err
		}
		return true, sameNumber(strconv.FormatInt(micros/1000, 10), s.FieldByName("MaxLatency").Uint())
	},
	// Before draft 06-wip an announcement has no cost; on 03 it has the number of hops only.
	"cost": func(_ protocol, want any, _ map[string]any, message string, s reflect.Value) (bool, error) {
		if message == "ANNOUNCE_START" && want == nil {
			return true, sameNumber("0", s.FieldByName("Cost").Uint())
		}
		return message == "ANNOUNCE", nil
	},
	"hops": func(p protocol, want any, _ map[string]any, message string, s reflect.Value) (bool, error) {
		if p.carries(message, "Hops") {
			return false, nil
		}
		if !p.carries(message, "HopCount") {
			return true, nil
		}
		return true, sameNumber(strconv.Itoa(len(want.([]any))), s.FieldByName("HopCount").Uint())
	},
	// A restart is an announcement that is active, to those who have no name for it.
	"status": func(_ protocol, want any, _ map[string]any, message string, s reflect.Value) (bool, error) {
		return message == "ANNOUNCE" && want == "active" && s.FieldByName("Status").Uint() == 2, nil
	},
	// What is measured as 0 is sent as 1, since 0 stands for what is unknown.
	"bitrate": measured("Bitrate"),
	"rtt":     measured("RTT"),
	"paramscount": func(p protocol, want any, _ map[string]any, message string, s reflect.Value) (bool, error) {
		r, holder := p.registry(message, s)
		return true, sameNumber(want, uint64(len(p.items(holder, r))))
	},
	"largestgroup":  largest("Group"),
	"largestobject": largest("Object"),
	"filtertype":    filterField("Type"),
	"startgroup":    filterField("StartGroup"),
	"startobject":   filterField("StartObject"),
	"endgroup":      filterField("EndGroup"),
	"endobject":     filterField("EndObject"),
	// Labels of the vectors themselves, and lengths of what is compared as a whole.
	"note": skipped, "streamtype": skipped, "streamtypeid": skipped, "datagramtype": skipped,
	"extensionheaderslength": skipped, "extensionslen": skipped, "extensionshex": skipped, "payloadlen": skipped, "payloadlength": skipped,
	"padding": func(_ protocol, want any, _ map[string]any, _ string, s reflect.Value) (bool, error) {
		return true, sameNumber(want, uint64(s.FieldByName("Padding").Len()))
	},
	// Draft 14 has the order as a field of PUBLISH, later encoders tell the default of the track, if anything.
	"grouporder": func(p protocol, want any, _ map[string]any, message string, s reflect.Value) (bool, error) {
		if message != "PUBLISH" || p.version < 16 {
			return false, nil
		}
		order := s.FieldByName("TrackProperties").Interface().(moqt.TrackProperties).DefaultPublisherGroupOrder
		if !order.Set {
			return true, nil
		}
		return true, sameNumber(want, uint64(order.Value))
	},
	"start": func(p protocol, want any, _ map[string]any, message string, s reflect.Value) (bool, error) {
		f, ok := filterIn(p, message, s)
		if !ok {
			return false, nil
		}
		return true, p.matchSlice(want, reflect.ValueOf([]uint64{f.StartGroup, f.StartObject}))
	},
	// A filter in the words of its encoder.
	"filter": func(p protocol, want any, _ map[string]any, message string, s reflect.Value) (bool, error) {
		f, ok := filterIn(p, message, s)
		if !ok {
			return false, nil
		}
		return matchFilter(p, want, f)
	},
	"fillparameters": func(p protocol, want any, _ map[string]any, _ string, s reflect.Value) (bool, error) {
		m, ok := want.(map[string]any)
		if !ok {
			return false, nil
		}
		fill := s.FieldByName("Parameters").Interface().(moqt.MessageParameters).FillParameters
		if fill == nil {
			return true, fmt.Errorf("is missing")
		}
		if m["rangeFilters"] == false && len(fill.SubgroupFilter)+len(fill.ObjectidFilter)+len(fill.PriorityFilter)+len(fill.ObjectPropertyFilter) > 0 {
			return true, fmt.Errorf("has range filters: %+v", fill)
		}
		_, err := matchFilter(p, m["filter"], fill.LocationFilter.Value)
		return true, err
	},
	"flags": func(p protocol, want any, all map[string]any, _ string, s reflect.Value) (bool, error) {
		return true, matchFlags(p, want.(map[string]any), s.Addr().Interface().(*moqt.SubgroupHeader))
	},
}

// measured compares a measurement with what the encoder was given.
func measured(field string) func(protocol, any, map[string]any, string, reflect.Value) (bool, error) {
	return func(p protocol, want any, _ map[string]any, message string, s reflect.Value) (bool, error) {
		if !p.carries(message, field) || message != "PROBE" {
			return false, nil
		}
		switch fmt.Sprint(want) {
		case "<nil>":
			want = "0"
		case "0":
			want = "1"
		}
		return true, sameNumber(want, s.FieldByName(field).Uint())
	}
}

// largest compares a part of LARGEST_OBJECT that a vector has at its top level.
func largest(field string) func(protocol, any, map[string]any, string, reflect.Value) (bool, error) {
	return func(_ protocol, want any, _ map[string]any, _ string, s reflect.Value) (bool, error) {
		if _, ok := want.(json.Number); !ok {
			return false, nil
		}
		params := s.FieldByName("Parameters").Interface().(moqt.MessageParameters)
		return true, sameNumber(want, reflect.ValueOf(params.LargestObject.Value).FieldByName(field).Uint())
	}
}

// skipped is for keys that say nothing of the message.
func skipped(protocol, any, map[string]any, string, reflect.Value) (bool, error) { return true, nil }

// locationPart finds the part of a location that a vector has at its top level: start_group is the
// group of Start Location.
func locationPart(p protocol, field, message string, s reflect.Value) reflect.Value {
	for _, part := range []string{"Group", "Object"} {
		if name := strings.TrimSuffix(field, part) + "Location"; name != field+"Location" && p.carries(message, name) {
			return s.FieldByName(name).FieldByName(part)
		}
	}
	return reflect.Value{}
}

// filterField compares a part of the filter that a vector has at its top level, as draft 14 does.
func filterField(field string) func(protocol, any, map[string]any, string, reflect.Value) (bool, error) {
	return func(p protocol, want any, _ map[string]any, message string, s reflect.Value) (bool, error) {
		if x := locationPart(p, field, message, s); x.IsValid() {
			return true, sameNumber(want, x.Uint())
		}
		f, ok := filterIn(p, message, s)
		if !ok {
			return false, nil
		}
		return true, sameNumber(want, reflect.ValueOf(f).FieldByName(field).Uint())
	}
}

// filterIn is the filter of a message: a field in draft 14, a parameter in the others.
func filterIn(p protocol, message string, s reflect.Value) (moqt.Filter, bool) {
	if f := s.FieldByName("Filter"); f.IsValid() && p.carries(message, "Filter") {
		return f.Interface().(moqt.Filter), true
	}
	if f := s.FieldByName("Parameters"); f.IsValid() {
		if params, ok := f.Interface().(moqt.MessageParameters); ok {
			return params.LocationFilter.Value, params.LocationFilter.Set
		}
	}
	return moqt.Filter{}, false
}

// matchFilter compares a filter with the forms that are not one key for each field: what an encoder
// was asked for, [type, [numbers]], or names that go with the type.
func matchFilter(p protocol, want any, got moqt.Filter) (done bool, err error) {
	var f moqt.Filter
	switch w := want.(type) {
	case []any:
		if len(w) != 2 {
			return false, nil
		}
		if err := sameNumber(w[0], got.Type); err != nil {
			return true, fmt.Errorf("type: %w", err)
		}
		all := []uint64{got.StartGroup, got.StartObject, got.EndGroupDelta, got.EndObject}
		numbers := w[1].([]any)
		if got.Type <= 4 && len(numbers) != int(got.Type) {
			return true, fmt.Errorf("has %d numbers, want %v", got.Type, numbers)
		}
		for i, n := range numbers {
			if err := sameNumber(n, all[i]); err != nil {
				return true, fmt.Errorf("number %d: %w", i, err)
			}
		}
		return true, nil
	case map[string]any:
		if w["kind"] == nil {
			return false, nil
		}
		if f, err = filterOf(p.version, w); err != nil {
			return true, err
		}
	default:
		return false, nil
	}
	if f != got {
		return true, fmt.Errorf("is %+v, want %+v", got, f)
	}
	return true, nil
}

// filterOf is the filter that an encoder writes for what it was asked.
func filterOf(version int, w map[string]any) (moqt.Filter, error) {
	num := func(key string) wire.Optional[uint64] {
		if w[key] == nil {
			return wire.Optional[uint64]{}
		}
		n, err := strconv.ParseUint(fmt.Sprint(w[key]), 10, 64)
		if err != nil {
			return wire.Optional[uint64]{}
		}
		return wire.Some(n)
	}
	old, next := version <= 19, moqt.Filter{Type: 5}
	if version < 22 {
		next = moqt.Filter{Type: 2} // the location 0, 0, or the old type 2
	}
	switch w["kind"] {
	case "unfiltered":
		if old {
			return moqt.Filter{Type: 3}, nil
		}
		return moqt.Filter{}, nil
	case "nextObject":
		return next, nil
	case "relative":
		return moqt.Filter{Type: 1, StartGroup: num("groups").Value}, nil
	case "absolute":
		return absoluteFilter(version, num("startGroup").Value, num("startObject").Value, num("endGroup"), num("endObject")), nil
	}
	return moqt.Filter{}, fmt.Errorf("unknown kind of filter %v", w["kind"])
}

func absoluteFilter(version int, group, object uint64, endGroup, endObject wire.Optional[uint64]) moqt.Filter {
	f := moqt.Filter{Type: 2, StartGroup: group, StartObject: object}
	if version <= 19 {
		f.Type = 3
	}
	if endGroup.Set {
		f.Type++
		if version <= 16 {
			f.EndGroup = endGroup.Value
		} else {
			f.EndGroupDelta = endGroup.Value - group
		}
	}
	if endObject.Set {
		f.Type, f.EndObject = 4, endObject.Value
	}
	return f
}

// matchFlags compares the bits of a subgroup header under the names that an encoder has for
// them. It takes the absence of FIRST_OBJECT, which came with draft 18, for its presence.
func matchFlags(p protocol, want map[string]any, h *moqt.SubgroupHeader) error {
	got := map[string]bool{
		"hasExtensions":     h.Properties,
		"hasSubgroup":       h.SubgroupMode == moqt.SubgroupModeExplicit,
		"hasSubgroupObject": h.SubgroupMode == moqt.SubgroupModeFirstObject,
		"hasEnd":            h.EndOfGroup,
		"hasPriority":       !h.DefaultPriority,
		"firstObject":       h.FirstObject || p.version < 18,
	}
	for name, w := range want {
		if g, ok := got[name]; !ok || g != w {
			return fmt.Errorf("%s is %v, want %v", name, g, w)
		}
	}
	return nil
}
