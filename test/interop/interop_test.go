package interop

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// versions are the names that examples/relay and @moq/net have for what they share.
var versions = []string{"moq-lite-03", "moq-lite-04", "moq-lite-05"}

// runTimeout bounds one run, which takes about two seconds.
const runTimeout = 60 * time.Second

// TestEveryByteArrives publishes through the relay with every pairing of ends.
func TestEveryByteArrives(t *testing.T) {
	needPeers(t)
	binary := buildRelay(t.Context(), t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			r := startRelay(t, binary, "-versions", version)
			t.Run("node to node", func(t *testing.T) {
				transfer(t, version, r, node("publish.mjs"), node("subscribe.mjs"), node("subscribe.mjs"))
			})
		})
	}
}

// transfer runs a plan from its publisher to its subscribers, in steps that each wait for
// what they need, so that nothing depends on who is faster.
func transfer(t *testing.T, version string, relay relay, publisher starter, subscribers ...starter) {
	r := newRun(t, version)

	// The URL path of a session is its root: who connects to /house publishes below it.
	published := plan{
		URL: "https://" + relay.address + "/house", Certificate: relay.certificate,
		Protocols: []string{version}, Broadcast: "room/" + t.Name(), Tracks: tracks(),
	}
	consumed := published
	consumed.URL, consumed.Broadcast = "https://"+relay.address+"/", "house/"+published.Broadcast

	// Subscribers come first, so that they hear the announcement live.
	for i, start := range subscribers {
		r.subscribers = append(r.subscribers, r.start(fmt.Sprintf("subscriber %d", i), start, consumed))
	}
	r.publisher = r.start("publisher", publisher, published)
	r.all("every subscriber has group 0", func(e *end) bool {
		return e.active && e.groupsDone(func(trackPlan) int { return 0 })
	})

	r.command(r.publisher, commandGo)
	r.all("every group arrived", func(e *end) bool {
		return e.groupsDone(func(track trackPlan) int { return len(track.Groups) })
	})

	r.command(r.publisher, commandFinish)
	r.all("every track ended", func(e *end) bool { return len(e.ended) == len(e.plan.Tracks) })

	r.command(r.publisher, commandLeave)
	r.all("the broadcast is gone", func(e *end) bool { return !e.active })

	for _, e := range append(r.subscribers, r.publisher) {
		r.command(e, commandClose)
		r.until(e.name+" ended", func() bool { return e.told[eventExit] > 0 })
	}
}
