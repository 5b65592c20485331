package hostile

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport/memory"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

func TestDeclaredSizeCostsNothing(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{})
		id, reader := o.publishes("huge", "video")
		s := o.group(id, 0, []byte("whole"))
		g, err := reader.RecvGroup(t.Context())
		moqtest.Must(t, err)
		defer g.Close()
		if f, err := g.ReadFrame(t.Context()); err != nil || string(f.Payload) != "whole" {
			t.Errorf("the frame before is %q: %v", f.Payload, err)
		}
		_, err = s.Write(o.frame(1 << 61))
		moqtest.Must(t, err)
		wantStopped(t, s, model.CodeFrameTooLarge)
		if _, err := g.ReadFrame(t.Context()); !errors.Is(err, model.ErrFrameTooLarge) {
			t.Errorf("the group ended with %v", err)
		}
		for i := range uint64(100) { // each would be permitted by itself
			s := o.group(id, i+1)
			_, err := s.Write(o.frame(model.MaxFrameSize))
			moqtest.Must(t, err)
		}
		h.goesOn()
		o.alive()
		h.within(4 * mib)
	})
}

func TestUnfinishedGroupsAreBounded(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{})
		id, reader := o.publishes("heavy", "video")
		var refused int
		chunk := make([]byte, 64<<10)
		for i := range uint64(100) {
			s := o.group(id, i)
			_, _ = s.Write(o.frame(1 << 20))
			for range 8 { // half of what the frame has
				_, _ = s.Write(chunk)
			}
			synctest.Wait()
			if s.Context().Err() != nil {
				wantStopped(t, s, model.CodeEvicted)
				refused++
			}
		}
		if refused < 80 || refused > 90 { // 8 MiB are 16 halves
			t.Errorf("%d groups were refused", refused)
		}
		h.goesOn()
		o.alive()
		_ = reader.Close()
		h.within(32 * mib)
	}, session.WithLimits(session.Limits{UnfinishedBytes: 8 * mib}))
}

func TestReaderThatNeverReads(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		own := model.NewOrigin()
		h.client(own)
		_, track := moqtest.Publish(t, own, "large", "video", model.TrackInfo{})
		o := h.offender(memory.Config{ConnWindow: 128 * mib}) // so that the groups that it does not read leave room for others
		b, err := h.room.Consume().Announced(t.Context(), "large")
		moqtest.Must(t, err)
		_ = b.Close()
		s := o.bidi(lite.BidiSubscribe, &lite.Subscribe{ID: 1, Broadcast: "large", Track: "video"})
		synctest.Wait()
		payload := []byte(strings.Repeat("large", 60_000))
		for i := range 300 { // 90 MB within a minute, of which nobody takes anything
			moqtest.Must(t, track.WriteFrame(model.Frame{Payload: payload}))
			h.goesOn()
			if i%50 == 49 {
				h.within(64 * mib)
			}
			time.Sleep(200 * time.Millisecond)
		}
		o.alive()
		// It may still change its mind: what it gets then are old groups given up, and new ones.
		old, whole := 0, 0
		for whole == 0 {
			u, err := o.AcceptUni(t.Context())
			moqtest.Must(t, err)
			n, err := io.Copy(io.Discard, u)
			if err == nil && n > int64(len(payload)) {
				whole++
			} else if err != nil {
				wantCode(t, "a group", err, model.CodeOld)
				old++
			}
		}
		if old < 100 {
			t.Errorf("only %d groups were given up", old)
		}
		s.Reset(0)
		s.Stop(0)
		time.Sleep(time.Minute)
		h.goesOn()
		h.within(32 * mib) // what the track caches
	})
}

