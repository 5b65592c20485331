package lite

import (
	"context"
	"errors"
	"log/slog"
	"math/bits"
	"sync/atomic"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// losses counts datagrams that were dropped. The log hears of the first, the second, the fourth
// and so on: many of them make few lines.
type losses struct{ count atomic.Uint64 }

func (l *losses) add(log *slog.Logger, err error) {
	if n := l.count.Add(1); bits.OnesCount64(n) == 1 {
		log.Debug("datagram dropped", "so far", n, "error", err)
	}
}

var errNoSubscription = errors.New("no such subscription")

// receiveDatagrams puts the datagrams of the peer into the tracks that they are for, until the
// session ends. One that has no place is dropped (draft-lcurley-moq-lite, DATAGRAM): it may have
// overtaken or outlived what it belongs to, so it is no violation.
func (c *subscriber) receiveDatagrams(ctx context.Context) {
	for {
		b, err := c.conn.ReceiveDatagram(ctx)
		if err != nil {
			if ctx.Err() == nil {
				c.log.Debug("no datagrams", "error", err)
			}
			return
		}
		if err := c.receiveDatagram(b); err != nil {
			c.strays.add(c.log, err)
		}
	}
}

func (c *subscriber) receiveDatagram(b []byte) error {
	var m genlite.Datagram
	if _, err := m.Parse(b, c.dialect.version); err != nil {
		return err
	}
	// Where there are datagrams, a track is accepted before its id is told to the peer.
	u := c.find(m.Subscribe)
	if u == nil {
		return errNoSubscription
	}
	u.counts.Datagram(len(m.Payload))
	return u.track.WriteDatagram(model.Datagram{
		Sequence:  m.Sequence,
		Timestamp: model.Timestamp{Value: m.Timestamp, Scale: u.scale},
		Payload:   m.Payload,
	})
}

// find returns a subscription whose groups are taken, or nil.
func (c *subscriber) find(id uint64) *upstream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tracks[id]
}
