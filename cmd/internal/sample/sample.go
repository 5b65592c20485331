package sample

import (
	"fmt"

	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
)

// Step is one thing that a side does.
type Step struct {
	FromServer bool
	Stream     uint64 // QUIC stream id
	Data       []byte // whole messages
	Fin        bool   // Data ends the stream
	Reset      bool   // the stream is reset with Code, after what was sent on it before
	Code       uint64
	Datagram   bool // Data is a datagram
}

// ALPN is the name that a version is negotiated by.
func ALPN(v moqt.Version) string {
	if v == moqt.Version14 {
		return "moq-00"
	}
	return fmt.Sprintf("moqt-%d", int(v))
}

// Versions are those that there is a session of.
var Versions = []moqt.Version{14, 15, 16, 17, 18, 19, 20, 21, 22}

// Transport makes a session of a version of moq-transport.
func Transport(v moqt.Version) ([]Step, error) {
	w := &writer{v: v}
	w.setup()
	w.subscribe()
	w.objects()
	w.fetch()
	w.rest()
	return w.steps, w.err
}

// writer makes steps. Its first error stands for all.
type writer struct {
	v     moqt.Version
	steps []Step
	err   error
}

// The sides.
const client, server = false, true

func (w *writer) add(s Step, list ...moqt.Message) {
	for _, m := range list {
		var err error
		if s.Data, err = m.Append(s.Data, w.v); err != nil && w.err == nil {
			w.err = err
		}
	}
	w.steps = append(w.steps, s)
}

func (w *writer) say(side bool, stream uint64, list ...moqt.Message) {
	w.add(Step{FromServer: side, Stream: stream}, list...)
}

// bidi is the stream that a request stands on.
func (w *writer) bidi(request uint64) uint64 {
	if w.v < moqt.Version17 {
		return 0
	}
	return request/2*4 + request&1
}

// id is the id in an answer, which from 17 on is not there.
func (w *writer) id(request uint64) uint64 {
	if w.v < moqt.Version17 {
		return request
	}
	return 0
}

var room = []string{"room", "alice"}

func (w *writer) setup() {
	implementation := wire.Some("test")
	if w.v >= moqt.Version17 {
		w.say(client, 2, &moqt.Setup{Options: moqt.SetupOptions{Path: wire.Some("/"), MoqtImplementation: implementation, RelayHops: wire.Some(uint64(1))}})
		w.say(server, 3, &moqt.Setup{Options: moqt.SetupOptions{MoqtImplementation: implementation, RelayHops: wire.Some(uint64(2))}})
		return
	}
	c, s := moqt.ClientSetup{}, moqt.ServerSetup{}
	c.Parameters.MaxRequestID = wire.Some(uint64(100))
	s.Parameters.MoqtImplementation = implementation
	if w.v == moqt.Version14 {
		c.SupportedVersions, s.SelectedVersion = []uint64{0xff00000e}, 0xff00000e
	}
	w.say(client, 0, &c)
	w.say(server, 0, &s)
}

