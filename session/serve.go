package session

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
)

// Grant is what a client may do in a session. The zero value permits nothing.
type Grant struct {
	// Publish is what the client sees and may subscribe to: a handle that is scoped and rooted for
	// it. Nil is nothing.
	Publish *model.OriginConsumer
	// Consume is where the broadcasts of the client appear: a handle that is scoped and rooted for
	// it. Nil is nowhere.
	Consume *model.OriginProducer
	// Stats is what the session counts with, which has its tier. The zero value leaves it at
	// what [WithStats] told the listener.
	Stats stats.Handle
	// Options are added to those of the listener. The fields above go before them.
	Options []Option
	// Ended is called once when the session is over, or could not start, with the error of
	// [Session.Wait]. The session is nil when it could not start. Nil is not called.
	Ended func(*Session, error)
}

// GrantRoot permits everything below a path of an origin, in both directions, to a client for
// which that path is the root. It is the grant of a relay. It fails with model.ErrUnauthorized
// when the handle permits nothing there.
func GrantRoot(origin *model.OriginProducer, root model.Path) (Grant, error) {
	rooted, err := origin.WithRoot(root)
	if err != nil {
		return Grant{}, err
	}
	return Grant{Publish: rooted.Consume(), Consume: rooted}, nil
}

func (g *Grant) options() []Option {
	opts := []Option{WithPublish(g.Publish), WithConsume(g.Consume)}
	if g.Stats != (stats.Handle{}) {
		opts = append(opts, WithStats(g.Stats))
	}
	return append(opts, g.Options...)
}

// close lets go of the handles.
func (g *Grant) close() {
	if g.Publish != nil {
		_ = g.Publish.Close()
	}
	if g.Consume != nil {
		_ = g.Consume.Close()
	}
}

// Authorize decides about a client: what it is granted, or an error that refuses it with the code
// that [model.CodeOf] finds in it and its text as the reason. Everything that the client told is in
// the request: path, query, role, address, TLS state. ctx ends when the client leaves and when the
// server stops; apart from that a client waits as long as it likes.
//
// It is called for many clients at a time. The handles in the grant belong to the server, which
// closes them after the session.
type Authorize func(ctx context.Context, r *Request) (Grant, error)

// Serve accepts clients and runs their sessions, with what authorize grants them, until ctx ends
// or the listener is closed. What goes wrong with one client is logged and harms no other; a panic
// of authorize, or of Ended, counts as the code AppCode(500) for that client.
//
// When ctx ends, no more clients are accepted, and those about which nothing is decided yet are
// refused. Sessions have the time of [WithGrace] to go elsewhere, as in [Listener.Shutdown]. Then the
// listener is closed. Serve returns when all this is over, and every
// Ended has returned: nil when ctx has ended, and else an *[Error] that is model.ErrClosed. Call
// it once, and not together with Accept.
func (l *Listener) Serve(ctx context.Context, authorize Authorize) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	var clients sync.WaitGroup
	for {
		r, err := l.Accept(serving)
		if err == nil {
			clients.Go(func() { l.serve(serving, r, authorize) })
			continue
		}
		stop()
		grace, cancel := context.WithTimeout(context.Background(), l.options.grace)
		defer cancel()
		_ = l.Shutdown(grace) // sessions that did not end in time are closed
		clients.Wait()
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
}

// WithGrace is how long [Listener.Serve] lets sessions go on when it stops: they are asked to go
// elsewhere and get what is on its way, as in [Listener.Shutdown]. Without it they end at once.
func WithGrace(d time.Duration) Option { return func(o *options) { o.grace = d } }

// serve answers one client and stays with its session.
func (l *Listener) serve(ctx context.Context, r *Request, authorize Authorize) {
	log := l.options.log.With("remote", r.RemoteAddr(), "path", r.Path())
	grant, err := decide(ctx, r, authorize)
	defer grant.close()
	if err != nil {
		log.Info("client refused", "error", err)
		_ = r.Reject(err) // never fails
		return
	}
	s, err := r.Accept(grant.options()...)
	if err == nil {
		err = s.Wait(context.Background())
	}
	log.Debug("session over", "error", err)
	if grant.Ended != nil {
		if err := guarded(func() error { grant.Ended(s, err); return nil }); err != nil {
			log.Error("the end of a session was not taken", "error", err)
		}
	}
}

// decide asks authorize, with a context that also ends with the connection.
func decide(ctx context.Context, r *Request, authorize Authorize) (grant Grant, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.conn.Context(), cancel)()
	err = guarded(func() (err error) {
		grant, err = authorize(ctx, r)
		return err
	})
	if err == nil && ctx.Err() != nil {
		err = ctx.Err() // nobody is there any more
	}
	return grant, err
}

// errPanic is what a client hears of a panic: the text of the panic is not for it.
var errPanic = &model.Error{Code: model.AppCode(500), Reason: "internal error"}

// guarded runs code of the application, whose panics become errors.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked{fmt.Sprintf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	return f()
}

// panicked is errPanic for the client and the whole story for the log.
type panicked struct{ story string }

func (p panicked) Error() string { return p.story }
func (p panicked) Unwrap() error { return errPanic }
