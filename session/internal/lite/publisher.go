package lite

import (
	"context"
	"sync"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/priority"
)

// publisher is the half of a session that serves the peer.
type publisher struct {
	*Engine
	origin *model.OriginConsumer // nil: nothing is served
	self   model.OriginID
	groups *scheduler

	mu      sync.Mutex
	subs    map[uint64]*served // subscriptions of the peer, by its ids
	holds   map[trackName]*hold
	serving int           // streams that Drain waits for
	freed   chan struct{} // closed, and made anew, when there is less to wait for
}

// trackName names a track within a session.
type trackName struct{ broadcast, track string }

func newPublisher(e *Engine, origin *model.OriginConsumer, self model.OriginID) *publisher {
	return &publisher{
		Engine: e, origin: origin, self: self,
		subs:  make(map[uint64]*served),
		holds: make(map[trackName]*hold),
		freed: make(chan struct{}),
	}
}

// peek is a subscription that asks for nothing: it is the neutral element of the aggregate
// that a track's subscribers form (draft-lcurley-moq-lite, TRACK). TRACK streams hold one,
// since the model has no other way to ask for the properties of a track.
var peek = model.Subscription{Ordered: true, End: model.At(0)}

// holdTime is how long a track that was only asked about stays subscribed to, so that the
// SUBSCRIBE that usually follows finds it live.
const holdTime = 2 * time.Second

// hold keeps a track alive between TRACK and SUBSCRIBE.
type hold struct {
	track *model.TrackConsumer
	timer *time.Timer
}

// hold takes over the handle t, and closes it after holdTime or at [publisher.release]. A
// peer that asks about more tracks than it could subscribe to has none of the further ones held.
func (p *publisher) hold(name trackName, t *model.TrackConsumer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.holds[name]
	if p.holds == nil || old == nil && len(p.holds) >= p.limits.Streams {
		_ = t.Close()
		return
	}
	if old != nil {
		old.end()
	}
	h := &hold{track: t}
	h.timer = time.AfterFunc(holdTime, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.holds[name] == h {
			delete(p.holds, name)
			h.end()
			p.free()
		}
	})
	p.holds[name] = h
}

// release ends the hold on a track, if there is one.
func (p *publisher) release(name trackName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.holds[name]; h != nil {
		delete(p.holds, name)
		h.end()
		p.free()
	}
}

func (h *hold) end() {
	h.timer.Stop()
	_ = h.track.Close()
}

// close releases what is held for the peer.
func (p *publisher) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.holds {
		h.end()
	}
	p.holds = nil
	p.free()
}

// neighbor is what the peer is known by in hop chains: nothing that came through it is
// passed on to it.
func (p *publisher) neighbor() []model.OriginID {
	return []model.OriginID{p.PeerOrigin(), p.subscriber.unknown}
}

// open finds a track of ours. The handle is the caller's. It waits for an on-demand broadcast.
func (p *publisher) open(ctx context.Context, name trackName, s model.Subscription) (*model.TrackConsumer, error) {
	if p.origin == nil {
		return nil, model.ErrUnroutable
	}
	origin := p.origin.ForPeer(p.neighbor()...)
	defer origin.Close()
	b, err := origin.Request(ctx, model.NewPath(name.broadcast))
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return b.SubscribeTrack(name.track, s)
}

// track answers a TRACK stream with the properties of the track.
func (p *publisher) track(ctx context.Context, s stream, m *genlite.Track) error {
	defer p.serve()()
	name := trackName{m.Broadcast, m.Track}
	t, err := p.open(ctx, name, peek)
	if err != nil {
		return modelError(ctx, err)
	}
	info, err := t.Info(ctx)
	if err != nil {
		_ = t.Close()
		return modelError(ctx, err)
	}
	p.hold(name, t)
	return p.send(s, &genlite.TrackInfo{
		Priority:   info.Priority,
		Ordered:    info.Ordered,
		MaxLatency: uint64(info.MaxLatency.Milliseconds()),
		Timescale:  uint64(info.Timescale),
	})
}

// fetch answers a FETCH stream with the frames of a group that is in the cache.
func (p *publisher) fetch(ctx context.Context, s stream, m *genlite.Fetch) error {
	t, err := p.open(ctx, trackName{m.Broadcast, m.Track}, peek)
	if err != nil {
		return modelError(ctx, err)
	}
	defer t.Close()
	if _, err := t.Info(ctx); err != nil {
		return modelError(ctx, err)
	}
	// A wait that has ended still takes what is there.
	ended, end := context.WithCancel(ctx)
	end()
	g, err := t.GetGroup(ended, m.Group)
	if err != nil {
		return failure(model.CodeNotFound, "group %d is not in the cache", m.Group)
	}
	defer g.Close()
	ctx, stop := untilStopped(ctx, s)
	defer stop()
	out, leave := p.groups.enter(ctx, s, priority.Wish{Priority: m.Priority}, m.Group)
	defer leave()
	w := newFrameWriter(out, &p.dialect)
	defer w.release()
	return modelError(ctx, w.group(ctx, g, func() {}))
}