func (w *writer) subscribe() {
	sub := moqt.Subscribe{RequestID: 0, TrackNamespace: room, TrackName: "video"}
	ok := moqt.SubscribeOK{TrackAlias: 300}
	update := moqt.Message(&moqt.RequestUpdate{RequestID: 2})
	if w.v == moqt.Version14 {
		sub.SubscriberPriority, sub.GroupOrder, sub.Forward, sub.Filter = 128, moqt.GroupOrderAscending, 1, moqt.Filter{Type: 3, StartGroup: 4}
		ok.GroupOrder, ok.ContentExists, ok.LargestLocation = moqt.GroupOrderAscending, 1, moqt.Location{Group: 9, Object: 3}
	} else {
		sub.Parameters.Forward = wire.Some(uint8(1))
		sub.Parameters.LocationFilter = wire.Some(moqt.Filter{Type: 2})
		if w.v == moqt.Version22 {
			sub.Parameters.LocationFilter = wire.Some(moqt.Filter{Type: 5})
		}
		sub.Parameters.AuthorizationToken = []moqt.Token{{AliasType: 3, TokenType: 1, TokenValue: "secret"}}
		ok.Parameters.LargestObject = wire.Some(moqt.Location{Group: 9, Object: 3})
	}
	if w.v >= moqt.Version16 {
		ok.TrackProperties.Timescale = wire.Some(uint64(90000))
	}
	switch {
	case w.v < moqt.Version16:
		update = &moqt.SubscribeUpdate{RequestID: 2, SubscriptionRequestID: 0}
	case w.v == moqt.Version16:
		update = &moqt.RequestUpdate{RequestID: 2, ExistingRequestID: 0}
	}
	w.say(client, w.bidi(0), &sub)
	w.say(server, w.bidi(0), &ok)
	w.say(client, w.bidi(0), update)
	if w.v > moqt.Version14 {
		w.say(server, w.bidi(0), &moqt.RequestOK{RequestID: w.id(2)})
	}
}

func (w *writer) objects() {
	header := moqt.SubgroupHeader{Properties: true, SubgroupMode: moqt.SubgroupModeFirstObject, TrackAlias: 300, GroupID: 10, PublisherPriority: 7}
	objects := []moqt.SubgroupObject{
		{HasProperties: true, ObjectID: 5, Payload: []byte("hello"), Properties: moqt.ObjectProperties{Timestamp: wire.Some(uint64(1000))}},
		{HasProperties: true, PriorObjectID: wire.Some(uint64(5)), ObjectID: 8, Payload: make([]byte, 5000)},
		{HasProperties: true, PriorObjectID: wire.Some(uint64(8)), ObjectID: 9, Status: moqt.ObjectStatusEndOfGroup},
	}
	w.add(Step{FromServer: server, Stream: 7, Fin: true}, &header, &objects[0], &objects[1], &objects[2])
	w.say(server, 11, &moqt.SubgroupHeader{SubgroupMode: moqt.SubgroupModeExplicit, SubgroupID: 2, TrackAlias: 300, GroupID: 11}, &moqt.SubgroupObject{Payload: []byte("x")})
	w.add(Step{FromServer: server, Stream: 11, Reset: true, Code: 2})
	w.add(Step{FromServer: server, Datagram: true}, &moqt.ObjectDatagram{TrackAlias: 300, GroupID: 12, ObjectID: 4, PublisherPriority: 9, Payload: []byte("datagram")})
	w.add(Step{FromServer: server, Datagram: true}, &moqt.ObjectDatagram{TrackAlias: 300, GroupID: 12, ObjectID: 5, HasStatus: true, Status: moqt.ObjectStatusEndOfTrack})
	if w.v >= moqt.Version18 {
		w.add(Step{FromServer: server, Datagram: true}, &moqt.PaddingDatagram{Padding: make([]byte, 4)})
		w.add(Step{FromServer: server, Stream: 15, Fin: true}, &moqt.PaddingStream{Padding: make([]byte, 3000)})
	}
}

