package model

import "context"

// spliceFetch is one call of fetch on the track of a front, which asks the source
// that serves it.
type spliceFetch struct {
	s        *splice
	sequence uint64
	closed   *bool
	from     *feed              // whom to ask next
	cancel   context.CancelFunc // of asking it
}

// fetch asks the newest source, once there is one. When its copy of the track dies
// meanwhile, the next one is asked; what a live one says is final.
func (s *splice) fetch(ctx context.Context, seq uint64, priority uint8, closed *bool) (*GroupConsumer, error) {
	x := &spliceFetch{s: s, sequence: seq, closed: closed}
	for {
		g, err := await(ctx, x, (*spliceFetch).look)
		if g != nil || err != nil {
			return g, err
		}
		g, err = x.ask(ctx, priority)
		if err == nil {
			s.keepFetched(x.from, g)
			return g, nil
		}
		if x.settled(ctx) {
			return nil, err
		}
	}
}

// tryFetch returns what the front or its source has cached.
func (s *splice) tryFetch(seq uint64, closed *bool) (*GroupConsumer, bool, error) {
	x := &spliceFetch{s: s, sequence: seq, closed: closed}
	g, ok, _, err := x.look(false)
	if g != nil || !ok {
		return g, g != nil, err
	}
	open := false
	g, ok, err = x.from.from.tryFetch(seq, &open)
	if ok {
		s.keepFetched(x.from, g)
	}
	return g, ok, err
}

// look returns the group when it is cached, and otherwise waits for somebody to ask.
func (x *spliceFetch) look(bool) (*GroupConsumer, bool, <-chan struct{}, error) {
	t := x.s.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if *x.closed {
		return nil, false, nil, errReaderClosed
	}
	if g := t.ask(x.sequence); g != nil {
		return t.read(g), true, nil, nil
	}
	switch {
	case t.err != nil:
		return nil, false, nil, t.err
	case t.boundary.Set && x.sequence >= t.boundary.Sequence, x.sequence > MaxSequence, t.closed:
		return nil, false, nil, notFetchable(t, x.sequence)
	}
	if x.from = x.s.serving(); x.from != nil {
		return nil, true, nil, nil
	}
	return nil, false, t.changed.wait(), nil
}

// ask fetches from the source, until the handle is closed through which it is called.
func (x *spliceFetch) ask(ctx context.Context, priority uint8) (*GroupConsumer, error) {
	s := x.s
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	s.t.mu.Lock()
	if s.fetching == nil {
		s.fetching = make(map[*spliceFetch]struct{})
	}
	x.cancel = cancel
	s.fetching[x] = struct{}{}
	if *x.closed {
		cancel()
	}
	s.t.mu.Unlock()
	defer func() {
		s.t.mu.Lock()
		defer s.t.mu.Unlock()
		delete(s.fetching, x)
	}()
	open := false
	return x.from.from.fetch(asking, x.sequence, priority, &open)
}

// settled reports whether a failure is one of the call, or of a source that is alive.
// Otherwise there is somebody else to ask, or the track has ended, or the handle.
func (x *spliceFetch) settled(ctx context.Context) bool {
	t := x.s.t
	t.mu.Lock()
	defer t.mu.Unlock()
	return ctx.Err() != nil || (!*x.closed && !t.closed && !x.from.dead)
}

// wake lets the calls look whose handle has been closed. The track's lock is held.
func (s *splice) wake() {
	for x := range s.fetching {
		if *x.closed {
			x.cancel()
		}
	}
}

// keepFetched makes the source's reader g one of the front's track, and caches what the
// source has cached, so that the next one who fetches it need not ask.
func (s *splice) keepFetched(from *feed, g *GroupConsumer) {
	source := from.from
	source.mu.Lock()
	kept := source.find(g.g.sequence).group == g.g
	source.mu.Unlock()
	t := s.t
	t.mu.Lock()
	defer t.unlock()
	g.scale = t.info.Timescale
	if kept && !t.closed && t.admit(g.g.sequence) == nil { // otherwise it was to be served once
		t.adoptAs(g.g, true)
	}
}
