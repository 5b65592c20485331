package lite

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// logged keeps what the engine logs.
func logged(out *bytes.Buffer) func(*rigConfig) {
	return func(c *rigConfig) {
		c.Logger = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}

// datagram is the bytes of one.
func (r *rig) datagram(subscribe, sequence uint64, payload string) []byte {
	return r.encode(nil, &genlite.Datagram{Subscribe: subscribe, Sequence: sequence, Timestamp: 1000, Payload: []byte(payload)})
}

// wantDatagram takes the next datagram of the engine.
func (r *rig) wantDatagram(want string) {
	r.t.Helper()
	got, err := r.peer.ReceiveDatagram(r.t.Context())
	if err != nil || !bytes.Equal(got, unhex(r.t, want)) {
		r.t.Fatalf("datagram %x, %v; want %s", got, err, want)
	}
}

// noDatagram checks that the engine has sent none.
func (r *rig) noDatagram() {
	r.t.Helper()
	synctest.Wait()
	ended, end := context.WithCancel(r.t.Context())
	end()
	if got, err := r.peer.ReceiveDatagram(ended); err == nil {
		r.t.Errorf("datagram %x", got)
	}
}

func TestDatagramsOnTheWire(t *testing.T) {
	t.Run("16.22/385 a datagram has no length inside, and older versions have none", func(t *testing.T) {
		forEachVersion(t, func(t *testing.T, v genlite.Version) {
			r := newRig(t, v)
			_, track := r.publish("alice", "video")
			r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 7, Broadcast: "alice", Track: "video"})
			synctest.Wait()
			must(t, track.WriteDatagram(model.Datagram{
				Sequence: 42, Timestamp: model.Timestamp{Value: 1000, Scale: model.Millis}, Payload: []byte("hello"),
			}))
			if v < genlite.Version05 {
				r.noDatagram()
			} else {
				r.wantDatagram("07 2a 43e8 68656c6c6f")
			}
			r.works()
		})
		forEachVersion(t, func(t *testing.T, v genlite.Version) {
			r := newRig(t, v, consuming(""))
			track, _ := r.subscribed("alice", "video")
			must(t, r.peer.SendDatagram(unhex(t, "00 2a 43e8 68656c6c6f")))
			synctest.Wait()
			d, ok, err := track.TryRecvDatagram()
			must(t, err)
			if ok != (v >= genlite.Version05) {
				t.Fatalf("received: %v", ok)
			}
			if ok && (d.Sequence != 42 || d.Timestamp != (model.Timestamp{Value: 1000, Scale: 1000}) || string(d.Payload) != "hello") {
				t.Errorf("received %+v", d)
			}
			r.works()
		})
	})
}

func TestDatagramThatIsTooLargeIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := newRig(t, genlite.Version05, logged(&out))
		_, track := r.publish("alice", "video")
		r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 7, Broadcast: "alice", Track: "video"})
		synctest.Wait()
		for range 3 {
			_, err := track.AppendDatagram(model.Frame{Payload: make([]byte, 1300)})
			must(t, err)
		}
		must(t, track.WriteDatagram(model.Datagram{Sequence: 3, Timestamp: model.Timestamp{Scale: 1000}}))
		r.wantDatagram("07 03 00")
		if n := r.engine.publisher.unsent.count.Load(); n != 3 {
			t.Errorf("%d are counted, want 3", n)
		}
		if lines := out.String(); strings.Count(lines, "datagram dropped") != 2 || !strings.Contains(lines, "at most 1200 bytes") {
			t.Errorf("the log has %s", lines)
		}
	})
}

func TestDatagramsAndGroupsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, func(c *rigConfig) { c.Limits.Groups = 1 })
		_, track := r.publish("alice", "video")
		r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 7, Broadcast: "alice", Track: "video"})
		synctest.Wait()
		for range 3 { // more than may be in flight, for a peer that takes none
			must(t, track.WriteFrame(model.Frame{Payload: make([]byte, 100_000)}))
		}
		synctest.Wait()
		must(t, track.WriteDatagram(model.Datagram{Sequence: 3, Timestamp: model.Timestamp{Scale: 1000}}))
		r.wantDatagram("07 03 00")
	})
}

func TestDatagramsOfOneWhoLeavesStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		_, track := r.publish("alice", "video")
		s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 7, Broadcast: "alice", Track: "video"})
		synctest.Wait()
		must(t, s.Close())
		synctest.Wait()
		_, err := track.AppendDatagram(model.Frame{})
		must(t, err)
		r.noDatagram()
	})
}

