package vectors

import (
	"fmt"
	"slices"
	"strconv"
)

// filter compares the numbers of a filter as they stand on the wire with a vector's words for it.
func (c comparison) filter(want any, got []uint64) error {
	numbers, err := c.filterNumbers(want)
	if err != nil {
		return err
	}
	if !slices.Equal(numbers, got) {
		return fmt.Errorf("is %v, want %v of %v", got, numbers, want)
	}
	return nil
}

// filterNumbers are the numbers that an encoder writes for a filter: its fields by name, or what it was asked for.
func (c comparison) filterNumbers(want any) (list []uint64, err error) {
	w, ok := want.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("no filter: %v", want)
	}
	number := func(key string) (x uint64) {
		if w[key] == nil {
			return 0
		}
		var e error
		if x, e = strconv.ParseUint(fmt.Sprint(w[key]), 0, 64); e != nil {
			err = e
		}
		return x
	}
	if w["filter_type"] != nil {
		for _, key := range []string{"filter_type", "start_group", "start_object", "end_group", "end_object"} {
			if w[key] != nil {
				list = append(list, number(key))
			}
		}
		return list, err
	}
	group, object, end := number("startGroup"), number("startObject"), number("endGroup")
	if c.p.Version >= 17 {
		end -= group
	}
	switch typed := c.p.Version <= 19; w["kind"] {
	case "unfiltered":
		if typed {
			list = []uint64{3, 0, 0}
		}
	case "nextObject":
		list = []uint64{0, 0}
		if typed {
			list = []uint64{2}
		}
	case "relative":
		list = []uint64{number("groups")}
		if typed {
			list = []uint64{1}
		}
	case "absolute":
		list = []uint64{group, object}
		if w["endGroup"] != nil {
			list = append(list, end)
		}
		if w["endObject"] != nil {
			list = append(list, number("endObject"))
		}
		if typed {
			list = append([]uint64{uint64(len(list) + 1)}, list...)
		}
	default:
		return nil, fmt.Errorf("no filter: %v", want)
	}
	return list, err
}
