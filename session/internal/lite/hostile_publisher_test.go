package lite

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// A peer that we are subscribed to, and that breaks the rules on its group streams.
func TestBadGroups(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""))
		track, id := r.subscribed("alice", "video")
		next := func() *model.GroupConsumer {
			t.Helper()
			g, err := track.RecvGroup(t.Context())
			must(t, err)
			return g
		}
		fails := func(what string, g *model.GroupConsumer, want error) {
			t.Helper()
			for {
				if _, err := g.ReadFrame(t.Context()); err != nil {
					if !errors.Is(err, want) {
						t.Errorf("%s: the group ended with %v, want %v", what, err, want)
					}
					return
				}
			}
		}
		huge := genlite.FrameHeader{PayloadLength: 1 << 61}
		b, err := huge.Append(nil, v)
		if err != nil { // the codec does not write what nobody takes
			b = unhex(t, map[bool]string{true: "00", false: ""}[v >= genlite.Version05]+"e000000000000000")
		}
		wantStop(t, r.group(id, 0, b), uint64(model.CodeFrameTooLarge))
		fails("frame of 2^61 bytes", next(), model.ErrFrameTooLarge)

		must(t, r.group(id, 1, append(r.frame("whole"), r.frame("cut short")[:6]...)).Close())
		fails("FIN inside a frame", next(), model.ErrWrongSize)
		must(t, r.group(id, 2, append(r.frame("whole"), 0x40)).Close())
		fails("FIN inside a frame header", next(), model.ErrWrongSize)

		s := r.group(id, 3, r.frame("whole"))
		g := next()
		s.Reset(2)
		fails("reset", g, model.ErrOld)

		open := r.group(id, 4, r.frame("one"))
		g = next()
		wantStop(t, r.group(id, 4, r.frame("two")), uint64(model.CodeDuplicate))
		_, err = open.Write(r.frame("three"))
		must(t, err)
		must(t, open.Close())
		for _, want := range []string{"one", "three"} {
			f, err := g.ReadFrame(t.Context())
			must(t, err)
			if string(f.Payload) != want {
				t.Errorf("frame %q, want %q", f.Payload, want)
			}
		}
		r.works()
	})
}

func TestTimestampsOutOfRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""))
		track, id := r.subscribed("alice", "video")
		for sequence, delta := range []int64{-1, 1 << 60} {
			h := genlite.FrameHeader{TimestampDelta: delta}
			b, err := h.Append(nil, r.v)
			must(t, err)
			if delta > 0 { // four steps up to the bound, and one beyond
				b = []byte(strings.Repeat(string(b), 4))
			}
			wantStop(t, r.group(id, uint64(sequence), b), uint64(model.CodeBoundsExceeded))
			g, err := track.RecvGroup(t.Context())
			must(t, err)
			for err == nil {
				_, err = g.ReadFrame(t.Context())
			}
			if !errors.Is(err, model.ErrBoundsExceeded) {
				t.Errorf("the group ended with %v", err)
			}
		}
		r.works()
	})
}

func TestBadAnswersToSubscribe(t *testing.T) {
	for name, c := range map[string]struct {
		before03 string // hex of the answer
		before05 string
		from05   string
		fin      bool
		want     error
	}{
		"garbage":              {"02 01 00", "07 01 00", "07 01 00", false, model.ErrDecode},
		"not an answer":        {"", "01 03 00 00 00", "", false, model.ErrProtocolViolation},
		"FIN before an answer": {"", "", "", true, model.ErrDecode},
		"cut short":            {"01", "00 05 00", "00 05 00", true, model.ErrDecode},
	} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				bytes := c.before05
				switch {
				case v <= genlite.Version02:
					bytes = c.before03
				case v >= genlite.Version05:
					bytes = c.from05
				}
				if bytes == "" && (!c.fin || v >= genlite.Version05) {
					t.Skip("nothing else can be answered, or nothing has to be")
				}
				r := newRig(t, v, consuming(""))
				track := r.request("alice", "video")
				if v >= genlite.Version05 {
					r.answerTrack()
				}
				var m genlite.Subscribe
				s, _ := r.accept(genlite.BidiSubscribe, &m)
				_, err := s.Write(unhex(t, bytes))
				must(t, err)
				if c.fin {
					must(t, s.Close())
				}
				if _, err := track.RecvGroup(t.Context()); !errors.Is(err, c.want) {
					t.Errorf("the track ended with %v, want %v", err, c.want)
				}
				r.works()
			})
		})
	}
}

func TestSilentAnswersTimeOut(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""))
		track := r.request("alice", "video")
		began := time.Now()
		_, err := track.RecvGroup(t.Context())
		if !errors.Is(err, model.ErrTimeout) || !strings.Contains(err.Error(), `for track "video" of "alice"`) {
			t.Errorf("the track ended with %v, want a timeout that names it", err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("gave up after %v", took)
		}
		r.works()
	})
}

func TestAnnounceStreamThatBreaksTheRules(t *testing.T) {
	for name, c := range map[string]struct {
		bytes func(r *rig) []byte
		want  error
	}{
		"garbage": {func(*rig) []byte { return []byte{3, 9, 1, 'a'} }, model.ErrDecode},
		"announced twice": {func(r *rig) []byte {
			if r.v == genlite.Version05 {
				return nil // there it is a restart
			}
			return r.encode(nil, active(r.v, "a"), active(r.v, "a"))
		}, model.ErrDuplicate},
		"end of what has not started": {func(r *rig) []byte {
			if r.v < genlite.Version06Wip {
				return nil // there it is common
			}
			return r.encode(nil, active(r.v, "a"), &genlite.AnnounceEnd{ID: 1})
		}, model.ErrProtocolViolation},
		"end of what has ended": {func(r *rig) []byte {
			if r.v < genlite.Version06Wip {
				return nil
			}
			return r.encode(nil, active(r.v, "a"), &genlite.AnnounceEnd{ID: 0}, &genlite.AnnounceEnd{ID: 0})
		}, model.ErrProtocolViolation},
		"update of what has ended": {func(r *rig) []byte {
			if r.v < genlite.Version06Wip {
				return nil
			}
			return r.encode(nil, active(r.v, "a"), &genlite.AnnounceEnd{ID: 0}, &genlite.AnnounceUpdate{ID: 0})
		}, model.ErrProtocolViolation},
		"too many": {func(r *rig) []byte {
			return r.encode(nil, active(r.v, "a"), active(r.v, "b"), active(r.v, "c"))
		}, model.ErrBoundsExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				r := newRig(t, v, consuming(""), func(c *rigConfig) { c.Limits.Broadcasts = 2 })
				b := c.bytes(r)
				if b == nil {
					t.Skip("not against the rules")
				}
				s := r.listening()
				_, err := s.Write(b)
				must(t, err)
				if err := r.ended(); !errors.Is(err, c.want) {
					t.Errorf("the session ended with %v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestAnnounceStreamThatIsReset(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""))
		s := r.listening()
		r.write(s, active(v, "alice"))
		news := r.engine.subscriber.origin.Consume().Announcements()
		defer news.Close()
		a, err := news.Next(t.Context())
		must(t, err)
		_ = a.Broadcast.Close()
		s.Reset(0)
		a, err = news.Next(t.Context())
		must(t, err)
		if a.Broadcast != nil {
			t.Error("the broadcast outlives its announce stream")
		}
		r.works()
	})
}
