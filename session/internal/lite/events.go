package lite

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// Trace takes the events of a session, in the order in which they happen on each of its streams.
// It is called by many goroutines at a time.
type Trace interface {
	// Record notes an event of this name, without a namespace.
	Record(name string, fields ...slog.Attr)
	// Close comes after the last event.
	Close()
}

// owner says who sent the message, or the stream, that an event is about.
type owner string

const (
	ours   owner = "local"
	theirs owner = "remote"
)

func (o owner) attr() slog.Attr { return slog.String("owner", string(o)) }

// The names of the events are in the documentation of session.WithQlog.

func (e *Engine) recordStart(self model.OriginID) {
	if e.trace == nil {
		return
	}
	e.trace.Record("session_started",
		slog.String("version", e.dialect.version.String()),
		slog.String("transport", string(e.conn.Kind())),
		slog.String("path", withoutQuery(e.declares.path)),
		slog.Uint64("origin", uint64(self)))
}

// Abandon ends the trace of a session that does not begin, because of err. After Run has begun it
// does nothing. It may be called at any time.
func (e *Engine) Abandon(err error) {
	if e.trace == nil || e.begun.Swap(true) {
		return
	}
	code, reason := e.closing(err)
	e.recordEnd(err, code, reason)
	e.trace.Close()
}

func (e *Engine) recordEnd(cause error, code uint64, reason string) {
	if e.trace == nil {
		return
	}
	by, code, reason := endedBy(cause, code, reason)
	e.trace.Record("session_closed", by.attr(), slog.Uint64("code", code), slog.String("reason", reason))
}

func (e *Engine) recordSetup(by owner, path string, origin uint64) {
	if e.trace == nil {
		return
	}
	e.trace.Record("setup", by.attr(), slog.String("path", withoutQuery(path)), slog.Uint64("origin", origin))
}

func (e *Engine) recordAnnounceRequest(by owner, prefix string) {
	if e.trace == nil {
		return
	}
	e.trace.Record("announce_request", by.attr(), slog.String("prefix", prefix))
}

func (e *Engine) recordAnnounce(by owner, path model.Path, active bool, hops int) {
	if e.trace == nil {
		return
	}
	if !active {
		e.trace.Record("announce_ended", by.attr(), slog.String("path", path.String()))
		return
	}
	e.trace.Record("announce", by.attr(), slog.String("path", path.String()), slog.Int("hops", hops))
}

func (e *Engine) recordSubscribe(by owner, id uint64, broadcast, track string, priority uint8) {
	if e.trace == nil {
		return
	}
	e.trace.Record("subscribe", by.attr(), slog.Uint64("id", id),
		slog.String("broadcast", broadcast), slog.String("track", track), slog.Uint64("priority", uint64(priority)))
}

// recordSubscribeEnd is the end of a subscription: nil and errUnsubscribed are clean ends.
func (e *Engine) recordSubscribeEnd(ctx context.Context, by owner, id uint64, err error) {
	if e.trace == nil {
		return
	}
	e.trace.Record("subscribe_ended", append([]slog.Attr{by.attr(), slog.Uint64("id", id)}, failed(ctx, err)...)...)
}

func (e *Engine) recordGroup(by owner, subscribe, sequence uint64) {
	if e.trace == nil {
		return
	}
	e.trace.Record("group_opened", by.attr(), slog.Uint64("subscribe", subscribe), slog.Uint64("sequence", sequence))
}

func (e *Engine) recordGroupEnd(ctx context.Context, by owner, subscribe, sequence uint64, err error) {
	if e.trace == nil {
		return
	}
	e.trace.Record("group_closed", append([]slog.Attr{
		by.attr(), slog.Uint64("subscribe", subscribe), slog.Uint64("sequence", sequence),
	}, failed(ctx, err)...)...)
}

// recordRefusal is a stream of the peer that was not served to its end.
func (e *Engine) recordRefusal(ctx context.Context, stream uint64, err error) {
	if e.trace == nil {
		return
	}
	e.trace.Record("stream_error", append([]slog.Attr{slog.Uint64("stream_id", stream)}, failed(ctx, err)...)...)
}

func (e *Engine) recordGoaway(by owner, uri string) {
	if e.trace == nil {
		return
	}
	e.trace.Record("goaway", by.attr(), slog.String("uri", withoutQuery(uri)))
}

// failed says what went wrong, and nothing when nothing did.
func failed(ctx context.Context, err error) []slog.Attr {
	if err == nil || errors.Is(err, errUnsubscribed) {
		return nil
	}
	err = modelError(ctx, err)
	return []slog.Attr{slog.Uint64("code", uint64(model.CodeOf(err))), slog.String("reason", err.Error())}
}

// endedBy says who ended a session, and what they said. code and reason are what this side said.
func endedBy(cause error, code uint64, reason string) (owner, uint64, string) {
	var conn *transport.ConnError
	if errors.As(cause, &conn) && conn.Remote {
		return theirs, conn.Code, conn.Reason
	}
	return ours, code, reason
}

// withoutQuery is a path or URI as it may be shown: its query may hold a token.
func withoutQuery(s string) string {
	s, _, _ = strings.Cut(s, "?")
	return s
}
