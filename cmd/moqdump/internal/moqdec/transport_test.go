package moqdec_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
)

// talk is a session of moq-transport made by the generated codecs.
type talk struct {
	*script
	t     *testing.T
	v     moqt.Version
	split bool // a byte at a time
}

func newTalk(t *testing.T, v moqt.Version, split bool) *talk {
	alpn := fmt.Sprintf("moqt-%d", v)
	if v == moqt.Version14 {
		alpn = "moq-00"
	}
	return &talk{script: newScript(alpn), t: t, v: v, split: split}
}

// say sends messages on a stream.
func (k *talk) say(dir quicdec.Dir, id uint64, list ...moqt.Message) {
	k.t.Helper()
	var b []byte
	for _, m := range list {
		var err error
		if b, err = m.Append(b, k.v); err != nil {
			k.t.Fatal(err)
		}
	}
	if !k.split {
		k.send(dir, id, b, false)
		return
	}
	at := k.at
	for _, c := range b {
		k.at = at
		k.send(dir, id, []byte{c}, false)
	}
	k.at = at.Add(time.Millisecond)
}

func (k *talk) datagram(dir quicdec.Dir, m moqt.Message) {
	k.t.Helper()
	b, err := m.Append(nil, k.v)
	if err != nil {
		k.t.Fatal(err)
	}
	k.event(quicdec.Event{Kind: quicdec.Datagram, Dir: dir, Data: b})
}

// bidi is the stream that a request stands on.
func (k *talk) bidi(request uint64) uint64 {
	if k.v < moqt.Version17 {
		return 0
	}
	return request/2*4 + request&1
}

// id is the id in an answer, which from 17 on is not there.
func (k *talk) id(request uint64) uint64 {
	if k.v < moqt.Version17 {
		return request
	}
	return 0
}

var room = []string{"room", "alice"}

func (k *talk) setup() {
	implementation := wire.Some("test")
	if k.v >= moqt.Version17 {
		k.say(up, 2, &moqt.Setup{Options: moqt.SetupOptions{Path: wire.Some("/"), MoqtImplementation: implementation}})
		k.say(down, 3, &moqt.Setup{Options: moqt.SetupOptions{MoqtImplementation: implementation}})
		return
	}
	client, server := moqt.ClientSetup{}, moqt.ServerSetup{}
	client.Parameters.MaxRequestID = wire.Some(uint64(100))
	server.Parameters.MoqtImplementation = implementation
	if k.v == moqt.Version14 {
		client.SupportedVersions, server.SelectedVersion = []uint64{0xff00000e}, 0xff00000e
	}
	k.say(up, 0, &client)
	k.say(down, 0, &server)
}

func (k *talk) subscribe() {
	sub := moqt.Subscribe{RequestID: 0, TrackNamespace: room, TrackName: "video"}
	ok := moqt.SubscribeOK{TrackAlias: 300}
	update := moqt.Message(&moqt.RequestUpdate{RequestID: 2})
	if k.v == moqt.Version14 {
		sub.SubscriberPriority, sub.GroupOrder, sub.Forward, sub.Filter = 128, moqt.GroupOrderAscending, 1, moqt.Filter{Type: 3, StartGroup: 4}
		ok.GroupOrder, ok.ContentExists, ok.LargestLocation = moqt.GroupOrderAscending, 1, moqt.Location{Group: 9, Object: 3}
	} else {
		sub.Parameters.Forward = wire.Some(uint8(1))
		sub.Parameters.LocationFilter = wire.Some(moqt.Filter{Type: 2})
		if k.v == moqt.Version22 {
			sub.Parameters.LocationFilter = wire.Some(moqt.Filter{Type: 5})
		}
		sub.Parameters.AuthorizationToken = []moqt.Token{{AliasType: 3, TokenType: 1, TokenValue: "secret"}}
		ok.Parameters.LargestObject = wire.Some(moqt.Location{Group: 9, Object: 3})
	}
	if k.v >= moqt.Version16 {
		ok.TrackProperties.Timescale = wire.Some(uint64(90000))
	}
	switch {
	case k.v < moqt.Version16:
		update = &moqt.SubscribeUpdate{RequestID: 2, SubscriptionRequestID: 0}
	case k.v == moqt.Version16:
		update = &moqt.RequestUpdate{RequestID: 2, ExistingRequestID: 0}
	}
	k.say(up, k.bidi(0), &sub)
	k.say(down, k.bidi(0), &ok)
	k.say(up, k.bidi(0), update)
	if k.v > moqt.Version14 {
		k.say(down, k.bidi(0), &moqt.RequestOK{RequestID: k.id(2)})
	}
}

