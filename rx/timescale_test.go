package rx_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/rx"
)

// counted is a frame at so many units of a scale.
func counted(value uint64, scale model.Timescale) model.Frame {
	return model.Frame{Timestamp: model.Timestamp{Value: value, Scale: scale}}
}

// The track of a path counts in milliseconds, also when it goes on from a source that counts
// seconds. What that cannot be told in is a gap.
func TestFramesOfOtherSourcesHaveOneTimescale(t *testing.T) {
	origin := model.NewOrigin()
	source := func(scale model.Timescale, hops ...model.OriginID) *model.TrackProducer {
		b, err := origin.CreateBroadcast("live", model.Route{Hops: hops})
		must(t, err)
		track, err := b.CreateTrack("video", model.TrackInfo{Timescale: scale})
		must(t, err)
		return track
	}
	first := source(model.Millis, 1, 2)
	live, err := origin.Consume().Announced(t.Context(), "live")
	must(t, err)
	reader, err := live.SubscribeTrack("video", model.Subscription{})
	must(t, err)
	defer reader.Close()
	must(t, first.WriteFrame(counted(1500, model.Millis)))
	second := source(model.Seconds, 1)
	for i, s := range []uint64{2, 1 << 61, 3} {
		g, err := second.CreateGroup(uint64(i) + 1)
		must(t, err)
		must(t, g.WriteFrame(counted(s, model.Seconds)))
		must(t, g.Finish())
		must(t, g.Close())
	}
	must(t, second.Finish())

	var gaps []error
	frames, err := collect(t.Context(), rx.Frames(reader, rx.OnGap(func(gap *rx.GapError) { gaps = append(gaps, gap) })).All(t.Context()))
	var times []model.Timestamp
	for _, f := range frames {
		times = append(times, f.Timestamp)
	}
	want := []model.Timestamp{{Value: 1500, Scale: model.Millis}, {Value: 2000, Scale: model.Millis}, {Value: 3000, Scale: model.Millis}}
	if err != nil || !slices.Equal(times, want) {
		t.Errorf("times %v, %v; want %v", times, err, want)
	}
	if len(gaps) != 1 || !errors.Is(gaps[0], model.ErrTimestampMismatch) {
		t.Errorf("gaps %v, want one of a time that does not fit", gaps)
	}
}

func TestPublishConvertsTimestamps(t *testing.T) {
	for _, item := range []any{
		rx.Frame{Timestamp: model.Timestamp{Value: 90_089, Scale: 90_000}}, counted(90_089, 90_000),
	} {
		track := newTrack(t, "copy")
		reader := track.Consume(model.Subscription{})
		must(t, rx.Publish(t.Context(), track, values(nil, item).Observable()))
		frames, err := collect(t.Context(), rx.Frames(reader).All(t.Context()))
		if want := (model.Timestamp{Value: 1000, Scale: model.Millis}); err != nil || len(frames) != 1 || frames[0].Timestamp != want {
			t.Errorf("got %v, %v; want one frame at %v", frames, err, want)
		}
		must(t, reader.Close())
	}
	track := newTrack(t, "copy")
	err := rx.Publish(t.Context(), track, values(nil, counted(1<<61, model.Seconds)).Observable())
	if !errors.Is(err, model.ErrTimestampMismatch) {
		t.Errorf("a time that does not fit: %v", err)
	}
}
