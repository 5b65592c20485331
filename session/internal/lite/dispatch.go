package lite

import (
	"context"
	"errors"
	"io"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// silence ends the receiving half of a stream whose peer does not say in time what it is for.
type silence struct{ timer *time.Timer }

func limitSilence(s transport.ReceiveStream, d time.Duration) silence {
	return silence{time.AfterFunc(d, func() { s.Stop(uint64(model.CodeTimeout)) })}
}

// over is called once the awaited bytes are there or failed with err.
func (l silence) over(err error) error {
	if l.timer.Stop() {
		return err
	}
	return model.ErrTimeout
}

// serveUni reads one unidirectional stream of the peer to its end.
func (e *Engine) serveUni(ctx context.Context, s transport.ReceiveStream) {
	r := newGroupReader(s, e.dialect.version)
	defer r.release()
	if err := e.readUni(ctx, r); err != nil {
		e.log.Debug("stream stopped", "stream", s.ID(), "error", err)
		e.recordRefusal(ctx, s.ID(), err)
		s.Stop(codeOf(ctx, err))
	}
}

func (e *Engine) readUni(ctx context.Context, r *reader) error {
	// A stream opens those with lower numbers too (RFC 9000, section 3.2), and the bytes of what is
	// not urgent may come much later: an empty stream is not silent yet.
	if err := r.fill(1); err != nil {
		return err
	}
	limit := limitSilence(r.stream, e.limits.FirstBytes)
	kind, err := r.uniType()
	if err != nil {
		return limit.over(err)
	}
	if kind == genlite.UniSetup {
		var m genlite.Setup
		if err := limit.over(r.message(&m)); err != nil {
			return err
		}
		return e.takeSetup(&m)
	}
	var m genlite.Group
	if err := limit.over(whole(r.message(&m))); err != nil {
		return err
	}
	return e.subscriber.receiveGroup(ctx, r, &m)
}

// serveBidi answers one bidirectional stream of the peer and ends it.
func (e *Engine) serveBidi(ctx context.Context, s transport.Stream) {
	err := e.answer(ctx, s, newReader(s, e.dialect.version))
	if ctx.Err() != nil {
		return // the close of the connection says it better than any end of a stream
	}
	if err == nil {
		_ = s.Close() // fails only when the stream is over already
		s.Stop(uint64(model.CodeCancel))
		return
	}
	e.log.Debug("stream refused", "stream", s.ID(), "error", err)
	e.recordRefusal(ctx, s.ID(), err)
	refuse(s, codeOf(ctx, err))
}

// answer returns nil when the stream is to end cleanly, and otherwise why it fails.
func (e *Engine) answer(ctx context.Context, s transport.Stream, r *reader) error {
	limit := limitSilence(s, e.limits.FirstBytes)
	first := func(m genlite.Message) error { return limit.over(whole(r.message(m))) }
	kind, err := r.bidiType()
	if err != nil {
		return limit.over(err)
	}
	switch kind {
	case genlite.BidiAnnounce:
		var m genlite.AnnounceRequest
		err := first(&m)
		if err == nil {
			err = e.quotas.announces.hold(func() error { return e.publisher.announce(ctx, s, r, &m) })
		}
		if err != nil {
			e.publisher.decline(ctx, s, err)
		}
		return nil
	case genlite.BidiSubscribe:
		var m genlite.Subscribe
		if err := first(&m); err != nil {
			return err
		}
		return e.quotas.subscriptions.hold(func() error { return e.publisher.subscribe(ctx, s, r, &m) })
	case genlite.BidiTrack:
		var m genlite.Track
		if err := first(&m); err != nil {
			return err
		}
		return e.publisher.track(ctx, s, &m)
	case genlite.BidiFetch:
		var m genlite.Fetch
		if err := first(&m); err != nil {
			return err
		}
		return e.publisher.fetch(ctx, s, &m)
	case genlite.BidiGoaway:
		var m genlite.Goaway
		if err := first(&m); err != nil {
			return err
		}
		e.recordGoaway(theirs, m.URI)
		e.takeGoaway(&m)
		return nil
	case genlite.BidiProbe:
		_ = limit.over(nil) // nothing follows the type
		return e.publisher.probe(ctx, s, r)
	default:
		return limit.over(failure(model.CodeUnexpectedStream, "stream type %v", kind))
	}
}

// whole turns the clean end of a stream before a message into a truncated one.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return errTruncated
	}
	return err
}
