package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
	"github.com/moqrx/moqrx/session/transport/transporttest"
)

// forEachVersion runs the test once per version, each in its own bubble of time.
func forEachVersion(t *testing.T, f func(t *testing.T, v session.Version)) {
	t.Helper()
	for _, v := range every() {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, v) })
		})
	}
}

// forEachSeed is forEachVersion over connections that reorder and delay, besides one that does not. Tests that use it
// settle where others call synctest.Wait.
func forEachSeed(t *testing.T, f func(t *testing.T, v session.Version)) {
	t.Helper()
	forEachVersion(t, f)
	for _, v := range every() {
		t.Run(v.String()+" reordered", func(t *testing.T) {
			transporttest.Seeds(t, 5, func(t *testing.T, seed uint64) {
				reordered.Store(t.Name(), seed)
				defer reordered.Delete(t.Name())
				synctest.Test(t, func(t *testing.T) { f(t, v) })
			})
		})
	}
}

// reordered has the seeds of the tests that have one, by name.
var reordered sync.Map

const delay = 10 * time.Millisecond

// pair is the two ends of a connection in memory, with the seed of the test.
func pair(t *testing.T, protocol string) (a, b transport.Conn) {
	seed, _ := reordered.Load(t.Name())
	number, _ := seed.(uint64)
	return memory.Config{Protocol: protocol, Seed: number, Delay: delay}.Pair()
}

// settle waits until what is under way has arrived, and has had its answers.
func settle(t *testing.T) {
	if _, reorders := reordered.Load(t.Name()); reorders {
		time.Sleep(20 * delay)
	}
	synctest.Wait()
}

// every version that sessions speak, whether on by default or not.
func every() session.Versions {
	return append(session.Versions{session.MoqLite06WIP}, session.DefaultVersions()...)
}

// token is what a transport negotiates for a version.
func token(v session.Version) string {
	if v <= session.MoqLite02 {
		return "moql"
	}
	return v.String()
}

func atLeast05(v session.Version) bool { return v >= session.MoqLite05 }

// connect makes a session over an in-process connection. Both ends are closed with the test.
func connect(t *testing.T, v session.Version, client, server []session.Option) (c, s *session.Session) {
	t.Helper()
	r, dialed := ask(t, v, client, server)
	s, err := r.Accept()
	must(t, err)
	c, err = dialed()
	must(t, err)
	t.Cleanup(func() {
		must(t, c.Close())
		must(t, s.Close())
	})
	return c, s
}

// ask has a client ask for a session over an in-process connection. Some versions answer it only once
// the request is accepted, so dialed waits for it.
func ask(t *testing.T, v session.Version, client, server []session.Option) (r *session.Request, dialed func() (*session.Session, error)) {
	t.Helper()
	_, r, dialed = askOn(t, v, client, server)
	return r, dialed
}

func askOn(t *testing.T, v session.Version, client, server []session.Option) (a transport.Conn, r *session.Request, dialed func() (*session.Session, error)) {
	t.Helper()
	a, b := pair(t, token(v))
	only := session.WithVersions(session.Versions{v})
	type result struct {
		s   *session.Session
		err error
	}
	results := make(chan result, 1)
	go func() {
		s, err := session.Client(t.Context(), a, append(with(only), client...)...)
		results <- result{s, err}
	}()
	r, err := session.Server(t.Context(), b, append(with(only), server...)...)
	must(t, err)
	return a, r, func() (*session.Session, error) {
		got := <-results
		return got.s, got.err
	}
}

func with(opts ...session.Option) []session.Option { return opts }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// publish makes a broadcast with one track in an origin.
func publish(t *testing.T, o *model.OriginProducer, path model.Path, track string) (*model.BroadcastProducer, *model.TrackProducer) {
	t.Helper()
	b := get[*model.BroadcastProducer](t)(o.CreateBroadcast(path, model.Route{}))
	p := get[*model.TrackProducer](t)(b.CreateTrack(track, model.TrackInfo{}))
	return b, p
}

// group writes a finished group of these frames.
func group(t *testing.T, p *model.TrackProducer, payloads ...string) {
	t.Helper()
	g := get[*model.GroupProducer](t)(p.AppendGroup())
	for _, s := range payloads {
		must(t, g.WriteFrame(model.Frame{Payload: []byte(s)}))
	}
	must(t, g.Finish())
	must(t, g.Close())
}

// subscribe waits for a broadcast and subscribes to a track of it.
func subscribe(t *testing.T, o *model.OriginProducer, path model.Path, track string, s model.Subscription) *model.TrackConsumer {
	t.Helper()
	c := o.Consume()
	defer c.Close()
	b := get[*model.BroadcastConsumer](t)(c.Announced(t.Context(), path))
	defer b.Close()
	tc := get[*model.TrackConsumer](t)(b.SubscribeTrack(track, s))
	t.Cleanup(func() { _ = tc.Close() })
	return tc
}

// seen are the paths that are announced in an origin now.
func seen(o *model.OriginProducer) (paths []model.Path) {
	c := o.Consume()
	defer c.Close()
	news := c.Announcements()
	defer news.Close()
	for {
		a, ok, err := news.TryNext()
		if !ok || err != nil {
			return paths
		}
		paths = append(paths, a.Path)
		_ = a.Broadcast.Close()
	}
}

// refused subscribes to a track that there is not, and returns why. The answer may be there before SubscribeTrack
// returns, or the reader gets it.
func refused(t *testing.T, o *model.OriginProducer, path model.Path, track string) error {
	t.Helper()
	c := o.Consume()
	defer c.Close()
	b := get[*model.BroadcastConsumer](t)(c.Announced(t.Context(), path))
	defer b.Close()
	tc, err := b.SubscribeTrack(track, model.Subscription{})
	if err != nil {
		return err
	}
	defer tc.Close()
	_, err = tc.RecvGroup(t.Context())
	return err
}

// frames reads the next group in order of arrival to its end.
func frames(t *testing.T, c *model.TrackConsumer) (sequence uint64, payloads []string) {
	t.Helper()
	g := get[*model.GroupConsumer](t)(c.RecvGroup(t.Context()))
	defer g.Close()
	for {
		f, err := g.ReadFrame(t.Context())
		if errors.Is(err, io.EOF) {
			return g.Sequence(), payloads
		}
		must(t, err)
		payloads = append(payloads, string(f.Payload))
	}
}

// wantGroup reads the next group and compares it.
func wantGroup(t *testing.T, c *model.TrackConsumer, sequence uint64, payloads ...string) {
	t.Helper()
	got, gotPayloads := frames(t, c)
	if got != sequence || fmt.Sprint(gotPayloads) != fmt.Sprint(payloads) {
		t.Fatalf("group %d %q, want group %d %q", got, short(gotPayloads), sequence, short(payloads))
	}
}

func short(all []string) []string {
	for i, s := range all {
		all[i] = s[:min(len(s), 20)]
	}
	return all
}

// wantErr fails unless err is want.
func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: error %v, want %v", what, err, want)
	}
}

// noise is n bytes that differ from each other.
func noise(n int) []byte {
	return bytes.Repeat([]byte("moqrx!"), n/6+1)[:n]
}

// within bounds a wait: in a bubble of time it costs nothing.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
