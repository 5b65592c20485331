package transporttest

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/moqrx/moqrx/session/transport"
)

// testPriority shows that every priority, also a changed one, brings the data. Which stream is served first shows
// only where there is a bottleneck.
func testPriority(p *pair) {
	var writers sync.WaitGroup
	defer writers.Wait()
	for i, urgency := range []uint8{transport.UrgencyControl, transport.UrgencyDefault, transport.UrgencyLast, 8, 127, 128, 255} {
		data := strings.Repeat(fmt.Sprintf("%3d ", urgency), 10_000)
		s, err := p.a.OpenUni(p.ctx)
		p.must("OpenUni", err)
		s.SetPriority(urgency, i%2 == 0)
		writers.Go(func() {
			_, err := io.WriteString(s, data)
			s.SetPriority(transport.UrgencyLast-min(urgency, transport.UrgencyLast), i%2 != 0)
			if err != nil || s.Close() != nil {
				p.Errorf("urgency %d: Write: %v, or Close failed", urgency, err)
			}
			s.SetPriority(transport.UrgencyControl, false) // does nothing
		})
		r, err := p.b.AcceptUni(p.ctx)
		p.must("AcceptUni", err)
		p.wantAll(r, data)
	}
	mine, theirs := p.bidi("x")
	mine.SetPriority(transport.UrgencyControl, true)
	theirs.SetPriority(transport.UrgencyControl, false)
	p.must("Close", mine.Close())
	p.must("Close", theirs.Close())
	p.wantAll(theirs, "x")
	p.wantAll(mine, "")
}

func testStats(p *pair) {
	const size = 100_000
	data := strings.Repeat("s", size)
	before, beforePeer := p.a.Stats(), p.b.Stats()
	s, err := p.a.OpenUni(p.ctx)
	p.must("OpenUni", err)
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(s, data)
		written <- err
	}()
	r, err := p.b.AcceptUni(p.ctx)
	p.must("AcceptUni", err)
	p.wantData(r, data)
	p.must("Write", <-written)
	s.Reset(0)
	after, afterPeer := p.a.Stats(), p.b.Stats()
	if p.a.Kind() == transport.KindMemory {
		if after != (transport.Stats{}) || afterPeer != (transport.Stats{}) {
			p.Errorf("%+v and %+v, want zeros", after, afterPeer)
		}
		return
	}
	if n := after.BytesSent - before.BytesSent; n < size || after.PacketsSent-before.PacketsSent < size/1500 {
		p.Errorf("%d bytes sent in %d packets, of %d", n, after.PacketsSent-before.PacketsSent, size)
	}
	if n := afterPeer.BytesReceived - beforePeer.BytesReceived; n < size || afterPeer.PacketsReceived-beforePeer.PacketsReceived < size/1500 {
		p.Errorf("%d bytes received in %d packets, of %d", n, afterPeer.PacketsReceived-beforePeer.PacketsReceived, size)
	}
	if after.MinRTT <= 0 || after.SmoothedRTT < after.MinRTT || after.LatestRTT < after.MinRTT {
		p.Errorf("round-trip times %v, %v and %v", after.MinRTT, after.SmoothedRTT, after.LatestRTT)
	}
	if !after.SendRateKnown || after.SendRate == 0 {
		p.Errorf("the send rate is %d (known: %v)", after.SendRate, after.SendRateKnown)
	}
	_ = p.a.CloseWithError(0, "")
	if end := p.a.Stats(); end.BytesSent < after.BytesSent {
		p.Errorf("%d bytes sent at the end, %d before", end.BytesSent, after.BytesSent)
	}
}
