package lite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/priority"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
)

func TestTrackEndsWithoutGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		_, track := r.publish("alice", "video")
		must(t, track.Finish())
		s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "alice", Track: "video"})
		wantBytes(t, s, "01 01 00")
		wantEnd(t, s, -1)
	})
}

func TestStartAndEndOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		_, track := r.publish("alice", "video")
		for i := range 4 {
			write(t, track, []uint64{0}, fmt.Sprint(i))
		}
		latest := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 1, Broadcast: "alice", Track: "video"})
		wantBytes(t, latest, "00 01 03")
		some := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{
			ID: 2, Broadcast: "alice", Track: "video", StartGroup: wire.Some[uint64](1), EndGroup: wire.Some[uint64](2),
		})
		wantBytes(t, some, "00 01 01")
		synctest.Wait()
		groups := collectUni(r)
		want := func(all ...string) {
			t.Helper()
			synctest.Wait()
			groups.mu.Lock()
			defer groups.mu.Unlock()
			for _, s := range all {
				found := false
				for _, tape := range groups.tapes {
					data, _ := tape.said()
					found = found || strings.HasPrefix(data, s)
				}
				if !found {
					t.Errorf("no group %s", s)
				}
			}
			if len(groups.tapes) != len(all)+1 { // and the SETUP
				t.Errorf("%d groups, want %d", len(groups.tapes)-1, len(all))
			}
		}
		want("00020103", "00020201", "00020202")
		// The end is a cap: what lies beyond it comes when it is raised.
		r.write(some, &genlite.SubscribeUpdate{EndGroup: wire.Some[uint64](3)})
		want("00020103", "00020201", "00020202", "00020203")
		must(t, track.FinishAt(9))
		must(t, track.Close())
		wantBytes(t, latest, "02 03 04 08 00  01 01 09")
		wantEnd(t, latest, -1)
	})
}

func TestGroupsMayOvertakeTheAnswerAndTheEnd(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""))
		track := r.request("alice", "video")
		if v >= genlite.Version05 {
			r.answerTrack()
		}
		var m genlite.Subscribe
		s, _ := r.accept(genlite.BidiSubscribe, &m)
		must(t, r.group(m.ID, 0, r.frame("early")).Close())
		synctest.Wait()
		if v < genlite.Version05 {
			r.write(s, &genlite.SubscribeOK{})
		} else {
			r.write(s, &genlite.SubscribeStart{Group: 0}, &genlite.SubscribeEnd{Group: 3})
		}
		wantFrames(t, track, 0, "early")
		must(t, s.Close())
		synctest.Wait()
		began := time.Now()
		must(t, r.group(m.ID, 1, r.frame("late")).Close())
		must(t, r.group(m.ID, 2, r.frame("later")).Close())
		got := map[string]bool{}
		for range 2 {
			g, err := track.RecvGroup(t.Context())
			must(t, err)
			f, err := g.ReadFrame(t.Context())
			must(t, err)
			got[string(f.Payload)] = true
		}
		if !got["late"] || !got["later"] {
			t.Errorf("got %v", got)
		}
		if _, err := track.RecvGroup(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("the track ended with %v", err)
		}
		if took := time.Since(began); v >= genlite.Version05 && took > 0 {
			t.Errorf("waited %v for groups that were all there", took)
		}
		wantStop(t, r.group(m.ID, 3, r.frame("too late")), 0)
	})
}

func TestGroupsInFlightOutliveTheEndOfTheSubscription(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""))
		track, id := r.subscribed("alice", "video")
		group := r.group(id, 0, r.frame("one"))
		synctest.Wait()
		must(t, r.answers.Close())
		time.Sleep(time.Minute)
		_, err := group.Write(r.frame("two"))
		must(t, err)
		must(t, group.Close())
		wantFrames(t, track, 0, "one", "two")
		if _, err := track.RecvGroup(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("the track ended with %v", err)
		}
	})
}

// While the peer gives no credit for streams, the most urgent group waits in front.
func TestScarceStreamsGoToTheMostUrgentGroup(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, func(c *rigConfig) { c.transport.MaxUniStreams = 2 })
		if v >= genlite.Version05 { // make room: the SETUP stream took one
			s, err := r.peer.AcceptUni(t.Context())
			must(t, err)
			_, err = io.ReadAll(s)
			must(t, err)
		}
		_, urgent := r.publish("urgent", "audio")
		_, video := r.publish("video", "video")
		_, old := r.publish("old", "archive")
		for i, m := range []genlite.Subscribe{
			{Broadcast: "video", Track: "video", Priority: 5},
			{Broadcast: "urgent", Track: "audio", Priority: 9},
			{Broadcast: "old", Track: "archive", Priority: 1, Ordered: true},
		} {
			m.ID = uint64(i)
			m.Ordered = m.Ordered && r.v > genlite.Version02
			r.bidi(genlite.BidiSubscribe, &m)
		}
		synctest.Wait()
		for i := range 2 { // takes all the credit
			write(t, video, []uint64{0}, fmt.Sprint("blocks ", i))
		}
		write(t, old, []uint64{0}, "old 0")
		write(t, old, []uint64{0}, "old 1")
		write(t, video, []uint64{0}, "video 2")
		write(t, video, []uint64{0}, "video 3")
		write(t, urgent, []uint64{0}, "urgent 0")
		write(t, urgent, []uint64{0}, "urgent 1")
		var order []string
		for range 8 {
			s, err := r.peer.AcceptUni(t.Context())
			must(t, err)
			b, err := io.ReadAll(s)
			must(t, err)
			order = append(order, string(b[len(b)-8:]))
			synctest.Wait() // the credit comes back
		}
		want := []string{"blocks 0", "blocks 1", "urgent 1", "urgent 0", " video 3", " video 2", "old 0", "old 1"}
		if r.v <= genlite.Version02 { // nobody can ask for the oldest first
			want[6], want[7] = want[7], want[6]
		}
		for i := range want {
			if !strings.HasSuffix(order[i], strings.TrimSpace(want[i])) {
				t.Fatalf("order %q, want %q", order, want)
			}
		}
	})
}

