package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
)

// world has servers by URL, on connections in memory. Its zero value has none.
type world struct {
	t  *testing.T
	v  session.Version
	mu sync.Mutex
	// servers answer at their URLs; those that are not there are down.
	servers map[string]*place
	dials   []time.Time // of all attempts
}

// place is a server.
type place struct {
	origin   *model.OriginProducer
	refusal  error // of everybody
	sessions []*session.Session
	conns    []transport.Conn
}

func newWorld(t *testing.T, v session.Version) *world {
	return &world{t: t, v: v, servers: make(map[string]*place)}
}

// open starts a server, in place of what was there.
func (w *world) open(url string, origin *model.OriginProducer) *place {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &place{origin: origin}
	w.servers[url] = p
	return p
}

// down stops a server without a word to anybody.
func (w *world) down(url string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.servers[url]
	delete(w.servers, url)
	p.cut()
}

// first is the oldest session of a server.
func (w *world) first(p *place) *session.Session {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(p.sessions) == 0 {
		w.t.Fatal("the server has no session")
	}
	return p.sessions[0]
}

// refuse makes a server refuse everybody, or nobody.
func (w *world) refuse(p *place, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.refusal = err
}

// attempts is how often the servers were dialed.
func (w *world) attempts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.dials)
}

// cutOff breaks the connections of a server.
func (w *world) cutOff(p *place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.cut()
}

// cut is cutOff under the lock.
func (p *place) cut() {
	for _, c := range p.conns {
		_ = c.CloseWithError(uint64(model.CodeTransport), "cut")
	}
	p.conns = nil
}

func (w *world) dial(ctx context.Context, url string, opts ...session.Option) (*session.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials = append(w.dials, time.Now())
	p := w.servers[url]
	if p == nil {
		return nil, fmt.Errorf("nobody answers at %s", url)
	}
	a, b := memory.Pair(w.v.String())
	p.conns = append(p.conns, b)
	go func() {
		r, err := session.Server(context.Background(), b, session.WithOrigin(p.origin))
		if err != nil {
			return
		}
		w.mu.Lock()
		refusal := p.refusal
		w.mu.Unlock()
		if refusal != nil {
			_ = r.Reject(refusal)
			return
		}
		if s, err := r.Accept(); err == nil {
			w.mu.Lock()
			p.sessions = append(p.sessions, s)
			w.mu.Unlock()
		}
	}()
	return session.Client(ctx, a, opts...)
}

// reconnecting runs Reconnect until the test ends, and returns what becomes of it.
type reconnecting struct {
	cancel context.CancelFunc
	done   chan error
	mu     sync.Mutex
	states []session.Status
}

func (w *world) reconnect(url string, opts ...session.Option) *reconnecting {
	ctx, cancel := context.WithCancel(w.t.Context())
	r := &reconnecting{cancel: cancel, done: make(chan error, 1)}
	opts = append([]session.Option{session.WithDialer(w.dial), session.WithStatus(r.note)}, opts...)
	go func() { r.done <- session.Reconnect(ctx, url, opts...) }()
	w.t.Cleanup(func() {
		cancel()
		r.done <- <-r.done
	})
	return r
}

func (r *reconnecting) note(s session.Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, s)
}

// went compares the states so far.
func (r *reconnecting) went(t *testing.T, want ...session.State) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	var got []session.State
	for _, s := range r.states {
		got = append(got, s.State)
	}
	if !slices.Equal(got, want) {
		t.Errorf("states %v, want %v", got, want)
	}
}

func (r *reconnecting) last() session.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.states[len(r.states)-1]
}

// ended waits for the end.
func (r *reconnecting) ended() error {
	err := <-r.done
	r.done <- err
	return err
}

const (
	connected = session.Connected
	migrating = session.Migrating
	waiting   = session.Waiting
	home      = "moqt://a.example"
)

func lingering() *model.OriginProducer { return model.NewOrigin(model.WithLinger(time.Minute)) }

