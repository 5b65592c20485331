package model_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

func TestSubscriptions(t *testing.T) {
	aggregate := func(t *testing.T, info model.TrackInfo, subs ...model.Subscription) model.Subscription {
		t.Helper()
		p := must(model.NewBroadcast(model.Route{}).CreateTrack("t", info))
		for _, s := range subs {
			want(t, "raw", p.Consume(s).Subscription(), s)
		}
		agg, ok := p.Subscription()
		want(t, "used", ok, len(subs) > 0)
		return agg
	}
	s := func(d time.Duration) model.Subscription { return model.Subscription{MaxLatency: d} }
	t.Run("16.10/185 latency: the longest, within the track's window", func(t *testing.T) {
		info := model.TrackInfo{MaxLatency: 2 * time.Second}
		want(t, "clamped", aggregate(t, info, s(time.Second/2), s(10*time.Second)).MaxLatency, 2*time.Second)
		want(t, "inside", aggregate(t, info, s(time.Second/2), s(0)).MaxLatency, time.Second/2)
		want(t, "zero", aggregate(t, info, s(0)).MaxLatency, 0)
		want(t, "negative", aggregate(t, info, s(-time.Hour)).MaxLatency, 0)
	})
	t.Run("16.10/186 also after an update", func(t *testing.T) {
		p := must(model.NewBroadcast(model.Route{}).CreateTrack("t", model.TrackInfo{MaxLatency: time.Second}))
		c := p.Consume(s(0))
		wantNil(t, c.Update(s(time.Hour)))
		agg, _ := p.Subscription()
		want(t, "clamped", agg.MaxLatency, time.Second)
		want(t, "raw", c.Subscription().MaxLatency, time.Hour)
	})
	t.Run("16.10/187 ordered only when all are", func(t *testing.T) {
		o := model.Subscription{Ordered: true}
		want(t, "all", aggregate(t, model.TrackInfo{}, o, o).Ordered, true)
		want(t, "one not", aggregate(t, model.TrackInfo{}, o, model.Subscription{}, o).Ordered, false)
	})
	t.Run("16.10/188 the earliest explicit start", func(t *testing.T) {
		from := func(n uint64) model.Subscription { return model.Subscription{Start: model.At(n)} }
		want(t, "start", aggregate(t, model.TrackInfo{}, from(10), model.Subscription{}, from(5)).Start, model.At(5))
		want(t, "none", aggregate(t, model.TrackInfo{}, model.Subscription{}).Start, model.GroupBound{})
	})
	t.Run("16.10/189 the latest end, unless one has none", func(t *testing.T) {
		to := func(n uint64) model.Subscription { return model.Subscription{End: model.At(n)} }
		want(t, "latest", aggregate(t, model.TrackInfo{}, to(10), to(20), to(5)).End, model.At(20))
		want(t, "unbounded", aggregate(t, model.TrackInfo{}, to(10), model.Subscription{}, to(20)).End, model.GroupBound{})
	})
	t.Run("priority: the highest", func(t *testing.T) {
		pr := func(n uint8) model.Subscription { return model.Subscription{Priority: n} }
		want(t, "priority", aggregate(t, model.TrackInfo{}, pr(3), pr(200), pr(5)).Priority, 200)
	})
	t.Run("16.10/190 who left has no say", func(t *testing.T) {
		p := newTrack(t)
		c, ghost := p.Consume(model.Subscription{Ordered: true}), p.Consume(model.Subscription{Priority: 9})
		wantNil(t, ghost.Close())
		agg, _ := p.Subscription()
		want(t, "aggregate", agg, model.Subscription{Ordered: true})
		wantNil(t, c.Close())
		agg, ok := p.Subscription()
		want(t, "used", ok, false)
		want(t, "aggregate", agg, model.Subscription{})
	})
	t.Run("16.10/191 the last one to leave wakes the producer", func(t *testing.T) {
		p := newTrack(t)
		c := p.Consume(model.Subscription{})
		changed := p.SubscriptionChanged()
		wantNil(t, c.Close())
		<-changed
		changed = p.SubscriptionChanged()
		d := p.Consume(model.Subscription{})
		<-changed
		changed = p.SubscriptionChanged()
		wantNil(t, d.Update(model.Subscription{Priority: 1}))
		<-changed
	})
	t.Run("equal wishes wake nobody", func(t *testing.T) {
		p := newTrack(t)
		c := p.Consume(model.Subscription{Priority: 5})
		changed := p.SubscriptionChanged()
		d := p.Consume(model.Subscription{Priority: 3})
		wantNil(t, d.Update(model.Subscription{Priority: 4}))
		wantNil(t, d.Update(model.Subscription{Priority: 4}))
		wantNil(t, c.Clone().Close())
		select {
		case <-changed:
			t.Error("woken although the aggregate stayed the same")
		default:
		}
		p.Abort(nil)
		<-changed
		<-p.SubscriptionChanged()
	})
	t.Run("16.10/192 an update reaches a read that is blocked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newTrack(t)
			create(t, p, 7)
			c := p.Consume(model.Subscription{End: model.At(5)})
			read := later(func() { want(t, "group", must(c.RecvGroup(bg)).Sequence(), 7) })
			want(t, "returned early", read(), false)
			wantNil(t, c.Update(model.Subscription{}))
			want(t, "returned", read(), true)
		})
	})
}

func TestDemand(t *testing.T) {
	t.Run("used and unused resolve when true", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newTrack(t)
			wantNil(t, p.Unused(bg))
			used := later(func() { wantNil(t, p.Used(bg)) })
			want(t, "used early", used(), false)
			c := p.Consume(model.Subscription{})
			want(t, "used", used(), true)
			unused := later(func() { wantNil(t, p.Unused(bg)) })
			d := c.Clone()
			wantNil(t, c.Close())
			want(t, "unused early", unused(), false)
			wantNil(t, d.Close())
			want(t, "unused", unused(), true)
		})
	})
	t.Run("both fail once the track is closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newTrack(t)
			used := later(func() { wantErr(t, p.Used(bg), model.ErrTimeout) })
			want(t, "used early", used(), false)
			p.Abort(model.ErrTimeout)
			want(t, "used", used(), true)
			wantErr(t, p.Unused(bg), model.ErrTimeout)

			p = newTrack(t)
			q := p.Clone()
			used = later(func() { wantErr(t, p.Used(bg), model.ErrClosed) })
			want(t, "used early", used(), false)
			wantNil(t, p.Close())
			want(t, "used", used(), true)
			wantErr(t, p.Clone().Used(bg), model.ErrClosed)
			wantNil(t, q.Finish())
			wantNil(t, q.Close())
			wantErr(t, q.Used(bg), eof)
			wantErr(t, q.Err(), eof)
		})
	})
}
