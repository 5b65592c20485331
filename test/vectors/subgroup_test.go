package vectors

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
)

// runSubgroupStream walks a whole subgroup stream: a header, and objects to the end.
func runSubgroupStream(p protocol, v *vector, src []byte) error {
	header, objects, again, err := walkSubgroup(moqt.Version(p.version), src)
	if v.Error != "" {
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
	if v.Fields == nil || treat(p, v) == bytesOnly {
		return nil
	}
	return p.matchSubgroup(v.Fields, header, objects, src)
}

func walkSubgroup(v moqt.Version, src []byte) (header moqt.SubgroupHeader, objects []moqt.SubgroupObject, again []byte, err error) {
	off, err := header.Parse(src, v)
	if err != nil {
		return header, nil, nil, err
	}
	if again, err = header.Append(nil, v); err != nil {
		return header, nil, nil, fmt.Errorf("encode: %w", err)
	}
	o := moqt.SubgroupObject{HasProperties: header.Properties}
	for off < len(src) {
		n, err := o.Parse(src[off:], v)
		if err != nil {
			return header, nil, nil, fmt.Errorf("object %d: %w", len(objects), err)
		}
		off += n
		objects = append(objects, o)
		if again, err = o.Append(again, v); err != nil {
			return header, nil, nil, fmt.Errorf("encode object %d: %w", len(objects), err)
		}
		o.PriorObjectID = wire.Some(o.ObjectID)
	}
	return header, objects, again, nil
}

// matchSubgroup compares the fields of the header, and those of each object.
func (p protocol) matchSubgroup(want map[string]any, header moqt.SubgroupHeader, objects []moqt.SubgroupObject, src []byte) error {
	for key, w := range want {
		var err error
		switch normal(key) {
		case "objects":
			err = p.matchObjects(w.([]any), objects)
		case "type", "headertype", "streamtypeid":
			x, _ := p.vi().Parse(src)
			err = sameNumber(w, x)
		case "streamtype":
		case "endofgroup":
			// One collection calls the mode "id of the first object" the end of the group.
			if x, _ := p.vi().Parse(src); x&0x08 != 0 || want["header_type"] == nil {
				err = sameNumber(w, map[bool]uint64{true: 1}[header.EndOfGroup])
			}
		case "firstobject":
			err = sameNumber(w, map[bool]uint64{true: 1}[header.FirstObject])
		case "subgroup", "subgroupid":
			err = matchSubgroupID(w, header, objects)
		case "priority", "publisherpriority":
			// Where the track's default holds, a vector names what that is.
			if !header.DefaultPriority {
				err = p.match(w, reflect.ValueOf(header.PublisherPriority))
			}
		default:
			err = p.matchField(key, w, want, "SUBGROUP_HEADER", reflect.ValueOf(&header).Elem())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// matchSubgroupID compares the id that the header means.
func matchSubgroupID(want any, header moqt.SubgroupHeader, objects []moqt.SubgroupObject) error {
	id := header.SubgroupID
	if header.SubgroupMode == moqt.SubgroupModeFirstObject && len(objects) > 0 {
		id = objects[0].ObjectID
		if want == fmt.Sprintf("first object id = %d", id) {
			return nil
		}
	}
	return sameNumber(want, id)
}

func (p protocol) matchObjects(want []any, got []moqt.SubgroupObject) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d objects, want %d", len(got), len(want))
	}
	for i, w := range want {
		for key, value := range w.(map[string]any) {
			if err := p.matchObject(key, value, &got[i]); err != nil {
				return fmt.Errorf("object %d: %s: %w", i, key, err)
			}
		}
	}
	return nil
}

func (p protocol) matchObject(key string, want any, o *moqt.SubgroupObject) error {
	switch normal(key) {
	case "delta", "objectiddelta":
		delta, e := wire.IDDelta(o.PriorObjectID, o.ObjectID)
		if e != nil {
			return e
		}
		return sameNumber(want, delta)
	case "objectid":
		return sameNumber(want, o.ObjectID)
	case "payload", "payloadhex":
		return sameBytes(want, o.Payload)
	case "payloadlength":
		return sameNumber(want, uint64(len(o.Payload)))
	case "status", "objectstatus":
		return sameNumber(want, uint64(o.Status))
	case "ext", "extensionheaderslength":
		return nil // that there is a block, which may be empty
	case "properties", "extensions", "extensionheaders":
		return p.matchItems(want, reflect.ValueOf(o.Properties), p.family.Registry("ObjectProperties"))
	}
	return p.matchItems(map[string]any{key: want}, reflect.ValueOf(o.Properties), p.family.Registry("ObjectProperties"))
}

// runSubgroupObject runs an object without its stream: that it has properties shows in the fields.
func runSubgroupObject(p protocol, v *vector, src []byte) error {
	var o moqt.SubgroupObject
	for key := range v.Fields {
		switch normal(key) {
		case "objectiddelta", "payload", "status":
		default:
			o.HasProperties = true
		}
	}
	n, err := o.Parse(src, moqt.Version(p.version))
	if v.Error != "" {
		if err == nil {
			return errors.New("decoded, but has to be rejected")
		}
		return nil
	}
	if err != nil {
		return err
	}
	if n != len(src) {
		return fmt.Errorf("%d of %d bytes consumed", n, len(src))
	}
	for key, value := range v.Fields {
		if err := p.matchObject(key, value, &o); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	out, err := o.Append(nil, moqt.Version(p.version))
	if err == nil && v.canonical() && !bytes.Equal(out, src) {
		err = fmt.Errorf("encoded as %x", out)
	}
	return err
}
