package model_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/moqrx/moqrx/model"
)

func cached(p *model.TrackProducer) []uint64 {
	c := p.Consume(model.Subscription{})
	defer func() { _ = c.Close() }()
	seqs, _ := recvAll(c.TryRecvGroup)
	return seqs
}

func TestTrackRetention(t *testing.T) {
	run := func(name string, f func(*testing.T, *model.TrackProducer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newTrack(t)) })
		})
	}
	const age, tick = 5 * time.Second, 100 * time.Millisecond
	run("16.9/173 what is older than 5 s goes with the next group", func(t *testing.T, p *model.TrackProducer) {
		create(t, p, 0, 1)
		time.Sleep(age)
		create(t, p, 2)
		wantSeqs(t, "at exactly 5 s", cached(p), 0, 1, 2)
		time.Sleep(tick)
		create(t, p, 3)
		wantSeqs(t, "a tick after", cached(p), 2, 3)
	})
	run("16.9/174 the newest sequence stays", func(t *testing.T, p *model.TrackProducer) {
		create(t, p, 5)
		time.Sleep(2 * age)
		create(t, p, 3)
		wantSeqs(t, "cached", cached(p), 5, 3)
	})
	run("16.9/175 fresh groups stay", func(t *testing.T, p *model.TrackProducer) {
		for seq := range uint64(5) {
			create(t, p, seq)
			time.Sleep(age / 5)
		}
		wantSeqs(t, "cached", cached(p), 0, 1, 2, 3, 4)
	})
	run("16.9/176 a reader starts at the oldest left", func(t *testing.T, p *model.TrackProducer) {
		early := p.Consume(model.Subscription{})
		create(t, p, 0)
		time.Sleep(2 * age)
		create(t, p, 1)
		want(t, "new reader", must(p.Consume(model.Subscription{}).RecvGroup(bg)).Sequence(), 1)
		want(t, "old reader", must(early.RecvGroup(bg)).Sequence(), 1)
	})
	run("16.9/177 the newest sequence survives in front of others", func(t *testing.T, p *model.TrackProducer) {
		create(t, p, 5, 3, 4)
		time.Sleep(2 * age)
		create(t, p, 2)
		wantSeqs(t, "cached", cached(p), 5, 2)
		create(t, p, 3, 4)
		wantSeqs(t, "numbers free again", cached(p), 5, 2, 3, 4)
	})
	run("16.9/178 a late group behind the newest sequence is readable", func(t *testing.T, p *model.TrackProducer) {
		create(t, p, 5)
		time.Sleep(2 * age)
		create(t, p, 4)
		wantSeqs(t, "cached", cached(p), 5, 4)
	})
	run("the newest sequence in front does not keep the others", func(t *testing.T, p *model.TrackProducer) {
		create(t, p, 1000)
		for seq := range uint64(100) {
			create(t, p, seq)
			time.Sleep(age)
		}
		create(t, p, 500)
		wantSeqs(t, "cached", cached(p), 1000, 99, 500)
	})
	run("16.9/181 who has read a finished group sees its clean end though it aged out", func(t *testing.T, p *model.TrackProducer) {
		wantNil(t, p.WriteFrame(text("x")))
		drained := must(p.Consume(model.Subscription{}).RecvGroup(bg))
		behind := drained.Clone()
		_ = must(drained.ReadFrame(bg))
		time.Sleep(2 * age)
		create(t, p, 1)
		wantSeqs(t, "cached", cached(p), 1)
		_, err := drained.ReadFrame(bg)
		wantErr(t, err, eof)
		_, err = behind.ReadFrame(bg)
		wantErr(t, err, model.ErrOld)
	})
	run("an open group that aged out takes no more frames", func(t *testing.T, p *model.TrackProducer) {
		g := must(p.AppendGroup())
		c := must(p.Consume(model.Subscription{}).RecvGroup(bg))
		read := later(func() {
			_, err := c.ReadFrame(bg)
			wantErr(t, err, model.ErrOld)
		})
		time.Sleep(2 * age)
		want(t, "returned early", read(), false)
		create(t, p, 1)
		want(t, "returned", read(), true)
		wantErr(t, g.WriteFrame(text("late")), model.ErrOld)
		wantErr(t, g.Finish(), model.ErrOld)
	})
	run("16.9/182 a frame starts the clock of its group anew", func(t *testing.T, p *model.TrackProducer) {
		old := must(p.AppendGroup())
		create(t, p, 1)
		time.Sleep(age - tick)
		wantNil(t, old.WriteFrame(text("late")))
		time.Sleep(age - tick)
		create(t, p, 2)
		wantSeqs(t, "written", cached(p), 0, 2)
		f := must(old.CreateFrame(model.FrameInfo{Size: 2}))
		time.Sleep(age - tick)
		write(t, f, "a")
		time.Sleep(age - tick)
		create(t, p, 3)
		wantSeqs(t, "written in pieces", cached(p), 0, 3)
		time.Sleep(age + 2*tick)
		create(t, p, 4)
		wantSeqs(t, "not written", cached(p), 4)
	})
	run("frames of the live edge let older groups go", func(t *testing.T, p *model.TrackProducer) {
		create(t, p, 0)
		edge := must(p.AppendGroup())
		time.Sleep(age + 2*tick)
		wantNil(t, edge.WriteFrame(text("x")))
		wantSeqs(t, "cached", cached(p), 1)
	})
	run("16.9/183 what is used in front does not keep what is old behind it", func(t *testing.T, p *model.TrackProducer) {
		create(t, p, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
		c := p.Consume(model.Subscription{})
		for range 10 {
			time.Sleep(age / 5)
			for seq := range uint64(4) { // as many as a write looks at
				_ = must(c.GetGroup(bg, seq))
			}
		}
		for seq := range uint64(4) {
			create(t, p, 10+seq)
		}
		wantSeqs(t, "cached", cached(p), 0, 1, 2, 3, 10, 11, 12, 13)
	})
	run("a write looks at four groups", func(t *testing.T, p *model.TrackProducer) {
		create(t, p, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
		time.Sleep(2 * age)
		create(t, p, 10)
		want(t, "cached", len(cached(p)), 11-4)
		create(t, p, 11)
		want(t, "cached", len(cached(p)), 12-8)
	})
	run("an idle track keeps what it has", func(t *testing.T, p *model.TrackProducer) {
		create(t, p, 0, 1, 2)
		time.Sleep(time.Hour)
		wantSeqs(t, "cached", cached(p), 0, 1, 2)
	})
	run("16.8/170 a parked group that left is not delivered", func(t *testing.T, p *model.TrackProducer) {
		create(t, p, 4, 9)
		c := p.Consume(model.Subscription{End: model.At(3)})
		_, _ = recvAll(c.TryRecvGroup)
		time.Sleep(2 * age)
		create(t, p, 2)
		wantNil(t, p.Finish())
		wantNil(t, c.Update(model.Subscription{}))
		got, end := recvAll(c.TryRecvGroup)
		wantSeqs(t, "left", got, 9, 2)
		wantErr(t, end, eof)
	})
	run("16.8/171 a reader that waits for a parked group wakes when it is evicted", func(t *testing.T, p *model.TrackProducer) {
		edge := must(p.CreateGroup(9))
		c := p.Consume(model.Subscription{})
		_ = must(c.RecvGroup(bg))
		wantNil(t, c.Update(model.Subscription{End: model.At(3)}))
		create(t, p, 4)
		wantNil(t, p.Finish())
		read := later(func() {
			_, err := c.RecvGroup(bg)
			wantErr(t, err, eof)
		})
		want(t, "returned early", read(), false)
		time.Sleep(2 * age)
		wantNil(t, edge.WriteFrame(text("x")))
		want(t, "returned", read(), true)
	})
	t.Run("16.9/180 the ceiling of an origin clamps the track's retention", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := must(model.NewBroadcastIn(nil, time.Second).CreateTrack("t", model.TrackInfo{MaxLatency: time.Minute}))
			want(t, "info", p.Info().MaxLatency, time.Second)
			create(t, p, 0, 1)
			time.Sleep(2 * time.Second)
			create(t, p, 2)
			wantSeqs(t, "cached", cached(p), 2)
			p = must(model.NewBroadcastIn(nil, time.Minute).CreateTrack("t", model.TrackInfo{MaxLatency: time.Second}))
			want(t, "below the ceiling", p.Info().MaxLatency, time.Second)
		})
	})
	t.Run("no group is kept for less than its time, however the ticks fall", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for range 10 {
				p := must(model.NewBroadcast(model.Route{}).CreateTrack("t", model.TrackInfo{MaxLatency: 150 * time.Millisecond}))
				create(t, p, 0, 1)
				time.Sleep(150 * time.Millisecond)
				create(t, p, 2)
				wantSeqs(t, "in time", cached(p), 0, 1, 2)
				time.Sleep(2 * tick)
				create(t, p, 3)
				wantSeqs(t, "out of it", cached(p), 2, 3)
				time.Sleep(tick / 10)
			}
		})
	})
	t.Run("16.9/179 the track's own retention counts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := model.NewBroadcast(model.Route{})
			p := must(b.CreateTrack("t", model.TrackInfo{MaxLatency: time.Second}))
			create(t, p, 0, 1)
			time.Sleep(2 * time.Second)
			create(t, p, 2)
			wantSeqs(t, "cached", cached(p), 2)
		})
	})
	run("16.9/184 an aborted sequence can be made again and arrives again", func(t *testing.T, p *model.TrackProducer) {
		must(p.CreateGroup(1)).Abort(model.ErrTimeout)
		create(t, p, 2)
		g := must(p.CreateGroup(1))
		wantNil(t, g.WriteFrame(text("again")))
		wantSeqs(t, "cached", cached(p), 2, 1)
		want(t, "payload", string(must(must(p.Consume(model.Subscription{}).GetGroup(bg, 1)).ReadFrame(bg)).Payload), "again")
	})
}

