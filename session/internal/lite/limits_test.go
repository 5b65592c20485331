package lite

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

func TestLimitsHaveDefaults(t *testing.T) {
	d := DefaultLimits()
	if got := (Limits{Streams: -1, Settle: -1}).withDefaults(); got != d {
		t.Errorf("limits %+v, want the defaults", got)
	}
	var own Limits
	for i, fields := 0, reflect.ValueOf(&own).Elem(); i < fields.NumField(); i++ {
		fields.Field(i).SetInt(int64(i + 1))
		if reflect.ValueOf(d).Field(i).Int() <= 0 {
			t.Errorf("no default for %s", fields.Type().Field(i).Name)
		}
	}
	if got := own.withDefaults(); got != own {
		t.Errorf("limits %+v, want %+v", got, own)
	}
}

// Below the limit a request is served, above it refused, and a place that is free again is taken.
func TestLimitsOnWhatIsServed(t *testing.T) {
	for name, open := range map[string]func(r *rig, id uint64) transport.Stream{
		"subscriptions": func(r *rig, id uint64) transport.Stream {
			return r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{ID: id, Broadcast: "alice", Track: "video"})
		},
		"requests for announcements": func(r *rig, id uint64) transport.Stream {
			return r.bidi(genlite.BidiAnnounce, &genlite.AnnounceRequest{Prefix: fmt.Sprint(id)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v genlite.Version) {
				r := newRig(t, v, func(c *rigConfig) { c.Limits.Subscriptions, c.Limits.Announces = 2, 2 })
				r.publish("alice", "video")
				first := open(r, 1)
				synctest.Wait()
				second := open(r, 2)
				synctest.Wait()
				if further := open(r, 3); name == "subscriptions" {
					wantEnd(t, further, int(model.CodeBoundsExceeded))
				} else {
					wantDeclined(t, further, v, uint64(model.CodeBoundsExceeded))
				}
				must(t, first.Close())
				synctest.Wait()
				third := open(r, 4)
				synctest.Wait()
				for _, s := range []transport.Stream{second, third} {
					if err := context.Cause(s.Context()); err != nil {
						t.Errorf("a request within the limit ended with %v", err)
					}
				}
				r.alive()
			})
		})
	}
}

func TestUnfinishedBytesAreGivenBack(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""), func(c *rigConfig) { c.Limits.UnfinishedBytes = 10 })
		track, id := r.subscribed("alice", "video")
		for sequence := range uint64(5) { // each alone is small enough
			must(t, r.group(id, sequence, r.frame("12345678")).Close())
			synctest.Wait()
		}
		open := r.group(id, 5, r.frame("12345678"))
		synctest.Wait()
		wantStop(t, r.group(id, 6, r.frame("123")), uint64(model.CodeEvicted))
		must(t, open.Close())
		synctest.Wait()
		must(t, r.group(id, 7, r.frame("1234567890")).Close())
		for range 6 {
			g, err := track.RecvGroup(t.Context())
			must(t, err)
			_ = g.Close()
		}
		g, err := track.GetGroup(t.Context(), 7)
		must(t, err)
		_ = g.Close()
		r.alive()
	})
}

func TestScarceStreamsOfThePeer(t *testing.T) {
	t.Run("16.23/395 a withdrawal comes through while a request waits for a stream", func(t *testing.T) {
		forEachVersion(t, func(t *testing.T, v genlite.Version) {
			r := newRig(t, v, consuming(""), func(c *rigConfig) { c.transport.MaxBidiStreams = 1 })
			s := r.listening() // the one stream that there may be
			r.write(s, active(v, "alice"))
			origin := r.engine.subscriber.origin.Consume()
			b, err := origin.Announced(t.Context(), "alice")
			must(t, err)
			defer b.Close()
			track, err := b.SubscribeTrack("video", model.Subscription{})
			must(t, err)
			defer track.Close()
			synctest.Wait() // the request has no stream
			r.write(s, dialectOf(v).end("alice", 0))
			synctest.Wait()
			ended, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
			defer cancel()
			if again, err := origin.Announced(ended, "alice"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the broadcast is still announced: %v, %v", again, err)
			}
			r.alive()
		})
	})
}
