package lite

import (
	"context"
	"errors"
	"io"
	"sync"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
	"github.com/moqrx/moqrx/session/transport"
)

// listen asks for the broadcasts under a prefix and keeps the origin in step with what the
// peer announces, until the stream or the session ends. Whatever was announced on it
// is then lost: it may come back on another session. nil is the peer's FIN, unless it has
// stopped our half with a code: that is a refusal too.
func (c *subscriber) listen(ctx context.Context, prefix model.Path) error {
	c.recordAnnounceRequest(ours, prefix.String())
	s, err := c.ask(ctx, genlite.BidiAnnounce, &genlite.AnnounceRequest{
		Prefix: prefix.String(), ExcludeHop: uint64(c.origin.ID()),
	})
	if err != nil {
		return err
	}
	l := &listener{
		subscriber: c, prefix: prefix,
		live: make(map[model.Path]*remote), numbered: make(map[uint64]model.Path),
	}
	c.enlist(l)
	err = l.read(ctx, newReader(s, c.dialect.version))
	if errors.Is(err, io.EOF) {
		l.clear(nil)
		refusal := stopped(s)
		_ = s.Close() // fails only when the stream is over already
		return refusal
	}
	err = modelError(ctx, err)
	l.clear(err)
	refuse(s, uint64(model.CodeOf(err)))
	return err
}

// stopped is why the peer does not want our half of a stream, or nil when it says nothing of that, or does not
// mean it as a refusal.
func stopped(s stream) error {
	var stop *transport.StreamError
	if errors.As(context.Cause(s.Context()), &stop) && stop.Remote && stop.Code != uint64(model.CodeCancel) {
		return model.RemoteError(stop.Code)
	}
	return nil
}

// listener is one ANNOUNCE stream of ours.
type listener struct {
	*subscriber
	prefix    model.Path
	publisher model.OriginID        // stands at the end of chains, or for them
	price     uint64                // of the link
	numbered  map[uint64]model.Path // suffixes of what is live, by the number of their announcement
	started   uint64                // how many announcements there were

	mu   sync.Mutex
	live map[model.Path]*remote // by suffix; nil for what is announced but not kept
}

// remote is a broadcast of the peer in our origin.
type remote struct {
	producer *model.BroadcastProducer
	dynamic  *model.BroadcastDynamic
	source   model.OriginID // the original publisher
	counts   stats.SubscriberStats
	over     context.CancelFunc
}

func (l *listener) read(ctx context.Context, r *reader) error {
	if l.dialect.priced && !l.link.Cost.Set {
		l.awaitDeclared(ctx)
	}
	l.publisher, l.price = l.identity(), l.linkCost()
	if l.dialect.opening != nil {
		m := l.dialect.opening()
		r.limit += l.room()
		err := r.message(m)
		r.limit = messageLimit
		if err != nil {
			return err
		}
		if err := l.take(ctx, m); err != nil {
			return err
		}
	}
	for {
		m, err := l.dialect.next(r)
		if err != nil {
			return err
		}
		if err := l.take(ctx, m); err != nil {
			return err
		}
	}
}

// room is how long all names are together that the peer may announce, each behind its length of up to 4 bytes.
func (l *listener) room() int {
	const enough = 1 << 28 // for what the codecs take
	return min(l.limits.AnnouncedBytes, enough) + 4*min(l.limits.Broadcasts, enough/4)
}

// take applies a message of the peer. An error breaks the rules and ends the session.
func (l *listener) take(ctx context.Context, m genlite.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch m := m.(type) {
	case *genlite.AnnounceOK:
		if m.Origin != 0 {
			l.publisher = model.OriginID(m.Origin)
			l.peer.CompareAndSwap(0, m.Origin)
		}
	case *genlite.AnnounceInit:
		for _, suffix := range m.Suffixes {
			if err := l.start(ctx, activeName(suffix), 0); err != nil {
				return err
			}
		}
	case *genlite.Announce:
		if m.Status == genlite.AnnounceStatusEnded {
			return l.end(model.NewPath(m.Suffix))
		}
		return l.start(ctx, m, 0)
	case *genlite.AnnounceStart:
		l.numbered[l.started] = model.NewPath(m.Suffix)
		l.started++
		return l.start(ctx, &genlite.Announce{Suffix: m.Suffix, Hops: m.Hops}, m.Cost)
	case *genlite.AnnounceUpdate:
		suffix, err := l.byNumber(m.ID)
		if err != nil {
			return err
		}
		return l.update(ctx, &genlite.Announce{Suffix: suffix.String(), Hops: m.Hops}, m.Cost)
	case *genlite.AnnounceEnd:
		suffix, err := l.byNumber(m.ID)
		if err != nil {
			return err
		}
		delete(l.numbered, m.ID)
		return l.end(suffix)
	}
	return nil
}

