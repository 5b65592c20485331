// Package prometheus shows the numbers of model/stats to Prometheus. It is apart, so that
// who does not want it does not link it.
//
// # Usage
//
// Register a collector where the rest of the process registers its own:
//
//	registry.MustRegister(prometheus.NewCollector(counts))
//
// An aggregator counts only when it has an origin; one of its own will do. Labels that tell
// hosts apart come with the client's WrapRegistererWith.
//
// # Metrics
//
// All are counters since the start of the process, with labels for the tier (external,
// internal) and, except for sessions, for the role: publisher is what is served to
// peers, subscriber what comes from them.
//
//	moq_announced_total              announcements of broadcasts
//	moq_announced_closed_total       announcements that are over
//	moq_announced_bytes_total        names in announcements and withdrawals
//	moq_broadcasts_total             broadcasts that sessions subscribed to
//	moq_broadcasts_closed_total      broadcasts that sessions left
//	moq_subscriptions_total          subscriptions to tracks
//	moq_subscriptions_closed_total   subscriptions that are over
//	moq_payload_bytes_total          payload
//	moq_frames_total                 frames
//	moq_groups_total                 groups
//	moq_fetches_total                fetches of single groups
//	moq_datagrams_total              groups that went as one datagram
//	moq_sessions_total               sessions
//	moq_sessions_closed_total        sessions that have ended
//
// What is open now is the difference of two: the viewers of a host are
// moq_broadcasts_total{role="publisher"} - moq_broadcasts_closed_total{role="publisher"}.
//
// # Limitations
//
// [WithBroadcasts] adds a series per broadcast and metric. Peers name the broadcasts, so
// their number is in the peers' hands: it is off unless asked for. Such a series ends with
// the broadcast and starts again at 0 when it comes back.
package prometheus
