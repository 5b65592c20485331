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
	listening, leave := context.WithCancel(ctx)
	left := make(chan struct{})
	p.tasks.Go(func() {
		// The peer keeps its half open and silent; whatever comes is its goodbye.
		_ = r.fill(1)
		leave()
		close(left)
	})
	a := announcer{publisher: p, stream: s, exclude: []model.OriginID{
		p.self,
		model.OriginID(m.ExcludeHop),
		p.PeerOrigin(),
		// What came over this very session, from a peer that gives no id.
		p.subscriber.unknown,
	}}
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
	exclude []model.OriginID // who must not be in the chain
	prefix  model.Path
	active  map[model.Path]struct{} // what the peer was told
}

func (a *announcer) run(ctx context.Context, prefix model.Path) error {
	a.prefix = prefix
	a.active = make(map[model.Path]struct{})
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
		if m := a.message(change); m != nil {
			if err := a.send(a.stream, m); err != nil {
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
	return scoped.Announcements()
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
		m := a.message(change)
		if m == nil {
			continue
		}
		set = append(set, m)
		if m.Status != genlite.AnnounceStatusActive {
			break // the count is of what is active: this one already belongs to the changes
		}
		active++
	}
	if a.dialect.announceOK {
		set = append([]genlite.Message{&genlite.AnnounceOK{Origin: uint64(a.self), Active: active}}, set...)
	}
	return set, nil
}

// message is what the peer is to hear of a change: nil when it is not for it.
func (a *announcer) message(change model.OriginAnnounce) *genlite.Announce {
	suffix, ok := change.Path.StripPrefix(a.prefix)
	if change.Broadcast == nil {
		if _, told := a.active[change.Path]; !told || !ok {
			return nil
		}
		delete(a.active, change.Path)
		return &genlite.Announce{Status: genlite.AnnounceStatusEnded, Suffix: suffix.String()}
	}
	defer change.Broadcast.Close()
	hops := change.Broadcast.Route().Hops
	switch {
	case !ok, slices.ContainsFunc(a.exclude, hops.Contains):
		return nil
	case len(hops) >= model.MaxHops:
		a.log.Warn("broadcast not announced", "path", change.Path, "reason", "its hop chain is full")
		return nil
	}
	a.active[change.Path] = struct{}{}
	m := &genlite.Announce{Status: genlite.AnnounceStatusActive, Suffix: suffix.String()}
	a.dialect.putHops(m, hops, a.self)
	return m
}
