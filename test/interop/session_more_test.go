package interop

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/moqrx/moqrx/model"
)

// more are what a plan asks for beside its tracks. Like the peer in subscriber.mjs.
func more(p *sessionPeer, plan plan, broadcast *model.BroadcastConsumer, emit func(event)) (tasks []func(context.Context) error) {
	if plan.Unknown != "" {
		tasks = append(tasks, func(ctx context.Context) error { return refused(ctx, broadcast, plan.Unknown, emit) })
	}
	if plan.Fetch != nil {
		tasks = append(tasks, func(ctx context.Context) error {
			if err := p.expect(ctx, commandFetch); err != nil {
				return err
			}
			return fetched(ctx, broadcast, *plan.Fetch, emit)
		})
	}
	if plan.Datagrams > 0 {
		tasks = append(tasks, func(ctx context.Context) error {
			return receiveDatagrams(ctx, broadcast, plan.Tracks[0].Name, emit)
		})
	}
	return tasks
}

// refused tells how a subscription to a track that does not exist ended.
func refused(ctx context.Context, broadcast *model.BroadcastConsumer, name string, emit func(event)) error {
	track, err := broadcast.SubscribeTrack(name, model.Subscription{})
	if err == nil {
		defer track.Close()
		_, err = track.RecvGroup(ctx)
	}
	if err == nil || errors.Is(err, io.EOF) || ctx.Err() != nil {
		return fmt.Errorf("a track that nobody publishes: %w", err)
	}
	emit(event{Event: eventRefused, Message: err.Error()})
	return nil
}

// fetched fetches a group that is over.
func fetched(ctx context.Context, broadcast *model.BroadcastConsumer, want fetchPlan, emit func(event)) error {
	track, err := broadcast.SubscribeTrack(want.Track, model.Subscription{})
	if err != nil {
		return err
	}
	defer track.Close()
	group, err := track.FetchGroup(ctx, want.Group, 0)
	if err != nil {
		return fmt.Errorf("fetch group %d of %s: %w", want.Group, want.Track, err)
	}
	defer group.Close()
	names := map[string]string{eventFrame: fetchedFrame, eventGroup: eventFetched}
	return receiveGroup(ctx, want.Track, group, func(e event) {
		e.Event = names[e.Event]
		emit(e)
	})
}

func receiveDatagrams(ctx context.Context, broadcast *model.BroadcastConsumer, name string, emit func(event)) error {
	track, err := broadcast.SubscribeTrack(name, model.Subscription{})
	if err != nil {
		return err
	}
	defer track.Close()
	for {
		d, err := track.RecvDatagram(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		emit(event{
			Event: eventDatagram, Track: name, Index: int(d.Timestamp.Value),
			Size: len(d.Payload), SHA256: digest(d.Payload), Timescale: uint64(d.Timestamp.Scale),
		})
	}
}
