package lite

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// recording is one stream of a session that a foreign peer had with itself.
type recording struct {
	Version string   `json:"version"`
	Stream  int      `json:"stream"`
	Kind    string   `json:"kind"`
	Opener  string   `json:"opener"`
	Order   []string `json:"order"`
}

// said is everything that one end wrote, in hex, with the end of its half behind.
func (r recording) said(who string) (data, end string) {
	for _, step := range r.Order {
		from, what, _ := strings.Cut(step, ":")
		switch {
		case from != who, what == "STOP_SENDING":
		case what == "FIN", what == "RESET":
			end = what
		default:
			data += what
		}
	}
	return data, end
}

func readLines[T any](t *testing.T, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	var all []T
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var v T
		must(t, json.Unmarshal(lines.Bytes(), &v))
		all = append(all, v)
	}
	return all
}

// recorded returns the streams of a version whose opener said something that begins with
// the hex.
func recorded(t *testing.T, v genlite.Version, kind, opener, begins string) []recording {
	t.Helper()
	var found []recording
	for _, r := range readLines[recording](t, "testdata/sessions.jsonl") {
		data, _ := r.said(opener)
		if "moq-"+r.Version == v.String() && r.Kind == kind && r.Opener == opener && strings.HasPrefix(data, begins) {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		t.Fatalf("%v: no %s stream of the %s begins with %s", v, kind, opener, begins)
	}
	return found
}

// tape collects what the other end says on a stream.
type tape struct {
	mu   sync.Mutex
	data []byte
	end  string
}

func record(s io.Reader) *tape {
	t := &tape{}
	go func() {
		for {
			b := make([]byte, 512)
			n, err := s.Read(b)
			t.mu.Lock()
			t.data = append(t.data, b[:n]...)
			switch {
			case errors.Is(err, io.EOF):
				t.end = "FIN"
			case err != nil:
				t.end = "RESET"
			}
			t.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return t
}

func (t *tape) said() (data, end string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return hex.EncodeToString(t.data), t.end
}

// want compares what was said with the recording, up to now or to the end.
func (t *tape) want(test *testing.T, what string, r recording, who string) {
	test.Helper()
	synctest.Wait()
	data, end := t.said()
	wantData, wantEnd := r.said(who)
	if data != wantData || end != wantEnd && wantEnd != "" {
		test.Errorf("%s: said %s %s, the recorded peer said %s %s", what, data, end, wantData, wantEnd)
	}
}

// performer plays one end of a recorded stream, step by step.
type performer struct {
	recording
	who   string
	next  int
	s     io.Writer
	heard *tape
}

// play writes what comes next, up to where the recorded peer waited for the other end.
func (p *performer) play(t *testing.T) {
	t.Helper()
	for p.next < len(p.Order) && p.mine() {
		p.say(t, 1)
	}
	for p.next < len(p.Order) && !p.mine() {
		p.next++
	}
}

func (p *performer) mine() bool { return strings.HasPrefix(p.Order[p.next], p.who) }

// say does the next steps of this end.
func (p *performer) say(t *testing.T, steps int) {
	t.Helper()
	for ; steps > 0; steps-- {
		switch _, what, _ := strings.Cut(p.Order[p.next], ":"); what {
		case "FIN":
			_ = p.s.(transport.SendStream).Close() // fails when the other end has stopped reading
		case "RESET":
			p.s.(transport.SendStream).Reset(0)
		case "STOP_SENDING":
			p.s.(transport.ReceiveStream).Stop(0)
		default:
			_, err := p.s.Write(unhex(t, what))
			must(t, err)
		}
		p.next++
	}
	synctest.Wait()
}

// TestRecordedClient plays a client of @moq/net against our server, which has the same to
// say as the server it was recorded with.
func TestRecordedClient(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		groups := collectUni(r)
		open := func(rec recording) *performer {
			t.Helper()
			p := &performer{recording: rec, who: "client"}
			if rec.Kind == "uni" {
				p.s = r.uni(nil)
			} else {
				s := r.raw(nil)
				p.s, p.heard = s, record(s)
			}
			p.play(t)
			return p
		}
		one := func(begins string) recording { return recorded(t, v, "bidi", "client", begins)[0] }

		alice, err := r.origin.CreateBroadcast("room/alice", model.Route{})
		must(t, err)
		video, err := alice.CreateTrack("video", model.TrackInfo{Priority: 7, Timescale: 90_000, MaxLatency: 2 * time.Second})
		must(t, err)
		audio, err := alice.CreateTrack("audio", model.TrackInfo{})
		must(t, err)

		if v >= genlite.Version05 {
			open(recorded(t, v, "uni", "client", "01")[0])
			if r.engine.PeerOrigin() != clientOrigin {
				t.Errorf("the SETUP of the client was not understood: origin %v", r.engine.PeerOrigin())
			}
			probe := open(one("04"))
			if data, end := probe.heard.said(); data != "" || end != "FIN" {
				t.Errorf("PROBE: %s %s, want FIN at once: that is how a peer without measurements answers", data, end)
			}
		}
		announce := open(one("01"))
		bob, _ := r.publish("room/bob", "video")
		synctest.Wait()
		must(t, bob.Finish())

		if v >= genlite.Version05 {
			for _, rec := range recorded(t, v, "bidi", "client", "06110a") {
				track := open(rec)
				defer func() { track.heard.want(t, "TRACK", rec, "server") }()
			}
		}
		subscribe := open(one("0218000a"))
		write(t, video, []uint64{90_000, 92_970, 91_800}, "key", "", "\x00\xff")
		subscribe.play(t) // SUBSCRIBE_UPDATE
		write(t, video, []uint64{180_000}, "next")
		if v >= genlite.Version05 {
			fetch := open(one("03"))
			fetch.heard.want(t, "FETCH", fetch.recording, "server")
		}
		nobody := "0218010b"
		if v >= genlite.Version05 {
			nobody = "06120b"
		}
		refused := open(one(nobody))
		refused.heard.want(t, "unknown broadcast", refused.recording, "server")
		must(t, video.Finish())
		subscribe.heard.want(t, "SUBSCRIBE", subscribe.recording, "server")

		listen := open(one("0217020a"))
		g, err := audio.AppendGroup()
		must(t, err)
		must(t, g.WriteFrame(model.Frame{Timestamp: model.Timestamp{Value: 5, Scale: model.Millis}, Payload: []byte{1}}))
		if v < genlite.Version05 { // there the client leaves before the end of the group
			must(t, g.Finish())
		}
		synctest.Wait()
		listen.play(t)
		listen.heard.want(t, "SUBSCRIBE to audio", listen.recording, "server")
		if _, used := audio.Subscription(); used {
			t.Error("the client has left, but is still subscribed")
		}
		must(t, alice.Finish())
		synctest.Wait()
		must(t, r.origin.Close())
		announce.heard.want(t, "ANNOUNCE", announce.recording, "server")
		groups.want(t, v)
		r.alive()
	})
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

// uniTapes collects every unidirectional stream of an engine.
type uniTapes struct {
	mu    sync.Mutex
	tapes []*tape
}

func collectUni(r *rig) *uniTapes {
	u := &uniTapes{}
	go func() {
		for {
			s, err := r.peer.AcceptUni(r.t.Context())
			if err != nil {
				return
			}
			u.mu.Lock()
			u.tapes = append(u.tapes, record(s))
			u.mu.Unlock()
		}
	}()
	return u
}

// want checks that every recorded group stream was said, and nothing else but a SETUP.
func (u *uniTapes) want(t *testing.T, v genlite.Version) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	var got []string
	for _, tape := range u.tapes {
		if data, end := tape.said(); !strings.HasPrefix(data, "01") {
			got = append(got, data)
		} else if data != "01050105026222" || end != "FIN" {
			t.Errorf("SETUP %s %s", data, end)
		}
	}
	var want []string
	for _, rec := range recorded(t, v, "uni", "server", "00") {
		data, _ := rec.said("server")
		want = append(want, data)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("groups %q, the recorded peer sent %q", got, want)
	}
}

// TestRecordedServer plays a server of @moq/net against our client, which does what the
// client it was recorded with did.
func TestRecordedServer(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming("room"))
		next := func(begins string) *performer {
			t.Helper()
			s, err := r.peer.AcceptBidi(t.Context())
			must(t, err)
			p := &performer{recording: recorded(t, v, "bidi", "client", begins)[0], who: "server", s: s, heard: record(s)}
			for !strings.HasPrefix(p.Order[p.next], "server") {
				p.next++
			}
			synctest.Wait()
			if data, _ := p.heard.said(); !strings.HasPrefix(data, begins) {
				t.Fatalf("the client opened %s, the recorded one %s", data, begins)
			}
			return p
		}
		uni := func(begins string) {
			t.Helper()
			p := &performer{recording: recorded(t, v, "uni", "server", begins)[0], who: "server", s: r.uni(nil)}
			p.play(t)
		}
		if v >= genlite.Version05 {
			uni("01")
			if r.engine.PeerOrigin() != serverOrigin {
				t.Errorf("the SETUP of the server was not understood: origin %v", r.engine.PeerOrigin())
			}
			probe := r.raw([]byte{4})
			wantEnd(t, probe, -1)
		}
		announce := next("01")
		news := r.engine.subscriber.origin.Consume().Announcements()
		defer news.Close()
		announced := func(steps int, path model.Path, there bool) {
			t.Helper()
			announce.say(t, steps)
			a, ok, err := news.TryNext()
			must(t, err)
			if !ok || a.Path != path || (a.Broadcast != nil) != there {
				t.Fatalf("announced %+v, want %s, %v", a, path, there)
			}
			if there && v > genlite.Version03 && !equal(a.Broadcast.Route().Hops, []model.OriginID{serverOrigin}) {
				t.Errorf("hops %v", a.Broadcast.Route().Hops)
			}
		}
		first := 2
		if v >= genlite.Version05 {
			first = 4 // ANNOUNCE_OK comes before
		}
		announced(first, "room/alice", true)
		announced(2, "room/bob", true)
		announced(2, "room/bob", false)

		alice, err := r.engine.subscriber.origin.Consume().Announced(t.Context(), "room/alice")
		must(t, err)
		video, err := alice.SubscribeTrack("video", model.Subscription{
			Priority: 5, Ordered: true, MaxLatency: 250 * time.Millisecond, Start: model.At(0),
		})
		must(t, err)
		if v >= genlite.Version05 {
			next("06110a").play(t)
		}
		subscribe := next("0218000a")
		subscribe.play(t)
		if info, err := video.Info(t.Context()); err != nil || v >= genlite.Version05 && info.Timescale != 90_000 {
			t.Errorf("info %+v, %v", info, err)
		}
		uni("00020000")
		wantFrames(t, video, 0, "key", "", "\x00\xff")
		must(t, video.Update(model.Subscription{
			Priority: 200, MaxLatency: 500 * time.Millisecond, Start: model.At(0), End: model.At(9),
		}))
		subscribe.heard.want(t, "SUBSCRIBE and its update", subscribe.recording, "client")
		uni("00020001")
		wantFrames(t, video, 1, "next")
		subscribe.play(t)
		if _, err := video.RecvGroup(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("video ended with %v", err)
		}

		audio, err := alice.SubscribeTrack("audio", model.Subscription{Priority: 1})
		must(t, err)
		if v >= genlite.Version05 {
			next("0611").play(t)
		}
		s, _ := r.accept(genlite.BidiSubscribe, new(genlite.Subscribe))
		if v < genlite.Version05 {
			_, err := s.Write(unhex(t, "00 05 01 00 00 00 00"))
			must(t, err)
		}
		group := r.group(1, 0, r.frame("\x01"))
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

		announced(2, "room/alice", false)
		announce.say(t, 1)
		announce.heard.want(t, "ANNOUNCE", announce.recording, "client")
		r.alive()
	})
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

