package lite

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/bandwidth"
	"github.com/moqrx/moqrx/session/transport"
)

// Config says what a session is made of.
type Config struct {
	// Conn is the connection, which the engine owns from now on.
	Conn transport.Conn
	// Version is the one that was negotiated.
	Version genlite.Version
	// Exchange is how the version was agreed on, where the transport did not do it.
	Exchange *Exchange
	// Path is what a client asks for where the transport has no URL, with the query. It is
	// sent in SETUP, and left out when empty.
	Path string
	// Measure says what is known of the connection now: see [Engine.SendBandwidth]. It may be
	// called from several goroutines. Nil is nothing, ever.
	Measure func() bandwidth.Measured
	// Role is what a client says in SETUP about what it is going to do. Servers do not say it.
	Role Role
	// Probe is the level at which this side, as a publisher, measures the path for the peer
	// (draft-lcurley-moq-lite, SETUP): it is sent in SETUP, and left out when it is 0.
	Probe uint64
	// Limits bound what the peer can make the session hold.
	Limits Limits
	// Trace takes the events of the session. Nil records nothing.
	Trace Trace
	// Logger takes what is odd but ends nothing. Nil discards it.
	Logger *slog.Logger
}

// Engine runs one session. Make it with [New], and call its methods from one goroutine.
// PeerOrigin may be called from any, and so may after Grant: Drain, Settle, GoAway, GoingAway, NewURI,
// SendBandwidth and RecvBandwidth.
type Engine struct {
	conn     transport.Conn
	dialect  dialect
	exchange *Exchange // nil where the transport negotiated the version
	declares declares
	link     Link
	limits   Limits
	quotas   quotas
	counts   counts
	trace    Trace
	begun    atomic.Bool // the session, or its end before it could
	log      *slog.Logger
	peer     atomic.Uint64 // origin id of the peer, 0 until it is known

	setups   atomic.Int32          // SETUP messages of the peer
	setup    atomic.Pointer[Setup] // what the first of them said
	declared chan struct{}         // closed once setup is there

	publisher  *publisher
	subscriber *subscriber
	probing    *probing
	goaway     *goaway

	tasks sync.WaitGroup
	// fail ends the session with the error. Set by Run.
	fail context.CancelCauseFunc
}

// New makes the engine of a session. Nothing is sent or read before its methods are called:
// on a server [Engine.AwaitSetup], then Grant, SendSetup and Run.
func New(cfg Config) *Engine {
	e := &Engine{
		conn:     cfg.Conn,
		dialect:  dialectOf(cfg.Version),
		exchange: cfg.Exchange,
		declares: declares{path: cfg.Path, role: cfg.Role, probe: cfg.Probe},
		limits:   cfg.Limits.withDefaults(),
		trace:    cfg.Trace,
		log:      cfg.Logger,
		declared: make(chan struct{}),
		probing:  newProbing(cfg.Measure),
		goaway:   newGoaway(),
	}
	e.quotas = newQuotas(e.limits)
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	return e
}

// Link is what this side knows about the way to the peer.
type Link struct {
	// Cost is added to the cost of what comes from the peer, which is told of it in SETUP. When it
	// is not set, what the peer says in its SETUP counts, and 1 when it says nothing.
	Cost wire.Optional[uint64]
	// Peer is who a peer is that does not tell its origin id. 0 stands for nobody: what it
	// announces is then told apart from what others do, for as long as the session lasts.
	Peer model.OriginID
}

// SetLink says what is known about the way to the peer. A cost above 2^62-1 becomes that. Call it before
// Grant.
func (e *Engine) SetLink(l Link) {
	l.Cost.Value = min(l.Cost.Value, maxCost)
	e.link = l
}

// Grant says what the peer may see and subscribe to, and where its broadcasts appear. Either
// may be nil: nothing is then served to the peer, or asked of it. A peer that has declared a role is
// granted what the role needs. Call it once.
func (e *Engine) Grant(publish *model.OriginConsumer, consume *model.OriginProducer) {
	var self model.OriginID
	switch {
	case publish != nil:
		self = publish.ID()
	case consume != nil:
		self = consume.ID()
	default:
		// Deployed peers drop an ANNOUNCE_OK whose id is 0.
		self = model.RandomOriginID()
		e.log.Warn("a session without anything to publish, and nowhere to put what the peer announces")
	}
	switch e.Peer().Role {
	case RolePublisher:
		publish = nil
	case RoleSubscriber:
		consume = nil
	}
	e.publisher = newPublisher(e, publish, self)
	e.subscriber = newSubscriber(e, consume)
}

