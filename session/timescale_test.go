package session_test

import (
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// A track goes on from another source that counts time otherwise. Through two relays, its
// subscriber reads all of it in the timescale that the track began with.
func TestTimescaleSurvivesFailover(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		if !atLeast05(v) {
			t.Skip("it carries no timestamps")
		}
		const video model.Timescale = 90_000
		near, _, _, far := relay(t, v)
		source := func(scale model.Timescale, hops ...model.OriginID) *model.TrackProducer {
			b := get[*model.BroadcastProducer](t)(near.CreateBroadcast("room/alice", model.Route{Hops: hops}))
			return get[*model.TrackProducer](t)(b.CreateTrack("video", model.TrackInfo{Timescale: scale}))
		}
		first := source(model.Millis, 8, 9)
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		at := func(p *model.TrackProducer, sequence, value uint64, want model.Timestamp) {
			t.Helper()
			settle(t)
			g := get[*model.GroupProducer](t)(p.CreateGroup(sequence))
			must(t, g.WriteFrame(model.Frame{Timestamp: model.Timestamp{Value: value, Scale: p.Info().Timescale}}))
			must(t, g.Finish())
			must(t, g.Close())
			r := get[*model.GroupConsumer](t)(c.RecvGroup(within(t, 1e9)))
			defer r.Close()
			f := get[model.Frame](t)(r.ReadFrame(t.Context()))
			if f.Timestamp != want || r.Sequence() != sequence {
				t.Errorf("group %d at %v, want group %d at %v", r.Sequence(), f.Timestamp, sequence, want)
			}
		}
		at(first, 0, 500, model.Timestamp{Value: 500, Scale: model.Millis})
		second := source(video, 8)
		at(second, 1, 90_089, model.Timestamp{Value: 1000, Scale: model.Millis})
		must(t, second.WriteDatagram(model.Datagram{Sequence: 2, Timestamp: model.Timestamp{Value: 180_000, Scale: video}}))
		d := get[model.Datagram](t)(c.RecvDatagram(within(t, 1e9)))
		if want := (model.Timestamp{Value: 2000, Scale: model.Millis}); d.Timestamp != want {
			t.Errorf("datagram at %v, want %v", d.Timestamp, want)
		}
		if info := get[model.TrackInfo](t)(c.Info(t.Context())); info.Timescale != model.Millis {
			t.Errorf("the track has %d units a second", info.Timescale)
		}
	})
}
