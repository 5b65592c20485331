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
	const age = 5 * time.Second
	run("16.9/173 what is older than 5 s goes with the next group", func(t *testing.T, p *model.TrackProducer) {
		create(t, p, 0, 1)
		time.Sleep(age)
		create(t, p, 2)
		wantSeqs(t, "at exactly 5 s", cached(p), 0, 1, 2)
		time.Sleep(time.Nanosecond)
		create(t, p, 3)
		wantSeqs(t, "just after", cached(p), 2, 3)
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
	run("16.9/181 a held group reads on after it left, to its clean end", func(t *testing.T, p *model.TrackProducer) {
		g := must(p.AppendGroup())
		c := must(p.Consume(model.Subscription{}).RecvGroup(bg))
		time.Sleep(2 * age)
		create(t, p, 1)
		wantSeqs(t, "cached", cached(p), 1)
		wantNil(t, g.WriteFrame(text("on")))
		wantNil(t, g.Finish())
		want(t, "payload", string(must(c.ReadFrame(bg)).Payload), "on")
		_, err := c.ReadFrame(bg)
		wantErr(t, err, eof)
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
	t.Run("16.6/126 and 127 the tracks of an ended broadcast", func(t *testing.T) {
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
