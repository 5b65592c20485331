package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// A client is a session that several subscribers share. A steady one stays; the others come and go.
type client struct {
	w      *world
	id     int
	steady bool
	random *rand.Rand

	origin  *model.OriginProducer
	session *session.Session

	mu   sync.Mutex
	way  way                   // of the session
	view *model.OriginConsumer // of the origin; nil while there is no session
	up   chan struct{}         // closed when there is one
}

func (c *client) open(ctx context.Context) (err error) {
	at := c.w.way(c.random, c.id)
	c.origin = model.NewOrigin()
	if c.session, err = c.w.dial(ctx, at, session.WithConsume(c.origin)); err != nil {
		return errors.Join(err, c.origin.Close())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.view, c.way = c.origin.Consume(), at
	close(c.up)
	return nil
}

func (c *client) close() error {
	c.mu.Lock()
	view := c.view
	c.view, c.up = nil, make(chan struct{})
	c.mu.Unlock()
	return errors.Join(c.session.Close(), view.Close(), c.origin.Close())
}

// run keeps sessions coming and going until ctx ends.
func (c *client) run(ctx context.Context) error {
	for ctx.Err() == nil && !c.steady {
		if err := c.open(ctx); err != nil {
			return err
		}
		pause(ctx, between(c.random, 200*time.Millisecond, 3*time.Second))
		if err := c.close(); err != nil {
			return err
		}
		pause(ctx, between(c.random, 0, 200*time.Millisecond))
	}
	return nil
}

// await waits for a session. It returns nil when ctx has ended.
func (c *client) await(ctx context.Context) (*model.OriginConsumer, way) {
	for {
		c.mu.Lock()
		view, at, up := c.view, c.way, c.up
		c.mu.Unlock()
		if view != nil || ctx.Err() != nil {
			return view, at
		}
		select {
		case <-up:
		case <-ctx.Done():
		}
	}
}

// A subscriber has one subscription after the other.
type subscriber struct {
	w      *world
	client *client
	random *rand.Rand
}

func (s *subscriber) run(ctx context.Context) error {
	for {
		view, at := s.client.await(ctx)
		if over(ctx) {
			return nil
		}
		if err := s.visit(ctx, view, at); err != nil {
			return err
		}
	}
}

// visit subscribes to some track, reads for a while and leaves. The error is what must not happen.
func (s *subscriber) visit(ctx context.Context, view *model.OriginConsumer, at way) error {
	ctx, cancel := context.WithTimeout(ctx, between(s.random, 20*time.Millisecond, time.Second))
	defer cancel()
	id := uint32(s.random.IntN(publishers))
	broadcast, err := view.Announced(ctx, at.path(id))
	if err != nil {
		return s.unexpected(ctx, id, err)
	}
	defer broadcast.Close()
	name := video
	switch s.random.IntN(10) {
	case 0, 1, 2, 3:
		name = audio
	case 4:
		name = "nothing"
	}
	track, err := broadcast.SubscribeTrack(name, s.wish())
	if err != nil {
		return s.unexpected(ctx, id, err)
	}
	s.w.visits.Add(1)
	r := &reading{subscriber: s, cursor: cursor{publisher: id, track: name, seen: make(map[uint64]bool)}, track: track}
	defer func() { _ = r.track.Close() }()
	if err := r.read(ctx); err != nil {
		return fmt.Errorf("%s of publisher %d at client %d (%v): %w", name, id, s.client.id, at, err)
	}
	return nil
}

// cut judges why a group did not come whole.
func (r *reading) cut(ctx context.Context, sequence uint64, err error) error {
	if over(ctx) {
		return nil
	}
	r.w.cuts.Add(1)
	code := model.CodeOf(err)
	switch {
	case code >= model.CodeApp: // what nobody has given a meaning
	case code == model.CodeCancel, code == model.CodeOld: // the readers before have just left, or it was late
		return nil
	case !r.steady(r.publisher):
		return nil
	}
	return fmt.Errorf("group %d: %w", sequence, err)
}

// unexpected returns an error of a subscription whose two ends are steady, unless the time is over.
func (s *subscriber) unexpected(ctx context.Context, publisher uint32, err error) error {
	if over(ctx) || !s.steady(publisher) {
		return nil
	}
	return err
}

func (s *subscriber) steady(publisher uint32) bool {
	return s.client.steady && s.w.publishers[publisher].steady
}

func (s *subscriber) wish() model.Subscription {
	wish := model.Subscription{
		Priority: uint8(s.random.IntN(256)), Ordered: s.random.IntN(2) == 0,
		MaxLatency: time.Duration(s.random.IntN(3)) * 200 * time.Millisecond,
	}
	if s.random.IntN(4) == 0 {
		wish.Start = model.At(0)
	}
	return wish
}

// A reading is one subscription.
type reading struct {
	*subscriber
	cursor
	track *model.TrackConsumer
}

func (r *reading) read(ctx context.Context) error {
	next := (*model.TrackConsumer).RecvGroup
	if r.random.IntN(3) == 0 {
		next = (*model.TrackConsumer).NextGroup
	}
	for {
		g, err := next(r.track, ctx)
		if err != nil {
			if r.cursor.track == "nothing" && errors.Is(err, model.ErrNotFound) {
				return nil
			}
			return r.unexpected(ctx, r.publisher, err)
		}
		if err := errors.Join(r.group(g.Sequence()), r.readGroup(ctx, g), g.Close()); err != nil {
			return err
		}
		switch r.random.IntN(16) {
		case 0:
			if err := r.track.Update(r.wish()); err != nil {
				return err
			}
		case 1: // a clone goes on from here
			old := r.track
			r.track, r.seen = old.Clone(), maps.Clone(r.seen)
			_ = old.Close()
		}
	}
}

// readGroup reads a group, or some of it.
func (r *reading) readGroup(ctx context.Context, g *model.GroupConsumer) error {
	for i := 0; r.random.IntN(16) > 0; i++ {
		f, err := g.ReadFrame(ctx)
		switch {
		case errors.Is(err, io.EOF):
			r.w.groups.Add(1)
			return r.end(g.Sequence(), i)
		case err != nil:
			return r.cut(ctx, g.Sequence(), err)
		}
		if err := r.frame(g.Sequence(), i, f.Payload); err != nil {
			return err
		}
		r.w.frames.Add(1)
		r.w.bytes.Add(int64(len(f.Payload)))
	}
	return nil
}
