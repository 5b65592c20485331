package interop

import "testing"

// pairings are the ends that meet in the tests below, through the relay.
var pairings = []struct {
	name                  string
	publisher, subscriber starter
}{
	{"node to go", node("publish"), subscriber("https")},
	{"go to node", publisher("https"), node("subscribe")},
}

// TestUnknownTrack asks for a track that the publisher does not have: the answer is a refusal, soon, and the
// other tracks are not harmed.
func TestUnknownTrack(t *testing.T) {
	needPeers(t)
	binary := buildRelay(t.Context(), t)
	for _, version := range versions {
		r := startRelay(t, binary, "-versions", version)
		for _, c := range pairings {
			t.Run(version+" "+c.name, func(t *testing.T) {
				p := r.plan(version)
				p.Unknown = "nobody-publishes-this"
				run := begin(t, version, p, c.publisher, c.subscriber)
				run.all("the track is refused", func(e *end) bool { return e.told[eventRefused] > 0 })
				run.finish()
			})
		}
	}
}

// TestLateSubscriber comes when everything has been sent: it gets the newest group of each track.
func TestLateSubscriber(t *testing.T) {
	needPeers(t)
	binary := buildRelay(t.Context(), t)
	for _, version := range versions {
		r := startRelay(t, binary, "-versions", version)
		for _, c := range pairings {
			t.Run(version+" "+c.name, func(t *testing.T) {
				run := begin(t, version, r.plan(version), c.publisher, subscriber("https"))
				run.command(run.publisher, commandGo)
				run.groupsArrive()
				late := run.start("late subscriber", c.subscriber, run.subscribers[0].plan)
				run.subscribers = append(run.subscribers, late)
				run.until("the late subscriber has the newest groups", func() bool {
					for _, track := range late.plan.Tracks {
						if _, ok := late.groups[groupID{track.Name, uint64(len(track.Groups))}]; !ok {
							return false
						}
					}
					return true
				})
				run.command(run.publisher, commandFinish)
				run.end()
			})
		}
	}
}

// TestDatagramsAndFetch sends datagrams, of which some may be lost, and fetches a group that is over.
func TestDatagramsAndFetch(t *testing.T) {
	needPeers(t)
	const version, datagrams = "moq-lite-05", 20
	r := startRelay(t, buildRelay(t.Context(), t), "-versions", version)
	for _, c := range pairings {
		t.Run(c.name, func(t *testing.T) {
			p := r.plan(version)
			p.Datagrams, p.Fetch = datagrams, &fetchPlan{Track: "small", Group: 1}
			run := begin(t, version, p, c.publisher, c.subscriber)
			run.command(run.publisher, commandGo)
			run.groupsArrive()
			run.all("half of the datagrams arrived", func(e *end) bool { return e.told[eventDatagram] >= datagrams/2 })
			for _, e := range run.subscribers {
				run.command(e, commandFetch)
			}
			run.all("the group was fetched", func(e *end) bool { return e.told[eventFetched] > 0 })
			run.command(run.publisher, commandFinish)
			run.end()
		})
	}
}
