package lite

import "time"

// Limits bound what one peer can make a session hold or wait for. A zero field takes the
// value of [DefaultLimits].
type Limits struct {
	// Streams caps the streams of the peer that are served at once, bidirectional and
	// unidirectional ones each. A stream above it is refused.
	Streams int
	// Broadcasts caps the broadcasts that the peer announces at one time. One more ends
	// the session.
	Broadcasts int
	// Groups caps the groups in flight of one served subscription. Further groups wait.
	Groups int
	// Fetches caps the fetches of the peer that are answered at once: one more is refused. As
	// many of ours are asked of the peer at once: further ones wait.
	Fetches int
	// FirstBytes is how long a stream may stay open before its type and its first message
	// are complete.
	FirstBytes time.Duration
	// Response is how long the peer may take for the first answer to a SUBSCRIBE, TRACK or
	// FETCH, and to end its half of a subscription that is over.
	Response time.Duration
	// Settle is how long a finished subscription waits for groups that are missing below its
	// end: their streams may arrive after the end of the subscribe stream. Where the version
	// does not tell the end (before moq-lite-05), nobody knows whether one is missing,
	// and a quarter of it has to do.
	Settle time.Duration
}

// DefaultLimits are meant for a server that anybody may reach.
func DefaultLimits() Limits {
	return Limits{
		Streams:    1000,
		Broadcasts: 16384,
		Groups:     128,
		Fetches:    64,
		FirstBytes: 10 * time.Second,
		Response:   10 * time.Second,
		Settle:     time.Second,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.Streams <= 0 {
		l.Streams = d.Streams
	}
	if l.Broadcasts <= 0 {
		l.Broadcasts = d.Broadcasts
	}
	if l.Groups <= 0 {
		l.Groups = d.Groups
	}
	if l.Fetches <= 0 {
		l.Fetches = d.Fetches
	}
	if l.FirstBytes <= 0 {
		l.FirstBytes = d.FirstBytes
	}
	if l.Response <= 0 {
		l.Response = d.Response
	}
	if l.Settle <= 0 {
		l.Settle = d.Settle
	}
	return l
}