func TestReconnectGoesOnAfterALoss(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v session.Version) {
		w := newWorld(t, v)
		near, far := model.NewOrigin(), lingering()
		_, track := publish(t, near, "room/alice", "video")
		p := w.open(home, near)
		r := w.reconnect(home, session.WithConsume(far))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		news := far.Consume().Announcements()
		defer news.Close()
		a := get[model.OriginAnnounce](t)(news.Next(t.Context()))
		_ = a.Broadcast.Close()

		must(t, track.Used(t.Context()))
		group(t, track, "zero")
		wantGroup(t, c, 0, "zero")
		half := get[*model.GroupProducer](t)(track.AppendGroup())
		must(t, half.WriteFrame(model.Frame{Payload: []byte("first half")}))
		g := get[*model.GroupConsumer](t)(c.RecvGroup(t.Context()))
		defer g.Close()
		f := get[model.Frame](t)(g.ReadFrame(t.Context()))
		if string(f.Payload) != "first half" {
			t.Errorf("the first frame is %q", f.Payload)
		}
		w.cutOff(p)
		must(t, half.WriteFrame(model.Frame{Payload: []byte("second half")}))
		must(t, half.Finish())
		must(t, half.Close())
		_, err := g.ReadFrame(t.Context())
		wantErr(t, "a group of a lost session", err, model.ErrTransport)

		time.Sleep(2 * time.Second)
		group(t, track, "two")
		wantGroup(t, c, 2, "two")
		r.went(t, connected, waiting, connected)
		if a, ok, err := news.TryNext(); ok || err != nil {
			t.Errorf("announced %+v, %v", a, err)
		}
	})
}

func TestRelayIsReplacedUnderPublisherAndSubscriber(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v session.Version) {
		w := newWorld(t, v)
		near, far := model.NewOrigin(), lingering()
		_, track := publish(t, near, "room/alice", "video")
		w.open(home, model.NewOrigin())
		one := w.reconnect(home, session.WithPublish(near.Consume()))
		two := w.reconnect(home, session.WithConsume(far))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{MaxLatency: time.Minute})
		must(t, track.Used(t.Context()))
		group(t, track, "zero")
		wantGroup(t, c, 0, "zero")
		w.down(home)
		must(t, track.Unused(within(t, time.Second)))
		group(t, track, "nobody")
		time.Sleep(5 * time.Second)
		w.open(home, model.NewOrigin())
		must(t, track.Used(within(t, time.Minute)))
		group(t, track, "two")
		sequence, _ := frames(t, c)
		if sequence == 1 { // it was in the publisher's cache
			sequence, _ = frames(t, c)
		}
		if sequence != 2 {
			t.Errorf("group %d, want 2", sequence)
		}
		for _, r := range []*reconnecting{one, two} {
			if s := r.last(); s.State != connected {
				t.Errorf("%v", s.State)
			}
		}
	})
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.MoqLite05)
		began := time.Now()
		r := w.reconnect(home, session.WithBackoff(100*time.Millisecond, time.Second), session.WithMaxElapsed(time.Minute))
		err := r.ended()
		if err == nil || err.Error() != "nobody answers at "+home {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took > time.Minute || took < 58*time.Second {
			t.Errorf("it gave up after %v", took)
		}
		want := 100 * time.Millisecond
		for i := range len(w.dials) - 1 {
			if gap := w.dials[i+1].Sub(w.dials[i]); gap < want/2 || gap > want*3/2 {
				t.Errorf("dial %d comes %v after the one before, want about %v", i+1, gap, want)
			}
			want = min(2*want, time.Second)
		}
	})
}

func TestBackoffGrowsWhileSessionsAreShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.MoqLite05)
		p := w.open(home, model.NewOrigin())
		w.refuse(p, model.ErrCancel) // the server closes each session with code 0
		r := w.reconnect(home)
		time.Sleep(time.Minute)
		if n := w.attempts(); n > 20 {
			t.Errorf("%d dials in a minute", n)
		}
		w.refuse(p, nil)
		time.Sleep(time.Minute)
		if s := r.last(); s.State != connected {
			t.Fatalf("%v", s.State)
		}
		w.cutOff(p)
		synctest.Wait()
		if s := r.last(); s.State != waiting || s.Delay > 750*time.Millisecond || s.Err == nil {
			t.Errorf("after a long session: %v, %v, %v", s.State, s.Delay, s.Err)
		}
	})
}