func TestIdsThatDoNotExist(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{})
		id, reader := o.publishes("rogue", "video")
		for _, none := range []uint64{id + 1, 1 << 40, 1<<62 - 1} {
			wantStopped(t, o.group(none, 0, []byte("nobody asked for this")), model.CodeCancel)
		}
		// An end of what was never announced is normal; deployed peers send it.
		_, err := o.announce.Write(o.encode(nil, &lite.Announce{Suffix: "never"}, &lite.Announce{Suffix: "good"}))
		moqtest.Must(t, err)
		// An update without a subscription is no message that can begin a stream.
		update := o.encode([]byte{0x02}, &lite.SubscribeUpdate{Priority: 255})
		s := o.rawBidi(update)
		wantReset(t, s, model.CodeDecode)
		// An update of a subscription that was refused comes too late.
		s = o.bidi(lite.BidiSubscribe, &lite.Subscribe{ID: 5, Broadcast: "nothing", Track: "video"})
		wantReset(t, s, model.CodeUnroutable)
		_, _ = s.Write(update[1:])
		o.alive()
		h.goesOn()
		_ = o.group(id, 3, []byte("fine")).Close()
		g, err := reader.RecvGroup(t.Context())
		moqtest.Must(t, err)
		if f, err := g.ReadFrame(t.Context()); err != nil || string(f.Payload) != "fine" {
			t.Errorf("a group of the subscription there is has %q: %v", f.Payload, err)
		}
		_ = g.Close()
		h.within(4 * mib)
	})
}

func TestPathsStayBelowTheRoot(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		_, secret := moqtest.Publish(t, h.origin, "secret/alice", "video", model.TrackInfo{})
		moqtest.Must(t, secret.WriteFrame(model.Frame{Payload: []byte("secret")}))
		o := h.offender(memory.Config{})
		ways := []string{"../secret/alice", "/../secret/alice", "room/../../secret/alice", "./../secret/alice", "..%2fsecret/alice", "\x00/../secret/alice", "/secret/alice", "secret/alice"}
		for i, path := range ways {
			s := o.bidi(lite.BidiSubscribe, &lite.Subscribe{ID: uint64(i), Broadcast: path, Track: "video"})
			wantReset(t, s, model.CodeUnroutable)
			r := o.bidi(lite.BidiAnnounce, &lite.AnnounceRequest{Prefix: strings.TrimSuffix(path, "alice")})
			moqtest.Must(t, r.Close())
			b, err := io.ReadAll(r)
			if err != nil || strings.Contains(string(b), "alice") {
				t.Errorf("told of %q below %q: %v", b, path, err)
			}
		}
		announce := o.announces()
		for i, path := range ways {
			_, err := announce.Write(o.encode(nil, o.active(fmt.Sprintf("%s/%d/forged", path, i))))
			moqtest.Must(t, err)
		}
		synctest.Wait()
		forged := 0
		for _, path := range moqtest.Paths(h.origin.Consume()) {
			if strings.HasSuffix(path.String(), "/forged") {
				forged++
				if !path.HasPrefix("room") {
					t.Errorf("a broadcast was forged at %q", path)
				}
			}
		}
		if forged != len(ways) {
			t.Errorf("%d broadcasts below the root, want %d", forged, len(ways))
		}
		o.alive()
		h.goesOn()
		h.within(8 * mib)
	})
}

// A path with more components than an origin takes is passed over.
func TestPathsThatAreTooDeep(t *testing.T) {
	forEachVersion(t, func(t *testing.T, h *host) {
		o := h.offender(memory.Config{})
		deep := strings.Repeat("x/", model.MaxPathParts-1) // as many as a message may have, but for the root
		s := o.announces()
		for i := range 100 {
			_, err := s.Write(o.encode(nil, o.active(fmt.Sprint(deep, i))))
			moqtest.Must(t, err)
		}
		wantReset(t, o.bidi(lite.BidiSubscribe, &lite.Subscribe{Broadcast: deep + "0", Track: "video"}), model.CodeUnroutable)
		o.alive()
		h.goesOn()
		h.within(4 * mib)
	})
}
