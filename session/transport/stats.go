package transport

import "time"

// Stats is what a carrier measures of its connection, at one moment. A carrier without a network below it
// measures nothing: its Stats are zero.
type Stats struct {
	// SmoothedRTT is the round-trip time of the path, averaged (RFC 9002, section 5.3), MinRTT the
	// smallest and LatestRTT the last that was measured. 0 is unknown.
	SmoothedRTT, MinRTT, LatestRTT time.Duration
	// BytesSent and BytesReceived count whole QUIC packets without the headers of UDP and IP, with
	// everything that was repeated.
	BytesSent, BytesReceived uint64
	// PacketsSent and PacketsReceived count those packets.
	PacketsSent, PacketsReceived uint64
	// BytesLost and PacketsLost are what was sent and taken for lost. They can go down: a packet
	// that arrives late was not lost.
	BytesLost, PacketsLost uint64
	// SendRate is how much this end could send now, in bits per second, when SendRateKnown is set.
	// It is an estimate; see SendRate.
	SendRate      uint64
	SendRateKnown bool
}

// SendRate estimates how much a sender can send, in bits per second, from its congestion window in
// bytes and the smoothed round-trip time. ok is false while one of them is unknown.
//
// The estimate is one window per round trip. On a connection that keeps its window full this is the
// rate at which the path delivers, because the time that packets wait in a queue is part of the
// round-trip time. Where the application sends less, it is no more than what the congestion
// controller would let out: at the start of a connection that is a guess in either direction, and
// later it may be what the path carried a while ago. Headers and repeated data are in it, so the
// payload that fits is some percent less.
func SendRate(window uint64, rtt time.Duration) (bitsPerSecond uint64, ok bool) {
	if window == 0 || rtt <= 0 {
		return 0, false
	}
	return uint64(8 * float64(window) / rtt.Seconds()), true
}
