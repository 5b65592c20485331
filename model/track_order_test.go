package model_test

import (
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

func TestTrackOrder(t *testing.T) {
	sub := model.Subscription{}
	t.Run("16.8/152 next leaves out what is late", func(t *testing.T) {
		p := newTrack(t)
		c := p.Consume(sub)
		create(t, p, 5)
		want(t, "first", must(c.NextGroup(bg)).Sequence(), 5)
		create(t, p, 3, 4)
		got, _ := recvAll(c.TryNextGroup)
		wantSeqs(t, "late", got)
	})
	t.Run("16.8/153 next in order", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 3, 5)
		got, _ := recvAll(p.Consume(sub).TryNextGroup)
		wantSeqs(t, "next", got, 3, 5)
	})
	t.Run("16.8/155 next and recv are independent", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 5, 3)
		c := p.Consume(sub)
		want(t, "next", must(c.NextGroup(bg)).Sequence(), 3)
		got, _ := recvAll(c.TryRecvGroup)
		wantSeqs(t, "recv", got, 5, 3)
		want(t, "next", must(c.NextGroup(bg)).Sequence(), 5)
	})
	t.Run("16.8/172 recv serves what arrived late", func(t *testing.T) {
		p := newTrack(t)
		c := p.Consume(sub)
		create(t, p, 1, 2)
		_, _ = recvAll(c.TryRecvGroup)
		create(t, p, 0)
		got, _ := recvAll(c.TryRecvGroup)
		wantSeqs(t, "recv", got, 0)
	})
	t.Run("a clone goes on from both positions", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 1, 2, 3)
		c := p.Consume(sub)
		_, _ = must(c.RecvGroup(bg)), must(c.NextGroup(bg))
		_ = must(c.NextGroup(bg))
		d := c.Clone()
		want(t, "clone", d.IsClone(c), true)
		for _, c := range []*model.TrackConsumer{c, d} {
			got, _ := recvAll(c.TryRecvGroup)
			wantSeqs(t, "recv", got, 2, 3)
			got, _ = recvAll(c.TryNextGroup)
			wantSeqs(t, "next", got, 3)
		}
	})
	t.Run("a start is inclusive", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 1, 2, 3)
		c := p.Consume(model.Subscription{Start: model.At(2)})
		got, _ := recvAll(c.TryRecvGroup)
		wantSeqs(t, "recv", got, 2, 3)
		got, _ = recvAll(c.TryNextGroup)
		wantSeqs(t, "next", got, 2, 3)
	})
	t.Run("waiting and trying misses nothing", func(t *testing.T) {
		p := newTrack(t)
		c := p.Consume(sub)
		var g *model.GroupProducer
		steps := []struct {
			do  func()
			try func() (bool, error)
		}{
			{func() { g = must(p.AppendGroup()) }, func() (bool, error) { _, ok, err := c.TryRecvGroup(); return ok, err }},
			{func() { wantNil(t, g.WriteFrame(text("x"))) }, func() (bool, error) { _, ok, err := c.Clone().TryReadFrame(); return ok, err }},
			{func() { create(t, p, 1) }, func() (bool, error) { _, ok, err := c.TryRecvGroup(); return ok, err }},
			{func() { wantNil(t, p.Finish()) }, func() (bool, error) { _, ok, err := c.TryRecvGroup(); return ok, err }},
		}
		for i, s := range steps {
			if i == 1 {
				c = p.Consume(sub) // ReadFrame shares its cursor with RecvGroup
			}
			wait := c.Wait()
			ok, err := s.try()
			want(t, "ready", ok || err != nil, false)
			s.do()
			<-wait
			ok, err = s.try()
			want(t, "ready after the change", ok || err != nil, true)
			if i == 1 {
				_, _ = recvAll(c.TryRecvGroup)
			}
		}
	})
}