func TestReconnectEndsWhereItCannotHelp(t *testing.T) {
	run := func(name string, f func(t *testing.T, w *world)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, session.MoqLite05)) })
		})
	}
	run("a URL that is none", func(t *testing.T, w *world) {
		err := w.reconnect("ftp://a.example").ended()
		var bad *session.URLError
		if !errors.As(err, &bad) {
			t.Errorf("error %v", err)
		}
	})
	for _, refusal := range []error{model.ErrUnauthorized, model.ErrVersion, &model.Error{Code: model.AppCode(403)}} {
		run(refusal.Error(), func(t *testing.T, w *world) {
			w.refuse(w.open(home, model.NewOrigin()), refusal)
			wantErr(t, "the end", w.reconnect(home).ended(), refusal)
		})
	}
	run("no versions", func(t *testing.T, w *world) {
		if err := w.reconnect(home, session.WithVersions(nil)).ended(); err == nil || w.attempts() > 0 {
			t.Errorf("error %v after %d dials", err, w.attempts())
		}
	})
	run("closed on this side", func(t *testing.T, w *world) {
		w.open(home, model.NewOrigin())
		r := w.reconnect(home)
		r.went(t, connected)
		must(t, r.last().Session.Shutdown(t.Context()))
		must(t, r.ended())
	})
	run("its context", func(t *testing.T, w *world) {
		p := w.open(home, model.NewOrigin())
		r := w.reconnect(home)
		r.went(t, connected)
		began := time.Now()
		r.cancel()
		wantErr(t, "the end", r.ended(), context.Canceled)
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
		must(t, w.first(p).Wait(t.Context()))
	})
	run("its context, while it waits", func(t *testing.T, w *world) {
		r := w.reconnect(home)
		r.went(t, waiting)
		r.cancel()
		wantErr(t, "the end", r.ended(), context.Canceled)
	})
}

func withGoaway(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	for _, v := range session.DefaultVersions() {
		if v > session.MoqLite03 {
			t.Run(v.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, v)) })
			})
		}
	}
}

func TestMigrationLeavesNoGap(t *testing.T) {
	withGoaway(t, func(t *testing.T, w *world) {
		near, far := model.NewOrigin(), model.NewOrigin() // which does not linger
		_, track := publish(t, near, "room/alice", "video")
		p := w.open(home, near)
		r := w.reconnect(home, session.WithConsume(far))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{MaxLatency: time.Minute})
		must(t, track.Used(t.Context()))
		news := far.Consume().Announcements()
		defer news.Close()
		a := get[model.OriginAnnounce](t)(news.Next(t.Context()))
		_ = a.Broadcast.Close()
		group(t, track, "zero")
		wantGroup(t, c, 0, "zero")
		time.Sleep(time.Minute) // a session that has lasted is followed at once
		half := get[*model.GroupProducer](t)(track.AppendGroup())
		must(t, half.WriteFrame(model.Frame{Payload: []byte("first half")}))
		g := get[*model.GroupConsumer](t)(c.RecvGroup(t.Context()))
		defer g.Close()
		get[model.Frame](t)(g.ReadFrame(t.Context()))

		left := make(chan error, 1)
		go func() { left <- w.first(p).Shutdown(within(t, time.Hour)) }()
		r.went(t, connected, migrating, connected)
		group(t, track, "two")
		wantGroup(t, c, 2, "two")
		time.Sleep(4 * time.Second)
		select {
		case err := <-left:
			t.Fatalf("the old session has ended with a group on its way: %v", err)
		default:
		}
		must(t, half.WriteFrame(model.Frame{Payload: []byte("second half")}))
		must(t, half.Finish())
		must(t, half.Close())
		f := get[model.Frame](t)(g.ReadFrame(t.Context()))
		if string(f.Payload) != "second half" {
			t.Errorf("the last frame is %q", f.Payload)
		}
		_, err := g.ReadFrame(t.Context())
		wantErr(t, "the end of the group", err, io.EOF)
		must(t, <-left)
		group(t, track, "three")
		wantGroup(t, c, 3, "three")
		if a, ok, err := news.TryNext(); ok || err != nil {
			t.Errorf("announced %+v, %v", a, err)
		}
	})
}

