package lite

import (
	"context"
	"errors"
	"io"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// flight is one group on its way to the peer.
type flight struct {
	group    *model.GroupConsumer
	cancel   context.CancelCauseFunc
	progress time.Time // when the last frame was handed to the transport
	passed   time.Time // when there was first a newer group; zero for the newest
}

// sendGroups starts a stream for each group, and returns after the last one started. Nothing below floor
// was sent.
func (sub *served) sendGroups(ctx context.Context) (floor uint64, err error) {
	batch, floor, err := sub.firstGroups(ctx)
	if err != nil {
		return 0, err
	}
	for i, g := range batch {
		if err := sub.sendGroup(ctx, g, floor); err != nil {
			closeAll(batch[i+1:])
			return 0, err
		}
	}
	for len(batch) > 0 {
		g, err := sub.track.RecvGroup(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		if err := sub.sendGroup(ctx, g, floor); err != nil {
			return 0, err
		}
	}
	return floor, nil
}

// firstGroups waits for the first groups to send, all that are there, and says below which sequence
// nothing is sent: the requested start, else the group that was the latest when the subscription came,
// else 0. The latest of now would not do: a relay gets groups while it waits for the answer of its own
// source, and they came after the subscription. No groups and no error is the end of the track.
func (sub *served) firstGroups(ctx context.Context) (batch []*model.GroupConsumer, floor uint64, err error) {
	start := sub.wants.Load().Start
	floor = start.Sequence
	if edge, ok := sub.track.LiveEdge(); ok && !start.Set {
		floor = edge
	}
	for {
		g, ok, err := sub.track.TryRecvGroup()
		if err == nil && !ok && len(batch) == 0 {
			g, err = sub.track.RecvGroup(ctx)
			ok = err == nil
		}
		switch {
		case errors.Is(err, io.EOF), err == nil && !ok:
			if len(batch) == 0 || !sub.p.dialect.trackInfo {
				return batch, floor, nil
			}
			return batch, floor, sub.p.send(sub.stream, &genlite.SubscribeStart{Group: floor})
		case err != nil:
			closeAll(batch)
			return nil, 0, err
		case g.Sequence() < floor:
			_ = g.Close()
		default:
			batch = append(batch, g)
		}
	}
}

func closeAll(groups []*model.GroupConsumer) {
	for _, g := range groups {
		_ = g.Close()
	}
}

// sendGroup starts a group on its own stream, as soon as there is a slot. It owns g.
func (sub *served) sendGroup(ctx context.Context, g *model.GroupConsumer, floor uint64) error {
	if g.Sequence() < floor {
		sub.p.log.Debug("group not sent", "subscribe", sub.id, "group", g.Sequence(), "reason", "below the start that was told")
		_ = g.Close()
		return nil
	}
	taken, err := sub.slot(ctx)
	if err != nil {
		_ = g.Close()
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	f := &flight{group: g, cancel: cancel, progress: time.Now()}
	sub.takeOff(g.Sequence(), f)
	sub.tasks.Go(func() {
		defer cancel(nil)
		defer g.Close()
		sub.fly(ctx, g, f)
		sub.mu.Lock()
		delete(sub.flight, g.Sequence())
		sub.landed = time.Now()
		sub.mu.Unlock()
		sub.slots.free(taken)
	})
	return nil
}

// slot waits until one more group may be in flight.
func (sub *served) slot(ctx context.Context) (slot, error) {
	retention := max(sub.info.MaxLatency, time.Second)
	expire := func(now time.Time) { sub.expire(now.Add(-retention)) }
	expire(time.Now())
	return sub.slots.take(ctx, retention, expire)
}

// expire gives up the groups that have not moved since then and that the track has dropped meanwhile: a peer that
// does not take what it asked for must not keep it in memory longer than the track does. What is still there waits
// for its turn on a slow path.
func (sub *served) expire(since time.Time) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	for sequence, f := range sub.flight {
		if f.progress.After(since) {
			continue
		}
		if err := f.group.Err(); err != nil {
			sub.p.log.Debug("group given up", "subscribe", sub.id, "group", sequence, "reason", err)
			f.cancel(contentError(context.Background(), err))
		}
	}
}

// fly sends one group: header, frames, FIN, or a reset that says what went wrong.
func (sub *served) fly(ctx context.Context, g *model.GroupConsumer, f *flight) {
	item := sub.rank.Insert(g.Sequence())
	defer item.Close()
	s, err := sub.p.groups.stream(ctx, item)
	if err != nil {
		return // the session, the subscription or the group is over
	}
	sub.counts.Group()
	sub.p.recordGroup(ours, sub.id, g.Sequence())
	defer func() { sub.p.recordGroupEnd(ctx, ours, sub.id, g.Sequence(), err) }()
	rank(item, s)
	stop := context.AfterFunc(s.Context(), func() { f.cancel(context.Cause(s.Context())) })
	defer stop()
	// A write that flow control holds back does not look at ctx.
	unblock := context.AfterFunc(ctx, func() { s.Reset(codeOf(ctx, context.Cause(ctx))) })
	err = contentError(ctx, sub.writeGroup(ctx, &ranked{ctx, item, s}, g, f))
	if !unblock() {
		err = context.Cause(ctx)
		return
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		s.Reset(codeOf(ctx, err))
	}
}

func (sub *served) writeGroup(ctx context.Context, s io.Writer, g *model.GroupConsumer, f *flight) error {
	w := newFrameWriter(s, &sub.p.dialect, sub.scale)
	defer w.release()
	w.counts = sub.counts
	head, err := genlite.AppendUniStream(w.out.AvailableBuffer(), genlite.UniGroup, sub.p.dialect.version)
	if err != nil {
		return failure(model.CodeEncode, "%v", err)
	}
	head, err = sub.p.encode(head, &genlite.Group{Subscribe: sub.id, Sequence: g.Sequence()})
	if err != nil {
		return err
	}
	if _, err := w.out.Write(head); err != nil {
		return err
	}
	return w.group(ctx, g, func() {
		sub.mu.Lock()
		f.progress = time.Now()
		sub.mu.Unlock()
	})
}
