package lite

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
)

// upstream is one subscription of ours, which all local readers of a track share.
type upstream struct {
	c    *subscriber
	path model.Path
	req  *model.TrackRequest
	id   uint64
	sent model.Subscription // what the peer knows that we want

	track  *model.TrackProducer // nil until the peer accepted
	counts stats.SubscriberTrack
	viewer stats.BroadcastSubscription
	intake

	requests *model.TrackDynamic // groups that local readers fetch
	fetching atomic.Int32        // how many of them are under way
}

// serveRequest answers a local request for a track of the peer: it subscribes, and stays
// until the track ends or the last local reader leaves. open ends with the broadcast.
func (c *subscriber) serveRequest(ctx, open context.Context, path model.Path, req *model.TrackRequest) {
	defer c.request()()
	u := &upstream{c: c, path: path, req: req, intake: newIntake(ctx)}
	u.requests = req.Dynamic() // before anybody can hear that the track is accepted
	defer u.requests.Close()
	c.tasks.Go(func() { u.serveFetches(ctx) })
	err := u.run(ctx)
	c.yield(ctx, open, err)
	switch {
	case u.track == nil:
		req.Reject(err)
	case err != nil:
		u.track.Abort(err)
		_ = u.track.Close()
	default:
		_ = u.track.Close()
		u.uncount() // fetches count by themselves
		u.outlive(ctx, open)
	}
	u.giveUp(err)
	u.uncount()
}

// uncount counts the end of the subscription, once.
func (u *upstream) uncount() {
	u.viewer.Close()
	u.counts.Close()
}

// yield lets a broadcast end before a track of it fails with err, where both have the same cause but
// come on streams of their own.
func (c *subscriber) yield(ctx, open context.Context, err error) {
	switch {
	case ctx.Err() != nil, lost(err):
		// The origin would take the track for refused, and does not linger for what was refused.
		c.listening.Wait()
	case errors.Is(err, model.ErrDropped):
		// Another publisher may have taken the path. The origin would ask for the track again, and get
		// that of the other one in its place.
		timer := time.NewTimer(c.limits.Settle / 4)
		defer timer.Stop()
		select {
		case <-open.Done():
		case <-timer.C:
		}
	}
}

// run returns nil when the track has finished and its last groups are in, and otherwise why not.
func (u *upstream) run(ctx context.Context) (err error) {
	if u.c.dialect.trackInfo {
		info, err := u.askInfo(ctx)
		if err != nil {
			return err
		}
		if err := u.accept(info); err != nil {
			return err
		}
		if err := u.awaitDemand(ctx); err != nil {
			return err
		}
		u.sent, _ = u.track.Subscription()
	} else {
		u.sent = u.req.Subscription()
	}
	// Groups may overtake every answer, so the id is known before it is sent.
	u.counts = u.c.counted(u.path).SubscriberTrack(u.req.Name())
	u.c.register(u)
	defer u.c.unregister(u)
	u.c.recordSubscribe(ours, u.id, u.path.String(), u.req.Name(), u.sent.Priority)
	defer func() { u.c.recordSubscribeEnd(ctx, ours, u.id, err) }()
	s, err := u.c.ask(ctx, genlite.BidiSubscribe, u.c.dialect.subscribe(u.id, u.path, u.req.Name(), u.sent))
	if err != nil {
		return err
	}
	if u.track != nil { // the peer has said already that there is such a track
		u.viewer = u.c.viewed(u.path)
	}
	answers := make(chan answer)
	u.c.tasks.Go(func() { u.readAnswers(newReader(s, u.c.dialect.version), answers) })
	err = u.follow(ctx, s, answers)
	if err == nil || errors.Is(err, errUnsubscribed) {
		_ = s.Close() // fails only when the stream is over already
		s.Stop(uint64(model.CodeCancel))
	} else {
		refuse(s, codeOf(ctx, err))
	}
	return modelError(ctx, err)
}

// silent is the failure of a peer that owes an answer about the track.
func (u *upstream) silent(what string) error {
	return failure(model.CodeTimeout, "no %s within %v for track %q of %q", what, u.c.limits.Response, u.req.Name(), u.path)
}

// accept makes the track, with what the peer says about it.
func (u *upstream) accept(info model.TrackInfo) error {
	track, err := u.req.Accept(info)
	if err != nil {
		return err
	}
	u.track = track
	u.scale = track.Info().Timescale
	close(u.ready)
	return nil
}

// answer is a message of the publisher, or the end of its half.
type answer struct {
	m   genlite.Message
	err error
}

func (u *upstream) readAnswers(r *reader, answers chan<- answer) {
	for {
		var a answer
		a.err = r.parse(func(src []byte) (n int, err error) {
			a.m, n, err = genlite.ParseSubscribeResponse(src, r.version)
			return n, err
		})
		select {
		case answers <- a:
		case <-u.given.Done():
			return
		}
		if a.err != nil {
			return
		}
	}
}

