package lite

import "time"

// Limits bound what one peer can make a session hold or wait for. A zero field takes the
// value of [DefaultLimits].
type Limits struct {
	// Streams caps the streams of the peer that are served at once, bidirectional and
	// unidirectional ones each. A stream above it is refused with model.CodeBoundsExceeded.
	Streams int
	// Subscriptions caps the subscriptions of the peer that are served at once. One more is
	// refused with model.CodeBoundsExceeded.
	Subscriptions int
	// Announces caps the requests of the peer to be told what is announced, one for each
	// prefix. One more reads that there is nothing, and is stopped with model.CodeBoundsExceeded:
	// deployed peers take a reset of that stream for the end of the session.
	Announces int
	// Fetches caps the fetches of the peer that are answered at once. One more is refused with
	// model.CodeBoundsExceeded. As many of ours are asked of the peer at once: further ones wait.
	Fetches int
	// Broadcasts caps the broadcasts that the peer announces at one time. One more ends
	// the session with model.CodeBoundsExceeded.
	Broadcasts int
	// AnnouncedBytes caps the bytes of the paths of those broadcasts. More ends the session
	// with model.CodeBoundsExceeded.
	AnnouncedBytes int
	// Groups caps the groups in flight of one served subscription; all of the session together
	// have at most sharedGroups times as many, and one more each. Further groups wait, and
	// when the peer takes none for as long as the track keeps them, old ones are given up
	// with model.CodeOld.
	Groups int
	// UnfinishedBytes caps the bytes of all groups that the peer has begun and not ended. A
	// group that would need more is refused, and fails, with model.CodeEvicted.
	UnfinishedBytes int64
	// FirstBytes is how long a stream may stay open before its type and its first message
	// are complete. It then ends with model.CodeTimeout. For a unidirectional stream it counts from
	// the first byte. A server waits as long for SETUP.
	FirstBytes time.Duration
	// Response is how long the peer may take for the first answer to a SUBSCRIBE, TRACK or
	// FETCH, and to end its half of a subscription that is over. What waited for the answer
	// fails with model.CodeTimeout.
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
		Streams:         1000,
		Subscriptions:   900,
		Announces:       64,
		Fetches:         64,
		Broadcasts:      4096,
		AnnouncedBytes:  4 << 20,
		Groups:          128,
		UnfinishedBytes: 256 << 20,
		FirstBytes:      10 * time.Second,
		Response:        10 * time.Second,
		Settle:          time.Second,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	l.Streams = positive(l.Streams, d.Streams)
	l.Subscriptions = positive(l.Subscriptions, d.Subscriptions)
	l.Announces = positive(l.Announces, d.Announces)
	l.Fetches = positive(l.Fetches, d.Fetches)
	l.Broadcasts = positive(l.Broadcasts, d.Broadcasts)
	l.AnnouncedBytes = positive(l.AnnouncedBytes, d.AnnouncedBytes)
	l.Groups = positive(l.Groups, d.Groups)
	l.UnfinishedBytes = positive(l.UnfinishedBytes, d.UnfinishedBytes)
	l.FirstBytes = positive(l.FirstBytes, d.FirstBytes)
	l.Response = positive(l.Response, d.Response)
	l.Settle = positive(l.Settle, d.Settle)
	return l
}

func positive[T int | int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}