// TestRecordingsAreTheOnesOfTheVectors holds our copy of the sessions against the recording that
// it was made of, where that is at hand.
func TestRecordingsAreTheOnesOfTheVectors(t *testing.T) {
	dir := os.Getenv("MOQRX_VECTORS")
	if dir == "" {
		t.Skip("MOQRX_VECTORS is not set")
	}
	type key struct {
		version string
		stream  int
	}
	ours := map[key]recording{}
	for _, rec := range readLines[recording](t, "testdata/sessions.jsonl") {
		ours[key{rec.Version, rec.Stream}] = rec
	}
	compared := 0
	for _, rec := range readLines[recording](t, filepath.Join(dir, "lite-sessions.jsonl")) {
		own, ok := ours[key{rec.Version, rec.Stream}]
		if ok {
			compared++
			if !slices.Equal(own.Order, rec.Order) {
				t.Errorf("%s stream %d: %q, recorded %q", rec.Version, rec.Stream, own.Order, rec.Order)
			}
		}
	}
	// Single events were recorded with gaps: what is there must come in this order.
	position := map[key]int{}
	for _, e := range readLines[struct {
		recording
		From, Event, Hex string
	}](t, filepath.Join(dir, "lite-sessions-events.jsonl")) {
		own, ok := ours[key{e.Version, e.Stream}]
		if !ok {
			continue
		}
		compared++
		step := e.From + ":" + e.Event
		if e.Event == "data" {
			step = e.From + ":" + e.Hex
		}
		i := slices.Index(own.Order[position[key{e.Version, e.Stream}]:], step)
		if i < 0 {
			t.Errorf("%s stream %d: no %s in %q", e.Version, e.Stream, step, own.Order)
			continue
		}
		position[key{e.Version, e.Stream}] += i + 1
	}
	if compared < 100 {
		t.Errorf("only %d things to compare", compared)
	}
}
