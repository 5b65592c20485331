package lite

import (
	"context"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// askInfo sends TRACK and waits for TRACK_INFO.
func (u *upstream) askInfo(ctx context.Context) (info model.TrackInfo, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, u.c.limits.Response,
		u.silent("TRACK_INFO"))
	defer cancel()
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	u.c.tasks.Go(func() {
		select {
		case <-u.req.Unused():
			leave(model.ErrCancel)
		case <-ctx.Done():
		}
	})
	s, err := u.c.ask(ctx, genlite.BidiTrack, &genlite.Track{Broadcast: u.path.String(), Track: u.req.Name()})
	if err != nil {
		return info, err
	}
	stop := context.AfterFunc(ctx, func() { refuse(s, codeOf(ctx, ctx.Err())) })
	defer stop()
	var m genlite.TrackInfo
	if err := whole(newReader(s, u.c.dialect.version).message(&m)); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		err = modelError(ctx, err)
		refuse(s, uint64(model.CodeOf(err)))
		return info, err
	}
	_ = s.Close() // fails only when the stream is over already
	s.Stop(uint64(model.CodeCancel))
	return model.TrackInfo{
		Priority: m.Priority, Ordered: m.Ordered,
		MaxLatency: millis(m.MaxLatency), Timescale: model.Timescale(m.Timescale),
	}, nil
}

// awaitDemand waits until somebody wants groups of the track as they come, and not only to know
// what it is like, or single groups. Once nobody has been left for a while, it is model.ErrCancel.
func (u *upstream) awaitDemand(ctx context.Context) error {
	const patience = 2 * holdTime
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		changed := u.track.SubscriptionChanged()
		wants, used := u.track.Subscription()
		if used && wants != peek {
			return nil
		}
		select {
		case <-changed:
			timer.Reset(patience)
		case <-timer.C:
			switch {
			case u.fetching.Load() > 0:
				timer.Reset(patience)
			case !used:
				return model.ErrCancel
			default:
				return nil // whoever still asks for nothing after the longest hold means it
			}
		case <-ctx.Done():
			return modelError(ctx, ctx.Err())
		}
	}
}
