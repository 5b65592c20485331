package vectors

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
)

// handler compares a key. done tells whether it is dealt with; if not, the rules for fields apply.
type handler func(c comparison, want any, all, got map[string]any) (done bool, err error)

// special are the keys whose meaning is not the field of that name.
var special map[string]handler

func init() { // since they compare fields in turn
	special = map[string]handler{
		"type": typeInFront, "streamtypeid": fetchType,
		"hops": hops, "cost": cost, "status": status, "maxlatencymicros": micros, "bitrate": measured, "rtt": measured,
		"paramscount": itemCount, "largestgroup": largest(0), "largestobject": largest(1),
		"startgroup": part("start", 0), "startobject": part("start", 1), "endgroup": part("end", 0), "endobject": part("end", 1),
		"filtertype": filterPart(0),
		"grouporder": groupOrder, "filter": filterField, "fillparameters": fill, "flags": headerFlags, "endofgroup": endOfGroup,
		"payload": payload, "payloadhex": payload, "payloadlen": payloadLength, "payloadlength": payloadLength, "ext": noItems,
	}
	for key := range unread {
		special[key] = func(comparison, any, map[string]any, map[string]any) (bool, error) { return true, nil }
	}
}

// unread are keys whose values nothing is compared with, each because an answer has no place for them.
var unread = map[string]string{
	"note":                   "a remark",
	"prior":                  "what came before",
	"streamtype":             "a label of the vector",
	"isendofrange":           "the flags say it",
	"hasextensions":          "the type says it",
	"extensionslen":          "a length of what is compared",
	"extensionheaderslength": "a length of what is compared",
	"propertieslength":       "a length of what is compared",
	"extensionshex":          "the bytes of what is compared",
	"extensionheadershex":    "the bytes of what is compared",
}

// typeInFront is a number that most answers do not have: only one is right.
func typeInFront(c comparison, want any, _, got map[string]any) (bool, error) {
	m := c.p.Family.Message(c.name)
	if want == nil || got["type"] != nil || m == nil {
		return want == nil, nil
	}
	for _, code := range m.Layout(c.p.Version).Codes {
		if code.On.Has(c.p.Version) && sameNumber(want, fmt.Sprint(code.Value)) {
			return true, nil
		}
	}
	return true, fmt.Errorf("is not %v", want)
}

func fetchType(_ comparison, want any, _, got map[string]any) (bool, error) {
	return got["type"] == nil && sameNumber(want, "5"), nil
}

// micros are rounded down to the milliseconds that are on the wire.
func micros(c comparison, want any, _, got map[string]any) (bool, error) {
	n, ok := new(big.Int).SetString(fmt.Sprint(want), 10)
	if !ok || got["maxLatency"] == nil {
		return got["maxLatency"] == nil, nil
	}
	return true, c.same(n.Div(n, big.NewInt(1000)).String(), got["maxLatency"])
}

// hops are only counted by an announcement of moq-lite-03.
func hops(c comparison, want any, _, got map[string]any) (bool, error) {
	list, ok := want.([]any)
	if count, counted := find(got, "hopcount"); ok && counted {
		return true, c.same(strconv.Itoa(len(list)), count)
	}
	return false, nil
}

// cost came with 06-wip, where an announcement starts as an ANNOUNCE_START.
func cost(c comparison, _ any, _, got map[string]any) (bool, error) {
	return c.name == "ANNOUNCE" && got["cost"] == nil, nil
}

// status of a restart is that of an announcement that is active, to those who have no name for it.
func status(c comparison, want any, _, got map[string]any) (bool, error) {
	return c.name == "ANNOUNCE" && want == "active" && sameNumber("2", got["status"]), nil
}

func itemCount(_ comparison, want any, _, got map[string]any) (bool, error) {
	list, _ := got["params"].([]any)
	return sameNumber(want, strconv.Itoa(len(list))), nil
}

// endOfGroup of a datagram is a bit of its type.
func endOfGroup(c comparison, want any, _, got map[string]any) (bool, error) {
	if c.name != "OBJECT_DATAGRAM" {
		return false, nil
	}
	x, err := typeOf(got)
	return true, errors.Join(err, c.same(want, x&2 != 0))
}

func typeOf(got map[string]any) (uint64, error) {
	text, _ := numeral(got["type"])
	return strconv.ParseUint(text, 10, 64)
}

func noItems(_ comparison, want any, _, got map[string]any) (bool, error) {
	list, ok := got["properties"].([]any)
	return want == "empty" && ok && len(list) == 0, nil
}

// groupOrder is a field of PUBLISH in draft 14; later encoders tell the default of the track, if anything.
func groupOrder(c comparison, want any, _, got map[string]any) (bool, error) {
	if c.name != "PUBLISH" || c.p.Version < 16 {
		return false, nil
	}
	_, err := c.itemField("DEFAULT_PUBLISHER_GROUP_ORDER", want, got)
	return true, err
}