func TestMigrationGoesWhereItMay(t *testing.T) {
	const (
		other    = "moqt://a.example:4444/other"
		stranger = "moqt://b.example"
	)
	anywhere := session.WithRedirect(func(*url.URL) bool { return true })
	for _, c := range []struct {
		name, uri, want string
		opts            []session.Option
	}{
		{"nowhere else", "", home, nil},
		{"another port", other, other, nil},
		{"a relative URI", "//a.example:4444/other", other, nil},
		{"another host", stranger, home, nil},
		{"another host, which is allowed", stranger, stranger, with(anywhere)},
		{"a URI that is none", "gopher://a.example", home, with(anywhere)},
		{"garbage", "%%%", home, with(anywhere)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, session.MoqLite05)
				p := w.open(home, model.NewOrigin())
				w.open(other, model.NewOrigin())
				w.open(stranger, model.NewOrigin())
				r := w.reconnect(home, c.opts...)
				time.Sleep(time.Minute)
				go func() { _ = w.first(p).Shutdown(t.Context(), session.WithNewURI(c.uri)) }()
				r.went(t, connected, migrating, connected)
				if s := r.last(); s.URL.String() != c.want {
					t.Errorf("it went to %s, want %s", s.URL, c.want)
				}
				w.cutOff(w.servers[c.want])
				time.Sleep(time.Minute)
				if s := r.last(); s.State != connected || s.URL.String() != home {
					t.Errorf("after the loss of it: %v at %s", s.State, s.URL)
				}
			})
		})
	}
}

func TestServersThatSendClientsInCircles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.MoqLite05)
		p := w.open(home, model.NewOrigin())
		r := w.reconnect(home)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for seen := 0; ctx.Err() == nil; time.Sleep(time.Millisecond) {
			w.mu.Lock()
			for _, s := range p.sessions[seen:] {
				go func() { _ = s.Shutdown(ctx) }()
			}
			seen = len(p.sessions)
			w.mu.Unlock()
		}
		if n := w.attempts(); n > 25 {
			t.Errorf("%d dials in a minute", n)
		}
		r.cancel()
		_ = r.ended()
	})
}

func TestAnotherPublisherTakesThePathOver(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v session.Version) {
		w := newWorld(t, v)
		relay, far := model.NewOrigin(), lingering()
		w.open(home, relay)
		first, second := model.NewOrigin(), model.NewOrigin()
		_, one := publish(t, first, "room/alice", "video")
		w.reconnect(home, session.WithPublish(first.Consume()))
		w.reconnect(home, session.WithConsume(far))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		must(t, one.Used(t.Context()))
		group(t, one, "of the first")
		wantGroup(t, c, 0, "of the first")
		news := far.Consume().Announcements()
		defer news.Close()
		a := get[model.OriginAnnounce](t)(news.Next(t.Context()))
		_ = a.Broadcast.Close()

		_, two := publish(t, second, "room/alice", "video")
		w.reconnect(home, session.WithPublish(second.Consume()))
		_, err := c.RecvGroup(t.Context())
		wantErr(t, "the track of the first", err, model.ErrDropped)
		if a := get[model.OriginAnnounce](t)(news.Next(t.Context())); a.Broadcast != nil {
			t.Errorf("announced %+v, want the end of the first", a)
		}
		c = subscribe(t, far, "room/alice", "video", model.Subscription{})
		must(t, two.Used(within(t, time.Minute)))
		group(t, two, "of the second")
		wantGroup(t, c, 0, "of the second")
	})
}
