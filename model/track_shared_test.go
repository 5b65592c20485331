package model_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// shared returns a track and another one that caches its groups too, each under the
// budget of its own broadcast.
func shared(source, front *model.CachePool) (s, f *model.TrackProducer) {
	info := model.TrackInfo{MaxLatency: time.Minute}
	return must(model.NewBroadcastIn(source, 0).CreateTrack("t", info)), must(model.NewBroadcastIn(front, 0).CreateTrack("t", info))
}

// pass writes a group of one frame into s and lets f adopt it.
func pass(t *testing.T, s, f *model.TrackProducer, size int) *model.GroupConsumer {
	t.Helper()
	g := must(s.AppendGroup())
	wantNil(t, g.WriteFrame(model.Frame{Payload: make([]byte, size)}))
	wantNil(t, g.Finish())
	want(t, "adopted", model.Adopt(f, g.Consume()), true)
	return g.Consume()
}

func TestSharedGroups(t *testing.T) {
	bubble := func(name string, f func(*testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	bubble("a group is charged once, as long as one track has it", func(t *testing.T) {
		pool := model.NewCachePool(0)
		s, f := shared(pool, pool)
		pass(t, s, f, 1000)
		want(t, "used by both", pool.Used(), overhead+1000)
		s.Abort(nil)
		want(t, "used by one", pool.Used(), overhead+1000)
		f.Abort(nil)
		want(t, "used by none", pool.Used(), 0)
	})
	bubble("and to one pool at a time", func(t *testing.T) {
		one, two := model.NewCachePool(0), model.NewCachePool(0)
		s, f := shared(one, two)
		pass(t, s, f, 1000)
		want(t, "source", one.Used(), overhead+1000)
		want(t, "front", two.Used(), 0)
		s.Abort(nil)
		want(t, "source", one.Used(), 0)
		want(t, "front", two.Used(), overhead+1000)
		f.Abort(nil)
		want(t, "front", two.Used(), 0)

		s, f = shared(nil, two)
		g := pass(t, s, f, 1000)
		want(t, "front of a source without a pool", two.Used(), overhead+1000)
		want(t, "adopted twice", model.Adopt(f, g), false)
		f.Abort(nil)
		want(t, "after it", two.Used(), 0)
	})
	bubble("what one track evicts the other loses, and its readers hear of it", func(t *testing.T) {
		pool := model.NewCachePool(0)
		s, f := shared(pool, pool)
		c := f.Consume(model.Subscription{End: model.At(2)})
		for range 6 {
			pass(t, s, f, 1000)
		}
		got, _ := recvAll(c.TryRecvGroup) // parks 3, 4 and 5
		wantSeqs(t, "before", got, 0, 1, 2)
		changed := c.Wait()
		pool.Resize(1)
		wantNil(t, s.WriteFrame(model.Frame{Payload: make([]byte, 1000+overhead)})) // with the frame before it, half of four groups
		<-changed
		wantSeqs(t, "cached by the front", model.Cached(f), 4, 5)
		wantNil(t, c.Update(model.Subscription{}))
		got, _ = recvAll(c.TryRecvGroup)
		wantSeqs(t, "of those parked", got, 4, 5)
		s.Abort(nil)
		f.Abort(nil)
		want(t, "used", pool.Used(), 0)
	})
	bubble("a reader that sleeps on a parked group wakes when another track evicts it", func(t *testing.T) {
		s, f := shared(nil, nil)
		create(t, f, 9)
		c := f.Consume(model.Subscription{})
		_ = must(c.RecvGroup(bg))
		wantNil(t, c.Update(model.Subscription{End: model.At(3)}))
		g := must(s.CreateGroup(4))
		want(t, "adopted", model.Adopt(f, g.Consume()), true)
		wantNil(t, f.Finish())
		read := later(func() {
			_, err := c.RecvGroup(bg)
			wantErr(t, err, eof)
		})
		want(t, "returned early", read(), false)
		time.Sleep(2 * time.Minute)
		create(t, s, 5)
		wantSeqs(t, "cached by the front", model.Cached(f), 9)
		want(t, "returned", read(), true)
		wantErr(t, g.Finish(), model.ErrOld)
	})
	bubble("frames of a shared group wake the readers of both tracks", func(t *testing.T) {
		s, f := shared(nil, nil)
		g := must(s.AppendGroup())
		want(t, "adopted", model.Adopt(f, g.Consume()), true)
		reads := []func() bool{}
		for _, p := range []*model.TrackProducer{s, f} {
			reads = append(reads, later(func() { _ = must(p.Consume(model.Subscription{}).ReadFrame(bg)) }))
		}
		want(t, "returned early", reads[0]() || reads[1](), false)
		wantNil(t, g.WriteFrame(text("x")))
		want(t, "returned", reads[0]() && reads[1](), true)
	})
	bubble("a failed group is not adopted", func(t *testing.T) {
		s, f := shared(nil, nil)
		g := must(s.AppendGroup())
		g.Abort(nil)
		want(t, "adopted", model.Adopt(f, g.Consume()), false)
	})
}
