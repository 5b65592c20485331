package lite

import (
	"context"
	"errors"
	"io"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// fetchTime is how long after its last reader has left groups of a finished track may still be
// fetched: a little longer than origins usually keep a track that nobody reads.
const fetchTime = 35 * time.Second

// serveFetches asks the peer for the groups that local readers fetch, as long as the track is
// served. All who want one group are one request.
func (u *upstream) serveFetches(ctx context.Context) {
	select {
	case <-u.ready:
	case <-u.given.Done():
		return
	}
	for {
		req, err := u.requests.RequestedGroup(u.given)
		if err != nil {
			return
		}
		if !u.c.dialect.fetches {
			req.Reject(failure(model.CodeVersion, "%v has no FETCH", u.c.dialect.version))
			continue
		}
		if !u.slot(req) {
			continue
		}
		u.fetching.Add(1)
		u.c.tasks.Go(func() {
			defer func() { <-u.c.asking }()
			defer u.fetching.Add(-1)
			u.fetch(ctx, req)
		})
	}
}

// slot waits until one more group may be asked for, unless nobody waits for it by then.
func (u *upstream) slot(req *model.GroupRequest) bool {
	for {
		select {
		case u.c.asking <- struct{}{}:
			return true
		case <-req.Unused():
			if req.Withdraw() {
				return false
			}
		case <-u.given.Done():
			req.Reject(modelError(u.given, u.given.Err()))
			return false
		}
	}
}

// fetch asks for one group and fills it. Before the answer it ends when nobody waits any more;
// after that the group may be read whatever becomes of the subscription, and only the end of the
// session, which ctx is, ends it.
func (u *upstream) fetch(ctx context.Context, req *model.GroupRequest) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answered := make(chan struct{})
	u.c.tasks.Go(func() {
		if err := u.unanswered(req, answered); err != nil {
			cancel(err)
		}
	})
	s, err := u.c.ask(ctx, genlite.BidiFetch, &genlite.Fetch{
		Broadcast: u.path.String(), Track: u.req.Name(), Priority: req.Priority(), Group: req.Sequence(),
	})
	if err != nil {
		close(answered)
		req.Reject(modelError(ctx, err))
		return
	}
	stop := context.AfterFunc(ctx, func() { refuse(s, codeOf(ctx, ctx.Err())) })
	r := newGroupReader(s, u.c.dialect.version)
	defer r.release()
	err = u.fill(ctx, req, r, answered)
	switch {
	case !stop(): // it has been refused
	case err == nil:
		_ = s.Close() // fails only when the stream is over already
		s.Stop(uint64(model.CodeCancel))
	default:
		refuse(s, uint64(model.CodeOf(err)))
	}
}

// unanswered waits for the answer, and says why there is no point in that any more.
func (u *upstream) unanswered(req *model.GroupRequest, answered <-chan struct{}) error {
	timer := time.NewTimer(u.c.limits.Response)
	defer timer.Stop()
	for {
		select {
		case <-answered:
			return nil
		case <-timer.C:
			return u.silent("answer to FETCH")
		case <-req.Unused():
			if !req.Withdraw() {
				continue // somebody has come
			}
			select {
			case <-answered:
				return nil
			default: // nobody is left, or the group has come another way
				return model.ErrCancel
			}
		}
	}
}

// fill puts the answer into the group. There is none when the peer refuses it, or sends nothing
// that can be read.
func (u *upstream) fill(ctx context.Context, req *model.GroupRequest, r *reader, answered chan<- struct{}) error {
	counts := u.c.counted(u.path).SubscriberFetch(u.req.Name())
	defer counts.Close()
	f := u.frames(ctx, r, nil, counts)
	defer f.budget.release()
	err := f.header()
	close(answered)
	if err != nil && !errors.Is(err, io.EOF) {
		err = why(ctx, err)
		req.Reject(err)
		return err
	}
	if f.g, _ = req.Accept(); f.g == nil {
		return model.ErrCancel // it has come another way, or the track has failed
	}
	defer f.g.Close()
	counts.Group()
	if err = f.rest(err); err == nil {
		return f.g.Finish()
	}
	err = why(ctx, err)
	f.g.Abort(err)
	return err
}

// outlive lets groups of the finished track be fetched as long as it has readers, and some time
// after that, until open ends with the broadcast: then nobody finds the track any more. A track of
// which the last groups have not come is over at once: its readers would wait for them.
func (u *upstream) outlive(ctx, open context.Context) {
	latest, some := u.track.Latest()
	if end, told := u.boundary(); told && end > 0 && (!some || latest < end-1) {
		return
	}
	for u.c.dialect.fetches {
		select {
		case <-u.req.Unused():
		case <-ctx.Done():
			return
		}
		timer := time.NewTimer(fetchTime)
		select {
		case <-timer.C:
		case <-open.Done():
		case <-ctx.Done():
		}
		timer.Stop()
		select {
		case <-u.req.Unused():
			return
		default: // somebody has come back
		}
	}
}
