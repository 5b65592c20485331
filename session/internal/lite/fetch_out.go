package lite

import (
	"context"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/priority"
)

// fetch answers a FETCH stream with the frames of a group: from the cache, or else as whoever
// serves fetches of the track makes it, which on a relay is the next session.
func (p *publisher) fetch(ctx context.Context, s stream, m *genlite.Fetch) error {
	defer p.serve()()
	select {
	case p.fetching <- struct{}{}:
		defer func() { <-p.fetching }()
	default:
		return failure(model.CodeBoundsExceeded, "more than %d fetches at once", p.limits.Fetches)
	}
	counts := p.counted(model.NewPath(m.Broadcast)).PublisherFetch(m.Track)
	defer counts.Close()
	ctx, stop := untilStopped(ctx, s)
	defer stop()
	name := trackName{m.Broadcast, m.Track}
	t, err := p.find(ctx, name)
	if err != nil {
		return contentError(ctx, err)
	}
	g, err := t.FetchGroup(ctx, m.Group, m.Priority)
	if err != nil {
		return contentError(ctx, err)
	}
	defer g.Close()
	scale := p.timescales.told(name)
	if scale == 0 {
		info, err := t.Info(ctx) // the peer may be told next
		if err != nil {
			return modelError(ctx, err)
		}
		scale = info.Timescale
	}
	out, leave := p.groups.enter(ctx, s, priority.Wish{Priority: m.Priority}, m.Group)
	defer leave()
	w := newFrameWriter(out, &p.dialect, scale)
	defer w.release()
	w.counts = counts
	counts.Group()
	return contentError(ctx, w.group(ctx, g, func() {}))
}
