package lite

import (
	"context"
	"errors"
	"io"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
)

// listen asks for the broadcasts under a prefix and keeps the origin in step with what the
// peer announces, until the stream or the session ends. Whatever was announced on it
// is then gone. nil is the peer's FIN.
func (c *subscriber) listen(ctx context.Context, prefix model.Path) error {
	c.recordAnnounceRequest(ours, prefix.String())
	s, err := c.ask(ctx, genlite.BidiAnnounce, &genlite.AnnounceRequest{
		Prefix: prefix.String(), ExcludeHop: uint64(c.origin.ID()),
	})
	if err != nil {
		return err
	}
	l := listener{
		subscriber: c, prefix: prefix, publisher: c.unknown,
		live: make(map[model.Path]*remote),
	}
	err = l.read(ctx, newReader(s, c.dialect.version))
	if errors.Is(err, io.EOF) {
		l.clear(nil)
		_ = s.Close() // fails only when the stream is over already
		return nil
	}
	err = modelError(ctx, err)
	l.clear(err)
	refuse(s, uint64(model.CodeOf(err)))
	return err
}

// listener is one ANNOUNCE stream of ours.
type listener struct {
	*subscriber
	prefix    model.Path
	publisher model.OriginID
	live      map[model.Path]*remote // by suffix; nil for what is announced but not kept
}

// remote is a broadcast of the peer in our origin.
type remote struct {
	producer *model.BroadcastProducer
	dynamic  *model.BroadcastDynamic
	source   model.OriginID // the original publisher
	counts   stats.SubscriberStats
}

func (l *listener) read(ctx context.Context, r *reader) error {
	if l.dialect.announceOK {
		var ok genlite.AnnounceOK
		if err := r.message(&ok); err != nil {
			return err
		}
		if ok.Origin != 0 {
			l.publisher = model.OriginID(ok.Origin)
			l.peer.CompareAndSwap(0, ok.Origin)
		}
	}
	for {
		var m genlite.Announce
		if err := r.message(&m); err != nil {
			return err
		}
		if err := l.take(ctx, &m); err != nil {
			return err
		}
	}
}

// take applies one announcement. An error breaks the rules and ends the session.
func (l *listener) take(ctx context.Context, m *genlite.Announce) error {
	suffix := model.NewPath(m.Suffix)
	path := l.prefix.Join(suffix)
	l.counted(path).SubscriberAnnounceBytes() // also of what is not kept
	l.recordAnnounce(theirs, path, m.Status != genlite.AnnounceStatusEnded, len(m.Hops))
	old, live := l.live[suffix]
	if m.Status == genlite.AnnounceStatusEnded {
		// An end for what is not known is normal: peers also send it for what they filtered.
		if live {
			delete(l.live, suffix)
			old.finish()
			l.discount(suffix)
		}
		return nil
	}
	if live && !l.dialect.restart {
		return failure(model.CodeDuplicate, "%q is announced twice", m.Suffix)
	}
	if !live {
		if err := l.count(suffix); err != nil {
			return err
		}
	}
	hops, ok := l.dialect.takeHops(m, l.publisher)
	if !ok {
		l.log.Warn("broadcast not taken", "path", path, "reason", "its hop chain is full")
		hops = nil
	}
	l.live[suffix] = l.replace(ctx, old, path, hops)
	return nil
}

// replace puts a broadcast with these hops into the origin. One of the same source that is
// there goes on with the new route. nil is what may not be taken.
func (l *listener) replace(ctx context.Context, old *remote, path model.Path, hops model.OriginList) *remote {
	if hops == nil {
		old.finish()
		return nil
	}
	route := model.Route{Hops: hops}
	if old != nil && old.source == hops[0] && hops[0] != 0 {
		old.producer.SetRoute(route)
		return old
	}
	old.finish()
	b := model.NewBroadcast(route)
	// Before anybody can see the broadcast: who subscribes at once must not find nobody.
	d := b.Dynamic()
	consumer := b.Consume()
	err := l.origin.PublishBroadcast(path, consumer)
	_ = consumer.Close()
	if err != nil {
		l.log.Debug("broadcast not taken", "path", path, "error", err)
		_ = d.Close()
		_ = b.Finish() // nobody has seen it
		_ = b.Close()
		return nil
	}
	l.tasks.Go(func() { l.serveRequests(ctx, path, d) })
	return &remote{producer: b, dynamic: d, source: hops[0], counts: l.counted(path).Subscriber()}
}

// finish takes the broadcast back. Its tracks go on until their own streams end.
func (b *remote) finish() {
	if b == nil {
		return
	}
	_ = b.producer.Finish() // fails only when it has ended already
	_ = b.dynamic.Close()
	_ = b.producer.Close()
	b.counts.Close()
}

// clear takes everything back when the stream is over: nil is its clean end.
func (l *listener) clear(err error) {
	for suffix, b := range l.live {
		l.discount(suffix)
		if b != nil && err != nil {
			b.producer.Abort(err)
		}
		b.finish()
	}
}

// serveRequests subscribes upstream to each track that is asked for, until the broadcast ends.
func (c *subscriber) serveRequests(ctx context.Context, path model.Path, d *model.BroadcastDynamic) {
	for {
		req, err := d.RequestedTrack(ctx)
		if err != nil {
			return
		}
		c.tasks.Go(func() { c.serveRequest(ctx, path, req) })
	}
}
