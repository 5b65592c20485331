package model_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// upstream is one source of the path "a", with a track "t".
type upstream struct {
	name string
	b    *model.BroadcastProducer
	t    *model.TrackProducer
}

// upstreamOf publishes a source that has the groups of these numbers already.
func upstreamOf(t *testing.T, o *model.OriginProducer, name string, route model.Route, groups ...uint64) *upstream {
	t.Helper()
	u := &upstream{name: name, b: model.NewBroadcast(route)}
	u.t = must(u.b.CreateTrack("t", model.TrackInfo{}))
	u.write(t, groups...)
	wantNil(t, o.PublishBroadcast("a", u.b.Consume()))
	return u
}

// write makes groups of one frame, which says whose they are.
func (u *upstream) write(t *testing.T, groups ...uint64) {
	t.Helper()
	for _, seq := range groups {
		g := must(u.t.CreateGroup(seq))
		wantNil(t, g.WriteFrame(text(u.name+strconv.FormatUint(seq, 10))))
		wantNil(t, g.Finish())
	}
}

// lose is the abrupt end of a source: of the broadcast, and then of its track.
func (u *upstream) lose(t *testing.T) {
	t.Helper()
	wantNil(t, u.b.Close())
	u.t.Abort(model.ErrTransport)
}

func at(cost uint64) model.Route { return model.Route{Hops: model.OriginList{1}, Cost: cost} }

func readerOf(t *testing.T, o *model.OriginProducer, s model.Subscription) *model.TrackConsumer {
	t.Helper()
	return must(must(o.Consume().Request(bg, "a")).SubscribeTrack("t", s))
}

// wantGroups reads all groups that are there, in order of arrival.
func wantGroups(t *testing.T, c *model.TrackConsumer, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		g, ok, err := c.TryRecvGroup()
		if !ok {
			t.Errorf("no group where %s should be: %v", p, err)
			return
		}
		want(t, "payload", string(must(g.ReadFrame(bg)).Payload), p)
	}
	if g, ok, _ := c.TryRecvGroup(); ok {
		t.Errorf("group %d is one too many", g.Sequence())
	}
}

func wantEnd(t *testing.T, c *model.TrackConsumer, end error) {
	t.Helper()
	_, ok, err := c.TryRecvGroup()
	want(t, "group", ok, false)
	if end == nil {
		wantNil(t, err)
	} else {
		wantErr(t, err, end)
	}
}

