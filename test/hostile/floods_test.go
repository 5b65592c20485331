package hostile

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

func TestAnnounceFlood(t *testing.T) {
	for name, suffix := range map[string]string{"many paths": "", "long paths": strings.Repeat("x", 20_000)} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, h *host) {
				most := min(h.limits.Broadcasts, h.limits.AnnouncedBytes/max(1, len(suffix)))
				o := h.offender(memory.Config{})
				s := o.announces()
				sent, ahead := 0, 0
				for ; o.Context().Err() == nil; sent++ {
					b := o.encode(nil, o.active(fmt.Sprintf("flood/%05d%s", sent, suffix)))
					if _, err := s.Write(b); err != nil {
						break // the session is about to end
					}
					ahead = 2*window/len(b) + 1 // may have been sent and not taken
					if sent%2000 == 0 {
						h.goesOn()
						h.within(48 * mib)
					}
				}
				o.wantClosed(model.CodeBoundsExceeded)
				if sent < most || sent > most+ahead {
					t.Errorf("closed after %d announcements, want about %d", sent, most)
				}
				h.goesOn()
				if left := h.announced("flood"); left > 0 {
					t.Errorf("%d broadcasts are still announced", left)
				}
				h.within(16 * mib) // maps do not shrink
			})
		})
	}
}

func TestAnnounceChurn(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{})
		s := o.announces()
		long := strings.Repeat("x", 1000)
		for i := range h.many(10_000) { // far more than may be there at once, also in bytes
			path := fmt.Sprintf("churn/%d%s", i, long)
			_, err := s.Write(o.encode(nil, o.active(path), &lite.Announce{Suffix: path}))
			moqtest.Must(t, err)
			if i%5000 == 0 {
				h.goesOn()
			}
		}
		o.alive()
		h.goesOn()
		h.within(8 * mib)
	})
}

// What one client may announce reaches all the others, who have to take it beside what is there already.
func TestAsManyAnnouncementsAsAreAllowed(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{})
		s := o.announces()
		most := h.limits.Broadcasts
		for i := range most {
			_, err := s.Write(o.encode(nil, o.active(fmt.Sprintf("flood/%05d", i))))
			moqtest.Must(t, err)
		}
		if got := h.announced("flood"); got != most {
			t.Errorf("%d broadcasts are announced, want %d", got, most)
		}
		o.alive()
		h.goesOn()
	})
}

func TestFloodOfRequestsForAnnouncements(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{})
		most := h.limits.Announces
		streams := flood(t, h, h.many(900), func(i int) transport.Stream {
			return o.bidi(lite.BidiAnnounce, &lite.AnnounceRequest{Prefix: fmt.Sprint(i)})
		})
		served := wantRefused(t, streams, len(streams)-most, endsCleanly)
		for _, s := range served {
			moqtest.Must(t, s.Close())
			if _, err := io.Copy(io.Discard, s); err != nil {
				t.Errorf("a request within the limit ended with %v", err)
			}
		}
		o.alive()
		h.within(4 * mib)
	})
}

func TestSubscribeFlood(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{MaxUniStreams: 100_000})
		most := h.limits.Subscriptions
		streams := flood(t, h, h.many(1000), func(i int) transport.Stream {
			return o.bidi(lite.BidiSubscribe, &lite.Subscribe{ID: uint64(i), Broadcast: "good", Track: "video"})
		})
		wantRefused(t, streams, len(streams)-most, isReset)
		for range 4 { // each group goes out as often as there are subscriptions
			h.goesOn()
		}
		h.within(64 * mib)
		_ = o.CloseWithError(0, "")
		synctest.Wait()
		h.goesOn()
		h.within(16 * mib) // of the offender, which has read nothing
	})
}

