package model

import "time"

// DefaultMaxLatency is how long a track keeps groups when its info does not say.
const DefaultMaxLatency = 5 * time.Second

// TrackInfo is what the publisher says about a track. The zero value is usable:
// unset fields get their defaults when the track is created; what the default of MaxLatency
// is depends on the origin ([WithDefaultRetention]).
type TrackInfo struct {
	Priority   uint8         // among the tracks of a session, higher is more important
	Timescale  Timescale     // units per second of frame timestamps; default Millis
	MaxLatency time.Duration // how long groups are kept after they were last written or asked for; default 5 s
	Ordered    bool          // groups are meant to be delivered oldest first
}

// withDefaults fills in what is unset, but for how long groups are kept, which is up to the
// origin; ErrBoundsExceeded for what cannot be.
func (i TrackInfo) withDefaults() (TrackInfo, error) {
	if i.Timescale == 0 {
		i.Timescale = Millis
	}
	if _, err := NewTimescale(uint64(i.Timescale)); err != nil {
		return i, err
	}
	if i.MaxLatency < 0 {
		return i, &Error{Code: CodeBoundsExceeded, Reason: "negative retention " + i.MaxLatency.String()}
	}
	return i, nil
}

// GroupBound is a group sequence that may be absent.
type GroupBound struct {
	Sequence uint64
	Set      bool
}

// At returns the bound at seq.
func At(seq uint64) GroupBound { return GroupBound{seq, true} }

// Subscription is what one reader wants of a track, or, as an aggregate, what all
// of them want together. The zero value asks for what is cached and for everything that comes.
type Subscription struct {
	Priority   uint8         // higher is more important
	Ordered    bool          // oldest group first under congestion
	MaxLatency time.Duration // how late a group is still worth sending; 0 and less is no wish
	Start      GroupBound    // first group, inclusive; unset is what is cached here, and the live edge where that comes from
	End        GroupBound    // last group, inclusive; unset is unbounded
}

// combine is the aggregate of two wishes (moq-lite): the highest priority, ordered
// only if both are, the longest latency, the earliest explicit start, the latest
// end unless one of them is unbounded.
func (s Subscription) combine(o Subscription) Subscription {
	s.Priority = max(s.Priority, o.Priority)
	s.Ordered = s.Ordered && o.Ordered
	s.MaxLatency = max(s.MaxLatency, o.MaxLatency)
	if o.Start.Set && (!s.Start.Set || o.Start.Sequence < s.Start.Sequence) {
		s.Start = o.Start
	}
	if !o.End.Set || (s.End.Set && o.End.Sequence > s.End.Sequence) {
		s.End = o.End
	}
	return s
}

// admits reports whether a group is inside the bounds from below and from above.
func (s Subscription) admits(seq uint64) (afterStart, beforeEnd bool) {
	return !s.Start.Set || seq >= s.Start.Sequence, !s.End.Set || seq <= s.End.Sequence
}
