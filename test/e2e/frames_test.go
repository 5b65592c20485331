package e2e

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/rx"
	"github.com/moqrx/moqrx/session"
)

const timescale = 90_000

// content is what a track carries: three groups of four small frames, an empty one among them,
// one of two hundred, and two of large ones.
func content(seed byte) []rx.Frame {
	var frames []rx.Frame
	random := rand.NewChaCha8([32]byte{seed})
	add := func(group uint64, sizes ...int) {
		for index, size := range sizes {
			payload := make([]byte, size)
			_, _ = random.Read(payload) // never fails
			frames = append(frames, rx.Frame{
				Group: group, Index: index, Payload: payload,
				Timestamp: model.Timestamp{Value: group*3000 + uint64(index), Scale: timescale},
			})
		}
	}
	for group := range uint64(3) {
		add(group, 0, 1, 63, 1200)
	}
	add(3, make([]int, 200)...)
	for i := range frames[12:] {
		frames[12+i].Payload = fmt.Appendf(nil, "frame %d of a long group", i)
	}
	add(4, 300_000, 300_000)
	add(5, 300_000)
	return frames
}

// stream is a cold stream of frames.
func stream(frames []rx.Frame) rx.Stream[rx.Frame] {
	return rx.NewStream(func(ctx context.Context) iter.Seq2[rx.Frame, error] {
		return func(yield func(rx.Frame, error) bool) {
			for _, f := range frames {
				if !yield(f, nil) {
					return
				}
			}
		}
	})
}

type place struct {
	group uint64
	index int
}

// checkFrames reads a track to its clean end and compares every byte. Groups may interleave;
// the frames of each come in order.
func checkFrames(t *testing.T, who string, version session.Version, got iter.Seq2[rx.Frame, error], want []rx.Frame) {
	t.Helper()
	expected := make(map[place]rx.Frame, len(want))
	for _, f := range want {
		expected[place{f.Group, f.Index}] = f
	}
	next := map[uint64]int{}
	for f, err := range got {
		if err != nil {
			t.Errorf("%s: %v, with %d frames still to come", who, err, len(expected))
			return
		}
		at := place{f.Group, f.Index}
		w, ok := expected[at]
		if !ok {
			t.Errorf("%s: frame %v was not published, or came twice", who, at)
			continue
		}
		delete(expected, at)
		if f.Index != next[f.Group] {
			t.Errorf("%s: frame %v came where frame %d was due", who, at, next[f.Group])
		}
		next[f.Group] = f.Index + 1
		if !bytes.Equal(f.Payload, w.Payload) {
			t.Errorf("%s: frame %v differs", who, at)
		}
		// Below moq-lite-05 no time travels with a frame.
		if version >= session.MoqLite05 && f.Timestamp != w.Timestamp {
			t.Errorf("%s: frame %v is at %v, want %v", who, at, f.Timestamp, w.Timestamp)
		}
	}
	if len(expected) > 0 {
		t.Errorf("%s: %d of %d frames did not come", who, len(expected), len(want))
	}
}
