package lite

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
	"github.com/moqrx/moqrx/session/internal/priority"
)

// served is one subscription of the peer.
type served struct {
	p      *publisher
	id     uint64
	stream stream
	track  *model.TrackConsumer
	info   model.TrackInfo
	scale  model.Timescale // what the times are sent in
	wants  atomic.Pointer[model.Subscription]
	counts stats.PublisherTrack
	rank   *priority.Track
	slots  slots // for groups in flight
	tasks  sync.WaitGroup

	mu     sync.Mutex
	flight map[uint64]*flight // groups in flight, by sequence
	sent   spans              // groups that are or were in flight, and datagrams
	newest model.GroupBound   // that was ever in flight
	late   *time.Timer        // gives up what is too old for the subscriber
	landed time.Time          // when the last stream of a group ended
}

// endGrace is how long the end of a SUBSCRIBE stream stays behind that of the last group. Some
// deployed subscribers drop the groups that are still on their way when they see it, and QUIC
// keeps to itself when they have arrived: this leaves time for a few round trips and for a
// packet to be lost.
const endGrace = 500 * time.Millisecond

// subscribe answers a SUBSCRIBE stream until the track ends, fails, or the peer leaves.
func (p *publisher) subscribe(ctx context.Context, s stream, r *reader, m *genlite.Subscribe) (err error) {
	sub := &served{
		p: p, id: m.ID, stream: s,
		slots:  newSlots(p.limits.Groups, p.slots),
		flight: make(map[uint64]*flight),
		rank:   p.groups.queue.Track(priority.Wish{Priority: m.Priority, Ordered: m.Ordered}),
	}
	sub.wants.Store(&model.Subscription{
		Priority: m.Priority, Ordered: m.Ordered, MaxLatency: millis(m.MaxLatency),
		Start: bound(m.StartGroup), End: bound(m.EndGroup),
	})
	defer p.serve()()
	if !p.enter(sub) {
		return failure(model.CodeDuplicate, "subscribe id %d is in use", m.ID)
	}
	defer p.leave(sub)
	p.recordSubscribe(theirs, m.ID, m.Broadcast, m.Track, m.Priority)
	defer func() { p.recordSubscribeEnd(ctx, theirs, m.ID, err) }()
	sub.counts = p.counted(model.NewPath(m.Broadcast)).PublisherTrack(m.Track)
	defer sub.counts.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer sub.over()
	defer sub.tasks.Wait() // after the cancel, which ends the groups in flight
	defer func() { cancel(err) }()
	p.tasks.Go(func() { cancel(sub.updates(r)) })

	err = sub.serve(ctx, m)
	if err == nil {
		_ = s.Close() // fails only when the peer has stopped it
		sub.farewell(ctx)
		return nil
	}
	if errors.Is(context.Cause(ctx), errUnsubscribed) {
		return nil
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return contentError(ctx, err)
}

// farewell waits for the subscriber to end its half, which it does when it has everything.
func (sub *served) farewell(ctx context.Context) {
	timer := time.NewTimer(sub.p.limits.Response)
	defer timer.Stop()
	select {
	case <-timer.C:
		sub.p.log.Debug("subscription left open by the peer", "subscribe", sub.id)
	case <-ctx.Done():
	}
}

// enter notes a subscription, unless its id is in use.
func (p *publisher) enter(sub *served) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.subs[sub.id] != nil {
		return false
	}
	p.subs[sub.id] = sub
	return true
}

func (p *publisher) leave(sub *served) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.subs, sub.id)
}

// serve sends the track until it ends. An error has yet to reach the peer.
func (sub *served) serve(ctx context.Context, m *genlite.Subscribe) error {
	name := trackName{m.Broadcast, m.Track}
	track, err := sub.open(ctx, name)
	if err != nil {
		return err
	}
	defer track.Close()
	sub.p.release(name)
	if sub.info, err = track.Info(ctx); err != nil {
		return err
	}
	sub.scale = cmp.Or(sub.p.timescales.told(name), sub.info.Timescale)
	viewer := sub.p.viewed(model.NewPath(m.Broadcast))
	defer viewer.Close()
	if accept := sub.p.dialect.accept; accept != nil {
		if err := sub.p.send(sub.stream, accept(m)); err != nil {
			return err
		}
	}
	if sub.p.dialect.datagrams {
		sub.p.tasks.Go(func() { sub.sendDatagrams(ctx) })
	}
	floor, err := sub.sendGroups(ctx)
	if err != nil {
		return err
	}
	if final, ok := track.FinalSequence(); ok && sub.p.dialect.trackInfo {
		if err := sub.p.send(sub.stream, sub.ending(floor, final)...); err != nil {
			return err
		}
	}
	sub.tasks.Wait() // the end of the stream says that nothing more will come
	return sub.linger(ctx)
}

// ending says where the track ends, and before that which of the groups up to there will not come: a
// subscriber would wait for them, for a stream may come after the end.
func (sub *served) ending(floor, final uint64) []genlite.Message {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	return append(sub.sent.gaps(floor, final), &genlite.SubscribeEnd{Group: final})
}

// linger waits for the end of the grace, unless the subscriber leaves before.
func (sub *served) linger(ctx context.Context) error {
	timer := time.NewTimer(time.Until(sub.landed.Add(endGrace)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// open subscribes to the track, with the wants of the moment.
func (sub *served) open(ctx context.Context, name trackName) (*model.TrackConsumer, error) {
	asked := sub.wants.Load()
	track, err := sub.p.open(ctx, name, *asked)
	if err != nil {
		return nil, err
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.track = track
	if now := sub.wants.Load(); now != asked {
		err = track.Update(*now)
	}
	return track, err
}

// updates reads the peer's half to its end, and returns why it ended.
func (sub *served) updates(r *reader) error {
	for {
		var m genlite.SubscribeUpdate
		err := r.message(&m)
		if errors.Is(err, io.EOF) {
			return errUnsubscribed
		}
		if err != nil {
			return modelError(context.Background(), err)
		}
		sub.update(&m)
	}
}

// update replaces what the peer wants. What was passed by does not come back.
func (sub *served) update(m *genlite.SubscribeUpdate) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	wants := model.Subscription{
		Priority: m.Priority, Ordered: m.Ordered, MaxLatency: millis(m.MaxLatency),
		Start: bound(m.StartGroup), End: bound(m.EndGroup),
	}
	sub.wants.Store(&wants)
	sub.rank.Update(priority.Wish{Priority: m.Priority, Ordered: m.Ordered})
	sub.expireLate()
	if sub.track == nil {
		return
	}
	if err := sub.track.Update(wants); err != nil {
		sub.p.log.Debug("update not applied", "subscribe", sub.id, "error", err)
	}
}

func bound(o wire.Optional[uint64]) model.GroupBound {
	return model.GroupBound{Sequence: o.Value, Set: o.Set}
}

// millis is a duration of the wire, cut to what fits.
func millis(ms uint64) time.Duration {
	const most = uint64(1<<63-1) / uint64(time.Millisecond)
	return time.Duration(min(ms, most)) * time.Millisecond
}
