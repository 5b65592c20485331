package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// retention keeps the caches small enough to be full soon.
const retention = 300 * time.Millisecond

// A publisher has a broadcast with two tracks. A steady one keeps its session; the others come and go,
// and are somebody else each time.
type publisher struct {
	w      *world
	id     uint32
	steady bool
	random *rand.Rand

	life      uint32
	origin    *model.OriginProducer
	served    *model.OriginConsumer
	broadcast *model.BroadcastProducer
	tracks    []*writer
	session   *session.Session
}

// path is where all find the publisher, below the root of the relay.
func path(id uint32) string { return fmt.Sprintf("room/%d", id) }

// open connects a new life.
func (p *publisher) open(ctx context.Context) error {
	p.life++
	at := p.w.way(p.random, int(p.id))
	p.origin = model.NewOrigin()
	p.served = p.origin.Consume()
	var err error
	if p.broadcast, err = p.origin.CreateBroadcast(at.path(p.id), model.Route{}); err != nil {
		return err
	}
	p.tracks = nil
	for _, name := range []string{video, audio} {
		track, err := p.broadcast.CreateTrack(name, model.TrackInfo{MaxLatency: retention})
		if err != nil {
			return err
		}
		p.tracks = append(p.tracks, &writer{source: source{p.id, p.life, name}, track: track})
	}
	p.session, err = p.w.dial(ctx, at, session.WithPublish(p.served))
	return err
}

// close ends the life, in one of the ways in which lives end.
func (p *publisher) close() error {
	var errs []error
	way := p.random.IntN(4)
	if way == 0 { // without a word
		errs = append(errs, p.session.CloseWithError(model.ErrCancel))
	}
	for _, w := range p.tracks {
		errs = append(errs, w.end(way == 1))
	}
	switch way {
	case 1:
		errs = append(errs, p.broadcast.Finish())
	case 2:
		p.broadcast.Abort(model.ErrTimeout)
	}
	return errors.Join(append(errs, p.broadcast.Close(), p.session.Close(), p.served.Close(), p.origin.Close())...)
}

// run publishes until ctx ends.
func (p *publisher) run(ctx context.Context) error {
	if p.steady {
		return p.write(ctx)
	}
	for ctx.Err() == nil {
		if err := p.open(ctx); err != nil {
			return err
		}
		life, cancel := context.WithTimeout(ctx, between(p.random, 300*time.Millisecond, 3*time.Second))
		err := p.write(life)
		cancel()
		if err := errors.Join(err, p.close()); err != nil {
			return err
		}
		pause(ctx, between(p.random, 0, 300*time.Millisecond))
	}
	return nil
}

// write adds a frame to each track again and again until ctx ends. The groups that it has begun are
// finished.
func (p *publisher) write(ctx context.Context) error {
	for pause(ctx, between(p.random, 10*time.Millisecond, 50*time.Millisecond)) {
		for _, w := range p.tracks {
			if err := w.step(); err != nil {
				return err
			}
		}
	}
	for _, w := range p.tracks {
		for w.group != nil {
			if err := w.step(); err != nil {
				return err
			}
		}
	}
	return nil
}

// idle waits until nobody reads what a steady publisher has.
func (p *publisher) idle(ctx context.Context) error {
	for _, w := range p.tracks {
		if err := w.track.Unused(ctx); err != nil {
			return fmt.Errorf("%s of publisher %d is still asked for: %w", w.source.track, p.id, err)
		}
	}
	return nil
}

// A writer writes one track.
type writer struct {
	source
	track *model.TrackProducer
	group *model.GroupProducer // in progress
	next  int                  // frame of it
}

// step writes one frame.
func (w *writer) step() (err error) {
	if w.group == nil {
		if w.group, err = w.track.AppendGroup(); err != nil {
			return err
		}
		w.next = 0
	}
	sequence := w.group.Sequence()
	if err := w.group.WriteFrame(model.Frame{Payload: w.payload(sequence, w.next)}); err != nil {
		return err
	}
	if w.next++; w.next < w.framesIn(sequence) {
		return nil
	}
	g := w.group
	w.group = nil
	return errors.Join(g.Finish(), g.Close())
}

func (w *writer) end(finish bool) error {
	if finish {
		if err := w.track.Finish(); err != nil {
			return err
		}
	} else {
		w.track.Abort(model.ErrCancel)
	}
	return w.track.Close()
}