// fetched are three objects: those of 18 and later say where they are by what differs.
func (w *writer) fetched() []moqt.Message {
	first := moqt.FetchObject{
		First: true, GroupID: 3, SubgroupID: 1, ObjectID: 4, PublisherPriority: 5, Payload: []byte("abc"),
		SubgroupMode: moqt.FetchSubgroupModeExplicit, HasGroup: true, HasObject: true, HasPriority: true,
	}
	second := moqt.FetchObject{SubgroupMode: moqt.FetchSubgroupModeNext, Payload: []byte("d")}
	third := moqt.FetchObject{SubgroupMode: moqt.FetchSubgroupModePrior, HasGroup: true, HasObject: true, GroupID: 2, ObjectID: 7, Payload: []byte("efg")}
	marker := moqt.FetchObject{HasGroup: true, HasObject: true, GroupID: 1, ObjectID: 2, Range: moqt.FetchRangeUnknown}
	switch {
	case w.v == moqt.Version14:
		for i, m := range []*moqt.FetchObject{&first, &second, &third} {
			*m = moqt.FetchObject{GroupID: []uint64{3, 3, 2}[i], SubgroupID: []uint64{1, 2, 2}[i], ObjectID: []uint64{4, 5, 7}[i], PublisherPriority: 5, Payload: m.Payload}
		}
	case w.v >= moqt.Version18:
		first.GroupID, first.GroupIDDelta, first.ObjectID, first.ObjectIDDelta = 0, 3, 0, 4
		third.GroupID, third.GroupIDDelta, third.ObjectID, third.ObjectIDDelta = 0, 0, 0, 7
		marker.GroupID, marker.GroupIDDelta, marker.ObjectID, marker.ObjectIDDelta = 0, 0, 0, 2
	}
	list := []moqt.Message{&moqt.FetchHeader{RequestID: 4}, &first, &second, &third}
	if w.v >= moqt.Version16 {
		list = append(list, &marker)
	}
	return list
}

func (w *writer) fetch() {
	f := moqt.Fetch{RequestID: 4, TrackNamespace: room, TrackName: "video"}
	ok := moqt.FetchOK{RequestID: w.id(4), EndLocation: moqt.Location{Group: 3, Object: 6}}
	if w.v < moqt.Version20 {
		f.FetchType, f.EndLocation = 1, moqt.Location{Group: 3, Object: 6}
	}
	if w.v == moqt.Version14 {
		f.GroupOrder, ok.GroupOrder = moqt.GroupOrderDescending, moqt.GroupOrderDescending
	} else {
		f.Parameters.GroupOrder = wire.Some(moqt.GroupOrderDescending)
	}
	w.say(client, w.bidi(4), &f)
	w.add(Step{FromServer: server, Stream: 19, Fin: true}, w.fetched()...)
	w.say(server, w.bidi(4), &ok)
}

// rest is a publication, a namespace, and what refuses and ends.
func (w *writer) rest() {
	p := moqt.Publish{RequestID: 1, TrackNamespace: room, TrackName: "chat", TrackAlias: 301}
	if w.v == moqt.Version14 {
		p.GroupOrder, p.Forward = moqt.GroupOrderAscending, 1
	}
	w.say(server, w.bidi(1), &p)
	if w.v == moqt.Version14 {
		w.say(client, 0, &moqt.PublishError{RequestID: 1, ErrorCode: moqt.PublishErrorCodeUninterested, ReasonPhrase: "no"})
	} else {
		w.say(client, w.bidi(1), &moqt.RequestError{RequestID: w.id(1), ErrorCode: moqt.RequestErrorCodeUninterested, ReasonPhrase: "no"})
	}
	w.add(Step{FromServer: server, Stream: 23, Fin: true}, &moqt.SubgroupHeader{TrackAlias: 301, PublisherPriority: 1}, &moqt.SubgroupObject{Payload: []byte("hi")})
	stream, answered := w.bidi(6), uint64(0)
	if w.v == moqt.Version16 {
		stream, answered = 4, 6
	}
	w.say(client, stream, &moqt.SubscribeNamespace{RequestID: 6, TrackNamespacePrefix: []string{"room"}})
	if w.v >= moqt.Version16 {
		found := moqt.Namespace{TrackNamespaceSuffix: []string{"bob"}}
		if w.v >= moqt.Version17 {
			found.Cluster = true
			found.Parameters.HopPath = wire.Some(moqt.HopPath{Hops: []uint64{7, 9}})
		}
		w.say(server, stream, &moqt.RequestOK{RequestID: answered}, &found)
	}
	w.say(server, w.bidi(0), &moqt.PublishDone{RequestID: 0, StatusCode: moqt.PublishDoneCodeTrackEnded, StreamCount: 2})
	control := uint64(0)
	if w.v >= moqt.Version17 {
		control = 3
	}
	w.say(server, control, &moqt.Goaway{NewSessionURI: "moqt://b"})
}
