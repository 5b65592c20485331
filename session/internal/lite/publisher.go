package lite

import (
	"context"
	"sync"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
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

	fetching chan struct{} // one for each FETCH of the peer that is being answered
	slots    chan struct{} // for groups in flight, of all subscriptions
	unsent   losses        // datagrams that did not get out

	timescales timescales // what the peer was told
}

// trackName names a track within a session.
type trackName struct{ broadcast, track string }

func newPublisher(e *Engine, origin *model.OriginConsumer, self model.OriginID) *publisher {
	return &publisher{
		Engine: e, origin: origin, self: self,
		subs:  make(map[uint64]*served),
		holds: make(map[trackName]*hold),
		freed: make(chan struct{}),

		fetching: make(chan struct{}, e.limits.Fetches),
		slots:    make(chan struct{}, sharedGroups*min(e.limits.Groups, 1<<20)),

		timescales: timescales{limit: e.limits.Streams},
	}
}

// peek is a subscription that asks for nothing: it is the neutral element of the aggregate
// that a track's subscribers form (draft-lcurley-moq-lite, TRACK). A TRACK stream of a track that
// has yet to be made holds one, and so does the model for those who fetch.
var peek = model.Subscription{Ordered: true, End: model.At(0)}

// holdTime is how long a track that was only asked about is waited for: by Drain, since a SUBSCRIBE
// usually follows, and if it was made for that, by staying subscribed, so that it is not made twice.
const holdTime = 2 * time.Second

// hold keeps a track alive between TRACK and SUBSCRIBE.
type hold struct {
	track *model.TrackConsumer // nil when the track is there without anybody
	timer *time.Timer
}

// hold takes over the handle t, which may be nil, and closes it after holdTime or at
// [publisher.release]. A peer that asks about more tracks than it could subscribe to has none of the further ones held.
func (p *publisher) hold(name trackName, t *model.TrackConsumer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.holds[name]
	h := &hold{track: t}
	if p.holds == nil || old == nil && len(p.holds) >= p.limits.Streams {
		h.end()
		return
	}
	if old != nil {
		old.end()
	}
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
	if h.timer != nil {
		h.timer.Stop()
	}
	if h.track != nil {
		_ = h.track.Close()
	}
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

// find names a track of ours. It waits for an on-demand broadcast.
func (p *publisher) find(ctx context.Context, name trackName) (*model.BroadcastTrack, error) {
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
	return b.Track(name.track)
}

// open subscribes to a track of ours. The handle is the caller's.
func (p *publisher) open(ctx context.Context, name trackName, s model.Subscription) (*model.TrackConsumer, error) {
	h, err := p.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return h.Subscribe(s)
}

// track answers a TRACK stream with the properties of the track.
func (p *publisher) track(ctx context.Context, s stream, m *genlite.Track) error {
	defer p.serve()()
	ctx, stop := untilStopped(ctx, s) // a track that is still to be made may never come
	defer stop()
	name := trackName{m.Broadcast, m.Track}
	info, err := p.info(ctx, name)
	if err != nil {
		return contentError(ctx, err)
	}
	p.timescales.tell(name, info.Timescale) // before the peer can go by it
	return p.send(s, &genlite.TrackInfo{
		Priority:   info.Priority,
		Ordered:    info.Ordered,
		MaxLatency: uint64(info.MaxLatency.Milliseconds()),
		Timescale:  uint64(info.Timescale),
	})
}

// info is what a track is like. To ask is no demand, unless the track has to be made for it.
func (p *publisher) info(ctx context.Context, name trackName) (info model.TrackInfo, err error) {
	h, err := p.find(ctx, name)
	if err != nil {
		return info, err
	}
	if info, ok := h.TryInfo(); ok {
		p.hold(name, nil)
		return info, nil
	}
	t, err := h.Subscribe(peek)
	if err != nil {
		return info, err
	}
	if info, err = t.Info(ctx); err != nil {
		_ = t.Close()
		return info, err
	}
	p.hold(name, t)
	return info, nil
}
