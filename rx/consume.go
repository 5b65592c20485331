package rx

import (
	"context"
	"fmt"
	"iter"

	"github.com/moqrx/moqrx/model"
)

// A Frame is one frame with its place in the track.
type Frame struct {
	Track     string          // name of the track; "" when it is not known
	Group     uint64          // sequence of the group
	Index     int             // counted from where the run began to read the group, usually its start
	Timestamp model.Timestamp // in the timescale of the track; across tracks use its Compare
	Payload   []byte          // shared with other readers: do not write to it
}

// A GapError says that a group broke off: frames of it that were published, or would have
// been, do not come. Unwrap returns the group's error, such as model.ErrOld when it came too
// late or model.ErrLagged when the reader did.
type GapError struct {
	Track string // as in Frame
	Group uint64
	Index int // of the first frame that is missing
	Err   error
}

func (e *GapError) Error() string {
	return fmt.Sprintf("rx: track %q, group %d: nothing from frame %d on: %v", e.Track, e.Group, e.Index, e.Err)
}

func (e *GapError) Unwrap() error { return e.Err }

// Groups is the groups of a track in the order they arrive. Each run reads with a clone of t,
// which it closes: it begins where t stands, sees every group, and leaves t as it is. The
// clone counts as demand. The error of an aborted track is the last item; groups passed on
// before can be read all the same. After t is closed, runs fail with model.ErrClosed.
//
// A group that was lost on the way to this process is not an item. What is missing shows in
// the sequences.
func Groups(t *model.TrackConsumer) Stream[*model.GroupConsumer] {
	return NewStream(func(ctx context.Context) iter.Seq2[*model.GroupConsumer, error] {
		return func(yield func(*model.GroupConsumer, error) bool) {
			clone := t.Clone()
			defer clone.Close()
			clone.All(ctx)(yield)
		}
	})
}

// Frames is the frames of a track, group by group in the order the groups arrive, and whole:
// later groups wait until an open one ends. Runs are as in [Groups].
//
// A group that breaks off ends the stream with a [*GapError]; with [OnGap], which a viewer of
// a live track wants, it goes on with the next group instead.
func Frames(t *model.TrackConsumer, opts ...FramesOption) Stream[Frame] {
	var c framesConfig
	for _, opt := range opts {
		opt(&c)
	}
	return NewStream(func(ctx context.Context) iter.Seq2[Frame, error] {
		return func(yield func(Frame, error) bool) {
			for g, err := range Groups(t).All(ctx) {
				if err != nil {
					yield(Frame{}, err)
					return
				}
				gap, more := frames(ctx, t.Name(), g, yield)
				if gap != nil && c.onGap != nil {
					c.onGap(gap)
					gap = nil
				}
				if gap != nil {
					yield(Frame{}, gap)
				}
				if gap != nil || !more {
					return
				}
			}
		}
	})
}

// A FramesOption says how Frames reads a track.
type FramesOption func(*framesConfig)

type framesConfig struct {
	onGap func(*GapError)
}

// OnGap makes Frames call report for each group that breaks off, in the goroutine of the run,
// and go on.
func OnGap(report func(*GapError)) FramesOption {
	return func(c *framesConfig) { c.onGap = report }
}

// GroupFrames is the frames of one group. Each run reads with a clone of g: it begins where g
// stands and leaves g as it is. A group that breaks off ends the stream with a [*GapError].
func GroupFrames(g *model.GroupConsumer) Stream[Frame] {
	return NewStream(func(ctx context.Context) iter.Seq2[Frame, error] {
		return func(yield func(Frame, error) bool) {
			if gap, _ := frames(ctx, "", g.Clone(), yield); gap != nil {
				yield(Frame{}, gap)
			}
		}
	})
}

// frames yields the frames of g and closes it. It stops with the gap it found, which it does
// not yield, or with false after the loop was left or ctx ended.
func frames(ctx context.Context, track string, g *model.GroupConsumer, yield func(Frame, error) bool) (gap *GapError, more bool) {
	defer g.Close()
	f := Frame{Track: track, Group: g.Sequence()}
	for frame, err := range g.All(ctx) {
		switch {
		case err != nil && ctx.Err() != nil:
			yield(Frame{}, err)
			return nil, false
		case err != nil:
			return &GapError{Track: track, Group: f.Group, Index: f.Index, Err: err}, true
		}
		f.Timestamp, f.Payload = frame.Timestamp, frame.Payload
		if !yield(f, nil) {
			return nil, false
		}
		f.Index++
	}
	return nil, true
}

// Announcements is what becomes available in an origin and what no longer is, beginning with
// what is active. Each run has a cursor of its own, which it closes. The receiver closes the
// broadcast of an item. The stream ends when the origin is complete.
func Announcements(o *model.OriginConsumer) Stream[model.OriginAnnounce] {
	return NewStream(func(ctx context.Context) iter.Seq2[model.OriginAnnounce, error] {
		return func(yield func(model.OriginAnnounce, error) bool) {
			cursor := o.Announcements()
			defer cursor.Close()
			cursor.All(ctx)(yield)
		}
	})
}
