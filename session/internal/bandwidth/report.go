package bandwidth

import (
	"time"

	"github.com/moqrx/moqrx/model"
)

// Level is what an endpoint offers in the parameter Probe of its SETUP.
type Level uint64

// Levels. Those that come later are taken for the highest that is known.
const (
	None     Level = 0 // nothing is measured
	Report   Level = 1 // estimates are reported
	Increase Level = 2 // and the sender pads its traffic to find out more
)

// ParseLevel is the level that a value on the wire stands for.
func ParseLevel(v uint64) Level { return min(Level(v), Increase) }

// Measured is what a transport knows of its connection.
type Measured struct {
	Bitrate model.Bitrate
	RTT     time.Duration // 0 is unknown
}

// Level is what may be offered with such measurements.
func (m Measured) Level() Level {
	if m.Bitrate.Known || m.RTT > 0 {
		return Report
	}
	return None
}

// Message is what a PROBE message says: 0 is unknown, so that a measured 0 is sent as 1.
type Message struct {
	Bitrate uint64 // bits per second
	RTT     uint64 // milliseconds
}

// message is what m says, rounded as the wire has it.
func (m Measured) message(bitrateOnly bool) (out Message) {
	if m.Bitrate.Known {
		out.Bitrate = min(max(1, m.Bitrate.BitsPerSecond), maxVarint)
	}
	if m.RTT > 0 && !bitrateOnly {
		out.RTT = max(1, uint64(m.RTT/time.Millisecond))
	}
	return out
}

// maxVarint is the largest number that a message can carry (RFC 9000, section 16).
const maxVarint = 1<<62 - 1

const (
	// A change is worth a message when it is as large as this part of the last value,
	firstThreshold = 0.25
	// or, the longer the last message is ago, less: after this time any change is,
	refresh = 10 * time.Second
	// and after it even none.
)

// Reporter decides which measurements are sent (draft-lcurley-moq-lite, PROBE). The zero Reporter reports
// bitrates and round-trip times. It is for one goroutine.
type Reporter struct {
	BitrateOnly bool // moq-lite-03 has no round-trip time

	sent bool
	last Message
	at   time.Time
}

// Next tells whether m, measured at now, is to be sent, and as what. The first is, unless nothing is known. Ask
// every [Interval].
func (r *Reporter) Next(now time.Time, m Measured) (Message, bool) {
	next := m.message(r.BitrateOnly)
	if !r.due(now, next) {
		return Message{}, false
	}
	r.sent, r.last, r.at = true, next, now
	return next, true
}

func (r *Reporter) due(now time.Time, next Message) bool {
	if !r.sent {
		return next != Message{}
	}
	passed := now.Sub(r.at)
	if next == r.last {
		return next != Message{} && passed >= refresh
	}
	if next.Bitrate == 0 && r.last.Bitrate != 0 {
		return true // to be taken back
	}
	return changed(r.last.Bitrate, next.Bitrate, threshold(passed)) ||
		next.RTT != 0 && changed(r.last.RTT, next.RTT, firstThreshold) || passed >= refresh
}

// threshold falls from a quarter at one interval to nothing at the refresh.
func threshold(passed time.Duration) float64 {
	passed = min(max(passed, Interval), refresh)
	return firstThreshold * float64(refresh-passed) / float64(refresh-Interval)
}

func changed(last, next uint64, threshold float64) bool {
	if last == 0 || last == next {
		return last != next
	}
	delta := max(last, next) - min(last, next)
	return float64(delta)/float64(last) >= threshold
}
