package model_test

import (
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

// video is the timescale of most video.
const video model.Timescale = 90_000

func stamped(value uint64, scale model.Timescale) model.Frame {
	return model.Frame{Timestamp: model.Timestamp{Value: value, Scale: scale}, Payload: []byte("x")}
}

// rescaled is a reader of a track whose info is in milliseconds, and its newest source, in another scale.
func rescaled(t *testing.T, scale model.Timescale) (*model.TrackConsumer, *model.TrackProducer) {
	t.Helper()
	o, _, c := spliced(t, 1, model.Subscription{})
	_ = must(c.RecvGroup(bg))
	b := attach(t, o, hops(1))
	p := must(request(t, b.d, "t").Accept(model.TrackInfo{Timescale: scale}))
	want(t, "info", must(c.Info(bg)).Timescale, model.Millis)
	return c, p
}

// timed are the ways to read the time of the first frame of group 1.
var timed = map[string]func(c *model.TrackConsumer) (model.Timestamp, error){
	"RecvGroup": func(c *model.TrackConsumer) (model.Timestamp, error) {
		f, err := must(c.RecvGroup(bg)).ReadFrame(bg)
		return f.Timestamp, err
	},
	"NextGroup": func(c *model.TrackConsumer) (model.Timestamp, error) {
		_, _, _ = c.TryNextGroup() // group 0
		f, _, err := must(c.NextGroup(bg)).TryReadFrame()
		return f.Timestamp, err
	},
	"a clone": func(c *model.TrackConsumer) (model.Timestamp, error) {
		f, err := must(c.RecvGroup(bg)).Clone().ReadFrame(bg)
		return f.Timestamp, err
	},
	"GetGroup": func(c *model.TrackConsumer) (model.Timestamp, error) {
		f, err := must(c.GetGroup(bg, 1)).ReadFrame(bg)
		return f.Timestamp, err
	},
	"FetchGroup": func(c *model.TrackConsumer) (model.Timestamp, error) {
		f, err := must(c.FetchGroup(bg, 1, 0)).ReadFrame(bg)
		return f.Timestamp, err
	},
	"All": func(c *model.TrackConsumer) (ts model.Timestamp, err error) {
		var f model.Frame
		for f, err = range must(c.RecvGroup(bg)).All(bg) {
			break
		}
		return f.Timestamp, err
	},
	"NextFrame": func(c *model.TrackConsumer) (model.Timestamp, error) {
		f, err := must(c.RecvGroup(bg)).NextFrame(bg)
		if err != nil {
			return model.Timestamp{}, err
		}
		return f.Clone().Info().Timestamp, nil
	},
	"GetFrame": func(c *model.TrackConsumer) (model.Timestamp, error) {
		f, err := must(c.RecvGroup(bg)).GetFrame(bg, 0)
		if err != nil {
			return model.Timestamp{}, err
		}
		return f.Info().Timestamp, nil
	},
}

// A path's track has one timescale, whichever source its groups come from.
func TestTimescaleOfOtherSources(t *testing.T) {
	for name, read := range timed {
		t.Run(name, func(t *testing.T) {
			c, p := rescaled(t, video)
			g := must(p.CreateGroup(1))
			wantNil(t, g.WriteFrame(stamped(90_089, video)))
			ts, err := read(c)
			wantNil(t, err)
			want(t, "time", ts, model.Timestamp{Value: 1000, Scale: model.Millis})
			own := must(must(p.Consume(model.Subscription{}).RecvGroup(bg)).ReadFrame(bg))
			want(t, "time at the source", own.Timestamp, model.Timestamp{Value: 90_089, Scale: video})
		})
		t.Run(name+", of a time that does not fit", func(t *testing.T) {
			c, p := rescaled(t, model.Seconds)
			g := must(p.CreateGroup(1))
			wantNil(t, g.WriteFrame(stamped(1<<61, model.Seconds)))
			_, err := read(c)
			wantErr(t, err, model.ErrTimestampMismatch)
		})
	}
	t.Run("a frame that is still being written", func(t *testing.T) {
		c, p := rescaled(t, video)
		f := must(must(p.CreateGroup(1)).CreateFrame(model.FrameInfo{Size: 1, Timestamp: stamped(45_000, video).Timestamp}))
		live := must(must(c.RecvGroup(bg)).NextFrame(bg))
		want(t, "time", live.Info(), model.FrameInfo{Size: 1, Timestamp: model.Timestamp{Value: 500, Scale: model.Millis}})
		want(t, "at the source", f.Info().Timestamp, model.Timestamp{Value: 45_000, Scale: video})
	})
	t.Run("one frame per group", func(t *testing.T) {
		c, p := rescaled(t, video)
		wantNil(t, p.WriteFrame(stamped(0, video))) // group 0, which the track has
		wantNil(t, p.WriteFrame(stamped(90_089, video)))
		want(t, "time", must(c.ReadFrame(bg)).Timestamp, model.Timestamp{Value: 1000, Scale: model.Millis})
	})
	t.Run("one frame per group leaves out what does not fit", func(t *testing.T) {
		c, p := rescaled(t, model.Seconds)
		wantNil(t, p.WriteFrame(stamped(0, model.Seconds)))
		wantNil(t, p.WriteFrame(stamped(1<<61, model.Seconds)))
		wantNil(t, p.WriteFrame(stamped(3, model.Seconds)))
		want(t, "time", must(c.ReadFrame(bg)).Timestamp, model.Timestamp{Value: 3000, Scale: model.Millis})
		_, ok, err := c.TryReadFrame()
		wantNil(t, err)
		want(t, "more", ok, false)
	})
	t.Run("what does not fit ends its group and no other", func(t *testing.T) {
		c, p := rescaled(t, model.Seconds)
		g := must(p.CreateGroup(1))
		for _, s := range []uint64{1, 1 << 61, 2} {
			wantNil(t, g.WriteFrame(stamped(s, model.Seconds)))
		}
		r := must(c.RecvGroup(bg))
		want(t, "before", must(r.ReadFrame(bg)).Timestamp, model.Timestamp{Value: 1000, Scale: model.Millis})
		for range 2 {
			_, err := r.ReadFrame(bg)
			wantErr(t, err, model.ErrTimestampMismatch)
		}
		_, _, err := r.TryNextFrame()
		wantErr(t, err, model.ErrTimestampMismatch)
		wantNil(t, must(p.CreateGroup(2)).WriteFrame(stamped(2, model.Seconds)))
		want(t, "next group", must(must(c.RecvGroup(bg)).ReadFrame(bg)).Timestamp, model.Timestamp{Value: 2000, Scale: model.Millis})
	})
	t.Run("datagrams", func(t *testing.T) {
		c, p := rescaled(t, model.Seconds)
		for i, s := range []uint64{1, 1 << 61, 2} {
			wantNil(t, p.WriteDatagram(model.Datagram{Sequence: uint64(i) + 1, Timestamp: model.Timestamp{Value: s, Scale: model.Seconds}}))
		}
		for _, ms := range []uint64{1000, 2000} { // the second is dropped
			want(t, "time", must(c.RecvDatagram(bg)).Timestamp, model.Timestamp{Value: ms, Scale: model.Millis})
		}
		_, ok, err := c.TryRecvDatagram()
		wantNil(t, err)
		want(t, "more", ok, false)
	})
	t.Run("a group that the source makes for a fetch", func(t *testing.T) {
		for name, accept := range map[string]func(*model.GroupRequest) (*model.GroupProducer, error){
			"to keep": (*model.GroupRequest).Accept, "once": (*model.GroupRequest).AcceptOnce,
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, p := rescaled(t, video)
					d := p.Dynamic()
					got := fetchLater(c, 7, 0)
					synctest.Wait()
					g := must(accept(must(d.RequestedGroup(bg))))
					wantNil(t, g.WriteFrame(stamped(90_089, video)))
					r, err, _ := got()
					wantNil(t, err)
					want(t, "time", must(r.ReadFrame(bg)).Timestamp, model.Timestamp{Value: 1000, Scale: model.Millis})
				})
			})
		}
	})
}