func TestResume(t *testing.T) {
	run := func(name string, f func(*testing.T, *model.OriginProducer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, model.NewOrigin(model.WithLinger(time.Minute))) })
		})
	}
	run("16.16/265 after a switch the old source's groups do not count", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(5), 0)
		c := readerOf(t, o, model.Subscription{})
		open := must(a.t.CreateGroup(2))
		b := upstreamOf(t, o, "b", at(1))
		a.write(t, 3, 1, 4) // of which 1 is still the old source's to bring
		wantNil(t, open.WriteFrame(text("a2")))
		wantNil(t, open.Finish())
		wantGroups(t, c, "a0", "a2", "a1")
		b.write(t, 3, 4)
		wantGroups(t, c, "b3", "b4")
	})
	run("16.16/266 a lost source is a pause", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(5), 0)
		c := readerOf(t, o, model.Subscription{})
		a.lose(t)
		wantGroups(t, c, "a0")
		got := later(func() { want(t, "sequence", must(c.RecvGroup(bg)).Sequence(), 1) })
		time.Sleep(30 * time.Second)
		want(t, "returned early", got(), false)
		upstreamOf(t, o, "b", at(5), 0, 1)
		want(t, "returned", got(), true)
	})
	run("16.16/267 the next source begins after the last group seen", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(5), 0, 7)
		c := readerOf(t, o, model.Subscription{})
		a.lose(t)
		upstreamOf(t, o, "b", at(5), 5, 6, 7, 8, 9)
		wantGroups(t, c, "a0", "a7", "b8", "b9")
	})
	run("16.16/268 a source that gave nothing is replaced from the start", func(t *testing.T, o *model.OriginProducer) {
		upstreamOf(t, o, "a", at(5))
		c := readerOf(t, o, model.Subscription{})
		b := upstreamOf(t, o, "b", at(4))
		b.lose(t)
		upstreamOf(t, o, "c", at(3), 0, 1)
		wantGroups(t, c, "c0", "c1")
	})
	run("16.16/269 the end comes after the last source is drained", func(t *testing.T, o *model.OriginProducer) {
		upstreamOf(t, o, "a", at(5), 0)
		c := readerOf(t, o, model.Subscription{})
		b := upstreamOf(t, o, "b", at(1), 0, 1)
		wantNil(t, b.t.Finish())
		wantGroups(t, c, "a0", "b1")
		wantEnd(t, c, eof)
	})
	run("16.16/270 asking for the end takes no group", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(5), 0, 1)
		c := readerOf(t, o, model.Subscription{})
		_, ok := c.FinalSequence()
		want(t, "known early", ok, false)
		wantNil(t, a.t.Finish())
		end, ok := c.FinalSequence()
		want(t, "known", ok, true)
		want(t, "end", end, 2)
		wantGroups(t, c, "a0", "a1")
	})
	run("16.16/271 a group that both sources have is read once", func(t *testing.T, o *model.OriginProducer) {
		upstreamOf(t, o, "a", at(5), 0, 1, 2)
		c := readerOf(t, o, model.Subscription{})
		upstreamOf(t, o, "b", at(1), 1, 2, 3)
		var seqs []uint64
		for range 4 {
			seqs = append(seqs, must(c.NextGroup(bg)).Sequence())
		}
		for i, seq := range seqs {
			want(t, "sequence", seq, uint64(i))
		}
	})
	run("16.16/272 who reads from the live edge still does", func(t *testing.T, o *model.OriginProducer) {
		upstreamOf(t, o, "a", at(5))
		readerOf(t, o, model.Subscription{Priority: 3})
		b := upstreamOf(t, o, "b", at(4), 0, 1)
		s, ok := b.t.Subscription()
		want(t, "wanted", ok, true)
		want(t, "start after nothing", s.Start.Set, false)
		want(t, "priority", s.Priority, 3)
		c := upstreamOf(t, o, "c", at(3))
		s, _ = c.t.Subscription()
		want(t, "start after something", s.Start.Set, false)
	})
	run("16.16/273 an explicit start is raised to what is missing", func(t *testing.T, o *model.OriginProducer) {
		upstreamOf(t, o, "a", at(5), 2, 3, 4)
		readerOf(t, o, model.Subscription{Start: model.At(2)})
		b := upstreamOf(t, o, "b", at(1))
		s, _ := b.t.Subscription()
		want(t, "start", s.Start, model.At(5))
	})
	run("16.16/276 what ended one way cannot end another way", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(5), 0)
		c := readerOf(t, o, model.Subscription{})
		wantNil(t, a.t.Finish())
		wantErr(t, a.t.Finish(), model.ErrClosed)
		a.t.Abort(model.ErrTimeout)
		wantGroups(t, c, "a0")
		wantEnd(t, c, eof)

		o = model.NewOrigin()
		a = upstreamOf(t, o, "a", at(5), 0)
		c = readerOf(t, o, model.Subscription{})
		a.t.Abort(model.ErrTimeout)
		wantErr(t, a.t.Finish(), model.ErrTimeout)
		wantGroups(t, c, "a0")
		wantEnd(t, c, model.ErrTimeout)
	})
	run("16.16/278 whatever the number of switches, a reader gets what the first sources gave", func(t *testing.T, o *model.OriginProducer) {
		var all []string
		upstreamOf(t, o, "s0-", at(100), 0)
		c := readerOf(t, o, model.Subscription{})
		all = append(all, "s0-0")
		for i := uint64(1); i < 6; i++ {
			name := "s" + strconv.FormatUint(i, 10) + "-"
			upstreamOf(t, o, name, at(100-i), i)
			all = append(all, name+strconv.FormatUint(i, 10))
		}
		wantGroups(t, c, all...)
	})
	run("16.16/279 after an idle track was let go, lower numbers begin anew", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(5), 70, 71)
		wantNil(t, readerOf(t, o, model.Subscription{}).Close())
		time.Sleep(31 * time.Second)
		a.lose(t)
		upstreamOf(t, o, "b", at(5), 3, 4)
		wantGroups(t, readerOf(t, o, model.Subscription{}), "b3", "b4")
	})
	run("16.16/281 a source hears of each change of what is wanted", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(5))
		c := readerOf(t, o, model.Subscription{Priority: 1})
		for _, p := range []uint8{2, 9} {
			changed := a.t.SubscriptionChanged()
			wantNil(t, c.Update(model.Subscription{Priority: p}))
			<-changed
			s, _ := a.t.Subscription()
			want(t, "priority", s.Priority, p)
		}
	})
	run("16.16/282 the latest group is one of those that count", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(5), 0, 1)
		c := readerOf(t, o, model.Subscription{})
		b := upstreamOf(t, o, "b", at(1))
		a.write(t, 50)
		latest, _ := c.Latest()
		want(t, "after the old source went on", latest, 1)
		b.write(t, 2)
		latest, _ = c.Latest()
		want(t, "after the new one", latest, 2)
	})
}

// Without linger the loss of the last source ends the tracks.
func TestLossEndsTracks(t *testing.T) {
	t.Run("16.16/275 an error comes after what is there", func(t *testing.T) {
		o := model.NewOrigin()
		a := upstreamOf(t, o, "a", at(5), 0, 1)
		c := readerOf(t, o, model.Subscription{})
		a.lose(t)
		wantGroups(t, c, "a0", "a1")
		wantEnd(t, c, model.ErrTransport)
	})
	t.Run("16.16/277 who waits for anything of a track that was dropped hears of it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := model.NewOrigin()
			a := upstreamOf(t, o, "a", at(5), 0)
			c := readerOf(t, o, model.Subscription{})
			group := later(func() { _, err := c.GetGroup(bg, 8); wantErr(t, err, model.ErrDropped) })
			datagram := later(func() { _, err := c.RecvDatagram(bg); wantErr(t, err, model.ErrDropped) })
			want(t, "early", group() || datagram(), false)
			wantNil(t, a.t.Close())
			wantNil(t, a.b.Close())
			want(t, "a waiter for a group", group(), true)
			want(t, "a waiter for datagrams", datagram(), true)
			<-c.Closed()
			wantErr(t, c.Err(), model.ErrDropped)
			wantGroups(t, c, "a0")
			wantEnd(t, c, model.ErrDropped)
		})
	})
}
