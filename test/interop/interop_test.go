package interop

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// versions are the names that examples/relay and @moq/net have for what they share.
var versions = []string{"moq-lite-01", "moq-lite-02", "moq-lite-03", "moq-lite-04", "moq-lite-05", "moq-lite-06-wip"}

// TestEveryByteArrives publishes through the relay with every pairing of ends.
func TestEveryByteArrives(t *testing.T) {
	needPeers(t)
	binary := buildRelay(t.Context(), t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			r := startRelay(t, binary, "-versions", version)
			for _, c := range []struct {
				name        string
				publisher   starter
				subscribers []starter
			}{
				{"node to node", node("publish.mjs"), []starter{node("subscribe.mjs"), node("subscribe.mjs")}},
				{"node to go", node("publish.mjs"), []starter{subscriber("https"), subscriber("moqt")}},
				{"go to node", publisher("https"), []starter{node("subscribe.mjs"), node("subscribe.mjs")}},
				{"node to both", node("publish.mjs"), []starter{node("subscribe.mjs"), subscriber("https")}},
			} {
				t.Run(c.name, func(t *testing.T) {
					transfer(t, version, r.plan(version), c.publisher, c.subscribers...)
				})
			}
		})
	}
}

// TestDefaults lets both ends offer all that they speak, and lets @moq/net find the certificate
// of a development server as it does for http URLs: it asks for /certificate.sha256.
func TestDefaults(t *testing.T) {
	needPeers(t)
	r := startRelay(t, buildRelay(t.Context(), t))
	transfer(t, "moq-lite-05", plan{URL: "http://" + r.address}, node("publish.mjs"), node("subscribe.mjs"))
}

// TestEndRightBehindTheLastGroup ends the tracks in the same breath as the last groups. Nothing
// of them may be lost. Subscribers of @moq/net are left out: they close whatever they have not
// read yet when they see the end of a subscription, however late it comes on a busy machine.
func TestEndRightBehindTheLastGroup(t *testing.T) {
	needPeers(t)
	binary := buildRelay(t.Context(), t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			r := startRelay(t, binary, "-versions", version)
			for name, publisher := range map[string]starter{"node": node("publish.mjs"), "go": publisher("https")} {
				t.Run(name+" publishes", func(t *testing.T) {
					run := begin(t, version, r.plan(version), publisher, subscriber("https"), subscriber("moqt"))
					run.command(run.publisher, commandGo)
					run.command(run.publisher, commandFinish)
					run.groupsArrive()
					run.end()
				})
			}
		})
	}
}

// transfer runs a plan from its publisher to its subscribers, in steps that each wait for
// what they need, so that nothing depends on who is faster. base says how to reach the relay.
func transfer(t *testing.T, version string, base plan, publisher starter, subscribers ...starter) {
	r := begin(t, version, base, publisher, subscribers...)
	r.command(r.publisher, commandGo)
	r.groupsArrive()
	r.command(r.publisher, commandFinish)
	r.end()
}

// begin starts the peers and waits until every subscriber is attached to every track.
func begin(t *testing.T, version string, base plan, publisher starter, subscribers ...starter) *run {
	r := newRun(t, version)

	// The URL path of a session is its root: who connects to /house publishes below it.
	published, consumed := base, base
	published.URL, published.Broadcast, published.Tracks = base.URL+"/house", "room/"+t.Name(), tracks()
	consumed.URL, consumed.Broadcast, consumed.Tracks = base.URL+"/", "house/"+published.Broadcast, tracks()

	// Subscribers come first, so that they hear the announcement live.
	for i, start := range subscribers {
		r.subscribers = append(r.subscribers, r.start(fmt.Sprintf("subscriber %d", i), start, consumed))
	}
	r.publisher = r.start("publisher", publisher, published)
	r.all("every subscriber has group 0", func(e *end) bool {
		return e.active && e.groupsDone(func(trackPlan) int { return 0 })
	})
	return r
}

func (r *run) groupsArrive() {
	r.t.Helper()
	r.all("every group arrived", func(e *end) bool {
		return e.groupsDone(func(track trackPlan) int { return len(track.Groups) })
	})
}

// end waits for the ends of the tracks, then lets the publisher leave, then everybody.
func (r *run) end() {
	r.t.Helper()
	r.all("every track ended", func(e *end) bool { return len(e.ended) == len(e.plan.Tracks) })
	r.command(r.publisher, commandLeave)
	r.all("the broadcast is gone", func(e *end) bool { return !e.active })
	for _, e := range append(r.subscribers, r.publisher) {
		r.command(e, commandClose)
		r.until(e.name+" ended", func() bool { return e.told[eventExit] > 0 })
	}
}
