package lite

import (
	"context"
	"errors"
	"io"
	"slices"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// announce answers an ANNOUNCE stream: the broadcasts under a prefix, then every change,
// until the peer leaves. It never fails: deployed subscribers take a reset of
// this stream for the end of the session, so each end is a FIN.
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

// announcer tells one ANNOUNCE stream what is available.
type announcer struct {
	*publisher
	stream  stream
	exclude model.OriginID // must not be in the chain
	prefix  model.Path
	active  map[model.Path]model.OriginList // what the peer was told
	counts  announcing
}

func (a *announcer) run(ctx context.Context, prefix model.Path) error {
	a.prefix = prefix
	a.active = make(map[model.Path]model.OriginList)
	a.counts = make(announcing)
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
		if news := a.messages(change); len(news) > 0 {
			if err := a.send(a.stream, news...); err != nil {
				return err
			}
		}
	}
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

// initial collects what is active now, with ANNOUNCE_OK in front where the version has one.
func (a *announcer) initial(changes *model.AnnounceConsumer) ([]genlite.Message, error) {
	var set []genlite.Message
	var active uint64
	for changes != nil {
		change, ok, err := changes.TryNext()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if !ok {
			break
		}
		news := a.messages(change)
		if len(news) == 0 {
			continue
		}
		set = append(set, news...)
		if change.Broadcast == nil || change.Update {
			break // the count is of what is active: this one already belongs to the changes
		}
		active++
	}
	if a.dialect.announceOK {
		set = append([]genlite.Message{&genlite.AnnounceOK{Origin: uint64(a.self), Active: active}}, set...)
	}
	return set, nil
}

// messages is what the peer is to hear of a change: nothing when it is not for it.
func (a *announcer) messages(change model.OriginAnnounce) []genlite.Message {
	suffix, ok := change.Path.StripPrefix(a.prefix)
	if !ok {
		if change.Broadcast != nil {
			_ = change.Broadcast.Close()
		}
		return nil
	}
	told, known := a.active[change.Path]
	hops, fit := a.route(change)
	var news []genlite.Message
	if known && (!fit || !a.dialect.restart && !slices.Equal(told, hops)) {
		delete(a.active, change.Path)
		known = false
		a.tell(change.Path, nil, false)
		news = append(news, &genlite.Announce{Status: genlite.AnnounceStatusEnded, Suffix: suffix.String()})
	}
	if fit && (!known || !slices.Equal(told, hops)) {
		a.active[change.Path] = hops
		a.tell(change.Path, hops, true)
		m := &genlite.Announce{Status: genlite.AnnounceStatusActive, Suffix: suffix.String()}
		a.dialect.putHops(m, hops, a.self)
		news = append(news, m)
	}
	return news
}

// tell notes what the peer hears of a path.
func (a *announcer) tell(path model.Path, hops model.OriginList, active bool) {
	a.counts.tell(path, a.counted(path), active)
	a.recordAnnounce(ours, path, active, len(hops))
}

// route is the chain that the peer is told of, false when it is told of nothing.
func (a *announcer) route(change model.OriginAnnounce) (model.OriginList, bool) {
	if change.Broadcast == nil {
		return nil, false
	}
	defer change.Broadcast.Close()
	hops := change.Broadcast.AdvertisedRoute().Hops
	switch {
	case hops.Contains(a.self):
		return nil, false
	case len(hops) >= model.MaxHops:
		a.log.Warn("broadcast not announced", "path", change.Path, "reason", "its hop chain is full")
		return nil, false
	}
	return hops, true
}
