package model

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// Timescale is a clock rate in units per second, 1..2^62-1. Where a timescale is
// optional, 0 stands for the default, [Millis].
type Timescale uint64

// Common timescales.
const (
	Seconds Timescale = 1
	Millis  Timescale = 1_000
	Micros  Timescale = 1_000_000
	Nanos   Timescale = 1_000_000_000
)

// NewTimescale checks a rate: ErrBoundsExceeded for 0 and for 2^62 and above.
func NewTimescale(unitsPerSecond uint64) (Timescale, error) {
	if unitsPerSecond == 0 || unitsPerSecond > maxVarint {
		return 0, fmt.Errorf("timescale %d: must be in 1..2^62-1 units per second: %w", unitsPerSecond, ErrBoundsExceeded)
	}
	return Timescale(unitsPerSecond), nil
}

// Epoch is the time of Value 0 in timestamps taken from the wall clock.
var Epoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// Timestamp is a point in media time: Value units of 1/Scale seconds, Value at
// most 2^62-1. The zero Timestamp is unset. == compares value and scale; use
// Compare for the order in time.
type Timestamp struct {
	Value uint64
	Scale Timescale
}

// NowTimestamp returns the wall clock, as time since Epoch, in scale (0 means Millis).
func NowTimestamp(scale Timescale) Timestamp {
	if scale == 0 {
		scale = Millis
	}
	since := max(0, time.Since(Epoch))
	t := Timestamp{uint64(since), Nanos}
	if c, err := t.Convert(scale); err == nil {
		return c
	}
	return Timestamp{maxVarint, scale} // a rate so high that now does not fit
}

// Set reports whether the timestamp was given at all.
func (t Timestamp) Set() bool { return t.Scale != 0 }

// IsZero reports whether the value is 0, at whatever scale.
func (t Timestamp) IsZero() bool { return t.Value == 0 }

// Convert returns the same time in another scale, truncated to whole units.
// ErrTimestampMismatch when t is unset, scale is 0, or the result exceeds 2^62-1.
func (t Timestamp) Convert(scale Timescale) (Timestamp, error) {
	if t.Scale == scale && scale != 0 && t.Value <= maxVarint {
		return t, nil
	}
	if t.Scale == 0 || scale == 0 {
		return Timestamp{}, fmt.Errorf("convert timestamp %d from scale %d to %d: a scale of 0 has no length: %w", t.Value, t.Scale, scale, ErrTimestampMismatch)
	}
	v, ok := rescale(t.Value, uint64(scale), uint64(t.Scale))
	if !ok || v > maxVarint {
		return Timestamp{}, fmt.Errorf("convert timestamp %d from scale %d to %d: above 2^62-1: %w", t.Value, t.Scale, scale, ErrTimestampMismatch)
	}
	return Timestamp{v, scale}, nil
}

// rescale returns v*num/den with a wide intermediate; false when it exceeds 64 bits.
func rescale(v, num, den uint64) (uint64, bool) {
	hi, lo := bits.Mul64(v, num)
	if hi >= den {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, den)
	return q, true
}

// Duration returns the time since value 0, truncated to nanoseconds; 0 when
// unset, the largest duration when it does not fit.
func (t Timestamp) Duration() time.Duration {
	if t.Scale == 0 {
		return 0
	}
	v, ok := rescale(t.Value, uint64(Nanos), uint64(t.Scale))
	if !ok || v > math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(v)
}

// TimestampOf returns d in scale, truncated to whole units; ErrTimestampMismatch
// for a negative duration, a zero scale or a result above 2^62-1.
func TimestampOf(d time.Duration, scale Timescale) (Timestamp, error) {
	if d < 0 {
		return Timestamp{}, fmt.Errorf("timestamp of %v: negative: %w", d, ErrTimestampMismatch)
	}
	return Timestamp{uint64(d), Nanos}.Convert(scale)
}

// Add returns t+u. Both need the same scale; ErrTimestampMismatch otherwise and
// when the sum exceeds 2^62-1.
func (t Timestamp) Add(u Timestamp) (Timestamp, error) {
	if t.Scale != u.Scale || t.Value > maxVarint || u.Value > maxVarint-t.Value {
		return Timestamp{}, fmt.Errorf("add timestamps %v and %v: %w", t, u, ErrTimestampMismatch)
	}
	return Timestamp{t.Value + u.Value, t.Scale}, nil
}

// Sub returns t-u. Both need the same scale; ErrTimestampMismatch otherwise and
// when u is later.
func (t Timestamp) Sub(u Timestamp) (Timestamp, error) {
	if t.Scale != u.Scale || u.Value > t.Value {
		return Timestamp{}, fmt.Errorf("subtract timestamp %v from %v: %w", u, t, ErrTimestampMismatch)
	}
	return Timestamp{t.Value - u.Value, t.Scale}, nil
}

// Compare orders by time across scales; equal times are ordered by scale.
func (t Timestamp) Compare(u Timestamp) int {
	// value/scale as cross products, so nothing is lost to rounding.
	thi, tlo := bits.Mul64(t.Value, uint64(u.Scale))
	uhi, ulo := bits.Mul64(u.Value, uint64(t.Scale))
	return cmp.Or(cmp.Compare(thi, uhi), cmp.Compare(tlo, ulo), cmp.Compare(t.Scale, u.Scale))
}

// String returns the time in the largest of s, ms, µs and ns that divides it
// exactly, such as "5500ms"; "unset" without a scale, "value/scale" where none fits.
func (t Timestamp) String() string {
	if t.Scale == 0 {
		return "unset"
	}
	for _, u := range []struct {
		scale Timescale
		name  string
	}{{Seconds, "s"}, {Millis, "ms"}, {Micros, "µs"}, {Nanos, "ns"}} {
		v, ok := rescale(t.Value, uint64(u.scale), uint64(t.Scale))
		if !ok {
			continue
		}
		if (Timestamp{v, u.scale}).sameTime(t) {
			return fmt.Sprintf("%d%s", v, u.name)
		}
	}
	return fmt.Sprintf("%d/%d", t.Value, uint64(t.Scale))
}

func (t Timestamp) sameTime(u Timestamp) bool {
	thi, tlo := bits.Mul64(t.Value, uint64(u.Scale))
	uhi, ulo := bits.Mul64(u.Value, uint64(t.Scale))
	return thi == uhi && tlo == ulo
}
