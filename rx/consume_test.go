package rx_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reactivex/rxgo/v2"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/rx"
)

// newTrack is a track on its own.
func newTrack(t *testing.T, name string) *model.TrackProducer {
	t.Helper()
	broadcast := model.NewBroadcast(model.Route{})
	t.Cleanup(func() { _ = broadcast.Close() })
	track, err := broadcast.CreateTrack(name, model.TrackInfo{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = track.Close() })
	return track
}

// writeGroup adds a group of n frames, "seq.0" and so on, and leaves it open.
func writeGroup(t *testing.T, track *model.TrackProducer, seq uint64, n int) *model.GroupProducer {
	t.Helper()
	g, err := track.CreateGroup(seq)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := g.WriteFrame(model.Frame{Payload: fmt.Appendf(nil, "%d.%d", seq, i)}); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func payloads(frames []rx.Frame) (texts []string) {
	for _, f := range frames {
		texts = append(texts, string(f.Payload))
	}
	return texts
}

func TestFramesComeGroupByGroup(t *testing.T) {
	track := newTrack(t, "video")
	reader := track.Consume(model.Subscription{})
	defer reader.Close()
	for _, seq := range []uint64{4, 2, 7} { // arrival, not sequence
		must(t, writeGroup(t, track, seq, 2).Finish())
	}
	must(t, track.Finish())

	frames, err := collect(t.Context(), rx.Frames(reader).All(t.Context()))
	must(t, err)
	if got, want := payloads(frames), []string{"4.0", "4.1", "2.0", "2.1", "7.0", "7.1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if f := frames[3]; f.Track != "video" || f.Group != 2 || f.Index != 1 || !f.Timestamp.Set() {
		t.Errorf("got %+v", f)
	}
}

func TestEachRunReadsFromTheConsumersPosition(t *testing.T) {
	track := newTrack(t, "video")
	reader := track.Consume(model.Subscription{})
	defer reader.Close()
	for seq := range uint64(4) {
		must(t, writeGroup(t, track, seq, 1).Finish())
	}
	must(t, track.Finish())
	if _, err := reader.RecvGroup(t.Context()); err != nil {
		t.Fatal(err)
	}

	o := rx.Frames(reader).Observable()
	first, second := o.Observe(), o.Map(identity).Observe()
	for _, want := range []string{"1.0", "2.0", "3.0"} {
		for _, items := range []<-chan rxgo.Item{first, second} {
			if item := <-items; item.E != nil || string(item.V.(rx.Frame).Payload) != want {
				t.Errorf("got %v, want %s", item, want)
			}
		}
	}
	if g, err := reader.RecvGroup(t.Context()); err != nil || g.Sequence() != 1 {
		t.Errorf("the runs moved the consumer: %v, %v", g, err)
	}
}

func TestARunIsDemandUntilItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		track := newTrack(t, "video")
		reader := track.Consume(model.Subscription{})
		ctx, cancel := context.WithCancel(t.Context())
		items := rx.Groups(reader).Observable().Observe(rxgo.WithContext(ctx))
		must(t, writeGroup(t, track, 0, 1).Finish())
		<-items
		must(t, reader.Close())
		if _, used := track.Subscription(); !used {
			t.Error("the run does not count as a reader")
		}
		cancel()
		must(t, track.Unused(t.Context()))

		if _, err := collect(t.Context(), rx.Groups(reader).All(t.Context())); !errors.Is(err, model.ErrClosed) {
			t.Errorf("a run of a closed consumer: %v", err)
		}
	})
}

