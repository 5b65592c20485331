package wire

import (
	"math"
	"testing"
)

func TestFetchCursorFollowsReferences(t *testing.T) {
	first := FetchStep{HasGroup: true, HasObject: true, HasPriority: true, Group: 5, Object: 3, Priority: 100}
	deltas := func(s FetchStep) FetchStep { s.Deltas = true; return s }
	for name, c := range map[string]struct {
		descending bool
		steps      []FetchStep
		want       FetchPlace
	}{
		"the next object":      {steps: []FetchStep{first, {}}, want: FetchPlace{5, 0, 4, 100}},
		"an absolute place":    {steps: []FetchStep{first, {HasGroup: true, HasObject: true, Group: 2, Object: 1}}, want: FetchPlace{2, 0, 1, 100}},
		"the next subgroup":    {steps: []FetchStep{first, {Mode: 2}}, want: FetchPlace{5, 1, 4, 100}},
		"the same subgroup":    {steps: []FetchStep{first, {Mode: 3, Subgroup: 7}, {Mode: 1}}, want: FetchPlace{5, 7, 5, 100}},
		"an object delta":      {steps: []FetchStep{deltas(first), deltas(FetchStep{HasObject: true, Object: 5})}, want: FetchPlace{5, 0, 8, 100}},
		"an object delta of 0": {steps: []FetchStep{deltas(first), deltas(FetchStep{HasObject: true})}, want: FetchPlace{5, 0, 3, 100}},
		"a group delta":        {steps: []FetchStep{deltas(first), deltas(FetchStep{HasGroup: true, HasObject: true, Group: 1, Object: 2})}, want: FetchPlace{7, 0, 2, 100}},
		"a group delta, latest first": {
			descending: true,
			steps:      []FetchStep{deltas(first), deltas(FetchStep{HasGroup: true, Group: 1})}, want: FetchPlace{3, 0, 4, 100},
		},
		"an object behind a marker": {
			steps: []FetchStep{first, {Marker: true, HasGroup: true, HasObject: true, Group: 9, Object: 9}, {Mode: 1}},
			want:  FetchPlace{9, 0, 10, 100},
		},
	} {
		cursor := FetchCursor{Descending: c.descending, Vi: Vi64}
		var got FetchPlace
		for _, s := range c.steps {
			var e *Error
			if got, e = cursor.Next(s); e != nil {
				t.Fatalf("%s: %v", name, e)
			}
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestFetchCursorRefusesPlacesThatDoNotExist(t *testing.T) {
	top := FetchStep{HasGroup: true, HasObject: true, HasPriority: true, Group: math.MaxUint64, Object: math.MaxUint64, Deltas: true}
	start := FetchStep{HasGroup: true, HasObject: true, HasPriority: true, Deltas: true}
	marker := FetchStep{Marker: true, HasGroup: true, HasObject: true}
	for name, c := range map[string]struct {
		descending bool
		steps      []FetchStep
	}{
		"a first object without a group":    {steps: []FetchStep{{HasObject: true, HasPriority: true}}},
		"a first object without a priority": {steps: []FetchStep{{HasGroup: true, HasObject: true}}},
		"a first object of the prior subgroup": {steps: []FetchStep{
			{HasGroup: true, HasObject: true, HasPriority: true, Mode: 1},
		}},
		"a reference to a marker":   {steps: []FetchStep{marker, {Mode: 1, HasPriority: true}}},
		"an object above all":       {steps: []FetchStep{top, {Deltas: true}}},
		"an object delta above all": {steps: []FetchStep{top, {Deltas: true, HasObject: true, Object: 1}}},
		"a group above all":         {steps: []FetchStep{top, {Deltas: true, HasGroup: true, HasObject: true}}},
		"a group below 0":           {descending: true, steps: []FetchStep{start, {Deltas: true, HasGroup: true, HasObject: true}}},
		"a subgroup above all":      {steps: []FetchStep{start, {Mode: 3, Subgroup: math.MaxUint64}, {Mode: 2}}},
	} {
		cursor := FetchCursor{Descending: c.descending, Vi: Vi64}
		var e *Error
		for i, s := range c.steps {
			if e != nil {
				t.Fatalf("%s: step %d: %v", name, i-1, e)
			}
			_, e = cursor.Next(s)
		}
		if e == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}