func TestSubscriptionsToManyGroupsWithoutCreditForThem(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		own := model.NewOrigin()
		h.client(own)
		_, track := moqtest.Publish(t, own, "large", "audio", model.TrackInfo{MaxLatency: time.Hour})
		o := h.offender(memory.Config{MaxUniStreams: -1})
		b, err := h.room.Consume().Announced(t.Context(), "large")
		moqtest.Must(t, err)
		reader, err := b.SubscribeTrack("audio", model.Subscription{})
		moqtest.Must(t, err)
		synctest.Wait()
		for range 200 {
			moqtest.Must(t, track.WriteFrame(model.Frame{Payload: []byte("sound")}))
		}
		synctest.Wait()
		before := runtime.NumGoroutine()
		n := h.many(500)
		for i := range n {
			o.bidi(lite.BidiSubscribe, &lite.Subscribe{ID: uint64(i), Broadcast: "large", Track: "audio", StartGroup: wire.Some[uint64](0)})
		}
		synctest.Wait()
		// A few for each subscription, and one for each of 16 times 128 groups.
		if more := runtime.NumGoroutine() - before; more > 16*128+8*n {
			t.Errorf("%d goroutines for %d subscriptions", more, n)
		}
		h.within(64 * mib)
		h.goesOn()
		o.alive()
		_ = reader.Close()
		_ = b.Close()
	})
}

func TestFloodOfSubscriptionsToNothing(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{})
		for round := range 8 {
			streams := flood(t, h, h.many(500), func(i int) transport.Stream {
				return o.bidi(lite.BidiSubscribe, &lite.Subscribe{
					ID: uint64(i), Broadcast: fmt.Sprintf("nothing/%d/%d", round, i), Track: strings.Repeat("x", 5000),
				})
			})
			for _, s := range streams {
				wantReset(t, s, model.CodeUnroutable)
			}
		}
		h.goesOn()
		o.alive()
		h.within(4 * mib)
	})
}

func TestFetchFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, session.MoqLite05)
		o := h.offender(memory.Config{})
		streams := flood(t, h, h.many(900), func(int) transport.Stream {
			return o.bidi(lite.BidiFetch, &lite.Fetch{Broadcast: "good", Track: "video", Group: 1 << 40})
		})
		answered := 0
		for _, s := range streams { // those beyond the limit at one time are refused
			_, err := io.Copy(io.Discard, s)
			var end *transport.StreamError
			if errors.As(err, &end) && end.Code == uint64(model.CodeNotFound) {
				answered++
				continue
			}
			wantCode(t, "RESET_STREAM", err, model.CodeBoundsExceeded)
		}
		if answered == 0 {
			t.Error("no fetch was answered")
		}
		o.alive()
		h.goesOn()
		h.within(4 * mib)
	})
}

// window is how much of a stream may be on its way.
const window = 64 << 10

// wantRefused checks that so many of the streams were refused for a limit, and returns the others.
func wantRefused(t *testing.T, streams []transport.Stream, want int, ends func(*testing.T, transport.Stream)) (others []transport.Stream) {
	t.Helper()
	refused := 0
	for _, s := range streams {
		if s.Context().Err() == nil {
			others = append(others, s)
			continue
		}
		wantStopped(t, s, model.CodeBoundsExceeded)
		ends(t, s)
		refused++
	}
	if refused != want {
		t.Errorf("%d of %d streams were refused, want %d", refused, len(streams), want)
	}
	return others
}

// isReset is how a refused stream ends.
func isReset(t *testing.T, s transport.Stream) {
	t.Helper()
	wantReset(t, s, model.CodeBoundsExceeded)
}

// endsCleanly is how one for announcements does: deployed peers take its reset for the end of the session.
func endsCleanly(t *testing.T, s transport.Stream) {
	t.Helper()
	if _, err := io.Copy(io.Discard, s); err != nil {
		t.Errorf("a request above the limit ended with %v", err)
	}
}

// flood opens streams, while the sessions that behave go on.
func flood(t *testing.T, h *host, n int, open func(i int) transport.Stream) (streams []transport.Stream) {
	t.Helper()
	for i := range n {
		streams = append(streams, open(i))
		if i%100 == 0 {
			h.goesOn()
		}
	}
	time.Sleep(time.Second)
	h.goesOn()
	h.within(64 * mib)
	return streams
}
