package model_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// must returns v, for calls that cannot fail in the test at hand.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func wantNil(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("unexpected error: %v", err)
	}
}

func want[T comparable](t *testing.T, what string, got, expect T) {
	t.Helper()
	if got != expect {
		t.Errorf("%s: got %v, want %v", what, got, expect)
	}
}

// newTrack returns a track in a broadcast of its own.
func newTrack(t *testing.T) *model.TrackProducer {
	t.Helper()
	b := model.NewBroadcast(model.Route{})
	return must(b.CreateTrack("video", model.TrackInfo{}))
}

// newGroup returns group 0 of a track of its own.
func newGroup(t *testing.T) *model.GroupProducer {
	t.Helper()
	return must(newTrack(t).AppendGroup())
}

func text(s string) model.Frame { return model.Frame{Payload: []byte(s)} }

// readFrames reads whole frames without waiting until none is ready; end is the
// error then, nil when the reader would have to wait.
func readFrames(g *model.GroupConsumer) (frames []string, end error) {
	for {
		f, ok, err := g.TryReadFrame()
		if !ok {
			return frames, err
		}
		frames = append(frames, string(f.Payload))
	}
}

// recvAll returns the sequences that try hands out without waiting.
func recvAll(try func() (*model.GroupConsumer, bool, error)) (seqs []uint64, end error) {
	for {
		g, ok, err := try()
		if !ok {
			return seqs, err
		}
		seqs = append(seqs, g.Sequence())
	}
}

// later runs f in a goroutine of the synctest bubble and returns a function that
// tells whether it has returned, once everything has settled.
func later(f func()) (returned func() bool) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	return func() bool {
		synctest.Wait()
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
}

var (
	bg  = context.Background()
	eof = io.EOF
)
