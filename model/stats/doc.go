// Package stats counts what the sessions of a process carry, per broadcast, and
// publishes the numbers as JSON tracks in an origin, so that whoever may read the
// origin can watch the host.
//
// # Usage
//
// A process has one aggregator. Each session gets a [Handle], which is the
// aggregator and the session's [Tier]:
//
//	counts, err := stats.New(stats.Config{Origin: origin, Node: "ams/1"})
//	defer counts.Close()
//	handle := counts.Handle(stats.External)
//
// An engine opens a guard for everything that begins, closes it when that is over,
// and counts in between. Every event is one line:
//
//	session := handle.Session(root)                      // accepted; closed at its end
//	guard := handle.Broadcast(path).PublisherTrack(name) // SUBSCRIBE; closed with the subscription
//	viewer := session.Broadcasts().Publisher(path)       // the track was found; closed likewise
//	guard.Group()                                        // a group stream was opened
//	guard.Frame()
//	guard.Bytes(len(chunk))
//
// The publisher side is egress, what is served to peers; the subscriber side is
// ingress. [NewTrackReader] counts on its own what is read through it. Paths are
// those of the host: a session whose paths are relative to a root joins them first.
//
// # What is published
//
// The broadcast <prefix>/node/<node> has three tracks per tier, the internal tier's
// below "internal/": publisher.json and subscriber.json map broadcasts to [Counters],
// sessions.json maps the roots that sessions were granted to [Presence]. Each frame is
// one JSON object, alone in its group. It lists what is open and what has changed
// since the frame before, and is written only when it differs from that one: after
// an idle host has said {} it is silent. With a depth, the first components of the
// paths are split off into broadcasts of their own, <prefix>/<group>/node/<node>,
// which are there while they have something to tell. [ParseTraffic] and
// [ParseSessions] read the frames.
//
// All numbers only grow. A path that was forgotten and comes back starts again at 0:
// who adds frames up takes a smaller number as a new beginning.
//
// # No-ops
//
// Without an origin nothing is counted and nothing allocated. The nil *Stats and the
// zero values of all handles and guards are such no-ops, so that nobody has to ask
// whether statistics are on. To count without publishing to anybody, for Prometheus say,
// give the aggregator an origin of its own.
//
// # Concurrency
//
// Everything may be used concurrently. Counting is one atomic addition per number and
// never allocates; opening a guard takes a lock for one look into a map. There is one
// goroutine per aggregator that publishes, and none per guard. The lock of a session's
// broadcasts is taken before that of the aggregator, which is taken before none.
//
// # Limitations
//
// Names of tracks are accepted and ignored: the numbers are per broadcast. What is
// counted after the last guard of a broadcast was closed may be missing, so close the
// guard of a track after its groups. A frame is at most [model.MaxFrameSize] bytes,
// about 100000 open broadcasts; a host with more needs a depth. What does not fit is left
// out, the longest names first, and the logger hears of it. Peers name the paths they
// announce and subscribe to, also such as do not exist: those are listed for one
// interval, with a depth in broadcasts of their own.
package stats
