package lite

import (
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// fetch asks the engine for a group, as the peer.
func (r *rig) fetch(seq uint64) transport.Stream {
	return r.bidi(genlite.BidiFetch, &genlite.Fetch{Broadcast: "alice", Track: "video", Priority: 6, Group: seq})
}

func TestFetchIsAnsweredByTheHandlerOfTheTrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		_, track := r.publish("alice", "video")
		d := track.Dynamic()
		defer d.Close()
		s := r.fetch(2)
		req, err := d.RequestedGroup(t.Context())
		must(t, err)
		if req.Sequence() != 2 || req.Priority() != 6 {
			t.Errorf("asked for group %d with priority %d", req.Sequence(), req.Priority())
		}
		g, err := req.Accept()
		must(t, err)
		must(t, g.WriteFrame(model.Frame{Timestamp: model.Timestamp{Value: 3, Scale: 1000}, Payload: []byte("hi")}))
		wantBytes(t, s, "06 02 6869") // before the group is complete
		must(t, g.Finish())
		wantEnd(t, s, -1)

		s = r.fetch(3)
		req, err = d.RequestedGroup(t.Context())
		must(t, err)
		req.Reject(&model.Error{Code: model.AppCode(402)})
		wantEnd(t, s, int(model.AppCode(402)))

		s = r.fetch(4)
		req, err = d.RequestedGroup(t.Context())
		must(t, err)
		s.Stop(0)
		s.Reset(0)
		<-req.Unused()
		synctest.Wait()
		if _, used := track.Subscription(); used {
			t.Error("a fetch has left a subscription behind")
		}
		r.works()
	})
}

// A relay asks its publisher for what it does not have, and says what it hears.
func TestFetchThroughARelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := newRig(t, genlite.Version05, consuming(""))
		down := newRig(t, genlite.Version05, func(c *rigConfig) { c.publish = up.engine.subscriber.origin.Consume() })
		up.write(up.listening(), active(up.v, "alice"))
		synctest.Wait()
		began := time.Now()
		s := down.fetch(2)
		up.answerTrack()
		upstream, _ := up.asked(2, 6)
		_, err := upstream.Write(unhex(t, "06 02 6869"))
		must(t, err)
		wantBytes(t, s, "06 02 6869")
		must(t, upstream.Close())
		wantEnd(t, s, -1)

		s = down.fetch(3)
		upstream, _ = up.asked(3, 6)
		upstream.Reset(13)
		wantEnd(t, s, 13)

		s = down.fetch(4)
		upstream, _ = up.asked(4, 6)
		s.Stop(0)
		s.Reset(0)
		wantStop(t, upstream, 0)
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Minute)
		up.noStream()
	})
}

func TestFetchFloodIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		_, track := r.publish("alice", "video")
		d := track.Dynamic()
		defer d.Close()
		const most = 64
		var open []transport.Stream
		for i := range uint64(most) {
			open = append(open, r.fetch(i))
		}
		synctest.Wait()
		for range 500 {
			wantEnd(t, r.fetch(1000), int(model.CodeBoundsExceeded))
		}
		r.works()
		for _, s := range open {
			s.Stop(0)
			s.Reset(0)
		}
		synctest.Wait()
		r.fetch(7) // there is room again
		req, err := d.RequestedGroup(t.Context())
		if err != nil || req.Sequence() != 7 {
			t.Errorf("request %+v, %v", req, err)
		}
	})
}

func TestFetchOutOfTheRoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, func(c *rigConfig) {
			rooted, err := c.publish.WithRoot("public")
			must(t, err)
			c.publish = rooted
		})
		_, track := r.publish("secret", "video")
		write(t, track, []uint64{0}, "secret")
		for _, path := range []string{"secret", "../secret", "/secret", "public/../secret", "./../secret", ""} {
			s := r.bidi(genlite.BidiFetch, &genlite.Fetch{Broadcast: path, Track: "video"})
			wantEnd(t, s, int(model.CodeUnroutable))
		}
		if _, used := track.Subscription(); used {
			t.Error("the track is subscribed to")
		}
	})
}
