package rx_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/rx"
)

// values is a stream of vs, and then err unless that is nil.
func values(err error, vs ...any) rx.Stream[any] {
	return rx.NewStream(func(context.Context) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			for _, v := range vs {
				if !yield(v, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
			}
		}
	})
}

// groups renders a track: "sequence: payloads", with the error of a group that broke off.
func groups(t *testing.T, reader *model.TrackConsumer) (all []string, err error) {
	t.Helper()
	for g, err := range rx.Groups(reader).All(t.Context()) {
		if err != nil {
			return all, err
		}
		frames, err := collect(t.Context(), rx.GroupFrames(g).All(t.Context()))
		text := g.Sequence()
		line := string(rune('0'+text)) + ": " + strings.Join(payloads(frames), " ")
		if err != nil {
			line += " !"
		}
		all = append(all, line)
	}
	return all, nil
}

func TestPublish(t *testing.T) {
	source := newTrack(t, "source")
	whole, cut := writeGroup(t, source, 5, 3), writeGroup(t, source, 7, 2)
	must(t, whole.Finish())
	brokenOff := cut.Consume()
	_, err := brokenOff.ReadFrame(t.Context())
	must(t, err)
	cut.Abort(model.ErrOld)

	for name, c := range map[string]struct {
		items []any
		want  []string
	}{
		"nothing":           {nil, nil},
		"bytes":             {[]any{[]byte("a"), []byte("b")}, []string{"0: a", "1: b"}},
		"model frames":      {[]any{model.Frame{Payload: []byte("a")}}, []string{"0: a"}},
		"frames by group":   {[]any{frame(3, "a"), frame(3, "b"), frame(1, "c")}, []string{"3: a b", "1: c"}},
		"a group":           {[]any{whole.Consume()}, []string{"5: 5.0 5.1 5.2"}},
		"a broken group":    {[]any{brokenOff, frame(8, "a")}, []string{"7:  !", "8: a"}},
		"one after another": {[]any{frame(3, "a"), []byte("b"), frame(9, "c")}, []string{"3: a", "4: b", "9: c"}},
	} {
		track := newTrack(t, "copy")
		reader := track.Consume(model.Subscription{})
		if err := rx.Publish(t.Context(), track, values(nil, c.items...).Observable()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := groups(t, reader); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, c.want)
		}
		must(t, reader.Close())
	}
}

func frame(group uint64, payload string) rx.Frame {
	return rx.Frame{Group: group, Payload: []byte(payload)}
}

func TestPublishKeepsTimestamps(t *testing.T) {
	at := model.Timestamp{Value: 42, Scale: model.Millis}
	for _, item := range []any{
		rx.Frame{Timestamp: at, Payload: []byte("a")},
		model.Frame{Timestamp: at, Payload: []byte("a")},
	} {
		track := newTrack(t, "copy")
		reader := track.Consume(model.Subscription{})
		must(t, rx.Publish(t.Context(), track, values(nil, item).Observable()))
		frames, err := collect(t.Context(), rx.Frames(reader).All(t.Context()))
		if err != nil || len(frames) != 1 || frames[0].Timestamp != at {
			t.Errorf("got %v, %v", frames, err)
		}
		must(t, reader.Close())
	}
}

func TestPublishAbortsWithTheErrorOfItsSource(t *testing.T) {
	track := newTrack(t, "copy")
	reader := track.Consume(model.Subscription{})
	defer reader.Close()
	failing := values(errSource, frame(0, "a")).Tap(func(any) {}).Observable()
	if err := rx.Publish(t.Context(), track, failing); !errors.Is(err, errSource) {
		t.Errorf("Publish: %v", err)
	}
	if _, err := reader.RecvGroup(t.Context()); !errors.Is(err, errSource) {
		t.Errorf("a reader gets %v", err)
	}
}

func TestPublishAbortsTheOpenGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		track := newTrack(t, "copy")
		reader := track.Consume(model.Subscription{})
		defer reader.Close()
		ctx, cancel := context.WithCancel(t.Context())
		endless := rx.NewStream(func(ctx context.Context) iter.Seq2[rx.Frame, error] {
			return func(yield func(rx.Frame, error) bool) {
				if yield(frame(0, "a"), nil) {
					<-ctx.Done()
					yield(rx.Frame{}, ctx.Err())
				}
			}
		})
		published := make(chan error)
		go func() { published <- rx.Publish(ctx, track, endless.Observable()) }()
		group, err := reader.RecvGroup(t.Context())
		must(t, err)
		_, err = group.ReadFrame(t.Context())
		must(t, err)
		cancel()
		if err := <-published; !errors.Is(err, context.Canceled) {
			t.Errorf("Publish: %v", err)
		}
		if _, err := group.ReadFrame(t.Context()); !errors.Is(err, model.ErrCancel) {
			t.Errorf("a reader of the group gets %v", err)
		}
		if _, err := reader.RecvGroup(t.Context()); !errors.Is(err, model.ErrCancel) {
			t.Errorf("a reader of the track gets %v", err)
		}
	})
}

func TestPublishStopsCopyingWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := writeGroup(t, newTrack(t, "source"), 0, 1)
		defer open.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := rx.Publish(ctx, newTrack(t, "copy"), values(nil, open.Consume()).Observable())
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestPublishNamesAnItemItDoesNotKnow(t *testing.T) {
	track := newTrack(t, "copy")
	reader := track.Consume(model.Subscription{})
	defer reader.Close()
	err := rx.Publish(t.Context(), track, numbers(3, nil).Observable())
	if err == nil || !strings.Contains(err.Error(), `track "copy" cannot publish a int`) {
		t.Errorf("Publish: %v", err)
	}
	if _, err := reader.RecvGroup(t.Context()); err == nil {
		t.Error("the track goes on")
	}
}

func TestPublishToATrackThatEnded(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*model.TrackProducer)
		want error
	}{
		"aborted":  {func(track *model.TrackProducer) { track.Abort(model.ErrOld) }, model.ErrOld},
		"finished": {func(track *model.TrackProducer) { _ = track.Finish() }, model.ErrClosed},
	} {
		for _, item := range []any{[]byte("a"), frame(0, "a")} {
			track := newTrack(t, "copy")
			c.end(track)
			if err := rx.Publish(t.Context(), track, values(nil, item).Observable()); !errors.Is(err, c.want) {
				t.Errorf("%s, %T: %v", name, item, err)
			}
		}
	}
}

func TestATrackIsCopiedThroughRx(t *testing.T) {
	source, copied := newTrack(t, "source"), newTrack(t, "copy")
	from, to := source.Consume(model.Subscription{}), copied.Consume(model.Subscription{})
	defer from.Close()
	defer to.Close()
	for _, seq := range []uint64{3, 1} {
		must(t, writeGroup(t, source, seq, 2).Finish())
	}
	must(t, source.Finish())
	must(t, rx.Publish(t.Context(), copied, rx.Groups(from).Observable()))
	want, err := groups(t, from)
	must(t, err)
	if got, err := groups(t, to); err != nil || !slices.Equal(got, want) || len(want) != 2 {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
