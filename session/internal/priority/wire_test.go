package priority

import (
	"sync"
	"sync/atomic"
	"time"
)

// wire is a transport with a bottleneck: streams that have something to send take turns, a packet each. As with
// quic-go, a Write returns while its last packet still waits.
type wire struct {
	slot   chan struct{} // capacity 1; waiters are served in their order
	packet time.Duration // how long one takes
}

const packetSize = 1400

// newWire makes a wire that carries so many bytes per second.
func newWire(rate int) *wire {
	return &wire{slot: make(chan struct{}, 1), packet: time.Second * packetSize / time.Duration(rate)}
}

// stream is one stream over a wire.
type stream struct {
	*wire
	blocked chan struct{} // the peer takes nothing before it is closed; may be nil
	pause   time.Duration // the peer takes a packet in this time at best
	sent    atomic.Int64
	tail    sync.WaitGroup
}

func (s *stream) Write(p []byte) (int, error) {
	if s.blocked != nil {
		<-s.blocked
	}
	s.tail.Wait()
	for left := p; ; left = left[packetSize:] {
		if len(left) <= packetSize {
			s.tail.Go(func() { s.send(len(left)) })
			return len(p), nil
		}
		s.send(packetSize)
	}
}

func (s *stream) send(n int) {
	time.Sleep(s.pause)
	s.slot <- struct{}{}
	time.Sleep(s.packet)
	<-s.slot
	s.sent.Add(int64(n))
}
