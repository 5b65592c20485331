package lite

import (
	"context"

	genlite "github.com/moqrx/moqrx/gen/lite"
)

// sendDatagrams sends the datagrams of the track until it ends or the subscriber leaves. Neither
// they nor the groups wait for each other. What does not get out, also because its time does not fit
// the timescale, is dropped: by the time it could,
// nobody would need it, and there is no other way for it (draft-lcurley-moq-lite, DATAGRAM).
func (sub *served) sendDatagrams(ctx context.Context) {
	m := genlite.Datagram{Subscribe: sub.id}
	var b []byte
	for {
		d, err := sub.track.RecvDatagram(ctx)
		if err != nil {
			return // sendGroups sees why
		}
		at, err := d.Timestamp.Convert(sub.scale)
		if err == nil {
			m.Sequence, m.Timestamp, m.Payload = d.Sequence, at.Value, d.Payload
			b, err = m.Append(b[:0], sub.p.dialect.version)
		}
		if err == nil {
			err = sub.p.conn.SendDatagram(b)
		}
		if err != nil {
			sub.p.unsent.add(sub.p.log, err)
			continue
		}
		sub.counts.Datagram(len(d.Payload))
		sub.mu.Lock()
		sub.sent.add(d.Sequence)
		sub.mu.Unlock()
	}
}