func (k *talk) objects() {
	header := moqt.SubgroupHeader{Properties: true, SubgroupMode: moqt.SubgroupModeFirstObject, TrackAlias: 300, GroupID: 10, PublisherPriority: 7}
	objects := []moqt.SubgroupObject{
		{HasProperties: true, ObjectID: 5, Payload: []byte("hello"), Properties: moqt.ObjectProperties{Timestamp: wire.Some(uint64(1000))}},
		{HasProperties: true, PriorObjectID: wire.Some(uint64(5)), ObjectID: 8, Payload: make([]byte, 200)},
		{HasProperties: true, PriorObjectID: wire.Some(uint64(8)), ObjectID: 9, Status: moqt.ObjectStatusEndOfGroup},
	}
	k.say(down, 7, &header, &objects[0], &objects[1], &objects[2])
	k.fin(down, 7)
	k.say(down, 11, &moqt.SubgroupHeader{SubgroupMode: moqt.SubgroupModeExplicit, SubgroupID: 2, TrackAlias: 300, GroupID: 11}, &moqt.SubgroupObject{Payload: []byte("x")})
	k.event(quicdec.Event{Kind: quicdec.StreamReset, Dir: down, Stream: 11, Offset: k.off[key(down, 11)], Code: 2})
	k.datagram(down, &moqt.ObjectDatagram{TrackAlias: 300, GroupID: 12, ObjectID: 4, PublisherPriority: 9, Payload: []byte("datagram")})
	k.datagram(down, &moqt.ObjectDatagram{TrackAlias: 300, GroupID: 12, ObjectID: 5, HasStatus: true, Status: moqt.ObjectStatusEndOfTrack})
	if k.v >= moqt.Version18 {
		k.datagram(down, &moqt.PaddingDatagram{Padding: make([]byte, 4)})
		k.say(down, 15, &moqt.PaddingStream{Padding: make([]byte, 50)})
		k.fin(down, 15)
	}
}

// fetched are three objects: those of 18 and later say where they are by what differs.
func (k *talk) fetched() []moqt.Message {
	first := moqt.FetchObject{
		First: true, GroupID: 3, SubgroupID: 1, ObjectID: 4, PublisherPriority: 5, Payload: []byte("abc"),
		SubgroupMode: moqt.FetchSubgroupModeExplicit, HasGroup: true, HasObject: true, HasPriority: true,
	}
	second := moqt.FetchObject{SubgroupMode: moqt.FetchSubgroupModeNext, Payload: []byte("d")}
	third := moqt.FetchObject{SubgroupMode: moqt.FetchSubgroupModePrior, HasGroup: true, HasObject: true, GroupID: 2, ObjectID: 7, Payload: []byte("efg")}
	switch {
	case k.v == moqt.Version14:
		for i, m := range []*moqt.FetchObject{&first, &second, &third} {
			*m = moqt.FetchObject{GroupID: []uint64{3, 3, 2}[i], SubgroupID: []uint64{1, 2, 2}[i], ObjectID: []uint64{4, 5, 7}[i], PublisherPriority: 5, Payload: m.Payload}
		}
	case k.v >= moqt.Version18:
		first.GroupID, first.GroupIDDelta, first.ObjectID, first.ObjectIDDelta = 0, 3, 0, 4
		third.GroupID, third.GroupIDDelta, third.ObjectID, third.ObjectIDDelta = 0, 0, 0, 7
	}
	return []moqt.Message{&moqt.FetchHeader{RequestID: 4}, &first, &second, &third}
}

