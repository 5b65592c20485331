package lite

import (
	"context"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
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
	ctx, stop := untilStopped(ctx, s)
	defer stop()
	t, err := p.find(ctx, trackName{m.Broadcast, m.Track})
	if err != nil {
		return modelError(ctx, err)
	}
	g, err := t.FetchGroup(ctx, m.Group, m.Priority)
	if err != nil {
		return modelError(ctx, err)
	}
	defer g.Close()
	w := newFrameWriter(s, &p.dialect)
	defer w.release()
	return modelError(ctx, w.group(ctx, g, func() {}))
}