func TestSlowGroupDoesNotHoldUpTheNext(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		_, track := r.publish("alice", "video")
		r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "alice", Track: "video"})
		synctest.Wait()
		write(t, track, []uint64{0}, strings.Repeat("x", 1<<20)) // more than the window, never read
		write(t, track, []uint64{0}, "next")
		for {
			s, err := r.peer.AcceptUni(t.Context())
			must(t, err)
			b := make([]byte, 64)
			n, err := s.Read(b)
			must(t, err)
			if strings.HasSuffix(string(b[:n]), "next") {
				break
			}
		}
		// What the peer does not take within the retention of the track is given up.
		time.Sleep(model.DefaultMaxLatency + time.Second)
		write(t, track, []uint64{0}, "much later")
		synctest.Wait()
		if n := len(flights(r)); n != 0 {
			t.Errorf("%d groups are still held for the peer", n)
		}
	})
}

// flights is the groups that one subscription has in flight.
func flights(r *rig) map[uint64]*flight {
	r.engine.publisher.mu.Lock()
	defer r.engine.publisher.mu.Unlock()
	for _, sub := range r.engine.publisher.subs {
		return sub.flight
	}
	return nil
}

func TestGroupsEndWithTheirCode(t *testing.T) {
	t.Run("16.22/359 an aborted group resets its stream with the code of the error", groupsEndWithTheirCode)
}

func groupsEndWithTheirCode(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		_, track := r.publish("alice", "video")
		s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "alice", Track: "video"})
		synctest.Wait()
		next := func() transport.ReceiveStream {
			t.Helper()
			for {
				u, err := r.peer.AcceptUni(t.Context())
				must(t, err)
				in := newReader(u, v)
				kind, err := in.uniType()
				must(t, err)
				if kind == genlite.UniGroup {
					must(t, in.message(new(genlite.Group)))
					return u
				}
			}
		}
		open := func() *model.GroupProducer {
			t.Helper()
			g, err := track.AppendGroup()
			must(t, err)
			must(t, g.WriteFrame(model.Frame{Payload: []byte("x")}))
			synctest.Wait()
			return g
		}
		g := open()
		u := next()
		g.Abort(&model.Error{Code: model.AppCode(5)})
		wantEnd(t, u, int(model.AppCode(5)))

		g = open() // the peer does not want this one
		next().Stop(0)
		synctest.Wait()
		if n := len(flights(r)); n != 0 {
			t.Errorf("%d groups in flight after the peer stopped the only one", n)
		}
		must(t, g.Finish())

		g = open()
		u = next()
		must(t, s.Close()) // the peer leaves
		wantEnd(t, u, 0)
		must(t, g.Finish())

		r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 1, Broadcast: "alice", Track: "video"})
		synctest.Wait()
		u = next()
		r.cancel(context.Canceled)
		if _, err := io.ReadAll(u); err == nil && r.ended() == nil {
			t.Error("the session ended in silence")
		}
	})
}

// Streams that were opened for groups that have left give their place back.
func TestStreamOfAGroupThatLeftIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer, own := memory.Config{MaxUniStreams: 1}.Pair()
		s := newScheduler(t.Context(), own.OpenUni, func(f func()) { go f() })
		track := s.queue.Track(priority.Wish{})
		next := func() error {
			u, err := peer.AcceptUni(t.Context())
			must(t, err)
			_, err = io.ReadAll(u)
			synctest.Wait()
			return err
		}
		wantReset := func() {
			t.Helper()
			var e *transport.StreamError
			if err := next(); !errors.As(err, &e) || e.Code != uint64(model.CodeCancel) {
				t.Fatalf("the stream ends with %v, want a reset", err)
			}
		}

		left, leave := context.WithCancel(t.Context())
		first, err := s.stream(t.Context(), track.Insert(0))
		must(t, err)
		go func() { _, _ = s.stream(left, track.Insert(1)) }()
		synctest.Wait()
		leave() // while the peer gives no credit
		synctest.Wait()
		must(t, first.Close())
		must(t, next())
		wantReset()

		for sequence := range uint64(3) { // they leave in the moment in which they get the stream
			stream, err := s.stream(t.Context(), track.Insert(2+sequence))
			must(t, err)
			w := &waiter{granted: make(chan grant, 1)}
			w.granted <- grant{stream: stream}
			s.leave(w)
			wantReset()
		}
		_ = own.CloseWithError(0, "")
	})
}
