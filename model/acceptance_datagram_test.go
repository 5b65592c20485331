package model_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// datagrams takes what is there; end is the error then, nil to wait.
func datagrams(c *model.TrackConsumer) (seqs []uint64, end error) {
	for {
		d, ok, err := c.TryRecvDatagram()
		if !ok {
			return seqs, err
		}
		seqs = append(seqs, d.Sequence)
	}
}

func datagram(seq uint64) model.Datagram {
	return model.Datagram{Sequence: seq, Payload: []byte{byte(seq)}}
}

func TestDatagrams(t *testing.T) {
	run := func(name string, f func(*testing.T, *model.TrackProducer, *model.TrackConsumer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newTrack(t)
				f(t, p, p.Consume(model.Subscription{}))
			})
		})
	}
	run("16.11/193 groups and datagrams count together", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		want(t, "group", must(p.AppendGroup()).Sequence(), 0)
		want(t, "datagram", must(p.AppendDatagram(text("a"))), 1)
		want(t, "group", must(p.AppendGroup()).Sequence(), 2)
		want(t, "datagram", must(p.AppendDatagram(text("b"))), 3)
		got, _ := datagrams(c)
		wantSeqs(t, "datagrams", got, 1, 3)
		got, _ = recvAll(c.TryRecvGroup)
		wantSeqs(t, "groups", got, 0, 2)
		latest, _ := c.Latest()
		want(t, "latest", latest, 3)
		wantErr(t, p.WriteDatagram(datagram(2)), model.ErrDuplicate)
		wantErr(t, p.WriteDatagram(datagram(1)), model.ErrDuplicate)
		_, err := p.CreateGroup(1)
		wantErr(t, err, model.ErrDuplicate)
	})
	run("16.11/194 a datagram with a number keeps it, and the next goes on after it", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		wantNil(t, p.WriteDatagram(datagram(41)))
		want(t, "next", must(p.AppendDatagram(text("x"))), 42)
		wantNil(t, p.WriteDatagram(datagram(7))) // out of order
		got, _ := datagrams(c)
		wantSeqs(t, "received", got, 41, 42, 7)
	})
	run("16.11/195 after datagram n the next group is above n", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		create(t, p, 3, 5, 6)
		wantNil(t, p.WriteDatagram(datagram(4)))
		other := c.Clone()
		want(t, "datagram", must(c.RecvDatagram(bg)).Sequence, 4)
		got, _ := recvAll(c.TryNextGroup)
		wantSeqs(t, "next", got, 5, 6)
		wantNil(t, p.WriteDatagram(datagram(1)))
		_, _ = datagrams(c)
		create(t, p, 2)
		got, _ = recvAll(c.TryNextGroup)
		wantSeqs(t, "after an older one", got)
		got, _ = recvAll(other.TryNextGroup)
		wantSeqs(t, "of another reader", got, 2, 3, 5, 6)
	})
	t.Run("16.11/196 timestamps take the track's timescale", func(t *testing.T) {
		p := must(model.NewBroadcast(model.Route{}).CreateTrack("t", model.TrackInfo{Timescale: model.Micros}))
		c := p.Consume(model.Subscription{})
		_ = must(p.AppendDatagram(model.Frame{Timestamp: model.Timestamp{Value: 5, Scale: model.Millis}}))
		_ = must(p.AppendDatagram(text("now")))
		want(t, "converted", must(c.RecvDatagram(bg)).Timestamp, model.Timestamp{Value: 5000, Scale: model.Micros})
		want(t, "stamped", must(c.RecvDatagram(bg)).Timestamp.Scale, model.Micros)
		late := model.Frame{Timestamp: model.Timestamp{Value: 1 << 61, Scale: model.Seconds}}
		_, err := p.AppendDatagram(late)
		wantErr(t, err, model.ErrTimestampMismatch)
		latest, _ := p.Latest()
		want(t, "latest after the refusal", latest, 1)
	})
	run("16.11/197 a datagram above 65535 bytes is refused", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		_, err := p.AppendDatagram(model.Frame{Payload: make([]byte, model.MaxDatagramSize+1)})
		wantErr(t, err, model.ErrFrameTooLarge)
		wantErr(t, p.WriteDatagram(model.Datagram{Payload: make([]byte, model.MaxDatagramSize+1)}), model.ErrFrameTooLarge)
		_ = must(p.AppendDatagram(model.Frame{Payload: make([]byte, model.MaxDatagramSize)}))
		want(t, "size", len(must(c.RecvDatagram(bg)).Payload), model.MaxDatagramSize)
	})
	run("16.11/198 every reader gets every datagram", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		wantNil(t, p.WriteDatagram(datagram(9)))
		other := p.Consume(model.Subscription{})
		for _, c := range []*model.TrackConsumer{c, other} {
			_ = must(c.RecvDatagram(bg))
		}
		for seq := range uint64(3) {
			wantNil(t, p.WriteDatagram(datagram(seq)))
		}
		got, _ := datagrams(c.Clone())
		wantSeqs(t, "a clone", got, 0, 1, 2)
		for _, c := range []*model.TrackConsumer{c, other} {
			for seq := range uint64(3) {
				d := must(c.RecvDatagram(bg))
				want(t, "sequence", d.Sequence, seq)
				want(t, "payload", string(d.Payload), string(datagram(seq).Payload))
			}
		}
	})
	run("16.11/199 what is older than 50 ms goes with the next one", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		wantNil(t, p.WriteDatagram(datagram(0)))
		early := c.Clone()
		want(t, "early", must(early.RecvDatagram(bg)).Sequence, 0)
		time.Sleep(time.Millisecond)
		wantNil(t, p.WriteDatagram(datagram(1)))
		time.Sleep(50 * time.Millisecond)
		wantNil(t, p.WriteDatagram(datagram(2)))
		got, _ := datagrams(c)
		wantSeqs(t, "late reader", got, 1, 2)
		got, _ = datagrams(early)
		wantSeqs(t, "early reader", got, 1, 2)
	})
	run("who comes after 50 ms does not get it, who was there does", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		wantNil(t, p.WriteDatagram(datagram(0)))
		time.Sleep(50 * time.Millisecond)
		wantNil(t, p.WriteDatagram(datagram(1)))
		in := p.Consume(model.Subscription{})
		time.Sleep(time.Millisecond)
		late := p.Consume(model.Subscription{})
		time.Sleep(time.Hour)
		never := p.Consume(model.Subscription{})
		for want, c := range map[string]*model.TrackConsumer{"[0 1]": c, "[1]": late, "[]": never} {
			got, _ := datagrams(c)
			if fmt.Sprint(got) != want {
				t.Errorf("got %v, want %s", got, want)
			}
		}
		got, _ := datagrams(in)
		wantSeqs(t, "in time", got, 0, 1)
	})
	run("16.11/200 a reader waits for a datagram", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		changed := c.Wait()
		read := later(func() { want(t, "datagram", must(c.RecvDatagram(bg)).Sequence, 9) })
		want(t, "returned early", read(), false)
		wantNil(t, p.WriteDatagram(datagram(9)))
		want(t, "returned", read(), true)
		<-changed
	})
	run("16.11/201 pending datagrams come before the end", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		wantNil(t, p.WriteDatagram(datagram(0)))
		read := later(func() {
			_ = must(c.RecvDatagram(bg))
			_, err := c.RecvDatagram(bg)
			wantErr(t, err, eof)
		})
		want(t, "returned early", read(), false)
		wantNil(t, p.Finish())
		want(t, "returned", read(), true)
		late := p.Consume(model.Subscription{})
		wantNil(t, p.Close())
		got, end := datagrams(late)
		wantSeqs(t, "late", got, 0)
		wantErr(t, end, eof)
		wantErr(t, p.WriteDatagram(datagram(1)), model.ErrClosed)
	})
	run("16.11/202 a reader of datagrams alone is demand", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		wantNil(t, c.Close())
		used := later(func() { wantNil(t, p.Used(bg)) })
		want(t, "used early", used(), false)
		only := p.Consume(model.Subscription{})
		read := later(func() { _ = must(only.RecvDatagram(bg)) })
		want(t, "used", used(), true)
		_ = must(p.AppendDatagram(text("x")))
		want(t, "received", read(), true)
	})
	run("a future end is waited for", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		wantNil(t, p.FinishAt(2))
		_, end := datagrams(c)
		wantNil(t, end)
		wantNil(t, p.WriteDatagram(datagram(1)))
		got, end := datagrams(c)
		wantSeqs(t, "received", got, 1)
		wantErr(t, end, eof)
		wantErr(t, p.WriteDatagram(datagram(2)), model.ErrClosed)
	})
	run("an abort takes what was not read", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		wantNil(t, p.WriteDatagram(datagram(0)))
		drained := c.Clone()
		_, _ = datagrams(drained)
		wantNil(t, p.Finish())
		p.Abort(model.ErrTimeout)
		_, err := c.RecvDatagram(bg)
		wantErr(t, err, model.ErrTimeout)
		_, err = drained.RecvDatagram(bg)
		wantErr(t, err, eof)
		_, err = p.AppendDatagram(text("x"))
		wantErr(t, err, model.ErrTimeout)
	})
	run("the bounds of a subscription hold for datagrams", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		wantNil(t, c.Update(model.Subscription{Start: model.At(2), End: model.At(3)}))
		for seq := range uint64(6) {
			wantNil(t, p.WriteDatagram(datagram(seq)))
		}
		got, _ := datagrams(c)
		wantSeqs(t, "received", got, 2, 3)
	})
	run("a payload is copied, so the writer may use it again", func(t *testing.T, p *model.TrackProducer, c *model.TrackConsumer) {
		b := []byte("abc")
		_ = must(p.AppendDatagram(model.Frame{Payload: b}))
		b[0] = 'X'
		want(t, "payload", string(must(c.RecvDatagram(bg)).Payload), "abc")
	})
	run("a blocked read ends with close and with its context", func(t *testing.T, _ *model.TrackProducer, c *model.TrackConsumer) {
		ctx, cancel := context.WithCancel(t.Context())
		other := c.Clone()
		one := later(func() {
			_, err := c.RecvDatagram(bg)
			wantErr(t, err, model.ErrClosed)
		})
		two := later(func() {
			_, err := other.RecvDatagram(ctx)
			wantErr(t, err, context.Canceled)
		})
		want(t, "returned early", one() || two(), false)
		wantNil(t, c.Close())
		cancel()
		want(t, "returned", one() && two(), true)
	})
}