func TestTrackReadFrame(t *testing.T) {
	sub := model.Subscription{}
	frame := func(t *testing.T, p *model.TrackProducer, seq uint64, s ...string) *model.GroupProducer {
		t.Helper()
		g := must(p.CreateGroup(seq))
		for _, s := range s {
			wantNil(t, g.WriteFrame(text(s)))
		}
		return g
	}
	t.Run("16.8/156 one frame per group", func(t *testing.T) {
		p := newTrack(t)
		wantNil(t, p.WriteFrame(text("a")))
		wantNil(t, p.WriteFrame(text("b")))
		c := p.Consume(sub)
		want(t, "1", string(must(c.ReadFrame(bg)).Payload), "a")
		want(t, "2", string(must(c.ReadFrame(bg)).Payload), "b")
	})
	t.Run("16.8/157 a stalled group is passed by", func(t *testing.T) {
		p := newTrack(t)
		frame(t, p, 3)
		frame(t, p, 5, "five")
		c := p.Consume(sub)
		want(t, "frame", string(must(c.ReadFrame(bg)).Payload), "five")
		got, _ := recvAll(c.TryRecvGroup)
		wantSeqs(t, "left", got)
	})
	t.Run("16.8/158 the rest of the group is left out", func(t *testing.T) {
		p := newTrack(t)
		frame(t, p, 0, "a", "b")
		frame(t, p, 1, "c")
		c := p.Consume(sub)
		want(t, "1", string(must(c.ReadFrame(bg)).Payload), "a")
		want(t, "2", string(must(c.ReadFrame(bg)).Payload), "c")
	})
	t.Run("16.8/159 an open group holds the end back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newTrack(t)
			g := frame(t, p, 0)
			f := must(g.CreateFrame(model.FrameInfo{Size: 2}))
			wantNil(t, p.Finish())
			c := p.Consume(sub)
			read := later(func() { want(t, "frame", string(must(c.ReadFrame(bg)).Payload), "ab") })
			want(t, "returned early", read(), false)
			write(t, f, "a")
			want(t, "returned early", read(), false)
			write(t, f, "b")
			want(t, "returned", read(), true)
			_, err := c.ReadFrame(bg)
			wantErr(t, err, eof)
		})
	})
	t.Run("16.8/159 until it ends empty or fails", func(t *testing.T) {
		for name, end := range map[string]func(*model.GroupProducer){
			"finish": func(g *model.GroupProducer) { _ = g.Finish() },
			"abort":  func(g *model.GroupProducer) { g.Abort(model.ErrTimeout) },
			"drop":   func(g *model.GroupProducer) { _ = g.Close() },
		} {
			synctest.Test(t, func(t *testing.T) {
				p := newTrack(t)
				g := frame(t, p, 0)
				wantNil(t, p.Finish())
				c := p.Consume(sub)
				read := later(func() {
					_, err := c.ReadFrame(bg)
					wantErr(t, err, eof)
				})
				want(t, name+": returned early", read(), false)
				end(g)
				want(t, name+": returned", read(), true)
			})
		}
	})
	t.Run("16.8/160 the start is respected", func(t *testing.T) {
		p := newTrack(t)
		frame(t, p, 3, "three")
		frame(t, p, 5, "five")
		c := p.Consume(model.Subscription{Start: model.At(5)})
		want(t, "frame", string(must(c.ReadFrame(bg)).Payload), "five")
	})
	t.Run("16.8/161 the end of a drained track", func(t *testing.T) {
		p := newTrack(t)
		wantNil(t, p.WriteFrame(text("a")))
		wantNil(t, p.Finish())
		c := p.Consume(sub)
		_ = must(c.ReadFrame(bg))
		_, err := c.ReadFrame(bg)
		wantErr(t, err, eof)
	})
	t.Run("16.8/162 the timestamp is kept", func(t *testing.T) {
		p := newTrack(t)
		ts := model.Timestamp{Value: 77, Scale: model.Millis}
		wantNil(t, p.WriteFrame(model.Frame{Timestamp: ts}))
		want(t, "timestamp", must(p.Consume(sub).ReadFrame(bg)).Timestamp, ts)
	})
	t.Run("sequences only rise", func(t *testing.T) {
		p := newTrack(t)
		c := p.Consume(sub)
		frame(t, p, 5, "five")
		_ = must(c.ReadFrame(bg))
		frame(t, p, 3, "late")
		_, ok, err := c.TryReadFrame()
		want(t, "late frame", ok, false)
		wantNil(t, err)
	})
	t.Run("a failed group is left out", func(t *testing.T) {
		p := newTrack(t)
		frame(t, p, 0, "gone").Abort(model.ErrTimeout)
		frame(t, p, 1, "here")
		want(t, "frame", string(must(p.Consume(sub).ReadFrame(bg)).Payload), "here")
	})
	t.Run("a group beyond the end is kept for later", func(t *testing.T) {
		p := newTrack(t)
		frame(t, p, 9, "nine")
		frame(t, p, 1, "one")
		wantNil(t, p.Finish())
		c := p.Consume(model.Subscription{End: model.At(5)})
		want(t, "inside", string(must(c.ReadFrame(bg)).Payload), "one")
		_, ok, err := c.TryReadFrame()
		want(t, "beyond", ok, false)
		wantNil(t, err)
		wantNil(t, c.Update(sub))
		want(t, "after the update", string(must(c.ReadFrame(bg)).Payload), "nine")
		_, err = c.ReadFrame(bg)
		wantErr(t, err, eof)
	})
	t.Run("one that was kept and cannot be read any more does not hold the end back", func(t *testing.T) {
		p := newTrack(t)
		failed := frame(t, p, 9, "nine")
		frame(t, p, 8, "eight")
		frame(t, p, 1, "one")
		wantNil(t, p.Finish())
		c := p.Consume(model.Subscription{End: model.At(5)})
		_ = must(c.ReadFrame(bg))
		failed.Abort(nil)
		wantNil(t, c.Update(sub))
		want(t, "by NextGroup", must(c.NextGroup(bg)).Sequence(), 8)
		_, _, err := c.TryReadFrame()
		wantErr(t, err, eof)
	})
}

