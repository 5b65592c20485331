package session

import (
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/bandwidth"
	"github.com/moqrx/moqrx/session/transport"
)

// SendBandwidth reads what the connection is estimated to carry to the peer, in bits per second: the
// SendRate of [transport.Stats], which is what congestion control would let through, and not what the
// application sends. It is measured every 100 ms, while a reader of it is open. Encoders that adapt
// wait for [model.BandwidthConsumer.Changed].
//
// It is unknown until the transport has a measurement, and always on a transport that has none
// (memory). It ends with the session: Changed returns io.EOF then. Every call returns another reader,
// which the caller closes.
func (s *Session) SendBandwidth() *model.BandwidthConsumer { return s.engine.SendBandwidth() }

// RecvBandwidth reads what the connection is estimated to carry from the peer, as the peer says on a
// PROBE stream: moq-lite-03 and later, and only when the peer measures. The peer is asked while a
// reader is open, and tells again when the value has moved: by a quarter at once, by less later, after
// 10 s by anything.
//
// It is unknown until the first report comes, when the peer takes its value back, and whenever
// nobody has asked. It ends (Changed returns io.EOF) with the session, or earlier, unknown, when it
// is clear that no reports will come. Every call returns another reader, which the caller closes.
func (s *Session) RecvBandwidth() *model.BandwidthConsumer { return s.engine.RecvBandwidth() }

// Stats is what the transport measures of the connection at this moment: round-trip times, packets and bytes in both
// directions, losses, and the estimate that SendBandwidth follows. On WebTransport it is the connection below
// the session. It may be called at any time, and tells the last of it once the session is over.
func (s *Session) Stats() transport.Stats { return s.conn.Stats() }

// measure is what a connection knows of itself, as PROBE tells it.
func measure(conn transport.Conn) func() bandwidth.Measured {
	return func() bandwidth.Measured {
		stats := conn.Stats()
		m := bandwidth.Measured{RTT: stats.SmoothedRTT}
		if stats.SendRateKnown {
			m.Bitrate = model.BitsPerSecond(stats.SendRate)
		}
		return m
	}
}