// follow keeps the subscription in step with the local readers until one side ends it.
// errUnsubscribed is the last local reader leaving.
func (u *upstream) follow(ctx context.Context, s stream, answers <-chan answer) error {
	timer := time.NewTimer(u.c.limits.Response)
	defer timer.Stop()
	for {
		if u.track != nil && u.complete() {
			return u.finish(ctx)
		}
		var changed, unused <-chan struct{}
		var late <-chan time.Time
		if u.track == nil {
			unused, late = u.req.Unused(), timer.C
		} else {
			changed = u.track.SubscriptionChanged()
			if err := u.update(s); err != nil {
				return err
			}
		}
		select {
		case a := <-answers:
			if a.err != nil {
				return u.over(ctx, a.err)
			}
			if err := u.take(a.m); err != nil {
				return err
			}
		case <-u.moved: // it may have been the last one
		case <-changed:
		case <-unused:
			return errUnsubscribed
		case <-late:
			return u.silent("answer to SUBSCRIBE")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// update tells the peer what the local readers want, when that has changed.
func (u *upstream) update(s stream) error {
	wants, used := u.track.Subscription()
	if !used {
		return errUnsubscribed
	}
	if wants == u.sent || !u.c.dialect.preferences {
		return nil
	}
	u.sent = wants
	return u.c.send(s, &genlite.SubscribeUpdate{
		Priority: wants.Priority, Ordered: wants.Ordered, MaxLatency: toMillis(wants.MaxLatency),
		StartGroup: startGroup(wants.Start), EndGroup: endGroup(wants.End),
	})
}

// take applies an answer of the publisher.
func (u *upstream) take(m genlite.Message) error {
	switch m := m.(type) {
	case *genlite.SubscribeOK:
		if u.track == nil {
			u.viewer = u.c.viewed(u.path)
			return u.accept(model.TrackInfo{})
		}
		return nil // repeated: it says nothing new
	case *genlite.SubscribeStart:
		u.startAt(m.Group)
	case *genlite.SubscribeEnd:
		u.endAt(m.Group)
	case *genlite.SubscribeDrop:
		u.skip(m.Start, m.End)
		u.c.log.Debug("groups will not come", "subscribe", u.id, "message", m)
	}
	if u.track == nil {
		return failure(model.CodeProtocolViolation, "%s before SUBSCRIBE_OK", m.MessageName())
	}
	return nil
}

// over is the end of the publisher's half: a FIN finishes the track, once the groups that
// are on their way have had time to come.
func (u *upstream) over(ctx context.Context, err error) error {
	if u.track == nil {
		return whole(err)
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if err := u.settle(ctx); err != nil {
		return err
	}
	return u.finish(ctx)
}

// finish ends the track, and waits for the rest of the groups that have started: the end of our
// half tells the publisher that nobody needs anything more of it.
func (u *upstream) finish(ctx context.Context) error {
	u.c.unregister(u) // what comes now is nobody's
	end, told := u.boundary()
	if !told || u.track.FinishAt(end) != nil {
		if told {
			u.c.log.Debug("end of a track not as told", "subscribe", u.id, "end", end)
		}
		if err := u.track.Finish(); err != nil {
			return err
		}
	}
	for !u.quiet() {
		select {
		case <-u.moved:
		case <-ctx.Done():
			return nil // those groups fail, and what is there of the track remains
		}
	}
	return nil
}

// settle waits for groups that the end of the subscribe stream has overtaken.
func (u *upstream) settle(ctx context.Context) error {
	patience := u.c.limits.Settle
	if _, told := u.boundary(); !told {
		patience /= 4
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for !u.complete() {
		changed := u.track.SubscriptionChanged()
		if _, used := u.track.Subscription(); !used {
			return errUnsubscribed
		}
		select {
		case <-u.moved:
		case <-changed:
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// maxBound is the largest sequence that a bound of a subscription carries: one more than it is sent, in a varint
// of 62 bits.
const maxBound = 1<<62 - 2

// startGroup is where to begin. A wish beyond what a message carries must not fail the subscription, which
// all readers of the track share.
func startGroup(b model.GroupBound) wire.Optional[uint64] {
	return wire.Optional[uint64]{Value: min(b.Sequence, maxBound), Set: b.Set}
}

// endGroup is the last group. One that no track can have is no bound.
func endGroup(b model.GroupBound) wire.Optional[uint64] {
	return wire.Optional[uint64]{Value: min(b.Sequence, maxBound), Set: b.Set && b.Sequence <= maxBound}
}

func toMillis(d time.Duration) uint64 { return uint64(max(d, 0).Milliseconds()) }