func (k *talk) fetch() {
	f := moqt.Fetch{RequestID: 4, TrackNamespace: room, TrackName: "video"}
	ok := moqt.FetchOK{RequestID: k.id(4), EndLocation: moqt.Location{Group: 3, Object: 6}}
	if k.v < moqt.Version20 {
		f.FetchType, f.EndLocation = 1, moqt.Location{Group: 3, Object: 6}
	}
	if k.v == moqt.Version14 {
		f.GroupOrder, ok.GroupOrder = moqt.GroupOrderDescending, moqt.GroupOrderDescending
	} else {
		f.Parameters.GroupOrder = wire.Some(moqt.GroupOrderDescending)
	}
	k.say(up, k.bidi(4), &f)
	k.say(down, 19, k.fetched()...)
	k.fin(down, 19)
	k.say(down, k.bidi(4), &ok)
}

// rest is a publication, a namespace, and what refuses and ends.
func (k *talk) rest() {
	p := moqt.Publish{RequestID: 1, TrackNamespace: room, TrackName: "chat", TrackAlias: 301}
	if k.v == moqt.Version14 {
		p.GroupOrder, p.Forward = moqt.GroupOrderAscending, 1
	}
	k.say(down, k.bidi(1), &p)
	switch k.v {
	case moqt.Version14:
		k.say(up, 0, &moqt.PublishError{RequestID: 1, ErrorCode: moqt.PublishErrorCodeUninterested, ReasonPhrase: "no"})
	default:
		k.say(up, k.bidi(1), &moqt.RequestError{RequestID: k.id(1), ErrorCode: moqt.RequestErrorCodeUninterested, ReasonPhrase: "no"})
	}
	k.say(down, 23, &moqt.SubgroupHeader{TrackAlias: 301, GroupID: 0, PublisherPriority: 1}, &moqt.SubgroupObject{Payload: []byte("hi")})
	k.fin(down, 23)
	stream := k.bidi(6)
	if k.v == moqt.Version16 {
		stream = 4
	}
	k.say(up, stream, &moqt.SubscribeNamespace{RequestID: 6, TrackNamespacePrefix: []string{"room"}})
	if k.v >= moqt.Version16 {
		id := uint64(6)
		if k.v > moqt.Version16 {
			id = 0
		}
		k.say(down, stream, &moqt.RequestOK{RequestID: id}, &moqt.Namespace{TrackNamespaceSuffix: []string{"bob"}})
	}
	k.say(down, k.bidi(0), &moqt.PublishDone{RequestID: 0, StatusCode: moqt.PublishDoneCodeTrackEnded, StreamCount: 2})
	control := uint64(0)
	if k.v >= moqt.Version17 {
		control = 3
	}
	k.say(down, control, &moqt.Goaway{NewSessionURI: "moqt://b"})
	k.event(quicdec.Event{Kind: quicdec.Closed, Dir: down, Code: 3, App: true})
}

func transportSession(t *testing.T, v moqt.Version, split bool) string {
	k := newTalk(t, v, split)
	k.setup()
	k.subscribe()
	k.objects()
	k.fetch()
	k.rest()
	return k.end()
}

var transportVersions = []moqt.Version{14, 15, 16, 17, 18, 19, 20, 21, 22}

func TestDecodesSessionsOfMoqTransport(t *testing.T) {
	for _, v := range transportVersions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			whole := transportSession(t, v, false)
			golden(t, fmt.Sprintf("transport-%d", v), whole)
			if strings.Contains(whole, "!") || strings.Contains(whole, "secret") {
				t.Error("an error, or a token, is shown")
			}
			if diff := cmp.Diff(whole, transportSession(t, v, true)); diff != "" {
				t.Errorf("byte by byte it differs: %s", diff)
			}
			for _, line := range []string{
				"FETCH_OBJECT     room/alice:video  group=3 subgroup=1 object=4 priority=5 bytes=3",
				"FETCH_OBJECT     room/alice:video  group=3 subgroup=2 object=5 priority=5 bytes=1",
				"FETCH_OBJECT     room/alice:video  group=2 subgroup=2 object=7 priority=5 bytes=3",
				"SUBGROUP_OBJECT  room/alice:video  group=10 subgroup=5 object=8 bytes=200",
				"OBJECT_DATAGRAM    room/alice:video  ",
			} {
				if !strings.Contains(whole, line) {
					t.Errorf("there is no line %q", line)
				}
			}
		})
	}
}
