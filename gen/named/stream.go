package named

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec/tree"
	"github.com/moqrx/moqrx/spec/tree/fields"
)

// stream decodes all that the opener of a stream sent: the tree says where each message is, and the codecs
// have to agree.
func (p *Protocol) stream(name string, src []byte) (*Decoded, error) {
	t, err := p.decoder.Place(name, "opener", src)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	d := &Decoded{Name: name, Tree: t, Source: src, Fields: map[string]any{}, Err: t.Err()}
	w := walk{Protocol: p, Decoded: d, cursor: wire.FetchCursor{Vi: p.Vi()}}
	for n := range t.Root.Children() {
		if d.Err != nil {
			return d, nil
		}
		d.Err = w.next(n)
	}
	switch {
	case d.Err != nil:
	case len(d.Messages) == 0:
		d.Err = wire.Short(len(src)+1, len(src)).At(tree.Type, len(src)).In(p.Name(), name)
	default:
		d.Consumed = len(src)
		w.subgroup()
	}
	return d, nil
}

// walk goes over the messages of a stream, each of which may refer to those before.
type walk struct {
	*Protocol
	*Decoded
	time   int64 // of the last frame
	cursor wire.FetchCursor
}

// next takes one part of the stream: its type, or a message.
func (w *walk) next(n *tree.Node) error {
	if n.Name == "Stream Type" {
		w.Reencoded = w.Vi().Append(w.Reencoded, n.Value.(uint64))
		return nil
	}
	c := w.Codec(n.Name)
	if c == nil {
		return tree.ErrMalformed
	}
	w.prepare(c.Value)
	if _, err := c.Parse(w.Source[n.Offset:n.End()]); err != nil {
		return at(err, n.Offset)
	}
	if o, ok := c.Value.(*moqt.FetchObject); ok {
		if _, e := w.cursor.Next(stepOf(moqt.Version(w.Version), o)); e != nil {
			return e.At("", n.Offset).In(w.Protocol.Name(), n.Name)
		}
	}
	if w.EncodeErr == nil {
		w.Reencoded, w.EncodeErr = c.Append(w.Reencoded)
	}
	w.fields(n)
	w.Messages = append(w.Messages, c.Value)
	return nil
}

// at moves the offset of an error of a codec to where the message stands.
func at(err error, offset int) error {
	var w *wire.Error
	if !errors.As(err, &w) {
		return err
	}
	e := *w
	e.Offset += offset
	return &e
}

// fields adds the fields of a message: those of the first are those of the stream.
func (w *walk) fields(n *tree.Node) {
	of := fields.Of(n, w.Family, w.Source)
	if len(w.Messages) == 0 {
		w.Fields = of
		return
	}
	if n.Name == "FRAME" { // its own time, where the wire has the distance to the frame before
		of["timestamp"] = nil
		if delta, ok := of["timestamp_delta"].(int64); ok {
			w.time += delta
			of["timestamp"] = strconv.FormatInt(w.time, 10)
			delete(of, "timestamp_delta")
		}
	}
	list, _ := w.Fields[plural(n.Name)].([]any)
	w.Fields[plural(n.Name)] = append(list, of)
}

// plural is where the fields of a stream have the messages behind the first.
func plural(message string) string {
	if strings.HasSuffix(message, "OBJECT") {
		return "objects"
	}
	return strings.ToLower(message) + "s"
}

// prepare sets the fields of an object that are not on the wire, as the messages before on the stream have them.
func (w *walk) prepare(m any) {
	switch m := m.(type) {
	case *moqt.SubgroupObject:
		if h, ok := w.Messages[0].(*moqt.SubgroupHeader); ok {
			m.HasProperties = h.Properties
		}
		if prior, ok := w.Messages[len(w.Messages)-1].(*moqt.SubgroupObject); ok {
			m.PriorObjectID = wire.Some(prior.ObjectID)
		}
	case *moqt.FetchObject:
		m.First = len(w.Messages) == 1 && moqt.Version(w.Version) > moqt.Version14 // behind the header
	}
}

// subgroup says which id a subgroup has that is named after its first object.
func (w *walk) subgroup() {
	h, ok := w.Messages[0].(*moqt.SubgroupHeader)
	if !ok || len(w.Messages) < 2 || h.SubgroupMode != moqt.SubgroupModeFirstObject {
		return
	}
	if o, ok := w.Messages[1].(*moqt.SubgroupObject); ok {
		w.Fields["subgroup"] = fmt.Sprintf("first object id = %d", o.ObjectID)
	}
}

// stepOf is what an object of a fetch stream says about its place.
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
