package rx

import (
	"context"
	"fmt"

	"github.com/reactivex/rxgo/v2"

	"github.com/moqrx/moqrx/model"
)

// Publish writes the items of o into t and returns when they end. What becomes of an item
// depends on its type:
//
//   - []byte and [model.Frame] are a group each, after the highest sequence so far;
//   - [Frame] goes into the group it names, which is finished when an item of another group
//     comes; Track and Index say nothing here;
//   - [*model.GroupConsumer] is copied whole, under its own sequence, and closed. When it
//     breaks off, so does the copy, and Publish goes on.
//
// At the end of o, Publish finishes t and returns nil. Otherwise it aborts t, and the group
// that is open, with the error of o, of the track or about an item of another type, and
// returns it; when ctx ends, it aborts with model.ErrCancel. Closing t is left to the caller.
//
// It writes as fast as items come: a track has no readers to wait for.
func Publish(ctx context.Context, t *model.TrackProducer, o rxgo.Iterable) error {
	p := publisher{track: t}
	for item, err := range All[any](ctx, o) {
		if err == nil {
			err = p.write(ctx, item)
		}
		if err != nil {
			p.abort(ctx, err)
			return err
		}
	}
	return p.finish()
}

type publisher struct {
	track *model.TrackProducer
	group *model.GroupProducer // open for more frames of its sequence; may be nil
}

func (p *publisher) write(ctx context.Context, item any) error {
	switch item := item.(type) {
	case Frame:
		return p.writeFrame(item)
	case []byte:
		return p.writeGroup(model.Frame{Payload: item})
	case model.Frame:
		return p.writeGroup(item)
	case *model.GroupConsumer:
		return p.copyGroup(ctx, item)
	default:
		return fmt.Errorf("rx: track %q cannot publish a %T: make it []byte, rx.Frame, model.Frame or *model.GroupConsumer", p.track.Name(), item)
	}
}

func (p *publisher) writeGroup(f model.Frame) error {
	if err := p.endGroup(); err != nil {
		return err
	}
	return p.track.WriteFrame(f)
}

func (p *publisher) writeFrame(f Frame) error {
	if p.group == nil || p.group.Sequence() != f.Group {
		if err := p.beginGroup(f.Group); err != nil {
			return err
		}
	}
	return p.group.WriteFrame(model.Frame{Timestamp: f.Timestamp, Payload: f.Payload})
}

func (p *publisher) copyGroup(ctx context.Context, from *model.GroupConsumer) error {
	defer from.Close()
	if err := p.beginGroup(from.Sequence()); err != nil {
		return err
	}
	for f, err := range from.All(ctx) {
		if err != nil && ctx.Err() == nil {
			p.abortGroup(err)
			return nil
		}
		if err == nil {
			err = p.group.WriteFrame(f)
		}
		if err != nil {
			return err
		}
	}
	return p.endGroup()
}

func (p *publisher) beginGroup(sequence uint64) error {
	if err := p.endGroup(); err != nil {
		return err
	}
	group, err := p.track.CreateGroup(sequence)
	if err != nil {
		return fmt.Errorf("rx: track %q, group %d: %w", p.track.Name(), sequence, err)
	}
	p.group = group
	return nil
}

func (p *publisher) endGroup() error {
	if p.group == nil {
		return nil
	}
	defer p.group.Close()
	err := p.group.Finish()
	p.group = nil
	return err
}

func (p *publisher) abortGroup(err error) {
	if p.group != nil {
		p.group.Abort(err)
		_ = p.group.Close()
		p.group = nil
	}
}

func (p *publisher) finish() error {
	if err := p.endGroup(); err != nil {
		return err
	}
	return p.track.Finish()
}

func (p *publisher) abort(ctx context.Context, err error) {
	if ctx.Err() != nil {
		err = model.ErrCancel
	}
	p.abortGroup(err)
	p.track.Abort(err)
}
