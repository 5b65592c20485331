package lite

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// TestRecordedClient plays a client of @moq/net against our server, which has the same to
// say as the server it was recorded with.
func TestRecordedClient(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, func(c *rigConfig) { c.setup = "" }) // it comes from the recording
		groups := collectUni(r)
		alice, err := r.origin.CreateBroadcast("room/alice", model.Route{})
		must(t, err)
		video, err := alice.CreateTrack("video", model.TrackInfo{Priority: 7, Timescale: 90_000, MaxLatency: 2 * time.Second})
		must(t, err)
		audio, err := alice.CreateTrack("audio", model.TrackInfo{})
		must(t, err)

		if v >= genlite.Version05 {
			r.clientIntroducesItself()
		}
		announce := r.client("01")
		bob, _ := r.publish("room/bob", "video")
		synctest.Wait()
		must(t, bob.Finish())
		r.clientWatches(video)
		r.clientListens(audio)
		must(t, alice.Finish())
		synctest.Wait()
		must(t, r.origin.Close())
		announce.heard.want(t, "ANNOUNCE", announce.recording, "server")
		groups.want(t, v)
		r.alive()
	})
}

// client plays the recorded client on the bidirectional stream that it began with these bytes.
func (r *rig) client(begins string) *performer {
	r.t.Helper()
	return r.clientStream(recorded(r.t, r.v, "bidi", "client", begins)[0])
}

func (r *rig) clientStream(rec recording) *performer {
	r.t.Helper()
	s := r.raw(nil)
	p := &performer{recording: rec, who: "client", s: s, heard: record(s)}
	p.play(r.t)
	return p
}

func (r *rig) clientIntroducesItself() {
	t := r.t
	t.Helper()
	setup := performer{recording: recorded(t, r.v, "uni", "client", "01")[0], who: "client", s: r.uni(nil)}
	setup.play(t)
	if r.engine.PeerOrigin() != clientOrigin {
		t.Errorf("the SETUP of the client was not understood: origin %v", r.engine.PeerOrigin())
	}
	probe := r.client("04")
	if data, end := probe.heard.said(); data != "" || end != "FIN" {
		t.Errorf("PROBE: %s %s, want FIN at once: that is how a peer without measurements answers", data, end)
	}
}

// onTrack is how a SUBSCRIBE begins that the recorded client sent, with an id and the length of the path.
func onTrack(v genlite.Version, id, path string) string {
	switch {
	case v > genlite.Version02:
		return "0218" + id + path
	case path == "0b":
		return "0214" + id + path
	default:
		return "0213" + id + path
	}
}

func (r *rig) clientWatches(video *model.TrackProducer) {
	t := r.t
	t.Helper()
	from05 := r.v >= genlite.Version05
	if from05 {
		for _, rec := range recorded(t, r.v, "bidi", "client", "06110a") {
			r.clientStream(rec).heard.want(t, "TRACK", rec, "server")
		}
	}
	subscribe := r.client(onTrack(r.v, "00", "0a"))
	write(t, video, []uint64{90_000, 92_970, 91_800}, "key", "", "\x00\xff")
	subscribe.play(t) // SUBSCRIBE_UPDATE
	write(t, video, []uint64{180_000}, "next")
	if from05 {
		fetch := r.client("03")
		fetch.heard.want(t, "FETCH", fetch.recording, "server")
	}
	nobody := onTrack(r.v, "01", "0b") // SUBSCRIBE to room/nobody
	if from05 {
		nobody = "06120b" // TRACK
	}
	refused := r.client(nobody)
	refused.heard.want(t, "unknown broadcast", refused.recording, "server")
	must(t, video.Finish())
	time.Sleep(endGrace)
	subscribe.heard.want(t, "SUBSCRIBE", subscribe.recording, "server")
}