func TestAGroupThatBreaksOffIsNotSilent(t *testing.T) {
	track := newTrack(t, "video")
	reader := track.Consume(model.Subscription{})
	defer reader.Close()
	broken := writeGroup(t, track, 0, 2)
	must(t, writeGroup(t, track, 1, 1).Finish())
	must(t, track.Finish())

	var got []string
	var failure error
	for f, err := range rx.Frames(reader).All(t.Context()) {
		if failure = err; err != nil {
			continue
		}
		if got = append(got, string(f.Payload)); f.Index == 1 {
			broken.Abort(model.ErrOld)
		}
	}
	var gap *rx.GapError
	if !errors.As(failure, &gap) || !errors.Is(failure, model.ErrOld) || gap.Group != 0 || gap.Index != 2 || len(got) != 2 {
		t.Errorf("got %v and then %v", got, failure)
	}
	if want := `rx: track "video", group 0: nothing from frame 2 on: old`; failure.Error() != want {
		t.Errorf("the error says %q, want %q", failure, want)
	}

	var gaps []*rx.GapError
	report := rx.OnGap(func(gap *rx.GapError) { gaps = append(gaps, gap) })
	frames, err := collect(t.Context(), rx.Frames(reader, report).All(t.Context()))
	if err != nil || !slices.Equal(payloads(frames), []string{"1.0"}) {
		t.Errorf("with OnGap: %v, %v", payloads(frames), err)
	}
	if len(gaps) != 1 || gaps[0].Group != 0 || gaps[0].Index != 0 {
		t.Errorf("with OnGap, reported: %v", gaps)
	}
}

func TestAnAbortedTrackIsTheLastItem(t *testing.T) {
	track := newTrack(t, "video")
	reader := track.Consume(model.Subscription{})
	defer reader.Close()
	track.Abort(model.ErrUnauthorized)
	items := rx.Frames(reader).Observable().Observe()
	if item := <-items; !errors.Is(item.E, model.ErrUnauthorized) {
		t.Errorf("got %v", item)
	}
	if item, open := <-items; open {
		t.Errorf("%v after the end", item)
	}
}

func TestFramesEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		track := newTrack(t, "video")
		reader := track.Consume(model.Subscription{})
		defer reader.Close()
		open := writeGroup(t, track, 0, 1)
		defer open.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		frames, err := collect(ctx, rx.Frames(reader).All(ctx))
		if len(frames) != 1 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, %v", payloads(frames), err)
		}
	})
}

func TestGroupFrames(t *testing.T) {
	track := newTrack(t, "video")
	group := writeGroup(t, track, 3, 3)
	must(t, group.Finish())
	g := group.Consume()
	defer g.Close()
	if _, err := g.ReadFrame(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		frames, err := collect(t.Context(), rx.GroupFrames(g).All(t.Context()))
		if err != nil || !slices.Equal(payloads(frames), []string{"3.1", "3.2"}) || frames[0].Group != 3 {
			t.Errorf("got %v, %v", payloads(frames), err)
		}
	}
	group.Abort(model.ErrOld)
	var gap *rx.GapError
	if _, err := collect(t.Context(), rx.GroupFrames(g).All(t.Context())); !errors.As(err, &gap) {
		t.Errorf("of an aborted group: %v", err)
	}
}

func TestAnnouncements(t *testing.T) {
	origin := model.NewOrigin()
	room, err := origin.CreateBroadcast("room/alice", model.Route{})
	must(t, err)
	o := rx.Map(rx.Announcements(origin.Consume()), func(a model.OriginAnnounce) (string, error) {
		if a.Broadcast == nil {
			return "-" + a.Path.String(), nil
		}
		return "+" + a.Path.String(), a.Broadcast.Close()
	}).Observable()
	first := o.Observe()
	if item := <-first; item.V != "+room/alice" {
		t.Errorf("got %v", item)
	}
	must(t, room.Finish())
	if item := <-first; item.V != "-room/alice" {
		t.Errorf("got %v", item)
	}
	second := o.Observe()
	must(t, room.Close())
	must(t, origin.Close())
	for _, items := range []<-chan rxgo.Item{first, second} {
		if item, open := <-items; open {
			t.Errorf("%v after the origin was complete", item)
		}
	}
}
