package lite

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
)

func TestTrackInfoOnTheWire(t *testing.T) {
	for _, v := range withSetup {
		t.Run(v.String(), func(t *testing.T) {
			t.Run("16.22/357 a timescale of 0 is malformed", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, v, consuming(""))
					track := r.request("alice", "video")
					var m genlite.Track
					s, _ := r.accept(genlite.BidiTrack, &m)
					_, err := s.Write(unhex(t, "05 00 00 53 88 00"))
					must(t, err)
					if _, err := track.RecvGroup(t.Context()); !errors.Is(err, model.ErrDecode) {
						t.Errorf("the track ended with %v", err)
					}
					r.works()
				})
			})
			t.Run("16.22/358 what is the default has these bytes", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, v)
					r.publish("alice", "video")
					s := r.bidi(genlite.BidiTrack, &genlite.Track{Broadcast: "alice", Track: "video"})
					wantBytes(t, s, "06 00 00 53 88 43 e8")
					wantEnd(t, s, -1)
				})
			})
		})
	}
}

func TestSubscribeDropOnTheWire(t *testing.T) {
	// What follows an accepted SUBSCRIBE, and whether it breaks the rules.
	for _, c := range []struct {
		v     genlite.Version
		bytes string
		bad   bool
	}{
		{genlite.Version03, "01 03 00 02 00", false},
		{genlite.Version04, "01 03 00 02 00", false},
		{genlite.Version04, "02 03 00 02 00", true},
		{genlite.Version05, "02 03 00 02 00", false},
		{genlite.Version05, "01 03 00 02 00", true}, // that is an END, which is shorter
		{genlite.Version06Wip, "02 03 00 02 00", false},
		{genlite.Version04, "01 01 02", true},
	} {
		t.Run("16.22/384 "+c.v.String()+" "+c.bytes, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c.v, consuming(""))
				track, id := r.subscribed("alice", "video")
				_, err := r.answers.Write(unhex(t, c.bytes))
				must(t, err)
				synctest.Wait()
				if c.bad {
					if _, err := track.RecvGroup(t.Context()); !errors.Is(err, model.ErrDecode) {
						t.Errorf("the track ended with %v", err)
					}
					return
				}
				must(t, r.group(id, 3, r.frame("goes on")).Close())
				wantFrames(t, track, 3, "goes on")
			})
		})
	}
}

// A group that is complete when its subscriber leaves has been sent, and stays sent.
func TestCompletedGroupIsNeverReset(t *testing.T) {
	t.Run("16.22/360 it ends with a FIN, whatever comes after", func(t *testing.T) {
		forEachVersion(t, func(t *testing.T, v genlite.Version) {
			r := newRig(t, v)
			if v >= genlite.Version05 {
				setup, err := r.peer.AcceptUni(t.Context())
				must(t, err)
				_, err = io.ReadAll(setup)
				must(t, err)
			}
			b, track := r.publish("alice", "video")
			s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "alice", Track: "video"})
			synctest.Wait()
			write(t, track, []uint64{0}, "complete")
			u, err := r.peer.AcceptUni(t.Context())
			must(t, err)
			must(t, s.Close())
			synctest.Wait()
			b.Abort(model.ErrDropped)
			track.Abort(model.ErrDropped)
			synctest.Wait()
			data, err := io.ReadAll(u)
			if err != nil || !strings.HasSuffix(string(data), "complete") {
				t.Errorf("read %q, %v", data, err)
			}
		})
	})
}

// Where a subscription cannot be changed, it stays as it is.
func TestWishesThatNoMessageCarries(t *testing.T) {
	for _, v := range []genlite.Version{genlite.Version01, genlite.Version02} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, v, consuming(""))
			track, id := r.subscribed("alice", "video")
			must(t, track.Update(model.Subscription{Priority: 9, Ordered: true, Start: model.At(3), MaxLatency: 1}))
			silent(t, record(r.answers))
			must(t, r.group(id, 4, r.frame("goes on")).Close())
			wantFrames(t, track, 4, "goes on")
		})
	}
}

// One reader with a wish that is larger than any message must not fail the track of all of them.
func TestWishesBeyondEveryMessage(t *testing.T) {
	for _, v := range genlite.Versions() {
		if v < genlite.Version03 {
			continue
		}
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, v, consuming(""))
				track, id := r.subscribed("alice", "video")
				must(t, track.Update(model.Subscription{Start: model.At(1<<64 - 1), End: model.At(1<<64 - 1)}))
				var m genlite.SubscribeUpdate
				must(t, newReader(r.answers, v).message(&m))
				if m.StartGroup != wire.Some[uint64](1<<62-2) || m.EndGroup.Set {
					t.Errorf("asked for %v to %v", m.StartGroup, m.EndGroup)
				}
				must(t, track.Update(model.Subscription{}))
				must(t, r.group(id, 4, r.frame("goes on")).Close())
				wantFrames(t, track, 4, "goes on")
			})
		})
	}
}