func (r *rig) clientListens(audio *model.TrackProducer) {
	t := r.t
	t.Helper()
	audioID := "0217020a"
	if r.v <= genlite.Version02 {
		audioID = "0213020a"
	}
	subscribe := r.client(audioID)
	g, err := audio.AppendGroup()
	must(t, err)
	must(t, g.WriteFrame(model.Frame{Timestamp: model.Timestamp{Value: 5, Scale: model.Millis}, Payload: []byte{1}}))
	if r.v < genlite.Version05 { // there the client leaves before the end of the group
		must(t, g.Finish())
	}
	synctest.Wait()
	subscribe.play(t)
	subscribe.heard.want(t, "SUBSCRIBE to audio", subscribe.recording, "server")
	if _, used := audio.Subscription(); used {
		t.Error("the client has left, but is still subscribed")
	}
}

// write makes a finished group of frames at these times.
func write(t *testing.T, track *model.TrackProducer, times []uint64, payloads ...string) {
	t.Helper()
	g, err := track.AppendGroup()
	must(t, err)
	for i, p := range payloads {
		must(t, g.WriteFrame(model.Frame{Timestamp: model.Timestamp{Value: times[i], Scale: track.Info().Timescale}, Payload: []byte(p)}))
	}
	must(t, g.Finish())
	synctest.Wait()
}

// TestRecordedServer plays a server of @moq/net against our client, which does what the
// client it was recorded with did.
func TestRecordedServer(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming("room"), func(c *rigConfig) { c.client, c.setup = true, "" })
		steps := 2 // of the server for one announcement
		if v >= genlite.Version06Wip {
			steps = 3
		}
		first := steps
		if v >= genlite.Version05 {
			first += 2 // ANNOUNCE_OK comes before
			r.serverUni("01")
			if r.engine.PeerOrigin() != serverOrigin {
				t.Errorf("the SETUP of the server was not understood: origin %v", r.engine.PeerOrigin())
			}
			wantEnd(t, r.raw([]byte{4}), -1) // PROBE
		}
		news := announcements{rig: r, p: r.server("01"), cursor: r.engine.subscriber.origin.Consume().Announcements()}
		defer news.cursor.Close()
		news.want(first, "room/alice", true)
		news.want(steps, "room/bob", true)
		news.want(steps, "room/bob", false)
		alice, err := r.engine.subscriber.origin.Consume().Announced(t.Context(), "room/alice")
		must(t, err)
		r.watchesServer(alice)
		r.listensToServer(alice)
		news.want(steps, "room/alice", false)
		news.p.say(t, 1)
		news.p.heard.want(t, "ANNOUNCE", news.p.recording, "client")
		r.alive()
	})
}

// server accepts a stream of the engine that must begin as the recorded client began it, and gets
// ready to play the server on it.
func (r *rig) server(begins string) *performer {
	t := r.t
	t.Helper()
	s, err := r.peer.AcceptBidi(t.Context())
	must(t, err)
	p := &performer{recording: recorded(t, r.v, "bidi", "client", begins)[0], who: "server", s: s, heard: record(s)}
	for !p.mine() {
		p.next++
	}
	synctest.Wait()
	if data, _ := p.heard.said(); !strings.HasPrefix(data, begins) {
		t.Fatalf("the client opened %s, the recorded one %s", data, begins)
	}
	return p
}

// serverUni plays a unidirectional stream of the server.
func (r *rig) serverUni(begins string) {
	r.t.Helper()
	p := &performer{recording: recorded(r.t, r.v, "uni", "server", begins)[0], who: "server", s: r.uni(nil)}
	p.play(r.t)
}

// announcements follows the announce stream of the recorded server.
type announcements struct {
	*rig
	p      *performer
	cursor *model.AnnounceConsumer
}

