package session

import (
	"time"

	"github.com/moqrx/moqrx/session/internal/lite"
)

// Limits bound what one peer can make a session hold or wait for. They hold for each session by
// itself. A field that is zero or less takes its value from [DefaultLimits]. Where a limit ends
// something, the peer gets the code that is named, and the rest of the session goes on unless
// it says otherwise.
//
// Two limits are elsewhere. What finished groups take is bounded by [model.WithCachePool] for an
// origin, whoever fills it. A frame has at most [model.MaxFrameSize] bytes and is refused with
// model.CodeFrameTooLarge before any of them is read.
type Limits struct {
	// Streams is how many streams of the peer are served at once, bidirectional and
	// unidirectional ones each. It is also the credit that the peer gets on the network (8 at
	// least, with the few that HTTP/3 needs for itself), so that a peer that obeys QUIC waits. A
	// stream beyond it is refused with model.CodeBoundsExceeded.
	Streams int
	// Subscriptions is how many subscriptions of the peer are served at once. One more is
	// refused with model.CodeBoundsExceeded.
	Subscriptions int
	// Announces is how many prefixes the peer may ask at once to be told about. One more
	// request is answered as if there was nothing, and stopped with model.CodeBoundsExceeded.
	Announces int
	// Fetches is how many fetches of the peer are answered at once. One more is refused with
	// model.CodeBoundsExceeded.
	Fetches int
	// Broadcasts is how many broadcasts the peer may announce at one time, some 2 KiB each and a
	// goroutine: between the relays of one host it may be many more. One more ends the
	// session with model.CodeBoundsExceeded. A server announces what all its clients do, so for a
	// client the default is 16 times as many.
	Broadcasts int
	// AnnouncedBytes is how long the paths of those broadcasts may be together, in bytes. More
	// ends the session with model.CodeBoundsExceeded. For a client the default is 16 times as
	// much. What a peer on moq-lite-01 or -02 has at first comes in one message, of at most 4 MiB.
	AnnouncedBytes int
	// Groups is how many groups of one served subscription are in flight at once. All
	// subscriptions of the session together have at most 16 times as many, and one more each.
	// Further groups wait. When the peer takes nothing for as long as the track keeps its
	// groups, old ones are given up with model.CodeOld.
	Groups int
	// UnfinishedBytes is how many bytes the groups may have together that the peer has begun and
	// not ended. A group that would need more is refused with model.CodeEvicted, and its
	// readers see model.ErrEvicted.
	UnfinishedBytes int64
	// FirstBytes is how long a stream of the peer may stay without its type and its first
	// message, counted from the first byte of a unidirectional one. It then ends with
	// model.CodeTimeout. A server waits as long for what the client asks for, and closes the
	// session with that code.
	FirstBytes time.Duration
	// Response is how long the peer may take for the first answer to a request, and to end its
	// half of a subscription that is over. Readers of a track that waited for the answer see
	// model.ErrTimeout.
	Response time.Duration
	// Settle is how long a subscription waits, when its track has ended, for groups that are
	// missing: they may come after the end. Where the version does not tell which group is the
	// last (before moq-lite-05), a quarter of it has to do.
	Settle time.Duration
}

// DefaultLimits returns the limits of a session that was given none. They are meant for a server
// that anybody may reach: 1000 streams each way, 900 subscriptions, 64 requests for
// announcements, 64 fetches, 4096 broadcasts with 4 MiB of names, 128 groups in flight of a
// subscription, 256 MiB in unfinished groups, 10 s for first bytes and responses, 1 s to settle.
func DefaultLimits() Limits { return Limits(lite.DefaultLimits()) }

// gathered is how many times as much a server may announce as each of its clients.
const gathered = 16

// ofServer are the limits on what a client takes from its server: one client that announces as much as it may
// must not end the sessions of all others.
func (l Limits) ofServer() Limits {
	d := DefaultLimits()
	if l.Broadcasts <= 0 {
		l.Broadcasts = gathered * d.Broadcasts
	}
	if l.AnnouncedBytes <= 0 {
		l.AnnouncedBytes = gathered * d.AnnouncedBytes
	}
	return l
}

// WithLimits bounds what the peer can make the session hold. On a listener it also sets how many
// streams QUIC lets the peer open, which no option of a single request can change.
func WithLimits(l Limits) Option { return func(o *options) { o.limits = l } }

// minCredit is how many streams of each kind a session on WebTransport cannot do without.
const minCredit = 8

// credit is how many streams QUIC lets the peer open, 0 for the default.
func (l Limits) credit() int {
	if l.Streams <= 0 {
		return 0
	}
	return max(l.Streams, minCredit)
}
