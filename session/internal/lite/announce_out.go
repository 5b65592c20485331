package lite

import (
	"context"
	"errors"
	"io"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// announce answers an ANNOUNCE stream: the broadcasts under a prefix, then every change,
// until the peer leaves. It never fails once it has begun: each end is a FIN, see decline.
func (p *publisher) announce(ctx context.Context, s stream, r *reader, m *genlite.AnnounceRequest) error {
	if m.ExcludeHop != 0 {
		p.peer.CompareAndSwap(0, m.ExcludeHop)
	}
	p.recordAnnounceRequest(theirs, m.Prefix)
	listening, leave := context.WithCancel(ctx)
	left := make(chan struct{})
	p.tasks.Go(func() {
		// The peer keeps its half open and silent; whatever comes is its goodbye.
		_ = r.fill(1)
		leave()
		close(left)
	})
	if p.dialect.priced {
		p.awaitDeclared(listening)
	}
	a := announcer{publisher: p, stream: s, exclude: model.OriginID(m.ExcludeHop)}
	if err := a.run(listening, model.NewPath(m.Prefix)); err != nil && listening.Err() == nil {
		p.log.Warn("announcements ended", "prefix", m.Prefix, "error", err)
	}
	if ctx.Err() == nil {
		_ = s.Close() // fails only when the stream is over already
	}
	<-left
	return nil
}

// decline ends an ANNOUNCE stream that is not served. Deployed subscribers take a reset of this stream for
// the end of the session, so they read that there is nothing, and the stop of their half says why.
func (p *publisher) decline(ctx context.Context, s stream, err error) {
	p.log.Debug("request for announcements refused", "stream", s.ID(), "error", err)
	p.recordRefusal(ctx, s.ID(), err)
	s.Stop(codeOf(ctx, err))
	if nothing := p.dialect.begin(p.self, nil); len(nothing) > 0 {
		if err := p.send(s, nothing...); err != nil {
			return
		}
	}
	_ = s.Close() // fails only when the stream is over already
}

// announcer tells one ANNOUNCE stream what is available.
type announcer struct {
	*publisher
	stream  stream
	exclude model.OriginID // must not be in the chain
	prefix  model.Path
	active  map[model.Path]told
	started uint64 // how many announcements there were
	counts  tally
}

// told is what the peer knows of a path.
type told struct {
	id    uint64 // counts the announcements of the stream
	route model.Route
}

func (a *announcer) run(ctx context.Context, prefix model.Path) error {
	a.prefix = prefix
	a.active = make(map[model.Path]told)
	a.counts = make(tally)
	defer a.counts.close()
	changes := a.watch(prefix)
	if changes != nil {
		defer changes.Close()
	}
	initial, err := a.initial(changes)
	if err != nil {
		return err
	}
	if len(initial) > 0 {
		if err := a.send(a.stream, initial...); err != nil {
			return err
		}
	}
	if changes == nil {
		<-ctx.Done() // nothing is permitted here: an empty set that stays empty
		return nil
	}
	for {
		change, err := changes.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if news := a.batch(change, changes); len(news) > 0 {
			if err := a.send(a.stream, news...); err != nil {
				return err
			}
		}
	}
}

// maxBatch bounds how many changes go out in one write.
const maxBatch = 64

// batch is what the peer is to hear of a change, and of what else has changed by now.
func (a *announcer) batch(change model.OriginAnnounce, changes *model.AnnounceConsumer) []genlite.Message {
	news := a.messages(change)
	for range maxBatch {
		more, ok, err := changes.TryNext()
		if err != nil || !ok {
			break // Next tells the error
		}
		news = append(news, a.messages(more)...)
	}
	return news
}

// watch opens a cursor on what the peer may see under prefix, or nil when that is nothing.
func (a *announcer) watch(prefix model.Path) *model.AnnounceConsumer {
	if a.origin == nil {
		return nil
	}
	scoped, err := a.origin.Scope(prefix)
	if err != nil {
		return nil
	}
	defer scoped.Close()
	bound := scoped.ForPeer(append(a.neighbor(), a.exclude)...)
	defer bound.Close()
	return bound.Routes()
}

// initial is how the answer begins: with what is active now.
func (a *announcer) initial(changes *model.AnnounceConsumer) ([]genlite.Message, error) {
	var active, news []genlite.Message
	for changes != nil && news == nil {
		change, ok, err := changes.TryNext()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if !ok {
			break
		}
		first := change.Broadcast != nil && !change.Update
		if m := a.messages(change); first {
			active = append(active, m...)
		} else {
			news = m // what is active is complete: this belongs to the changes already
		}
	}
	return append(a.dialect.begin(a.self, active), news...), nil
}

// messages is what the peer is to hear of a change: nothing when it is not for it.
func (a *announcer) messages(change model.OriginAnnounce) (news []genlite.Message) {
	path, ok := change.Path.StripPrefix(a.prefix)
	if !ok {
		if change.Broadcast != nil {
			_ = change.Broadcast.Close()
		}
		return nil
	}
	suffix := path.String()
	known, live := a.active[change.Path]
	route, fit := a.route(change, suffix)
	switch {
	case live && fit && a.dialect.same(known.route, route):
		return nil
	case live && fit && a.dialect.update != nil:
		a.active[change.Path] = told{known.id, route}
		a.tell(change.Path, route.Hops, true)
		return append(news, a.dialect.update(suffix, known.id, route))
	}
	if live {
		delete(a.active, change.Path)
		a.tell(change.Path, nil, false)
		news = append(news, a.dialect.end(suffix, known.id))
	}
	if fit {
		a.active[change.Path] = told{a.started, route}
		a.tell(change.Path, route.Hops, true)
		a.started++
		news = append(news, a.dialect.start(suffix, route, a.self))
	}
	return news
}

// tell notes what the peer hears of a path.
func (a *announcer) tell(path model.Path, hops model.OriginList, active bool) {
	a.counts.tell(path, a.counted(path), active)
	a.recordAnnounce(ours, path, active, len(hops))
}

// route is the one that the peer is told of, false when it is told of none. A broadcast that no message
// can carry must not end what the peer hears of all the others: names of one peer may become too long
// below the root of another, or with one more hop.
func (a *announcer) route(change model.OriginAnnounce, suffix string) (model.Route, bool) {
	if change.Broadcast == nil {
		return model.Route{}, false
	}
	defer change.Broadcast.Close()
	route := change.Broadcast.AdvertisedRoute()
	switch {
	case route.Hops.Contains(a.self):
		return model.Route{}, false
	case len(route.Hops) >= model.MaxHops:
		a.log.Warn("broadcast not announced", "path", change.Path, "reason", "its hop chain is full")
		return model.Route{}, false
	}
	if _, err := a.encode(nil, a.dialect.start(suffix, route, a.self)); err != nil {
		a.log.Warn("broadcast not announced", "suffix length", len(suffix), "reason", err)
		return model.Route{}, false
	}
	return route, true
}
