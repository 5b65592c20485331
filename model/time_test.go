package model_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

func TestTime(t *testing.T) {
	ts := func(v uint64, s model.Timescale) model.Timestamp { return model.Timestamp{Value: v, Scale: s} }
	t.Run("16.18/298 coarser units lose what is below", func(t *testing.T) {
		ms := must(ts(1234, model.Micros).Convert(model.Millis))
		want(t, "ms", ms, ts(1, model.Millis))
		want(t, "back", must(ms.Convert(model.Micros)), ts(1000, model.Micros))
	})
	t.Run("16.18/299 fractions truncate", func(t *testing.T) {
		want(t, "s", must(ts(1500, model.Millis).Convert(model.Seconds)), ts(1, model.Seconds))
		want(t, "µs", must(ts(1500, model.Millis).Convert(model.Micros)), ts(1_500_000, model.Micros))
		want(t, "5 s in ms", must(ts(5, model.Seconds).Convert(model.Millis)), ts(5000, model.Millis))
	})
	t.Run("16.18/300 a negative difference is an error", func(t *testing.T) {
		_, err := ts(1000, model.Millis).Sub(ts(2000, model.Millis))
		wantErr(t, err, model.ErrTimestampMismatch)
		want(t, "difference", must(ts(2000, model.Millis).Sub(ts(500, model.Millis))), ts(1500, model.Millis))
	})
	t.Run("16.18/301 durations", func(t *testing.T) {
		got := must(model.TimestampOf(5500*time.Millisecond, model.Millis))
		want(t, "ms", got, ts(5500, model.Millis))
		want(t, "back", got.Duration(), 5500*time.Millisecond)
		_, err := model.TimestampOf(-1, model.Millis)
		wantErr(t, err, model.ErrTimestampMismatch)
		want(t, "too long", ts(1<<61, model.Seconds).Duration(), time.Duration(math.MaxInt64))
		want(t, "unset", model.Timestamp{}.Duration(), 0)
	})
	t.Run("16.18/302 text in the largest exact unit", func(t *testing.T) {
		for got, expect := range map[model.Timestamp]string{
			ts(100_000, model.Millis): "100s", ts(5500, model.Millis): "5500ms", ts(1500, model.Micros): "1500µs",
			ts(7, model.Nanos): "7ns", ts(1, 90_000): "1/90000", ts(90, 90_000): "1ms", {}: "unset", ts(0, model.Millis): "0s",
		} {
			want(t, "text", got.String(), expect)
		}
	})
	t.Run("16.18/303 scales 0 and 2^62 are refused", func(t *testing.T) {
		for _, v := range []uint64{0, 1 << 62} {
			_, err := model.NewTimescale(v)
			wantErr(t, err, model.ErrBoundsExceeded)
		}
		_, err := model.NewTimescale(1<<62 - 1)
		wantNil(t, err)
		b := model.NewBroadcast(model.Route{})
		_, err = b.CreateTrack("t", model.TrackInfo{Timescale: 1 << 62})
		wantErr(t, err, model.ErrBoundsExceeded)
		_, err = b.CreateTrack("t", model.TrackInfo{MaxLatency: -1})
		wantErr(t, err, model.ErrBoundsExceeded)
	})
	t.Run("16.18/304 scales do not mix in sums, and do in the order", func(t *testing.T) {
		_, err := ts(1, model.Millis).Add(ts(1, model.Micros))
		wantErr(t, err, model.ErrTimestampMismatch)
		_, err = ts(1<<62-1, model.Millis).Add(ts(1, model.Millis))
		wantErr(t, err, model.ErrTimestampMismatch)
		want(t, "sum", must(ts(1, model.Millis).Add(ts(2, model.Millis))), ts(3, model.Millis))
		want(t, "2 ms after 1999 µs", ts(2, model.Millis).Compare(ts(1999, model.Micros)), 1)
		want(t, "equal times by scale", ts(1, model.Millis).Compare(ts(1000, model.Micros)), -1)
		want(t, "itself", ts(1, model.Millis).Compare(ts(1, model.Millis)), 0)
	})
	t.Run("what does not fit is refused", func(t *testing.T) {
		for _, c := range []struct {
			from model.Timestamp
			to   model.Timescale
		}{{ts(1<<61, 1), 4}, {ts(1<<61, 1), model.Nanos}, {ts(1, 0), 1}, {ts(1, 1), 0}, {ts(1<<62, 1), 1}} {
			_, err := c.from.Convert(c.to)
			wantErr(t, err, model.ErrTimestampMismatch)
		}
	})
	t.Run("the wall clock counts from 2020", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { // the bubble's clock starts at 2000
			want(t, "before the epoch", model.NowTimestamp(0), ts(0, model.Millis))
			time.Sleep(time.Until(model.Epoch.Add(1500 * time.Millisecond)))
			want(t, "after", model.NowTimestamp(model.Micros), ts(1_500_000, model.Micros))
			want(t, "beyond the scale", model.NowTimestamp(1<<62-1), ts(1<<62-1, 1<<62-1))
			want(t, "set", model.NowTimestamp(0).Set(), true)
			want(t, "zero", model.NowTimestamp(0).IsZero(), false)
		})
	})
}
