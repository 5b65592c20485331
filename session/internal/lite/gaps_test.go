package lite

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// What was sent and what is told not to come are all that there is, each once.
func TestGapsAreWhatWasNotSent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 40 // which has no more than maxSpans gaps
		sent := rapid.SliceOfN(rapid.Uint64Range(0, most-1), 0, most).Draw(t, "sent")
		floor, end := rapid.Uint64Range(0, most).Draw(t, "floor"), rapid.Uint64Range(0, most).Draw(t, "end")
		var s spans
		for _, n := range sent {
			s.add(n)
		}
		first := rapid.Uint64Range(0, most-1).Draw(t, "first")
		last := rapid.Uint64Range(first, most-1).Draw(t, "last")
		s.cover(first, last)
		got := map[uint64]int{}
		for _, m := range s.gaps(floor, end) {
			d := m.(*genlite.SubscribeDrop)
			for n := d.Start; n <= d.End; n++ {
				got[n]++
			}
		}
		if s.has(floor, end) != (len(got) == 0) {
			t.Fatalf("%v has %d to %d: %v, but the gaps are %v", s, floor, end, s.has(floor, end), got)
		}
		for n := range uint64(most) {
			want := 0
			if n >= floor && n < end && !slices.Contains(sent, n) && (n < first || n > last) {
				want = 1
			}
			if got[n] != want {
				t.Fatalf("group %d is told %d times, want %d", n, got[n], want)
			}
		}
	})
}

func TestGapsAreForgottenFromTheLowest(t *testing.T) {
	var s spans
	const groups = 1000
	for n := range uint64(groups) {
		s.add(2 * n)
	}
	drops := s.gaps(0, 2*groups)
	if len(s) != maxSpans || len(drops) != maxSpans {
		t.Fatalf("%d spans, %d gaps", len(s), len(drops))
	}
	for i, m := range drops {
		want := uint64(2*(groups-maxSpans+i) + 1)
		if d := m.(*genlite.SubscribeDrop); d.Start != want || d.End != want {
			t.Fatalf("gap %d is %s, want %d", i, fmt.Sprint(d), want)
		}
	}
}

func TestMissingGroups(t *testing.T) {
	for name, c := range map[string]struct {
		drops []genlite.Message
		took  time.Duration
	}{
		"are not waited for forever":               {nil, time.Second},
		"are not waited for when they were told":   {[]genlite.Message{&genlite.SubscribeDrop{Start: 5, End: 6}, &genlite.SubscribeDrop{Start: 7, End: 8}}, 0},
		"are waited for when some were told":       {[]genlite.Message{&genlite.SubscribeDrop{Start: 5, End: 7}}, time.Second},
		"are waited for when what was told is odd": {[]genlite.Message{&genlite.SubscribeDrop{Start: 8, End: 5}}, time.Second},
		"are waited for when what came was told":   {[]genlite.Message{&genlite.SubscribeDrop{Start: 4, End: 7}}, time.Second},
		"are waited for when some were told twice": {[]genlite.Message{&genlite.SubscribeDrop{Start: 5, End: 6}, &genlite.SubscribeDrop{Start: 5, End: 6}}, time.Second},
		"are not waited for when more were told":   {[]genlite.Message{&genlite.SubscribeDrop{Start: 5, End: model.MaxSequence}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, genlite.Version05, consuming(""))
				track, id := r.request("alice", "video"), uint64(0)
				r.answerTrack()
				s, _ := r.accept(genlite.BidiSubscribe, new(genlite.Subscribe))
				must(t, r.group(id, 4, r.frame("four")).Close())
				r.write(s, &genlite.SubscribeStart{Group: 4})
				r.write(s, append(c.drops, &genlite.SubscribeEnd{Group: 9})...)
				must(t, s.Close())
				began := time.Now()
				wantFrames(t, track, 4, "four")
				if _, err := track.RecvGroup(t.Context()); !errors.Is(err, io.EOF) {
					t.Errorf("the track ended with %v", err)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("the end came after %v, want %v", took, c.took)
				}
				if final, ok := track.FinalSequence(); !ok || final != 9 {
					t.Errorf("final sequence %d, %v", final, ok)
				}
			})
		})
	}
}