// A group that was made before anybody said what the track is like has the times that it was
// given. Who reads it later gets them as the track has them.
func TestTimescaleOfGroupsBeforeAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		handler := b.Dynamic()
		c := subscribe(t, b.Consume(), "t")
		req := request(t, handler, "t")
		d := req.Dynamic()
		got := fetchLater(c, 4, 0)
		synctest.Wait()
		g := must(must(d.RequestedGroup(bg)).Accept())
		wantNil(t, g.WriteFrame(stamped(90_089, video)))
		early, err, _ := got()
		wantNil(t, err)
		_ = must(req.Accept(model.TrackInfo{}))
		want(t, "early", must(early.ReadFrame(bg)).Timestamp, model.Timestamp{Value: 90_089, Scale: video})
		later := must(must(c.FetchGroup(bg, 4, 0)).ReadFrame(bg))
		want(t, "later", later.Timestamp, model.Timestamp{Value: 1000, Scale: model.Millis})
	})
}

func TestAllocationsOfOtherTimescales(t *testing.T) {
	c, p := rescaled(t, video)
	g := must(p.CreateGroup(1))
	for range 1001 {
		wantNil(t, g.WriteOwnedFrame(stamped(90_089, video)))
	}
	r := must(c.RecvGroup(bg))
	if n := testing.AllocsPerRun(1000, func() { _, _, _ = r.TryReadFrame() }); n > 0 {
		t.Errorf("%v allocations to read a frame in another timescale", n)
	}
}