// A datagram that has no place is no violation: it is dropped, and counted.
func TestDatagramsWithoutAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""))
		track, id := r.subscribed("alice", "video")
		must(t, r.peer.SendDatagram(r.datagram(id, 5, "first")))
		must(t, r.group(id, 6, r.frame("group")).Close())
		wantFrames(t, track, 6, "group")
		for name, b := range map[string][]byte{
			"unknown id":       r.datagram(id+1, 0, "x"),
			"largest id":       unhex(t, "ffffffffffffffff 00 00"),
			"empty":            {},
			"half an id":       {0x40},
			"without the time": {byte(id), 7},
			"came already":     r.datagram(id, 5, "again"),
			"is a group":       r.datagram(id, 6, "again"),
		} {
			before := r.engine.subscriber.strays.count.Load()
			must(t, r.peer.SendDatagram(b))
			synctest.Wait()
			if after := r.engine.subscriber.strays.count.Load(); after != before+1 {
				t.Errorf("%s: %d dropped, want 1", name, after-before)
			}
		}
		d, err := track.RecvDatagram(t.Context())
		if err != nil || string(d.Payload) != "first" {
			t.Errorf("received %+v, %v", d, err)
		}
		if d, ok, _ := track.TryRecvDatagram(); ok {
			t.Errorf("received %+v", d)
		}
		must(t, track.Close())
		synctest.Wait()
		must(t, r.peer.SendDatagram(r.datagram(id, 9, "late")))
		r.works()
	})
}

func TestFloodOfDatagramsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := newRig(t, genlite.Version05, consuming(""), logged(&out))
		track, id := r.subscribed("alice", "video")
		b := r.datagram(1<<40, 0, strings.Repeat("x", 1000))
		const rounds, burst = 500, 20
		for range rounds {
			for range burst {
				must(t, r.peer.SendDatagram(b))
			}
			synctest.Wait()
		}
		if n := r.engine.subscriber.strays.count.Load(); n != rounds*burst {
			t.Errorf("%d are counted, want %d", n, rounds*burst)
		}
		if n := strings.Count(out.String(), "datagram dropped"); n > 14 {
			t.Errorf("%d lines in the log", n)
		}
		must(t, r.peer.SendDatagram(r.datagram(id, 0, "kept")))
		if d, err := track.RecvDatagram(t.Context()); err != nil || string(d.Payload) != "kept" {
			t.Errorf("received %+v, %v", d, err)
		}
		r.works()
	})
}

// A relay passes datagrams on under the ids of its own peers, and what is pending comes before the
// end of the track.
func TestDatagramsThroughARelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := newRig(t, genlite.Version05, consuming(""))
		down := newRig(t, genlite.Version05, func(c *rigConfig) { c.publish = up.engine.subscriber.origin.Consume() })
		up.write(up.listening(), active(up.v, "alice"))
		synctest.Wait()
		s := down.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 9, Broadcast: "alice", Track: "video"})
		up.answerTrack()
		answers, _ := up.accept(genlite.BidiSubscribe, new(genlite.Subscribe))
		must(t, up.peer.SendDatagram(unhex(t, "00 05 43e8 aa")))
		down.wantDatagram("09 05 43e8 aa")
		must(t, up.peer.SendDatagram(unhex(t, "00 07 43e8 bb")))
		down.wantDatagram("09 07 43e8 bb")
		up.write(answers, &genlite.SubscribeEnd{Group: 8})
		must(t, answers.Close())
		began := time.Now()
		wantBytes(t, s, "02 03 00 04 00  02 03 06 06 00  01 01 08")
		if took := time.Since(began); took > DefaultLimits().Settle {
			t.Errorf("the end took %v", took)
		}
		wantEnd(t, s, -1)
	})
}

func TestDatagramBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, consuming(""))
		track, id := r.subscribed("alice", "video")
		must(t, r.peer.SendDatagram(r.datagram(id, 0, "last")))
		synctest.Wait()
		must(t, r.answers.Close())
		time.Sleep(DefaultLimits().Settle)
		synctest.Wait()
		if d, err := track.RecvDatagram(t.Context()); err != nil || string(d.Payload) != "last" {
			t.Errorf("received %+v, %v", d, err)
		}
		if _, err := track.RecvDatagram(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("then %v, want io.EOF", err)
		}
	})
}

// A late subscriber begins at the latest group, also when datagrams have come after it.
func TestDatagramsAreNotTheLiveEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		_, track := r.publish("alice", "video")
		early := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 1, Broadcast: "alice", Track: "video"})
		synctest.Wait()
		write(t, track, []uint64{0}, "old")
		write(t, track, []uint64{0}, "latest")
		must(t, track.WriteDatagram(model.Datagram{Sequence: 5, Timestamp: model.Timestamp{Scale: 1000}}))
		r.wantDatagram("01 05 00")
		wantBytes(t, early, "00 01 00")
		late := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: 2, Broadcast: "alice", Track: "video"})
		wantBytes(t, late, "00 01 01")
	})
}
