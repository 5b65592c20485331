package lite

import (
	"errors"
	"testing"
	"testing/synctest"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

func TestRefusedFetch(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(r *rig, s transport.Stream)
		want   error
		remote bool
		stop   uint64
	}{
		"not found":        {func(_ *rig, s transport.Stream) { s.Reset(13) }, model.ErrNotFound, true, 13},
		"a code":           {func(_ *rig, s transport.Stream) { s.Reset(64 + 402) }, &model.Error{Code: model.AppCode(402)}, true, 64 + 402},
		"a dropped stream": {func(_ *rig, s transport.Stream) { s.Reset(0) }, model.ErrCancel, true, 0},
		"half a frame header": {func(r *rig, s transport.Stream) {
			_, err := s.Write([]byte{0x40})
			must(r.t, err)
			must(r.t, s.Close())
		}, model.ErrWrongSize, false, 14},
		"a time below zero": {func(r *rig, s transport.Stream) {
			_, err := s.Write([]byte{0x01, 0x00})
			must(r.t, err)
		}, model.ErrBoundsExceeded, false, uint64(model.CodeBoundsExceeded)},
		"silence":                {func(*rig, transport.Stream) {}, model.ErrTimeout, false, 3},
		"the end of the session": {func(r *rig, _ transport.Stream) { _ = r.peer.CloseWithError(15, "") }, model.ErrTransport, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, genlite.Version05, consuming(""))
				fetch := fetcher(r.handle("alice", "video").FetchGroup)
				done := fetch.start(t.Context(), 3, 0)
				r.answerTrack()
				s, in := r.asked(3, 0)
				c.answer(r, s)
				f := <-done
				var known *model.Error
				if !errors.Is(f.err, c.want) || !errors.As(f.err, &known) || known.Remote != c.remote {
					t.Errorf("the fetch ended with %v", f.err)
				}
				if r.peer.Context().Err() != nil {
					return
				}
				if err := in.fill(1); !errors.Is(modelError(t.Context(), err), &model.Error{Code: model.Code(c.stop)}) {
					t.Errorf("our half ended with %v, want code %d", err, c.stop)
				}
				again := fetch.start(t.Context(), 3, 0)
				s, _ = r.asked(3, 0)
				must(t, s.Close())
				must(t, (<-again).err)
				r.works()
			})
		})
	}
}

// What goes wrong once the group has begun is the end of the group.
func TestFetchedGroupThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		bytes string // after a whole frame
		end   func(s transport.Stream)
		want  error
		code  uint64
	}{
		"a frame of 2^61 bytes": {"00 e000000000000000", func(transport.Stream) {}, model.ErrFrameTooLarge, uint64(model.CodeFrameTooLarge)},
		"FIN inside a frame":    {"00 05 6869", func(s transport.Stream) { _ = s.Close() }, model.ErrWrongSize, 14},
		"a reset":               {"00 05 6869", func(s transport.Stream) { s.Reset(2) }, model.ErrOld, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, genlite.Version05, consuming(""))
				fetch := fetcher(r.handle("alice", "video").FetchGroup)
				done := fetch.start(t.Context(), 3, 0)
				r.answerTrack()
				s, in := r.asked(3, 0)
				_, err := s.Write(append(r.frame("whole"), unhex(t, c.bytes)...))
				must(t, err)
				synctest.Wait()
				c.end(s)
				if _, err := (<-done).frames(t); !errors.Is(err, c.want) {
					t.Errorf("the group ended with %v, want %v", err, c.want)
				}
				if err := in.fill(1); !errors.Is(modelError(t.Context(), err), &model.Error{Code: model.Code(c.code)}) {
					t.Errorf("our half ended with %v, want code %d", err, c.code)
				}
				again := fetch.start(t.Context(), 3, 0)
				s, _ = r.asked(3, 0)
				must(t, s.Close())
				must(t, (<-again).err)
				r.works()
			})
		})
	}
}
