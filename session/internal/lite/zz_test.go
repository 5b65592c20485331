package lite

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
)

func TestZLoopRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""))
		s := r.listening()
		announce := func(hops ...uint64) {
			r.write(s, &genlite.Announce{Status: genlite.AnnounceStatusActive, Suffix: "alice", Hops: hops})
			synctest.Wait()
		}
		news := r.engine.subscriber.origin.Consume().Announcements()
		show := func() {
			for {
				a, ok, err := news.TryNext()
				if !ok { fmt.Println("--", err); return }
				fmt.Println(a.Path, a.Broadcast != nil, a.Update)
			}
		}
		announce(7); show()
		announce(7, uint64(clientOrigin)); show()
		announce(7, 9); show()
		announce(uint64(clientOrigin)); show()
		announce(8); show()
		r.write(s, &genlite.Announce{Status: genlite.AnnounceStatusRestart, Suffix: "alice", Hops: []uint64{5}})
		synctest.Wait(); show()
		r.alive()
	})
}

// capped range of a finished track
func TestZCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		_, track := r.publish("alice", "video")
		for i := range 6 {
			write(t, track, []uint64{0}, fmt.Sprint(i))
		}
		s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{
			ID: 2, Broadcast: "alice", Track: "video", StartGroup: wire.Some[uint64](1), EndGroup: wire.Some[uint64](2),
		})
		h := record(s)
		began := time.Now()
		synctest.Wait()
		fmt.Println(h.said())
		must(t, track.Finish())
		synctest.Wait()
		fmt.Println("after finish"); fmt.Println(h.said())
		time.Sleep(5 * time.Second)
		synctest.Wait()
		fmt.Println("after 5 s"); fmt.Println(h.said())
		_ = began
		r.write(s, &genlite.SubscribeUpdate{StartGroup: wire.Some[uint64](1)})
		time.Sleep(5 * time.Second)
		fmt.Println(h.said())
		g := collectUni(r)
		synctest.Wait()
		for _, tape := range g.tapes { d, e := tape.said(); fmt.Println(d, e) }
	})
}

// STOP of a group, of subscribe
func TestZStop(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		_, track := r.publish("alice", "video")
		g, err := track.AppendGroup()
		must(t, err)
		must(t, g.WriteFrame(model.Frame{Payload: []byte("x")}))
		s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 2, Broadcast: "alice", Track: "video"})
		h := record(s)
		synctest.Wait()
		for {
		u, err := r.peer.AcceptUni(t.Context())
		must(t, err)
		b := make([]byte, 1)
		_, _ = u.Read(b)
		if b[0] == 1 { continue }
		_, _ = io.ReadFull(u, make([]byte, 5))
		_ = s.Close()
		s.Stop(0)
		synctest.Wait()
		_, err = io.ReadAll(u)
		fmt.Println(v, err)
		break
		}
		fmt.Println(h.said())
		_ = errors.Is
	})
}