// byNumber is the path of an announcement that is live.
func (l *listener) byNumber(id uint64) (model.Path, error) {
	suffix, live := l.numbered[id]
	if !live {
		return "", failure(model.CodeProtocolViolation, "announcement %d does not exist, or has ended", id)
	}
	return suffix, nil
}

// start takes an announcement that is active. cost is what the peer says, where it says any.
func (l *listener) start(ctx context.Context, m *genlite.Announce, cost uint64) error {
	if _, live := l.live[model.NewPath(m.Suffix)]; !live {
		if err := l.count(model.NewPath(m.Suffix)); err != nil {
			return err
		}
	} else if !l.dialect.repeats {
		return failure(model.CodeDuplicate, "%q is announced twice", m.Suffix)
	}
	return l.update(ctx, m, cost)
}

// update takes the route of an announcement.
func (l *listener) update(ctx context.Context, m *genlite.Announce, cost uint64) error {
	suffix := model.NewPath(m.Suffix)
	path := l.prefix.Join(suffix)
	l.heard(path, true, len(m.Hops))
	route := model.Route{Cost: charge(cost, l.price), Warm: l.dialect.priced && cost == 0}
	var ok bool
	if route.Hops, ok = l.dialect.takeHops(m, l.publisher); !ok {
		l.log.Warn("broadcast not taken", "path", path, "reason", "its hop chain is full")
		l.live[suffix].finish()
		l.live[suffix] = nil
		return nil
	}
	l.live[suffix] = l.replace(ctx, l.live[suffix], path, l.demoted(route))
	return nil
}

// end takes the end of an announcement. One for what is not known is normal: peers also send it for what
// they filtered.
func (l *listener) end(suffix model.Path) error {
	l.heard(l.prefix.Join(suffix), false, 0)
	old, live := l.live[suffix]
	if !live {
		return nil
	}
	delete(l.live, suffix)
	old.finish()
	l.discount(suffix)
	return nil
}

// heard notes an announcement, or the end of one, also of what is not taken.
func (l *listener) heard(path model.Path, active bool, hops int) {
	l.counted(path).SubscriberAnnounceBytes()
	l.recordAnnounce(theirs, path, active, hops)
}

// replace puts a broadcast with this route into the origin. One of the same source that is there goes on
// with the new route; of a source that nobody knows, none is the same. nil is what may not be taken.
func (l *listener) replace(ctx context.Context, old *remote, path model.Path, route model.Route) *remote {
	source := route.Hops[0]
	if source == l.unknown && l.link.Peer == 0 {
		source = 0
	}
	if old != nil && old.source == source && source != 0 {
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
	open, over := context.WithCancel(ctx)
	l.tasks.Go(func() { l.serveRequests(ctx, open, path, d) })
	return &remote{producer: b, dynamic: d, source: source, over: over, counts: l.counted(path).Subscriber()}
}

// finish takes the broadcast back. Its tracks go on until their own streams end.
func (b *remote) finish() {
	if b == nil {
		return
	}
	_ = b.producer.Finish() // fails only when it has ended already
	b.close()
}

func (b *remote) close() {
	_ = b.dynamic.Close()
	_ = b.producer.Close()
	b.over()
	b.counts.Close()
}

// clear lets go of everything when the stream is over: nil is its clean end. Nothing was taken back, so the
// broadcasts may come again by another session, and the origin waits for that as long as it is told to.
func (l *listener) clear(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for suffix, b := range l.live {
		l.discount(suffix)
		if b == nil {
			continue
		}
		if err != nil {
			b.producer.Abort(err)
		}
		b.close()
	}
}

// serveRequests subscribes upstream to each track that is asked for, until the broadcast ends, and open
// with it.
func (c *subscriber) serveRequests(ctx, open context.Context, path model.Path, d *model.BroadcastDynamic) {
	for {
		req, err := d.RequestedTrack(ctx)
		if err != nil {
			return
		}
		c.tasks.Go(func() { c.serveRequest(ctx, open, path, req) })
	}
}
