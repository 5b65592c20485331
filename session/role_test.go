package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport/memory"
)

func TestClientsSayWhatTheyDo(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v session.Version) {
		for _, c := range []struct {
			opts []session.Option
			want session.Role
			text string
		}{
			{with(session.WithOrigin(model.NewOrigin())), session.RoleBoth, "both"},
			{with(session.WithPublish(model.NewOrigin().Consume())), session.RolePublisher, "publisher"},
			{with(session.WithConsume(model.NewOrigin())), session.RoleSubscriber, "subscriber"},
			{nil, session.RoleBoth, "both"},
		} {
			r, dialed := ask(t, v, c.opts, nil)
			want := c.want
			if !atLeast05(v) {
				want = session.RoleBoth
			}
			if r.Role() != want || c.want.String() != c.text {
				t.Errorf("role %v of a %s, want %v", r.Role(), c.text, want)
			}
			s := get[*session.Session](t)(r.Accept(session.WithOrigin(model.NewOrigin())))
			client := get[*session.Session](t)(dialed())
			must(t, client.Close())
			must(t, s.Close())
		}
	})
	if got := session.Role(9).String(); got != "Role(9)" {
		t.Errorf("no role: %q", got)
	}
}

func TestConnectingWaitsForNothingOfThePeer(t *testing.T) {
	t.Run("16.22/350 a silent peer does not hold a client up", func(t *testing.T) {
		for _, v := range every() {
			if v <= session.MoqLite02 {
				continue // nobody knows the version before the server has spoken
			}
			synctest.Test(t, func(t *testing.T) {
				a, b := memory.Pair(token(v))
				began := time.Now()
				s := get[*session.Session](t)(session.Client(t.Context(), a,
					session.WithVersions(session.Versions{v}), session.WithOrigin(model.NewOrigin())))
				if took := time.Since(began); took > 0 {
					t.Errorf("%v: it took %v", v, took)
				}
				must(t, s.Close())
				<-b.Context().Done()
			})
		}
	})
}

// What a link costs is added on the side that has the option, and told to the other.
func TestCostOfALink(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v session.Version) {
		cost := func(opts, others []session.Option) uint64 {
			near, far := model.NewOrigin(), model.NewOrigin()
			b := get[*model.BroadcastProducer](t)(near.CreateBroadcast("alice", model.Route{Cost: 5}))
			defer b.Close()
			connect(t, v, append(opts, session.WithConsume(far)), append(others, session.WithPublish(near.Consume())))
			found := get[*model.BroadcastConsumer](t)(far.Consume().Announced(within(t, time.Second), "alice"))
			defer found.Close()
			return found.Route().Cost
		}
		told, carried := uint64(1), uint64(0)
		if v == session.MoqLite06WIP {
			told, carried = 20, 5
		}
		if got := cost(nil, nil); got != carried+1 {
			t.Errorf("without a cost of the link: %d", got)
		}
		if got := cost(with(session.WithCost(20)), nil); got != carried+20 {
			t.Errorf("with a cost of the reader: %d", got)
		}
		if got := cost(nil, with(session.WithCost(20))); got != carried+told {
			t.Errorf("with a cost that the publisher tells: %d", got)
		}
	})
}

// A reader goes on with a publisher that says nothing about itself and connects again, when the
// server knows who it is.
func TestAssignedIdentityOutlivesTheSession(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v session.Version) {
		relay := model.NewOrigin(model.WithLinger(time.Minute))
		near := model.NewOrigin()
		_, track := publish(t, near, "alice", "video")
		known := with(session.WithConsume(relay), session.WithPeerOrigin(77))
		client, server := connect(t, v, with(session.WithPublish(near.Consume())), known)
		c := subscribe(t, relay, "alice", "video", model.Subscription{})
		must(t, track.Used(t.Context()))
		group(t, track, "before")
		wantGroup(t, c, 0, "before")
		must(t, client.CloseWithError(model.ErrTransport))
		<-server.Done()
		connect(t, v, with(session.WithPublish(near.Consume())), known)
		synctest.Wait()
		must(t, track.Used(t.Context()))
		group(t, track, "after")
		wantGroup(t, c, 1, "after")
	})
}