// PeerOrigin is the origin id that the peer told, or 0 while it has told none. Versions before
// moq-lite-04 have no way to tell it.
func (e *Engine) PeerOrigin() model.OriginID { return model.OriginID(e.peer.Load()) }

// Publishes tells whether broadcasts of the peer are announced here.
func (e *Engine) Publishes() bool {
	e.subscriber.mu.Lock()
	defer e.subscriber.mu.Unlock()
	return e.subscriber.broadcasts > 0
}

// Run serves the session until ctx or the connection ends, or the peer breaks a rule that
// ends sessions. It closes the connection with the code of what ended it, waits for every
// goroutine that it started, and returns the cause: that of ctx, a *transport.ConnError
// when the connection ended, or a *model.Error. Call it once.
func (e *Engine) Run(ctx context.Context) error {
	ending, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	e.fail = fail
	unwatch := context.AfterFunc(e.conn.Context(), func() { fail(context.Cause(e.conn.Context())) })
	defer unwatch()
	// What is under way goes on until the close of the connection is sent. Resets of streams could
	// overtake it otherwise, and the peer would take each for what it says of its track.
	ctx, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)

	if e.trace != nil && !e.begun.Swap(true) {
		defer e.trace.Close()
	}
	defer e.present()()
	e.recordStart(e.publisher.self)
	e.publisher.groups = newScheduler(ctx, e.conn.OpenUni, e.tasks.Go)
	e.tasks.Go(func() { e.acceptUni(ctx) })
	e.tasks.Go(func() { e.acceptBidi(ctx) })
	if e.exchange != nil {
		e.tasks.Go(func() { e.watchExchange(ctx) })
	}
	if e.dialect.datagrams {
		e.tasks.Go(func() { e.subscriber.receiveDatagrams(ctx) })
	}
	e.subscriber.start(ctx)
	e.startProbing(ctx)

	<-ending.Done()
	cause := context.Cause(ending)
	code, reason := e.closing(cause)
	e.recordEnd(cause, code, reason)
	_ = e.conn.CloseWithError(code, reason) // the connection may be gone, and that is fine
	stop(cause)
	e.publisher.close()
	e.tasks.Wait()
	return cause
}

// closing is what the close of the connection says about the end of a session.
func (e *Engine) closing(cause error) (code uint64, reason string) {
	var known *model.Error
	switch {
	case errors.As(cause, &known):
		return uint64(known.Code), known.Error()
	case errors.Is(cause, context.Canceled):
		return uint64(model.CodeCancel), ""
	default:
		return uint64(model.CodeOf(cause)), cause.Error()
	}
}

func (e *Engine) acceptUni(ctx context.Context) {
	accept(ctx, e, e.conn.AcceptUni, transport.ReceiveStream.Stop, e.serveUni)
}

func (e *Engine) acceptBidi(ctx context.Context) {
	accept(ctx, e, e.conn.AcceptBidi, refuse, e.serveBidi)
}

// accept serves each stream of one kind in a goroutine of its own, and refuses those beyond
// the limit, until there are no more.
func accept[S interface{ ID() uint64 }](
	ctx context.Context, e *Engine, next func(context.Context) (S, error), refuse func(S, uint64), serve func(context.Context, S),
) {
	slots := make(chan struct{}, e.limits.Streams)
	for {
		s, err := next(ctx)
		if err != nil {
			e.fail(err)
			return
		}
		if !take(ctx, slots) {
			e.log.Warn("stream refused", "reason", "too many streams", "stream", s.ID())
			refuse(s, uint64(model.CodeBoundsExceeded))
			continue
		}
		e.tasks.Go(func() {
			defer func() { <-slots }()
			serve(ctx, s)
		})
	}
}

// slotGrace is how long a stream may wait for a slot. A stream that is over gives its credit back
// to the peer a moment before its goroutine gives back the slot.
const slotGrace = 100 * time.Millisecond

// take waits for a slot, and reports whether there was one in time.
func take(ctx context.Context, slots chan<- struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(slotGrace)
	defer timer.Stop()
	select {
	case slots <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// refuse ends both halves with a code.
func refuse(s transport.Stream, code uint64) {
	s.Reset(code)
	s.Stop(code)
}