// probe returns whether the payload of the first frame of group 0 is still in memory.
func probe(p *model.TrackProducer) func() bool {
	g := must(p.Consume(model.Subscription{}).GetGroup(bg, 0))
	w := weak.Make(&must(g.ReadFrame(bg)).Payload[0])
	return func() bool {
		runtime.GC()
		return w.Value() != nil
	}
}

func TestNothingIsPinned(t *testing.T) {
	for name, end := range map[string]func(*model.TrackProducer){
		"16.23/389 abort": func(p *model.TrackProducer) { p.Abort(model.ErrCancel) },
		"16.23/389 drop":  func(p *model.TrackProducer) { _ = p.Close() },
		"16.23/391 age": func(p *model.TrackProducer) {
			_ = must(p.AppendGroup())
			time.Sleep(6 * time.Second)
			_ = must(p.AppendGroup())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newTrack(t)
				stale := p.Consume(model.Subscription{})
				wantNil(t, p.WriteFrame(model.Frame{Payload: make([]byte, 1<<10)}))
				alive := probe(p)
				want(t, "in memory before", alive(), true)
				end(p)
				want(t, "in memory after", alive(), false)
				runtime.KeepAlive(stale)
			})
		})
	}
	t.Run("16.13/220 a stale group reader after the abort", func(t *testing.T) {
		p := newTrack(t)
		g := must(p.AppendGroup())
		wantNil(t, g.WriteFrame(model.Frame{Payload: make([]byte, 1<<10)}))
		alive := probe(p)
		stale := g.Consume()
		want(t, "in memory before", alive(), true)
		g.Abort(model.ErrCancel)
		want(t, "in memory after", alive(), false)
		runtime.KeepAlive(stale)
	})
	t.Run("16.13/224 a frame that left its group", func(t *testing.T) {
		p := newTrack(t)
		g := must(p.AppendGroup())
		wantNil(t, g.WriteFrame(model.Frame{Payload: make([]byte, 1<<10)}))
		alive := probe(p)
		for range 100 {
			wantNil(t, g.WriteFrame(text("small")))
		}
		for range 4 {
			wantNil(t, g.WriteFrame(model.Frame{Payload: make([]byte, 8<<20)}))
		}
		want(t, "in memory after", alive(), false)
		runtime.KeepAlive(g)
	})
	t.Run("the tracks of an ended broadcast", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		stale := b.Consume()
		alive := func() func() bool {
			p := must(b.CreateTrack("t", model.TrackInfo{}))
			wantNil(t, p.WriteFrame(model.Frame{Payload: make([]byte, 1<<10)}))
			return probe(p)
		}()
		want(t, "in memory before", alive(), true)
		b.Abort(nil)
		want(t, "in memory after", alive(), false)
		runtime.KeepAlive(stale)
	})
}