// filterField is a filter in the words of its encoder, where draft 14 has it among the fields.
func filterField(c comparison, want any, _, got map[string]any) (bool, error) {
	if got["filter_type"] == nil {
		return false, nil
	}
	var have []uint64
	for _, key := range []string{"filter_type", "start", "end_group"} {
		have = append(have, numbersIn(got[key])...)
	}
	return true, c.filter(want, have)
}

// fill is a location filter, and nothing else.
func fill(c comparison, want any, _, got map[string]any) (bool, error) {
	m, ok := want.(map[string]any)
	if !ok || m["rangeFilters"] != false {
		return false, nil
	}
	numbers, err := c.filterNumbers(m["filter"])
	if err != nil {
		return true, err
	}
	var body []byte
	for _, x := range numbers {
		body = c.p.Vi().Append(body, x)
	}
	all := append([]byte{1, 0x21, byte(len(body))}, body...)
	return c.itemField("FILL_PARAMETERS", fmt.Sprintf("0x%x", all), got)
}

// measured is sent as 1 where it is 0, which stands for what is unknown.
func measured(c comparison, want any, _, got map[string]any) (bool, error) {
	return c.name == "PROBE" && want != nil && sameNumber(want, "0") && (sameNumber("1", got["bitrate"]) || sameNumber("1", got["rtt"])), nil
}

// largest compares a part of LARGEST_OBJECT that a vector has at its top level.
func largest(i int) handler {
	return func(c comparison, want any, _, got map[string]any) (bool, error) {
		for _, it := range itemsIn(got["params"]) {
			if place := c.location(it["value"]); it["name"] == "LARGEST_OBJECT" && len(place) == 2 && !isList(want) {
				return true, c.same(want, place[i])
			}
		}
		return false, nil
	}
}

// location is a group and an object, which may be inside of bytes.
func (c comparison) location(v any) []any {
	if raw, ok := rawBytes(v); ok {
		list := []any{}
		for _, x := range c.numbers(raw) {
			list = append(list, strconv.FormatUint(x, 10))
		}
		return list
	}
	list, _ := v.([]any)
	return list
}

func isList(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// part compares a part of a location that a vector has at its top level: start_group is the group of start, or
// of the start of its filter.
func part(key string, i int) handler {
	return func(c comparison, want any, all, got map[string]any) (bool, error) {
		for _, name := range []string{key, key + "_location"} {
			if place, ok := got[name].([]any); ok && len(place) == 2 {
				return true, c.same(want, place[i])
			}
		}
		return filterPart(map[string]int{"start": 1, "end": 3}[key]+i)(c, want, all, got)
	}
}

// filterPart compares a number of a filter among the parameters, up to draft 19, where its type is in front.
func filterPart(i int) handler {
	return func(c comparison, want any, _, got map[string]any) (bool, error) {
		for _, it := range itemsIn(got["params"]) {
			if it["name"] != "LOCATION_FILTER" || c.p.Version > 19 {
				continue
			}
			numbers := numbersIn(it["value"])
			if raw, ok := rawBytes(it["value"]); ok {
				numbers = c.numbers(raw)
			}
			if len(numbers) > 3 && c.p.Version >= 17 {
				numbers[3] += numbers[1] // a difference
			}
			if i < len(numbers) {
				return true, c.same(want, strconv.FormatUint(numbers[i], 10))
			}
		}
		return false, nil
	}
}

// itemsIn lists the items of a key-value list.
func itemsIn(v any) (items []map[string]any) {
	list, _ := v.([]any)
	for _, e := range list {
		if it, ok := e.(map[string]any); ok {
			items = append(items, it)
		}
	}
	return items
}

// payload is bytes, in hexadecimal or as text, and absent where it is empty.
func payload(_ comparison, want any, _, got map[string]any) (bool, error) {
	if have, ok := find(got, "payload"); ok && !sameBytes(want, have) {
		return true, fmt.Errorf("is %v, want %v", have, want)
	} else if !ok && !isZero(want) {
		return true, fmt.Errorf("is missing, want %v", want)
	}
	return true, nil
}

func payloadLength(c comparison, want any, _, got map[string]any) (bool, error) {
	text, _ := got["payload"].(string)
	size := len(text)
	if b, ok := rawBytes(text); ok {
		size = len(b)
	}
	return true, c.same(want, strconv.Itoa(size))
}

// headerFlags compares the bits of a subgroup header under the names that an encoder has for
// them. It takes the absence of FIRST_OBJECT, which came with draft 18, for its presence.
func headerFlags(c comparison, flags any, _, got map[string]any) (bool, error) {
	want, ok := flags.(map[string]any)
	if !ok {
		return false, nil
	}
	x, err := typeOf(got)
	have := map[string]bool{
		"hasExtensions":     x&1 != 0,
		"hasSubgroup":       x&6 == 4,
		"hasSubgroupObject": x&6 == 2,
		"hasEnd":            x&8 != 0,
		"hasPriority":       x&0x20 == 0,
		"firstObject":       x&0x40 != 0 || c.p.Version < 18,
	}
	for name, w := range want {
		if g, ok := have[name]; !ok || g != w {
			err = errors.Join(err, fmt.Errorf("%s is %v, want %v", name, g, w))
		}
	}
	return true, err
}