func TestTrackEndBound(t *testing.T) {
	capped := func(n uint64) model.Subscription { return model.Subscription{End: model.At(n)} }
	t.Run("16.8/163 next stops at the end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newTrack(t)
			create(t, p, 0, 1, 2, 3)
			c := p.Consume(capped(2))
			got, end := recvAll(c.TryNextGroup)
			wantSeqs(t, "capped", got, 0, 1, 2)
			wantNil(t, end)
			read := later(func() { _, _ = c.NextGroup(bg) })
			want(t, "returned", read(), false)
			create(t, p, 4)
			want(t, "returned for a group beyond it", read(), false)
			wantNil(t, c.Close())
		})
	})
	t.Run("16.8/164 what is held back flows when the end is raised or removed", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 0, 1, 2, 3, 4)
		c := p.Consume(capped(2))
		_, _ = recvAll(c.TryNextGroup)
		wantNil(t, c.Update(capped(3)))
		got, _ := recvAll(c.TryNextGroup)
		wantSeqs(t, "raised", got, 3)
		wantNil(t, c.Update(model.Subscription{}))
		got, _ = recvAll(c.TryNextGroup)
		wantSeqs(t, "removed", got, 4)
	})
	t.Run("16.8/165 an end below the cursor parks", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 0, 1, 2)
		c := p.Consume(model.Subscription{})
		_, _ = recvAll(c.TryNextGroup)
		wantNil(t, c.Update(capped(1)))
		create(t, p, 3)
		got, _ := recvAll(c.TryNextGroup)
		wantSeqs(t, "parked", got)
		wantNil(t, c.Update(model.Subscription{}))
		got, _ = recvAll(c.TryNextGroup)
		wantSeqs(t, "lifted", got, 3)
	})
	t.Run("16.8/166 out of order around the end", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 2, 5, 1, 3)
		c := p.Consume(capped(3))
		got, _ := recvAll(c.TryNextGroup)
		wantSeqs(t, "capped", got, 1, 2, 3)
		create(t, p, 4)
		wantNil(t, c.Update(capped(5)))
		got, _ = recvAll(c.TryNextGroup)
		wantSeqs(t, "raised", got, 4, 5)
	})
	t.Run("16.8/167 recv parks and re-offers, lowest first, also after finish", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 0, 7, 5, 1)
		c := p.Consume(capped(3))
		wantNil(t, p.Finish())
		got, end := recvAll(c.TryRecvGroup)
		wantSeqs(t, "capped", got, 0, 1)
		wantNil(t, end)
		wantNil(t, c.Update(model.Subscription{}))
		got, end = recvAll(c.TryRecvGroup)
		wantSeqs(t, "lifted", got, 5, 7)
		wantErr(t, end, eof)
	})
	t.Run("16.8/168 recv serves what arrives behind the end", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 9, 1)
		c := p.Consume(capped(3))
		want(t, "first", must(c.RecvGroup(bg)).Sequence(), 1)
	})
	t.Run("16.8/169 a raised start drops what is parked below it", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 4, 5, 6)
		c := p.Consume(capped(3))
		_, _ = recvAll(c.TryRecvGroup)
		wantNil(t, c.Update(model.Subscription{Start: model.At(6)}))
		got, _ := recvAll(c.TryRecvGroup)
		wantSeqs(t, "left", got, 6)
	})
	t.Run("a clone keeps what is parked", func(t *testing.T) {
		p := newTrack(t)
		create(t, p, 4)
		c := p.Consume(capped(3))
		_, _ = recvAll(c.TryRecvGroup)
		d := c.Clone()
		wantNil(t, d.Update(model.Subscription{}))
		got, _ := recvAll(d.TryRecvGroup)
		wantSeqs(t, "clone", got, 4)
		got, _ = recvAll(c.TryRecvGroup)
		wantSeqs(t, "original", got)
	})
}
