package demo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/rx"
	"github.com/moqrx/moqrx/session"
)

// The clock: a frame for every tick, in groups of half a second.
const (
	tick          = 100 * time.Millisecond
	ticksPerGroup = 5
	broadcastName = "clock"
	trackName     = "time"
)

// play publishes the clock on one session and reads it on another, both through the relay, until
// the clock has run for d. It returns how many frames were read.
func play(ctx context.Context, scheme string, r *relay, d time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, d+grace)
	defer cancel()
	url := fmt.Sprintf("%s://%s/demo", scheme, r.listener.Addr())
	trust := session.WithFingerprint(r.listener.CertificateSHA256())

	offered := model.NewOrigin()
	defer func() { _ = offered.Close() }()
	offer := offered.Consume()
	defer func() { _ = offer.Close() }()
	pub, err := session.Dial(ctx, url, trust, session.WithPublish(offer))
	if err != nil {
		return 0, err
	}
	defer func() { _ = pub.Close() }()

	seen := model.NewOrigin()
	defer func() { _ = seen.Close() }()
	sub, err := session.Dial(ctx, url, trust, session.WithConsume(seen))
	if err != nil {
		return 0, err
	}
	defer func() { _ = sub.Close() }()

	published := make(chan error, 1)
	go func() { published <- publish(ctx, offered, d) }()
	n, err := subscribe(ctx, seen)
	if err != nil {
		cancel()
		return n, errors.Join(err, <-published)
	}
	return n, <-published
}

// publish makes the broadcast and writes its track.
func publish(ctx context.Context, origin *model.OriginProducer, d time.Duration) error {
	broadcast := model.NewBroadcast(model.Route{})
	defer func() { _ = broadcast.Close() }()
	track, err := broadcast.CreateTrack(trackName, model.TrackInfo{})
	if err != nil {
		return err
	}
	defer func() { _ = track.Close() }()
	if err := origin.PublishBroadcast(broadcastName, broadcast.Consume()); err != nil {
		return err
	}
	if err := track.Used(ctx); err != nil { // the clock starts with its first reader
		return err
	}
	if err := rx.Publish(ctx, track, rx.NewStream(clock(d)).Observable(rx.WithContext(ctx))); err != nil {
		return err
	}
	return track.Unused(ctx) // no reader is cut short
}

// clock yields the time at once and then at every tick, for as long as d.
func clock(d time.Duration) func(ctx context.Context) iter.Seq2[rx.Frame, error] {
	return func(ctx context.Context) iter.Seq2[rx.Frame, error] {
		return func(yield func(rx.Frame, error) bool) {
			ticks := time.NewTicker(tick)
			defer ticks.Stop()
			now, last := time.Now(), int(d/tick)
			for i := range last + 1 {
				frame := rx.Frame{Group: uint64(i / ticksPerGroup), Payload: []byte(now.Format(time.StampMilli))}
				if !yield(frame, nil) || i == last {
					return
				}
				select {
				case now = <-ticks.C:
				case <-ctx.Done():
					yield(rx.Frame{}, ctx.Err())
					return
				}
			}
		}
	}
}

// subscribe waits for the broadcast, reads its track to the end, and returns how many frames came.
func subscribe(ctx context.Context, origin *model.OriginProducer) (int, error) {
	view := origin.Consume()
	defer func() { _ = view.Close() }()
	broadcast, err := view.Announced(ctx, broadcastName)
	if err != nil {
		return 0, err
	}
	defer func() { _ = broadcast.Close() }()
	track, err := broadcast.SubscribeTrack(trackName, model.Subscription{Start: model.At(0)})
	if err != nil {
		return 0, err
	}
	defer func() { _ = track.Close() }()
	n := 0
	for _, err := range rx.Frames(track).All(ctx) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
