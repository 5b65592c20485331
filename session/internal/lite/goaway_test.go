package lite

import (
	"context"
	"errors"
	"io"
	"math"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

func TestGoawayIsSentOnce(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v)
		told, err := r.engine.GoAway(t.Context(), "https://b.example/")
		must(t, err)
		if told != (v >= genlite.Version04) {
			t.Fatalf("told %v", told)
		}
		if told {
			s, err := r.peer.AcceptBidi(t.Context())
			must(t, err)
			wantBytes(t, s, "05 13 12 68747470733a2f2f622e6578616d706c652f")
			wantEnd(t, s, -1)
			wantStop(t, s, 0)
			s.Reset(0)
			_, err = r.engine.GoAway(t.Context(), "")
			must(t, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := r.peer.AcceptBidi(ctx); err == nil {
			t.Error("another stream")
		}
		r.alive()
	})
}

func TestGoawayOfThePeer(t *testing.T) {
	sinceVersion(t, genlite.Version04, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""))
		s := r.listening()
		cost := func(path model.Path) uint64 {
			b, err := r.engine.subscriber.origin.Consume().Announced(t.Context(), path)
			must(t, err)
			defer b.Close()
			return b.Route().Cost
		}
		r.write(s, active(v, "alice"))
		if cost("alice") > 10 {
			t.Errorf("alice costs %d", cost("alice"))
		}
		select {
		case <-r.engine.GoingAway():
			t.Fatal("the peer has said nothing")
		default:
		}
		for _, uri := range []string{"moqt://b.example", "moqt://c.example"} {
			wantEnd(t, r.bidi(genlite.BidiGoaway, &genlite.Goaway{URI: uri}), -1)
		}
		<-r.engine.GoingAway()
		if uri := r.engine.NewURI(); uri != "moqt://b.example" {
			t.Errorf("it goes on at %q", uri)
		}
		r.write(s, active(v, "bob"))
		if a, b := cost("alice"), cost("bob"); a != math.MaxUint64 || b != math.MaxUint64 {
			t.Errorf("alice costs %d and bob %d", a, b)
		}
		r.works()
	})
}

// lingering makes the engine consume into an origin that waits for lost broadcasts.
func lingering(c *rigConfig) {
	c.consume = model.NewOrigin(model.WithOriginID(clientOrigin), model.WithLinger(time.Minute))
}

// wantLinger checks that a reader waits as long as its origin does, and no longer.
func wantLinger(t *testing.T, c *model.TrackConsumer) {
	t.Helper()
	began := time.Now()
	_, err := c.RecvGroup(t.Context())
	if err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the reader got %v", err)
	}
	if waited := time.Since(began); waited != time.Minute {
		t.Errorf("the reader was left with %v after %v", err, waited)
	}
}

func TestLostBroadcastsLinger(t *testing.T) {
	for _, v := range genlite.Versions() {
		for name, lose := range map[string]func(r *rig){
			"the session is lost":   func(r *rig) { _ = r.peer.CloseWithError(uint64(model.CodeTransport), "") },
			"the session is closed": func(r *rig) { _ = r.peer.CloseWithError(0, "") },
			"this side closes it":   func(r *rig) { r.cancel(context.Canceled) },
		} {
			t.Run(v.String()+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, v, lingering)
					c, _ := r.subscribed("alice", "video") // which has brought nothing yet
					lose(r)
					_ = r.ended()
					wantLinger(t, c)
				})
			})
		}
	}
	t.Run("broadcasts of an announce stream that ends without taking them back linger", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, genlite.Version05, lingering)
			s := r.listening()
			r.write(s, active(r.v, "alice"), active(r.v, "bob"), &genlite.Announce{Suffix: "bob"})
			origin := r.engine.subscriber.origin.Consume()
			b, err := origin.Announced(t.Context(), "alice")
			must(t, err)
			defer b.Close()
			must(t, s.Close())
			synctest.Wait()
			if err := b.Err(); err != nil {
				t.Errorf("alice has ended with %v", err)
			}
			news := origin.Announcements()
			defer news.Close()
			a, err := news.Next(t.Context())
			must(t, err)
			_ = a.Broadcast.Close()
			if a, ok, err := news.TryNext(); a.Broadcast != nil && a.Path == "bob" {
				t.Errorf("bob, which was taken back, is there: %v %v", ok, err)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if err := b.Err(); !errors.Is(err, model.ErrDropped) {
				t.Errorf("a minute later alice has ended with %v", err)
			}
			r.works()
		})
	})
}

func TestSettleWaitsForBothDirections(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, consuming(""))
		c, _ := r.subscribed("alice", "video")
		_, track := r.publish("bob", "video")
		s := r.bidi(genlite.BidiSubscribe, &genlite.Subscribe{Broadcast: "bob", Track: "video"})
		must(t, track.Used(t.Context()))
		settled := make(chan error, 1)
		go func() { settled <- r.engine.Settle(t.Context()) }()
		waits := func(what string) {
			t.Helper()
			synctest.Wait()
			select {
			case err := <-settled:
				t.Fatalf("settled before %s: %v", what, err)
			default:
			}
		}
		waits("anything")
		must(t, s.Close())
		waits("the local reader left")
		must(t, c.Close())
		must(t, <-settled)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		must(t, r.engine.Settle(ctx))
	})
}
