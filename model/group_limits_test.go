package model_test

import (
	"slices"
	"testing"

	"github.com/moqrx/moqrx/model"
)

func TestGroupLimits(t *testing.T) {
	big := make([]byte, 8<<20)
	t.Run("16.13/224 beyond 32 MiB the oldest frames leave", func(t *testing.T) {
		g := newGroup(t)
		for i := range 6 {
			payload := slices.Clone(big)
			payload[0] = byte(i)
			wantNil(t, g.WriteFrame(model.Frame{Payload: payload}))
		}
		c := g.Consume()
		for i := range 6 {
			f, ok, err := c.TryGetFrame(i)
			if want(t, "cached", ok, i >= 2); ok {
				want(t, "frame", must(f.ReadAll(bg))[0], byte(i))
			} else {
				wantErr(t, err, model.ErrLagged)
			}
		}
	})
	t.Run("16.13/225 a reader of what left has lagged", func(t *testing.T) {
		g := newGroup(t)
		stale := g.Consume()
		for range 5 {
			wantNil(t, g.WriteFrame(model.Frame{Payload: big}))
		}
		_, err := stale.ReadFrame(bg)
		wantErr(t, err, model.ErrLagged)
		_, err = stale.NextFrame(bg)
		wantErr(t, err, model.ErrLagged)
		_, err = g.Consume().ReadFrame(bg)
		wantErr(t, err, model.ErrLagged)
		want(t, "count", g.FrameCount(), 5)
	})
	t.Run("16.13/225 a reader that keeps up loses nothing", func(t *testing.T) {
		g := newGroup(t)
		c := g.Consume()
		for range 9 {
			wantNil(t, g.WriteFrame(model.Frame{Payload: big}))
			want(t, "size", len(must(c.ReadFrame(bg)).Payload), len(big))
		}
	})
	t.Run("16.13/227 many small frames stay", func(t *testing.T) {
		g := newGroup(t)
		for range 100_000 {
			wantNil(t, g.WriteFrame(text("")))
		}
		got, _ := readFrames(g.Consume())
		want(t, "frames", len(got), 100_000)
	})
	t.Run("16.13/230 a frame above 32 MiB is refused, one of exactly 32 MiB fits", func(t *testing.T) {
		g := newGroup(t)
		_, err := g.CreateFrame(model.FrameInfo{Size: model.MaxFrameSize + 1})
		wantErr(t, err, model.ErrFrameTooLarge)
		wantErr(t, g.WriteFrame(model.Frame{Payload: make([]byte, model.MaxFrameSize+1)}), model.ErrFrameTooLarge)
		want(t, "count", g.FrameCount(), 0)
		wantNil(t, g.WriteFrame(model.Frame{Payload: make([]byte, model.MaxFrameSize)}))
		want(t, "size", len(must(g.Consume().ReadFrame(bg)).Payload), model.MaxFrameSize)
	})
	t.Run("16.13/236 timestamps take the track's timescale", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		track := must(b.CreateTrack("t", model.TrackInfo{Timescale: model.Micros}))
		g := must(track.AppendGroup())
		ms := model.Timestamp{Value: 5, Scale: model.Millis}
		wantNil(t, g.WriteFrame(model.Frame{Timestamp: ms}))
		wantNil(t, must(g.CreateFrame(model.FrameInfo{Timestamp: ms})).Finish())
		wantNil(t, g.WriteFrame(model.Frame{}))
		c := g.Consume()
		want(t, "whole", must(c.ReadFrame(bg)).Timestamp, model.Timestamp{Value: 5000, Scale: model.Micros})
		want(t, "in pieces", must(c.ReadFrame(bg)).Timestamp, model.Timestamp{Value: 5000, Scale: model.Micros})
		want(t, "stamped", must(c.NextFrame(bg)).Info().Timestamp.Scale, model.Micros)
		late := model.Timestamp{Value: 1 << 61, Scale: model.Seconds}
		wantErr(t, g.WriteFrame(model.Frame{Timestamp: late}), model.ErrTimestampMismatch)
		_, err := g.CreateFrame(model.FrameInfo{Timestamp: late})
		wantErr(t, err, model.ErrTimestampMismatch)
	})
	t.Run("frames without bytes have an end too", func(t *testing.T) {
		const most = model.MaxGroupBytes / 64
		g := newGroup(t)
		for range most {
			wantNil(t, g.WriteFrame(model.Frame{}))
		}
		_ = must(g.Consume().ReadFrame(bg))
		wantNil(t, g.WriteFrame(model.Frame{}))
		_, err := g.Consume().ReadFrame(bg)
		wantErr(t, err, model.ErrLagged)
		want(t, "count", g.FrameCount(), most+1)
	})
	t.Run("an owned payload is not copied", func(t *testing.T) {
		g := newGroup(t)
		b := []byte("abc")
		wantNil(t, g.WriteOwnedFrame(model.Frame{Payload: b}))
		want(t, "same memory", &must(g.Consume().ReadFrame(bg)).Payload[0], &b[0])
		huge := model.Frame{Payload: make([]byte, model.MaxFrameSize+1)}
		wantErr(t, g.WriteOwnedFrame(huge), model.ErrFrameTooLarge)
		want(t, "which group", g.WriteOwnedFrame(huge).Error(), "group 0: frame of 33554433 bytes: at most 33554432: frame too large")
		want(t, "which track", newTrack(t).WriteFrame(huge).Error(), `track "video": frame of 33554433 bytes: at most 33554432: frame too large`)
		wantNil(t, g.Finish())
		wantErr(t, g.WriteOwnedFrame(text("late")), model.ErrClosed)
	})
	t.Run("a payload is copied, so the writer may use it again", func(t *testing.T) {
		g := newGroup(t)
		b := []byte("abc")
		wantNil(t, g.WriteFrame(model.Frame{Payload: b}))
		b[0] = 'X'
		want(t, "payload", string(must(g.Consume().ReadFrame(bg)).Payload), "abc")
	})
}
