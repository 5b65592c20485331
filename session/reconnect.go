package session

import (
	"context"
	"errors"
	"io"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport/endpoint"
	"github.com/moqrx/moqrx/session/transport/webtransport"
)

// Reconnect keeps a session with the server that a URL names, and dials again whenever it is lost. The
// origins outlive the sessions: what is published goes to the next one too, and tracks that are read go
// on from it at the first group that is missing, if the origin lingers ([model.WithLinger]) for longer
// than it takes to come back, and the peer has kept its broadcasts. Groups that were on their way
// when a session is lost fail.
//
// When the server says that it will go away (GOAWAY, moq-lite-04 and later), Reconnect dials again
// first, at the URI that the server names if [WithRedirect] allows it, and else at the same URL. The old
// session goes on until nothing is on its way on it: readers see no gap.
//
// It takes the options of [Dial], and [WithBackoff], [WithMaxElapsed], [WithStatus], [WithRedirect],
// [WithDialer]. It blocks until one of these, and closes the sessions that are left, which takes a
// second at most:
//
//   - ctx ends: its error;
//   - dialing again cannot help: a [*URLError], or the server's refusal because of who asks, for
//     what, or in which version (see [Permanent]);
//   - nothing came up for as long as WithMaxElapsed says: the last error;
//   - the session was closed on this side: nil. The status has the session, so that a publisher can
//     end with [Session.Shutdown].
func Reconnect(ctx context.Context, rawURL string, opts ...Option) error {
	home, err := parseURL(rawURL)
	if err != nil {
		return err
	}
	o := newOptions(opts)
	if err := o.versions.check(); err != nil {
		return err
	}
	r := &reconnector{reconnect: o.reconnect.withDefaults(), home: home, down: time.Now()}
	// A server that does not say who it is has to be the same one each time, for what it announces to go on.
	server := model.RandomOriginID()
	r.opts = append([]Option{func(o *options) { o.link.Peer = server }}, opts...)
	r.policy = &backoff.ExponentialBackOff{
		InitialInterval: r.initial, MaxInterval: r.longest,
		Multiplier: 2, RandomizationFactor: 0.5,
	}
	err = r.run(ctx)
	r.closeOld()
	r.tasks.Wait()
	return err
}

// Permanent reports whether err, of Dial or of a session that has ended, stays when one dials again: the
// URL, the versions or the credentials have to be others.
func Permanent(err error) bool {
	var (
		bad    *URLError
		status *webtransport.StatusError
	)
	switch {
	case errors.As(err, &bad), errors.Is(err, endpoint.ErrNoProtocol):
		return true
	case errors.As(err, &status):
		return status.Permanent()
	}
	return slices.ContainsFunc([]model.Code{
		model.CodeUnauthorized, model.CodeVersion, model.CodeRequiredExtension, model.CodeInvalidRole,
		model.CodeUnknownALPN, model.AppCode(401), model.AppCode(403),
	}, func(c model.Code) bool { return errors.Is(err, &model.Error{Code: c}) })
}

// State is what [Reconnect] has come to.
type State int

// The states.
const (
	// Connected: there is a new session.
	Connected State = iota
	// Migrating: the server goes away, so another session is dialed. The one that is there goes on.
	Migrating
	// Waiting: the session was lost, or a dial failed. The next one starts after Delay.
	Waiting
)

// String is the name of the state.
func (s State) String() string {
	switch s {
	case Connected:
		return "connected"
	case Migrating:
		return "migrating"
	case Waiting:
		return "waiting"
	default:
		return "unknown"
	}
}

// Status is what Reconnect tells of itself.
type Status struct {
	State State
	// URL is where the session is, or is dialed next. Its query may hold a token.
	URL *url.URL
	// Session is the new one when Connected, and the one that is left when Migrating.
	Session *Session
	// Err is why, when Waiting: io.EOF when the server closed the session with code 0.
	Err error
	// Delay is how long it takes until the next dial, when Waiting.
	Delay time.Duration
}

// reconnect are the options of Reconnect.
type reconnect struct {
	initial, longest, elapsed time.Duration

	status func(Status)
	allow  func(*url.URL) bool
	dialer func(context.Context, string, ...Option) (*Session, error)
}

func (r reconnect) withDefaults() reconnect {
	if r.initial <= 0 {
		r.initial = 500 * time.Millisecond
	}
	if r.longest <= 0 {
		r.longest = 10 * time.Second
	}
	r.longest = max(r.longest, r.initial)
	if r.status == nil {
		r.status = func(Status) {}
	}
	if r.dialer == nil {
		r.dialer = Dial
	}
	return r
}

// WithBackoff says how long [Reconnect] waits before it dials again: initial at first, twice as long
// each time, up to longest, each of them give or take a half, so that the clients of a server do not
// come back all at once. It begins anew after a session that lasted 10 s. The defaults, also for 0, are
// 500 ms and 10 s.
func WithBackoff(initial, longest time.Duration) Option {
	return func(o *options) { o.reconnect.initial, o.reconnect.longest = initial, longest }
}

// WithMaxElapsed makes [Reconnect] give up when it would be without a session for longer than d. The
// default, 0, is never.
func WithMaxElapsed(d time.Duration) Option { return func(o *options) { o.reconnect.elapsed = d } }