// want lets the server say its next steps, after which this must have been announced.
func (a announcements) want(steps int, path model.Path, there bool) {
	a.t.Helper()
	a.p.say(a.t, steps)
	got, ok, err := a.cursor.TryNext()
	must(a.t, err)
	if !ok || got.Path != path || (got.Broadcast != nil) != there {
		a.t.Fatalf("announced %+v, want %s, %v", got, path, there)
	}
	if there && a.v > genlite.Version03 && !equal(got.Broadcast.Route().Hops, []model.OriginID{serverOrigin}) {
		a.t.Errorf("hops %v", got.Broadcast.Route().Hops)
	}
}

func (r *rig) watchesServer(alice *model.BroadcastConsumer) {
	t := r.t
	t.Helper()
	if r.v >= genlite.Version05 {
		r.fetchesFromServer(alice)
	}
	video, err := alice.SubscribeTrack("video", model.Subscription{
		Priority: 5, Ordered: true, MaxLatency: 250 * time.Millisecond, Start: model.At(0),
	})
	must(t, err)
	subscribe := r.server(onTrack(r.v, "00", "0a"))
	subscribe.play(t)
	if info, err := video.Info(t.Context()); err != nil || r.v >= genlite.Version05 && info.Timescale != 90_000 {
		t.Errorf("info %+v, %v", info, err)
	}
	r.serverUni("00020000")
	wantFrames(t, video, 0, "key", "", "\x00\xff")
	must(t, video.Update(model.Subscription{
		Priority: 200, MaxLatency: 500 * time.Millisecond, Start: model.At(0), End: model.At(9),
	}))
	subscribe.heard.want(t, "SUBSCRIBE and its update", subscribe.recording, "client")
	r.serverUni("00020001")
	wantFrames(t, video, 1, "next")
	if r.v >= genlite.Version05 {
		// The recorded server does not count it when it tells the end, before group 2.
		must(t, r.peer.SendDatagram(unhex(t, "00 02 8002c628 646772616d")))
		d, err := video.RecvDatagram(t.Context())
		if err != nil || d.Sequence != 2 || d.Timestamp.Value != 181_800 || string(d.Payload) != "dgram" {
			t.Errorf("datagram %+v, %v", d, err)
		}
	}
	subscribe.play(t)
	if _, err := video.RecvGroup(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("video ended with %v", err)
	}
}

func (r *rig) listensToServer(alice *model.BroadcastConsumer) {
	t := r.t
	t.Helper()
	audio, err := alice.SubscribeTrack("audio", model.Subscription{Priority: 1})
	must(t, err)
	if r.v >= genlite.Version05 {
		r.server("0611").play(t)
	}
	// The id differs from the recorded one: our client does not ask for what is not announced.
	var m genlite.Subscribe
	s, _ := r.accept(genlite.BidiSubscribe, &m)
	if m != (genlite.Subscribe{ID: 1, Broadcast: "room/alice", Track: "audio", Priority: 1}) {
		t.Errorf("subscribed with %+v", m)
	}
	if accept := dialectOf(r.v).accept; accept != nil {
		r.write(s, accept(&m))
	}
	group := r.group(m.ID, 0, r.frame("\x01"))
	g, err := audio.RecvGroup(t.Context())
	must(t, err)
	f, err := g.ReadFrame(t.Context())
	must(t, err)
	if string(f.Payload) != "\x01" {
		t.Errorf("audio frame %x", f.Payload)
	}
	must(t, audio.Close())
	wantEnd(t, s, -1)
	wantStop(t, s, 0)
	wantStop(t, group, 0) // as the recorded client stops what it no longer wants
}

func wantFrames(t *testing.T, c *model.TrackConsumer, sequence uint64, payloads ...string) {
	t.Helper()
	g, err := c.RecvGroup(t.Context())
	must(t, err)
	var got []string
	for f, err := range g.All(t.Context()) {
		must(t, err)
		got = append(got, string(f.Payload))
	}
	if g.Sequence() != sequence || !slices.Equal(got, payloads) {
		t.Errorf("group %d %q, want %d %q", g.Sequence(), got, sequence, payloads)
	}
}
