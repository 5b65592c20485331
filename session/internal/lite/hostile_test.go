package lite

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// What a peer may do wrong on a stream of its own: the stream ends with a code, the session
// serves on.
func TestBadBidirectionalStreams(t *testing.T) {
	const (
		fin  = "FIN"
		open = ""
	)
	for name, c := range map[string]struct {
		bytes string // hex
		end   string
		code  int
	}{
		"unknown type":             {"3f 00", open, 10},
		"session stream":           {"00 00", open, 10},
		"FIN before the type":      {"", fin, 5},
		"FIN inside the type":      {"40", fin, 5},
		"FIN before the message":   {"02", fin, 5},
		"FIN inside the message":   {"02 17 00 0a 726f", fin, 5},
		"subscribe: garbage":       {"02 08 ffffffffffffffff", open, 5},
		"subscribe: trailing byte": {"02 0b 07 0161 0174 00 00 00 00 00 aa", open, 5},
		"subscribe: huge length":   {"02 e000000000000000", open, 5},
		"goaway or unknown":        {"05 01 05", open, -2},
		"fetch":                    {"03 06 0161 0174 00 05", open, -2},
		"track or unknown":         {"06 ff", open, -2},
	} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				r := newRig(t, v)
				s := r.raw(unhex(t, c.bytes))
				if c.end == fin {
					must(t, s.Close())
				}
				if c.code == -2 { // differs by version: it only must not stay open
					if _, err := io.ReadAll(s); err == nil {
						t.Error("the stream ended cleanly")
					}
				} else {
					wantEnd(t, s, c.code)
				}
				s.Reset(0)
				r.works()
			})
		})
	}
}

func TestBadUnidirectionalStreams(t *testing.T) {
	for name, c := range map[string]struct {
		bytes string
		code  uint64
	}{
		"unknown type":         {"3f 00", 10},
		"group: garbage":       {"00 02 ffff", 5},
		"group: trailing byte": {"00 03 00 00 00", 5},
		"group: huge length":   {"00 e000000000000000", 5},
		"group: nobody asked":  {"00 02 05 00 05 68656c6c6f", 0},
	} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				r := newRig(t, v)
				wantStop(t, r.uni(unhex(t, c.bytes)), c.code)
				r.works()
			})
		})
	}
}

func TestStreamsThatDieBeforeTheirType(t *testing.T) {
	t.Run("16.22/370 the session survives streams that die before their header", streamsThatDieBeforeTheirType)
}

func streamsThatDieBeforeTheirType(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		r.raw(nil).Reset(7)
		r.uni(nil).Reset(7)
		must(t, r.uni(nil).Close())
		s := r.raw([]byte{0x40})
		s.Reset(7)
		wantEnd(t, s, 7)
		r.works()
	})
}

func TestSilentStreamsAreEndedInTime(t *testing.T) {
	for name, bytes := range map[string]string{"type half sent": "40", "type only": "02", "message half sent": "02 17 00"} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				r := newRig(t, v)
				s := r.raw(unhex(t, bytes))
				time.Sleep(10*time.Second - 1)
				synctest.Wait()
				if err := s.Context().Err(); err != nil {
					t.Fatalf("ended before the time: %v", err)
				}
				wantEnd(t, s, 3)
				wantStop(t, s, 3)
				r.works()
			})
		})
	}
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		began := time.Now()
		wantStop(t, r.uni([]byte{0x40}), 3)
		wantStop(t, r.uni([]byte{0x00, 0x02}), 3)
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("two silent streams, one after the other, took %v", took)
		}
		r.works()
	})
}

func TestByteByByteIsAsGoodAsAtOnce(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		kind, err := genlite.AppendBidiStream(nil, genlite.BidiSubscribe, v)
		must(t, err)
		b := r.encode(kind, &genlite.Subscribe{ID: 3, Broadcast: "nobody", Track: strings.Repeat("long", 500)})
		s := r.raw(nil)
		for i := range b {
			_, err := s.Write(b[i : i+1])
			must(t, err)
			synctest.Wait()
		}
		wantEnd(t, s, int(model.CodeUnroutable))
		r.works()
	})
}

func TestSecondSetupEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		setup := []byte{0x01, 0x01, 0x00}
		must(t, r.uni(setup).Close())
		r.works()
		must(t, r.uni(setup).Close())
		if err := r.ended(); !errors.Is(err, model.ErrProtocolViolation) {
			t.Errorf("the session ended with %v, want a protocol violation", err)
		}
		<-r.peer.Context().Done()
	})
}

func TestSetupStreamBefore05IsUnexpected(t *testing.T) {
	for _, v := range []genlite.Version{genlite.Version03, genlite.Version04} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, v)
			wantStop(t, r.uni([]byte{0x01, 0x01, 0x00}), 10)
			r.works()
		})
	}
}

func TestTooManyStreams(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, func(c *rigConfig) { c.Limits.Streams = 3 })
		for range 3 {
			r.raw([]byte{0x40})
			r.uni([]byte{0x40})
		}
		synctest.Wait()
		wantEnd(t, r.raw([]byte{0x01}), int(model.CodeBoundsExceeded))
		wantStop(t, r.uni([]byte{0x40}), uint64(model.CodeBoundsExceeded))
		time.Sleep(10 * time.Second)
		r.works()
	})
}

func TestDuplicateSubscribeID(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		_, track := r.publish("alice", "video")
		first := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 4, Broadcast: "alice", Track: "video"})
		synctest.Wait()
		second := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 4, Broadcast: "alice", Track: "video"})
		wantEnd(t, second, int(model.CodeDuplicate))
		must(t, first.Close())
		synctest.Wait()
		if _, used := track.Subscription(); used {
			t.Error("the first subscription has not ended")
		}
		again := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 4, Broadcast: "alice", Track: "video"})
		synctest.Wait()
		if _, used := track.Subscription(); !used {
			t.Error("an id that is free again is not taken")
		}
		must(t, again.Close())
		r.works()
	})
}

func TestGarbageAfterASubscribe(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		_, track := r.publish("alice", "video")
		s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 4, Broadcast: "alice", Track: "video"})
		synctest.Wait()
		if v < genlite.Version05 {
			_, err := io.CopyN(io.Discard, s, int64(len(r.encode(nil, &genlite.SubscribeOK{}))))
			must(t, err)
		}
		_, err := s.Write(unhex(t, "05 ffffffffff"))
		must(t, err)
		wantEnd(t, s, 5)
		synctest.Wait()
		if _, used := track.Subscription(); used {
			t.Error("the subscription lives on")
		}
		r.works()
	})
}

func TestFloodOfGroupsOfOneSubscriberDoesNotHoldOthersUp(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, func(c *rigConfig) { c.transport.ConnWindow = 64 << 20 }) // the peer holds up no more than streams
		_, track := r.publish("alice", "video")
		s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 4, Broadcast: "alice", Track: "video"})
		synctest.Wait()
		for i := range 200 { // more than may be in flight, for a peer that reads none of it
			must(t, track.WriteFrame(model.Frame{Payload: []byte(strings.Repeat(fmt.Sprint(i), 50_000))}))
		}
		synctest.Wait()
		r.works()
		s.Reset(0)
		s.Stop(0)
	})
}