// WithStatus calls f with everything that changes, from the goroutine of [Reconnect], which does
// nothing else until f returns.
func WithStatus(f func(Status)) Option { return func(o *options) { o.reconnect.status = f } }

// WithRedirect decides whether [Reconnect] goes where a server sends it. The default is to stay with
// the host of the URL that Reconnect was given: any other path and port is allowed, no other host.
// When a session there fails, Reconnect comes back to its own URL.
func WithRedirect(allow func(*url.URL) bool) Option {
	return func(o *options) { o.reconnect.allow = allow }
}

// WithDialer makes [Reconnect] call dial instead of [Dial]: for tests, and for connections of one's own
// that end in [Client]. The options are those of Reconnect.
func WithDialer(dial func(ctx context.Context, rawURL string, opts ...Option) (*Session, error)) Option {
	return func(o *options) { o.reconnect.dialer = dial }
}

const (
	// steady is how long a session has to last before its loss counts as a new one.
	steady = 10 * time.Second
	// overlap is how long an old session stays at least beside the one that follows it, so that
	// everything is announced there before it ends here.
	overlap = time.Second
	// maxOld is how many old sessions may still go on: as many as a track is read from at a time.
	maxOld = 3
)

// reconnector is one call of Reconnect.
type reconnector struct {
	reconnect
	home   *url.URL
	opts   []Option
	policy *backoff.ExponentialBackOff
	down   time.Time // since when there is no session

	old   []*Session // which go away, and whose successor is not there yet
	tasks sync.WaitGroup

	mu      sync.Mutex
	leaving []*Session // which are ended once nothing is on its way
}

var errClosedHere = errors.New("closed on this side")

// run returns why there will be no more sessions.
func (r *reconnector) run(ctx context.Context) error {
	at := r.home
	for {
		next, began, err := r.session(ctx, at)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errClosedHere):
			return nil
		case at == r.home && Permanent(err):
			return err
		}
		at = next
		if !began.IsZero() && time.Since(began) >= steady {
			r.policy.Reset()
			if err == nil {
				continue
			}
		}
		if err := r.pause(ctx, at, err); err != nil {
			return err
		}
	}
}

// session dials, and stays with the session until it ends or the server goes away, which is no
// error. It returns where to go next, and when the session began, if it did.
func (r *reconnector) session(ctx context.Context, at *url.URL) (next *url.URL, began time.Time, err error) {
	s, err := r.dialer(ctx, at.String(), r.opts...)
	if err != nil {
		return r.home, began, err
	}
	began = time.Now()
	defer func() { r.down = time.Now() }()
	r.leaveOld(ctx)
	r.status(Status{State: Connected, URL: at, Session: s})
	select {
	case <-ctx.Done():
		_ = s.Close() // never fails
		return nil, began, ctx.Err()
	case <-s.Done():
	case <-s.GoingAway():
	}
	select {
	case <-s.GoingAway(): // which may have been its last words
		next = r.redirect(at, s)
		r.old = append(r.old, s)
		r.status(Status{State: Migrating, URL: next, Session: s})
		return next, began, nil
	default:
	}
	if s.local {
		return nil, began, errClosedHere
	}
	return r.home, began, s.Err()
}

// redirect is where the server wants to have us, if that may be.
func (r *reconnector) redirect(at *url.URL, s *Session) *url.URL {
	uri := s.NewURI()
	if uri == "" {
		return at
	}
	next, err := at.Parse(uri)
	if err == nil {
		next, err = parseURL(next.String())
	}
	allow := r.allow
	if allow == nil {
		allow = func(u *url.URL) bool { return u.Hostname() == r.home.Hostname() }
	}
	if err != nil || !allow(next) {
		return at
	}
	return next
}

// pause waits before the next dial, or says why there is none.
func (r *reconnector) pause(ctx context.Context, at *url.URL, err error) error {
	delay := r.policy.NextBackOff()
	if err == nil {
		err = io.EOF // the server goes away a moment after it came
	}
	if r.elapsed > 0 && time.Since(r.down)+delay > r.elapsed {
		return err
	}
	r.status(Status{State: Waiting, URL: at, Err: err, Delay: delay})
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leaveOld lets the old sessions end, now that there is a new one.
func (r *reconnector) leaveOld(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.old {
		r.tasks.Go(func() { r.leave(ctx, s) })
	}
	r.leaving = append(r.leaving, r.old...)
	r.old = nil
	for _, s := range r.leaving[:max(0, len(r.leaving)-maxOld)] {
		s.close(context.Canceled)
	}
}

// leave ends an old session once nothing is on its way on it.
func (r *reconnector) leave(ctx context.Context, s *Session) {
	timer := time.NewTimer(overlap)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.Done():
	case <-ctx.Done():
	}
	_ = s.engine.Settle(ctx) // either way this is the end
	_ = s.Close()            // never fails
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leaving = slices.DeleteFunc(r.leaving, func(o *Session) bool { return o == s })
}

// closeOld ends the old sessions.
func (r *reconnector) closeOld() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.old {
		r.tasks.Go(func() { _ = s.Close() })
	}
	for _, s := range r.leaving {
		s.close(context.Canceled)
	}
}
