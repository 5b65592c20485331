package lite

import (
	"context"
	"io"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

func TestUrgentTrackAndNewestGroupArriveFirst(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		change, conn := slow(nil)
		r := newRig(t, v, change)
		_, video := r.publish("video", "video")
		_, audio := r.publish("audio", "audio")
		r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 1, Broadcast: "video", Track: "video", Priority: 1})
		r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 2, Broadcast: "audio", Track: "audio", Priority: 2})
		synctest.Wait()
		groups := r.arrivals()
		put(t, video, 0)
		put(t, video, 1)
		put(t, audio, 10)
		put(t, video, 2)
		put(t, audio, 11)
		conn.mu.Lock()
		var urgencies []uint8
		for _, s := range conn.levels[len(conn.levels)-5:] { // the SETUP of some versions is before
			s.mu.Lock()
			urgencies = append(urgencies, s.urgency)
			s.mu.Unlock()
		}
		conn.mu.Unlock()
		if string(urgencies) != "\x06\x06\x05\x05\x04" {
			t.Errorf("the streams have the urgencies %v", urgencies)
		}
		time.Sleep(4 * time.Second)
		groups.want(t, []uint64{11, 10, 2, 1, 0}, nil)
	})
}

func TestOldestGroupOfAnOrderedSubscriptionArrivesFirst(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		if v <= genlite.Version02 {
			return // a subscription has a priority and no other wish
		}
		change, _ := slow(nil)
		r := newRig(t, v, change)
		_, track := r.publish("alice", "video")
		r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "alice", Track: "video", Ordered: true})
		synctest.Wait()
		groups := r.arrivals()
		for i := range uint64(3) {
			put(t, track, i)
		}
		time.Sleep(3 * time.Second)
		groups.want(t, []uint64{0, 1, 2}, nil)
	})
}

func TestUpdateReranksGroupsInFlight(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		if v <= genlite.Version02 {
			return // a subscription has a priority and no other wish
		}
		change, _ := slow(nil)
		r := newRig(t, v, change)
		_, one := r.publish("one", "video")
		_, two := r.publish("two", "video")
		first := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 1, Broadcast: "one", Track: "video", Priority: 1})
		r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 2, Broadcast: "two", Track: "video", Priority: 2})
		synctest.Wait()
		groups := r.arrivals()
		put(t, one, 0)
		put(t, one, 1)
		put(t, two, 10)
		put(t, two, 11)
		time.Sleep(100 * time.Millisecond) // 11 is half done
		r.write(first, &genlite.SubscribeUpdate{Priority: 3, Ordered: true, StartGroup: wire.Some[uint64](0)})
		time.Sleep(4 * time.Second)
		groups.want(t, []uint64{0, 1, 11, 10}, nil)
	})
}

func TestBlockedGroupDoesNotHoldUpOthers(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		if v <= genlite.Version02 {
			return // a subscription has a priority and no other wish
		}
		setup := 0
		if v >= genlite.Version05 {
			setup = 1
		}
		change, _ := slow(func(n int) bool { return n == setup })
		r := newRig(t, v, change)
		_, track := r.publish("alice", "video")
		r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "alice", Track: "video", Ordered: true})
		synctest.Wait()
		groups := r.arrivals()
		put(t, track, 0) // has the best rank, and is stuck
		put(t, track, 1)
		time.Sleep(700 * time.Millisecond)
		groups.want(t, []uint64{1}, nil)
		// In the end it is given up.
		time.Sleep(model.DefaultMaxLatency)
		put(t, track, 2)
		if flights := flights(r); len(flights) != 1 {
			t.Errorf("groups %v in flight, want the last", slices.Collect(maps.Keys(flights)))
		}
	})
}

func TestGroupsTooOldForTheSubscriberAreReset(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		if v <= genlite.Version02 {
			return // a subscription has a priority and no other wish
		}
		change, _ := slow(nil)
		r := newRig(t, v, change)
		_, track := r.publish("alice", "video")
		s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "alice", Track: "video", MaxLatency: 300, StartGroup: wire.Some[uint64](0)})
		synctest.Wait()
		groups := r.arrivals()
		put(t, track, 1)
		time.Sleep(400 * time.Millisecond) // the newest group is never too old
		groups.want(t, nil, nil)
		put(t, track, 2)
		time.Sleep(299 * time.Millisecond)
		groups.want(t, nil, nil)
		time.Sleep(time.Millisecond)
		groups.want(t, nil, map[uint64]uint64{1: uint64(model.CodeOld)})
		put(t, track, 0) // comes late
		time.Sleep(300 * time.Millisecond)
		groups.want(t, []uint64{2}, map[uint64]uint64{1: uint64(model.CodeOld), 0: uint64(model.CodeOld)})

		put(t, track, 3)
		put(t, track, 4)
		r.write(s, &genlite.SubscribeUpdate{}) // no wish
		time.Sleep(2 * time.Second)
		groups.want(t, []uint64{2, 4, 3}, map[uint64]uint64{1: uint64(model.CodeOld), 0: uint64(model.CodeOld)})
	})
}

func TestFetchWaitsBehindMoreUrgentGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		change, _ := slow(nil)
		r := newRig(t, genlite.Version05, change)
		_, track := r.publish("alice", "video")
		put(t, track, 0)
		r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "alice", Track: "video", Priority: 5})
		synctest.Wait()
		put(t, track, 1)
		groups := r.arrivals()
		fetch := r.bidi(genlite.BidiFetch, &genlite.Fetch{Broadcast: "alice", Track: "video", Priority: 1})
		fetched := make(chan int64, 1)
		go func() {
			n, _ := io.Copy(io.Discard, fetch)
			fetched <- n
		}()
		time.Sleep(500 * time.Millisecond)
		if len(fetched) > 0 {
			t.Error("the fetch did not wait")
		}
		time.Sleep(time.Second)
		groups.want(t, []uint64{1, 0}, nil)
		if n := <-fetched; n < int64(len(content)) {
			t.Errorf("%d bytes were fetched", n)
		}
	})
}

// lateConn is a connection on which the first bytes of unidirectional streams come late.
type lateConn struct{ transport.Conn }

type lateStream struct {
	transport.ReceiveStream
	once sync.Once
}

const lateness = time.Minute

func (c lateConn) AcceptUni(ctx context.Context) (transport.ReceiveStream, error) {
	s, err := c.Conn.AcceptUni(ctx)
	return &lateStream{ReceiveStream: s}, err
}

func (s *lateStream) Read(p []byte) (int, error) {
	s.once.Do(func() { time.Sleep(lateness) })
	return s.ReceiveStream.Read(p)
}

// The streams of groups that are not urgent are there, empty, long before it is their turn.
func TestEmptyGroupStreamIsWaitedFor(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""), func(c *rigConfig) {
			c.wrap = func(own transport.Conn) transport.Conn { return lateConn{own} }
		})
		track, id := r.subscribed("alice", "video")
		must(t, r.group(id, 0, r.frame("late")).Close())
		began := time.Now()
		wantFrames(t, track, 0, "late")
		if took := time.Since(began); took < lateness {
			t.Errorf("it came after %v", took)
		}
	})
}
