package vectors

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
)

// fetched is an object of a fetch stream with the place that it has by its references.
type fetched struct {
	moqt.FetchObject
	place wire.FetchPlace
}

// runFetchStream walks a whole fetch stream: a header, and objects to the end.
func runFetchStream(p protocol, v *vector, src []byte) error {
	if treat(p, v) == ambiguous {
		return nil
	}
	header, objects, again, err := walkFetch(moqt.Version(p.version), src, v.Message == "FETCH_STREAM", v.Fields["prior"])
	if v.Error != "" || treat(p, v) == mustReject {
		if err == nil {
			return errors.New("decoded, but has to be rejected")
		}
		return nil
	}
	if err != nil {
		return err
	}
	if v.canonical() && !bytes.Equal(again, src) {
		return fmt.Errorf("encoded as %x", again)
	}
	for key, want := range v.Fields {
		switch normal(key) {
		case "objects":
			err = p.matchFetched(want.([]any), objects)
		case "requestid":
			err = sameNumber(want, header.RequestID)
		case "streamtype", "type", "streamtypeid":
		default: // a single object, among whose fields it is
			if len(objects) != 1 {
				return fmt.Errorf("no field %s", key)
			}
			err = p.matchFetchedField(key, want, &objects[0])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func walkFetch(v moqt.Version, src []byte, whole bool, prior any) (header moqt.FetchHeader, objects []fetched, again []byte, err error) {
	off := 0
	if whole {
		if off, err = header.Parse(src, v); err != nil {
			return header, nil, nil, err
		}
		if again, err = header.Append(nil, v); err != nil {
			return header, nil, nil, err
		}
	}
	cursor, first := wire.FetchCursor{}, whole
	if prior, ok := prior.(map[string]any); ok {
		if err := startAt(&cursor, prior); err != nil {
			return header, nil, nil, err
		}
		whole = true
	}
	for off < len(src) {
		o := fetched{FetchObject: moqt.FetchObject{First: first && v > moqt.Version14}}
		n, err := o.Parse(src[off:], v)
		if err != nil {
			return header, nil, nil, fmt.Errorf("object %d: %w", len(objects), err)
		}
		off += n
		if whole { // a single object may refer to what is not there
			var e *wire.Error
			if o.place, e = cursor.Next(stepOf(v, &o.FetchObject)); e != nil {
				return header, nil, nil, fmt.Errorf("object %d: %w", len(objects), e)
			}
		}
		objects, first = append(objects, o), false
		if again, err = o.Append(again, v); err != nil {
			return header, nil, nil, fmt.Errorf("encode object %d: %w", len(objects), err)
		}
	}
	return header, objects, again, nil
}

// startAt puts the cursor behind an object.
func startAt(cursor *wire.FetchCursor, prior map[string]any) error {
	var n [4]uint64
	for i, key := range []string{"group_id", "subgroup_id", "object_id", "publisher_priority"} {
		var err error
		if n[i], err = strconv.ParseUint(fmt.Sprint(prior[key]), 10, 64); err != nil {
			return err
		}
	}
	_, e := cursor.Next(wire.FetchStep{
		HasGroup: true, HasObject: true, HasPriority: true, Mode: 3,
		Group: n[0], Subgroup: n[1], Object: n[2], Priority: uint8(n[3]),
	})
	if e != nil {
		return e
	}
	return nil
}

// stepOf is what an object says about its place.
func stepOf(v moqt.Version, o *moqt.FetchObject) wire.FetchStep {
	s := wire.FetchStep{
		Deltas: v >= moqt.Version18, HasGroup: o.HasGroup, HasObject: o.HasObject, HasPriority: o.HasPriority,
		Mode: uint8(o.SubgroupMode), Marker: o.Range != moqt.FetchRangeObject,
		Group: o.GroupID + o.GroupIDDelta, Subgroup: o.SubgroupID, Object: o.ObjectID + o.ObjectIDDelta, Priority: o.PublisherPriority,
	}
	if v == moqt.Version14 {
		s.HasGroup, s.HasObject, s.HasPriority, s.Mode = true, true, true, 3
	}
	return s
}

func (p protocol) matchFetched(want []any, got []fetched) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d objects, want %d", len(got), len(want))
	}
	for i, w := range want {
		for key, value := range w.(map[string]any) {
			if err := p.matchFetchedField(key, value, &got[i]); err != nil {
				return fmt.Errorf("object %d: %s: %w", i, key, err)
			}
		}
	}
	return nil
}

// matchFetchedField compares one field of an object. Ids are those on the wire to some encoders, and
// those that they stand for to others; both are right where they are equal.
func (p protocol) matchFetchedField(key string, want any, o *fetched) error {
	either := func(raw, place uint64) error {
		if sameNumber(want, place) == nil {
			return nil
		}
		return sameNumber(want, raw)
	}
	switch normal(key) {
	case "prior":
		return nil // what the object would refer to
	case "isendofrange":
		return sameNumber(want, map[bool]uint64{true: 1}[o.Range != moqt.FetchRangeObject])
	case "rangekind", "flags", "serializationflags":
		return sameNumber(want, o.flags())
	case "group", "groupid", "groupiddelta", "groupdelta":
		return either(o.GroupID+o.GroupIDDelta, o.place.Group)
	case "subgroup", "subgroupid":
		return either(o.SubgroupID, o.place.Subgroup)
	case "object", "objectid", "objectiddelta", "objectdelta":
		return either(o.ObjectID+o.ObjectIDDelta, o.place.Object)
	case "priority", "publisherpriority":
		return either(uint64(o.PublisherPriority), uint64(o.place.Priority))
	case "payload", "payloadhex":
		return sameBytes(want, o.Payload)
	case "payloadlength", "payloadlen":
		return sameNumber(want, uint64(len(o.Payload)))
	case "status", "objectstatus":
		return sameNumber(want, uint64(o.Status))
	case "extensionheaderslength", "extensionslen", "extensionshex", "extensionheadershex", "propertieslength":
		return nil // the bytes of the block, which are compared as a whole
	case "ext", "properties", "extensions", "extensionheaders":
		return p.matchItems(want, reflect.ValueOf(o.Properties), p.family.Registry("ObjectProperties"))
	}
	return fmt.Errorf("no field of that name")
}

// flags are the bits of the object, from draft 15 on.
func (o *fetched) flags() uint64 {
	x := uint64(o.SubgroupMode) | uint64(o.Range)<<7
	for i, set := range []bool{o.HasObject, o.HasGroup, o.HasPriority, o.HasProperties} {
		if set {
			x |= 4 << i
		}
	}
	return x
}
