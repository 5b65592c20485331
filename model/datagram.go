package model

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// MaxDatagramSize is the largest datagram, in bytes.
	MaxDatagramSize = 65535
	// datagramAge is how long datagrams are for those who come late, and kept once newer ones come.
	datagramAge = 50 * time.Millisecond
	// datagramsKept is how many are kept at most: more than a fast link brings in that time.
	datagramsKept = 8192
)

// Datagram is a group of one small frame that is sent once and not repeated. All
// readers share Payload: do not write to it. Timestamp is in the track's timescale;
// given unset, it becomes the wall clock.
type Datagram struct {
	Sequence  uint64 // among the groups of the track
	Timestamp Timestamp
	Payload   []byte
}

// datagrams are the last ones of a track. The track's lock guards them; nil is none.
type datagrams struct {
	first uint64 // number of the oldest kept; cursors count so
	kept  []keptDatagram
}

type keptDatagram struct {
	Datagram
	at time.Time
}

// next is the number that the next datagram gets.
func (d *datagrams) next() uint64 {
	if d == nil {
		return 0
	}
	return d.first + uint64(len(d.kept))
}

// from returns what is kept from this number on.
func (d *datagrams) from(number uint64) []keptDatagram {
	if d == nil || number >= d.next() {
		return nil
	}
	return d.kept[max(number, d.first)-d.first:]
}

// fresh is the number of the first that is worth something to who comes now.
func (d *datagrams) fresh() uint64 {
	if d == nil {
		return 0
	}
	now, number := time.Now(), d.next()
	for number > d.first && now.Sub(d.kept[number-d.first-1].at) <= datagramAge {
		number--
	}
	return number
}

// has reports whether a datagram with this sequence is kept.
func (d *datagrams) has(seq uint64) bool {
	return d != nil && slices.ContainsFunc(d.kept, func(k keptDatagram) bool { return k.Sequence == seq })
}

// push keeps one more and drops those that are too old or too many.
func (d *datagrams) push(dg Datagram, now time.Time) {
	n := 0
	for n < len(d.kept) && (now.Sub(d.kept[n].at) > datagramAge || len(d.kept)-n >= datagramsKept) {
		n++
	}
	d.kept = append(dropFront(d.kept, n), keptDatagram{dg, now})
	d.first += uint64(n)
}

func (d *datagrams) clear() {
	if d != nil {
		d.first, d.kept = d.next(), nil
	}
}

// deliver is where a datagram arrives, under a sequence that was admitted.
func (t *track) deliver(d Datagram) {
	if t.datagrams == nil {
		t.datagrams = &datagrams{}
	}
	if !t.latest.Set || d.Sequence > t.latest.Sequence {
		t.latest = At(d.Sequence)
	}
	t.datagrams.push(d, time.Now())
	t.changed.wake()
	t.outlook.wake()
	for _, f := range t.feeds {
		f.datagram(d)
	}
}

// AppendDatagram sends a datagram under the number after the highest group so far,
// which it returns. The payload is copied. Errors as in WriteDatagram.
func (p *TrackProducer) AppendDatagram(f Frame) (uint64, error) {
	d := Datagram{Timestamp: f.Timestamp, Payload: f.Payload}
	err := p.datagram(&d, func() uint64 { return p.t.edge() })
	return d.Sequence, err
}

// WriteDatagram sends a datagram under its own number. The payload is copied. It
// never blocks. Readers have about 50 ms to take it, less when thousands follow. ErrFrameTooLarge above
// MaxDatagramSize, ErrDuplicate while a group or datagram of that number is cached,
// ErrTimestampMismatch when the time does not fit the track's timescale; other
// errors as in CreateGroup.
func (p *TrackProducer) WriteDatagram(d Datagram) error {
	return p.datagram(&d, func() uint64 { return d.Sequence })
}

func (p *TrackProducer) datagram(d *Datagram, number func() uint64) (err error) {
	t := p.t
	if len(d.Payload) > MaxDatagramSize {
		return fmt.Errorf("track %q: datagram of %d bytes: at most %d: %w", t.name, len(d.Payload), MaxDatagramSize, ErrFrameTooLarge)
	}
	d.Payload = slices.Clone(d.Payload)
	t.mu.Lock()
	defer t.unlock()
	if err := p.writable(); err != nil {
		return err
	}
	d.Sequence = number()
	if d.Timestamp, err = t.info.Timescale.stamp(d.Timestamp); err != nil {
		return fmt.Errorf("track %q: datagram %d: %w", t.name, d.Sequence, err)
	}
	if err := t.admit(d.Sequence); err != nil { // last, for it makes room
		return err
	}
	t.deliver(*d)
	return nil
}

// RecvDatagram returns every datagram once, in order of arrival, except those outside
// the bounds of the subscription, those that left before they were read and, at a path
// of an origin, those of a time that does not fit the track's timescale. It has a
// cursor of its own, and NextGroup and ReadFrame move on past its number. It blocks
// until there is one; io.EOF at the end of the track, the track's error when it was
// aborted.
func (c *TrackConsumer) RecvDatagram(ctx context.Context) (Datagram, error) {
	return await(ctx, c, (*TrackConsumer).recvDatagram)
}

// TryRecvDatagram is RecvDatagram without waiting: false and no error when none is there.
func (c *TrackConsumer) TryRecvDatagram() (Datagram, bool, error) {
	d, ok, _, err := c.recvDatagram(false)
	return d, ok, err
}

func (c *TrackConsumer) recvDatagram(block bool) (Datagram, bool, <-chan struct{}, error) {
	t := c.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.closed {
		return Datagram{}, false, nil, c.gone()
	}
	kept := t.datagrams.from(c.datagram)
	for i, d := range kept {
		c.datagram = t.datagrams.next() - uint64(len(kept)-i-1)
		if after, before := c.sub.admits(d.Sequence); !after || !before {
			continue
		}
		if !c.last.Set || d.Sequence > c.last.Sequence {
			c.last = At(d.Sequence)
		}
		return d.Datagram, true, nil, nil
	}
	if err := t.outcome(t.err == nil || c.datagram == t.datagrams.next()); err != nil || !block {
		return Datagram{}, false, nil, err
	}
	return Datagram{}, false, t.outlook.wait(), nil
}
