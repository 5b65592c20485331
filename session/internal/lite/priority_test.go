package lite

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// slowConn is a connection whose unidirectional streams share a bottleneck, where they take turns.
type slowConn struct {
	transport.Conn
	slot   chan struct{}
	stuck  func(opened int) bool // the n-th stream takes nothing until it is reset; may be nil
	mu     sync.Mutex
	opened int
	levels []*slowStream
}

const (
	slowPacket = 1400
	slowTime   = 7 * time.Millisecond // for a packet: 200 kB/s
)

func (c *slowConn) OpenUni(ctx context.Context) (transport.SendStream, error) {
	s, err := c.Conn.OpenUni(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	slow := &slowStream{SendStream: s, c: c, stuck: c.stuck != nil && c.stuck(c.opened)}
	c.opened++
	c.levels = append(c.levels, slow)
	return slow, nil
}

type slowStream struct {
	transport.SendStream
	c     *slowConn
	stuck bool

	mu      sync.Mutex
	urgency uint8
}

func (s *slowStream) SetPriority(urgency uint8, _ bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urgency = urgency
}

func (s *slowStream) Write(p []byte) (n int, err error) {
	if s.stuck {
		<-s.Context().Done()
		return s.SendStream.Write(p)
	}
	for n < len(p) && err == nil {
		s.c.slot <- struct{}{}
		time.Sleep(slowTime)
		<-s.c.slot
		var m int
		m, err = s.SendStream.Write(p[n:min(len(p), n+slowPacket)])
		n += m
	}
	return n, err
}

// slow puts a bottleneck in front of what the engine sends.
func slow(stuck func(int) bool) (change func(*rigConfig), conn *slowConn) {
	conn = &slowConn{slot: make(chan struct{}, 1), stuck: stuck}
	return func(c *rigConfig) {
		c.transport.Window = 1 << 20
		c.wrap = func(own transport.Conn) transport.Conn {
			conn.Conn = own
			return conn
		}
	}, conn
}

// arrivals reads all group streams of an engine at once, and notes in which order they end.
type arrivals struct {
	mu    sync.Mutex
	ended []uint64 // sequences of finished groups
	codes map[uint64]uint64
}

func (r *rig) arrivals() *arrivals {
	a := &arrivals{codes: make(map[uint64]uint64)}
	go func() {
		for {
			s, err := r.peer.AcceptUni(r.t.Context())
			if err != nil {
				return
			}
			go a.read(s, r.v)
		}
	}()
	return a
}

func (a *arrivals) read(s transport.ReceiveStream, v genlite.Version) {
	in := newReader(s, v)
	var m genlite.Group
	if kind, err := in.uniType(); err != nil || kind != genlite.UniGroup || in.message(&m) != nil {
		return
	}
	_, err := io.Copy(io.Discard, s)
	var reset *transport.StreamError
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		a.ended = append(a.ended, m.Sequence)
	case errors.As(err, &reset) && reset.Remote:
		a.codes[m.Sequence] = reset.Code
	}
}

// want compares the order of the ends so far, and the codes of the groups that were reset.
func (a *arrivals) want(t *testing.T, ended []uint64, codes map[uint64]uint64) {
	t.Helper()
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	same := len(a.ended) == len(ended) && len(a.codes) == len(codes)
	for i := 0; same && i < len(ended); i++ {
		same = a.ended[i] == ended[i]
	}
	for sequence, code := range codes {
		got, ok := a.codes[sequence]
		same = same && ok && got == code
	}
	if !same {
		t.Errorf("groups %v have ended, and %v were reset; want %v and %v", a.ended, a.codes, ended, codes)
	}
}

// content is 100 kB: half a second on the bottleneck.
var content = strings.Repeat("x", 100_000)

// put writes a group with this number. The tracks of a test number their groups apart.
func put(t *testing.T, track *model.TrackProducer, sequence uint64) {
	t.Helper()
	g, err := track.CreateGroup(sequence)
	must(t, err)
	must(t, g.WriteFrame(model.Frame{Payload: []byte(content)}))
	must(t, g.Finish())
	synctest.Wait()
}

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
