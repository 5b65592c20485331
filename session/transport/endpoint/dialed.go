package endpoint

import (
	"sync"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/moqrx/moqrx/session/transport"
)

// A connection that was dialed stays open for three round trips at least. A close before would
// throw away the end of the handshake and the first streams, and its code could not be sent: the
// packets of a handshake carry none (RFC 9000, section 10.2.3).
const (
	minRoundTrips = 3
	minAckDelay   = 25 * time.Millisecond
	maxComingUp   = 500 * time.Millisecond
)

// dialed is a carrier that owns its socket.
type dialed struct {
	transport.Conn
	q      *quicgo.Conn
	since  time.Time
	closed chan struct{}
	once   sync.Once
}

// newDialed wraps a carrier on q whose socket is closed with the channel.
func newDialed(c transport.Conn, q *quicgo.Conn, socket <-chan struct{}) *dialed {
	d := &dialed{Conn: c, q: q, since: time.Now(), closed: make(chan struct{})}
	go func() {
		<-c.Closed()
		<-socket
		traceComplete(q)
		close(d.closed)
	}()
	return d
}

// CloseWithError lets a young connection come up before it closes it.
func (d *dialed) CloseWithError(code uint64, reason string) (err error) {
	d.once.Do(func() {
		least := min(minRoundTrips*d.q.ConnectionStats().SmoothedRTT+minAckDelay, maxComingUp)
		timer := time.NewTimer(time.Until(d.since.Add(least)))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-d.Context().Done():
		}
		err = d.Conn.CloseWithError(code, reason)
	})
	return err
}

func (d *dialed) Closed() <-chan struct{} { return d.closed }
