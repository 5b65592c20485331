package vectors

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/moqrx/moqrx/gen/wire"
)

// stream compares the fields of a stream: those of its header, and those of each object. Ids are those on the wire
// to some encoders, and those that they stand for to others; both are right.
func (c comparison) stream(want, got map[string]any) error {
	objects, _ := got["objects"].([]any)
	header, object, places := c, c, c.subgroupPlaces
	header.name, object.name = "SUBGROUP_HEADER", "SUBGROUP_OBJECT"
	if strings.HasPrefix(c.name, "FETCH") {
		header.name, object.name, places = "FETCH_HEADER", "FETCH_OBJECT", c.fetchPlaces
	}
	if c.name == "FETCH_OBJECT" {
		objects = []any{got}
	}
	meant, err := places(want, objects)
	if err != nil {
		return err
	}
	if c.name == "FETCH_OBJECT" {
		return c.object(want, got, meant[0])
	}
	rest := maps.Clone(want)
	if list, ok := want["objects"].([]any); ok {
		err = object.objects(list, objects, meant)
		delete(rest, "objects")
	}
	leaveOut(rest, got, objects)
	return errors.Join(err, header.fields(rest, got))
}

// leaveOut takes out of what is wanted of a header what a vector means otherwise.
func leaveOut(want, got map[string]any, objects []any) {
	for _, key := range []string{"priority", "publisher_priority"} {
		if got["priority"] == nil { // where the track's default holds, a vector names what that is
			delete(want, key)
		}
	}
	typ, _ := numeral(got["type"])
	x, _ := strconv.ParseUint(typ, 10, 64)
	if x&0x06 == 2 { // the id of the first object
		if len(objects) > 0 && sameNumber(want["subgroup_id"], objects[0].(map[string]any)["delta"]) {
			delete(want, "subgroup_id")
		}
		if x&0x08 == 0 && want["header_type"] != nil { // one collection calls this mode the end of the group
			delete(want, "end_of_group")
		}
	}
	if x&0x06 == 0 && sameNumber(want["subgroup_id"], "0") {
		delete(want, "subgroup_id")
	}
}

func (c comparison) objects(want, got []any, meant []map[string]any) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d objects, want %d", len(got), len(want))
	}
	for i, w := range want {
		m, ok := w.(map[string]any)
		if !ok {
			return fmt.Errorf("object %d: want %v", i, w)
		}
		if err := c.object(m, got[i].(map[string]any), meant[i]); err != nil {
			return fmt.Errorf("object %d: %w", i, err)
		}
	}
	return nil
}

// object compares an object, whose ids may be those that are meant.
func (c comparison) object(want, got, meant map[string]any) error {
	rest := maps.Clone(want)
	for key, value := range want {
		if id, ok := find(meant, key); ok && sameNumber(value, id) {
			delete(rest, key)
		}
	}
	return c.fields(rest, got)
}

// subgroupPlaces gives the ids of the objects of a subgroup.
func (c comparison) subgroupPlaces(_ map[string]any, objects []any) (list []map[string]any, err error) {
	prior := wire.Optional[uint64]{}
	for _, o := range objects {
		delta, err := strconv.ParseUint(fmt.Sprint(o.(map[string]any)["delta"]), 10, 64)
		if err != nil {
			return nil, err
		}
		id, ok := c.p.Vi().NextID(prior, delta)
		if !ok {
			return nil, c.p.Vi().IDFault(delta)
		}
		prior = wire.Some(id)
		list = append(list, map[string]any{"object_id": fmt.Sprint(id)})
	}
	return list, nil
}

// fetchPlaces gives the places of the objects of a fetch stream, each of which may refer to the one before.
func (c comparison) fetchPlaces(want map[string]any, objects []any) (list []map[string]any, err error) {
	cursor := wire.FetchCursor{Vi: c.p.Vi()}
	if prior, ok := want["prior"].(map[string]any); ok {
		s := wire.FetchStep{HasGroup: true, HasObject: true, HasPriority: true, Mode: 3}
		s.Group, s.Subgroup, s.Object = uintOf(prior, "group_id"), uintOf(prior, "subgroup_id"), uintOf(prior, "object_id")
		s.Priority = uint8(uintOf(prior, "publisher_priority"))
		if _, e := cursor.Next(s); e != nil {
			return nil, e
		}
	}
	for _, o := range objects {
		m := o.(map[string]any)
		flags := uintOf(m, "flags")
		s := wire.FetchStep{
			Deltas: c.p.Version >= 18, HasGroup: flags&8 != 0, HasObject: flags&4 != 0, HasPriority: flags&16 != 0, Mode: uint8(flags & 0x43),
			Marker: flags&0x380 != 0, Group: uintOf(m, "group"), Subgroup: uintOf(m, "subgroup"), Object: uintOf(m, "object"), Priority: uint8(uintOf(m, "priority")),
		}
		if c.p.Version == 14 {
			s.HasGroup, s.HasObject, s.HasPriority, s.Mode = true, true, true, 3
		}
		place, e := cursor.Next(s)
		if e != nil && len(objects) > 1 {
			return nil, e
		}
		list = append(list, map[string]any{
			"group": fmt.Sprint(place.Group), "subgroup": fmt.Sprint(place.Subgroup), "object": fmt.Sprint(place.Object), "priority": fmt.Sprint(place.Priority),
		})
	}
	return list, nil
}

// uintOf is a number of an object, 0 where it is not there.
func uintOf(m map[string]any, key string) uint64 {
	x, _ := strconv.ParseUint(fmt.Sprint(m[key]), 0, 64)
	return x
}
