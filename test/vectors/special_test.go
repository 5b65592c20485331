package vectors

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// special are the keys whose meaning is not the field of that name. done tells whether the
// key is dealt with; if not, the rules for fields apply.
var special map[string]func(c comparison, want any, all, got map[string]any) (done bool, err error)

func init() { special = specials() } // since they compare fields in turn

func specials() map[string]func(c comparison, want any, all, got map[string]any) (done bool, err error) {
	return map[string]func(c comparison, want any, all, got map[string]any) (done bool, err error){
		// The type in front, where answers do not have it: only one is right.
		"type": func(c comparison, want any, _, got map[string]any) (bool, error) {
			if m := c.p.Family.Message(c.name); want != nil && got["type"] == nil && m != nil {
				for _, code := range m.Layout(c.p.Version).Codes {
					if code.On.Has(c.p.Version) && sameNumber(want, fmt.Sprint(code.Value)) {
						return true, nil
					}
				}
				return true, fmt.Errorf("is not %v", want)
			}
			return want == nil, nil
		},
		"streamtypeid": func(_ comparison, want any, _, got map[string]any) (bool, error) {
			return got["type"] == nil && sameNumber(want, "5"), nil // that of a fetch stream
		},
		"maxlatencymicros": func(c comparison, want any, _, got map[string]any) (bool, error) {
			n, ok := new(big.Int).SetString(fmt.Sprint(want), 10)
			if !ok || got["maxLatency"] == nil {
				return got["maxLatency"] == nil, nil
			}
			return true, c.same(n.Div(n, big.NewInt(1000)).String(), got["maxLatency"])
		},
		// On 03 an announcement has the number of its hops only.
		"hops": func(c comparison, want any, _, got map[string]any) (bool, error) {
			list, ok := want.([]any)
			if count, counted := find(got, "hopcount"); ok && counted {
				return true, c.same(strconv.Itoa(len(list)), count)
			}
			return false, nil
		},
		// It has no cost before 06-wip, where it starts as an ANNOUNCE_START.
		"cost": func(c comparison, _ any, _, _ map[string]any) (bool, error) { return c.name == "ANNOUNCE", nil },
		// A restart is an announcement that is active, to those who have no name for it.
		"status": func(c comparison, want any, _, got map[string]any) (bool, error) {
			return c.name == "ANNOUNCE" && want == "active" && sameNumber("2", got["status"]), nil
		},
		// What is measured as 0 is sent as 1, since 0 stands for what is unknown.
		"bitrate": measured,
		"rtt":     measured,
		"paramscount": func(_ comparison, want any, _, got map[string]any) (bool, error) {
			list, _ := got["params"].([]any)
			return sameNumber(want, strconv.Itoa(len(list))), nil
		},
		"largestgroup":  largest(0),
		"largestobject": largest(1),
		"startgroup":    part("start", 0),
		"startobject":   part("start", 1),
		"endgroup":      part("end", 0),
		"endobject":     part("end", 1),
		// Labels of the vectors themselves, and lengths of what is compared as a whole.
		"note": skipped, "streamtype": skipped, "prior": skipped, "isendofrange": skipped,
		"extensionheaderslength": skipped, "extensionslen": skipped, "extensionshex": skipped, "extensionheadershex": skipped, "hasextensions": skipped, "propertieslength": skipped,
		"endofgroup": func(c comparison, want any, _, got map[string]any) (bool, error) {
			if c.name != "OBJECT_DATAGRAM" {
				return false, nil
			}
			typ, _ := numeral(got["type"]) // of which it is a bit
			x, err := strconv.ParseUint(typ, 10, 64)
			return true, errors.Join(err, c.same(want, x&2 != 0))
		},
		"payloadlen":    payloadLength,
		"payloadlength": payloadLength,
		"payload":       payload,
		"payloadhex":    payload,
		"ext": func(_ comparison, want any, _, got map[string]any) (bool, error) {
			list, ok := got["properties"].([]any)
			return want == "empty" && ok && len(list) == 0, nil
		},
		// Draft 14 has the order as a field of PUBLISH, later encoders tell the default of the track, if anything.
		"grouporder": func(c comparison, want any, _, got map[string]any) (bool, error) {
			if c.name != "PUBLISH" || c.p.Version < 16 {
				return false, nil
			}
			done, err := c.itemField("DEFAULT_PUBLISHER_GROUP_ORDER", want, got)
			return true, errIf(done, err)
		},
		"filter": func(c comparison, want any, _, got map[string]any) (bool, error) {
			if got["filter_type"] == nil {
				return false, nil
			}
			var have []uint64
			for _, key := range []string{"filter_type", "start", "end_group"} {
				have = append(have, numbersIn(got[key])...)
			}
			return true, c.filter(want, have)
		},
		"fillparameters": func(c comparison, want any, _, got map[string]any) (bool, error) {
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
			all := append([]byte{1, 0x21, byte(len(body))}, body...) // a location filter, and nothing else
			done, err := c.itemField("FILL_PARAMETERS", fmt.Sprintf("0x%x", all), got)
			return done, err
		},
		"flags": func(_ comparison, want any, _, got map[string]any) (bool, error) {
			m, ok := want.(map[string]any)
			if !ok {
				return false, nil
			}
			return true, headerFlags(m, got)
		},
	}
}

func errIf(really bool, err error) error {
	if really {
		return err
	}
	return nil
}

// skipped is for keys that say nothing of the message.
func skipped(comparison, any, map[string]any, map[string]any) (bool, error) { return true, nil }

func measured(c comparison, want any, _, got map[string]any) (bool, error) {
	return c.name == "PROBE" && want != nil && sameNumber(want, "0") && (sameNumber("1", got["bitrate"]) || sameNumber("1", got["rtt"])), nil
}

// largest compares a part of LARGEST_OBJECT that a vector has at its top level.
func largest(i int) func(comparison, any, map[string]any, map[string]any) (bool, error) {
	return func(c comparison, want any, _, got map[string]any) (bool, error) {
		list, ok := got["params"].([]any)
		if !ok {
			return false, nil
		}
		for _, e := range list {
			if it := e.(map[string]any); it["name"] == "LARGEST_OBJECT" {
				if place := c.location(it["value"]); len(place) == 2 && !isList(want) {
					return true, c.same(want, place[i])
				}
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

// part compares a part of a location that a vector has at its top level: start_group is the group of start.
func part(key string, i int) func(comparison, any, map[string]any, map[string]any) (bool, error) {
	return func(c comparison, want any, _, got map[string]any) (bool, error) {
		for _, name := range []string{key, key + "_location"} {
			if place, ok := got[name].([]any); ok && len(place) == 2 {
				return true, c.same(want, place[i])
			}
		}
		return false, nil
	}
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
func headerFlags(want, got map[string]any) error {
	typ, ok := numeral(got["type"])
	x, err := strconv.ParseUint(typ, 10, 64)
	if !ok || err != nil {
		return fmt.Errorf("type is %v", got["type"])
	}
	have := map[string]bool{
		"hasExtensions":     x&1 != 0,
		"hasSubgroup":       x&6 == 4,
		"hasSubgroupObject": x&6 == 2,
		"hasEnd":            x&8 != 0,
		"hasPriority":       x&0x20 == 0,
		"firstObject":       x&0x40 != 0 || want["firstObject"] == true,
	}
	var wrong []string
	for name, w := range want {
		if g, ok := have[name]; !ok || g != w {
			wrong = append(wrong, fmt.Sprintf("%s is %v, want %v", name, g, w))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s", strings.Join(wrong, ", "))
	}
	return nil
}
