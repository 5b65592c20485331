package priority

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/endpoint"
	"github.com/moqrx/moqrx/test/internal/link"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

const (
	tracks = 8
	seeds  = 4
)

// sum adds up what runs over one carrier measured.
type sum struct {
	mu              sync.Mutex
	pairs, ordered  int
	took, plainTook time.Duration
	top             time.Duration // until the most urgent group was complete
}

// Up to three series are run before a figure counts: what else the machine does can spoil one.
func TestGroupsCompleteInTheOrderOfPriority(t *testing.T) {
	for n := range uint64(attempts) {
		var wrong []string
		for scheme, s := range series(t, n*100) {
			wrong = append(wrong, s.judge(t, scheme)...)
		}
		if len(wrong) == 0 {
			return
		}
		if n+1 == attempts {
			t.Errorf("in %d series, the last one: %s", attempts, strings.Join(wrong, ", "))
		}
	}
}

// series runs all carriers with some seeds from the first one on.
func series(t *testing.T, first uint64) map[string]*sum {
	sums := map[string]*sum{}
	for _, scheme := range schemes {
		sums[scheme] = &sum{}
	}
	everyWay(t, seeds, func(t *testing.T, scheme string, seed uint64) {
		var plain time.Duration
		var tasks sync.WaitGroup
		tasks.Go(func() { plain = plainGroups(t, scheme, even(first+seed)) })
		done := prioritized(t, scheme, even(first+seed))
		tasks.Wait()
		s := sums[scheme]
		s.mu.Lock()
		defer s.mu.Unlock()
		last := time.Duration(0)
		for i := range done {
			last = max(last, done[i])
			for j := range i { // the later track is the more urgent one
				s.pairs++
				if done[i] <= done[j] {
					s.ordered++
				}
			}
		}
		s.took += last
		s.plainTook += plain
		s.top += done[tracks-1]
		t.Logf("complete after %v, without priorities %v", last.Round(time.Millisecond), plain.Round(time.Millisecond))
	})
	return sums
}

// judge says what is not as it should be.
func (s *sum) judge(t *testing.T, scheme string) (wrong []string) {
	order := float64(s.ordered) / float64(s.pairs)
	goodput := s.plainTook.Seconds() / s.took.Seconds()
	t.Logf("%s: %.1f %% of %d pairs in order, the top one complete after %.2f of the time, goodput %.3f of that without priorities (%.2f Mbit/s)",
		scheme, 100*order, s.pairs, s.top.Seconds()/s.took.Seconds(), goodput, float64(seeds*tracks*groupSize*8)/s.plainTook.Seconds()/1e6)
	if order < 0.95 {
		wrong = append(wrong, fmt.Sprintf("%s: %.1f %% of the pairs are in order, want 95 %%", scheme, 100*order))
	}
	if goodput < 0.95 {
		wrong = append(wrong, fmt.Sprintf("%s: goodput %.3f of that without priorities, want 0.95", scheme, goodput))
	}
	return wrong
}

// even is the path where throughput is compared: how many losses there are is no matter of luck.
func even(seed uint64) link.Config {
	c := line(seed)
	c.Even = true
	return c
}

// prioritized sends a group on each of the tracks, the least urgent first, and returns how long each one took. Before
// the clock starts, the connection has seen losses, and no slow start is measured.
func prioritized(t *testing.T, scheme string, c link.Config) []time.Duration {
	e := connect(t, scheme, c)
	from := make([]*model.TrackProducer, tracks)
	to := make([]*model.TrackConsumer, tracks)
	for i := range tracks {
		from[i], to[i] = e.track(fmt.Sprint("track ", i), model.Subscription{Priority: uint8(10 + i), Start: model.At(0)})
	}
	warm, read := e.track("warm up", model.Subscription{Start: model.At(0)})
	writeGroup(t, warm)
	g, err := read.RecvGroup(e.ctx)
	moqtest.Must(t, err)
	_, err = readGroup(e.ctx, g)
	moqtest.Must(t, err)
	began := time.Now()
	for _, track := range from {
		writeGroup(t, track)
	}
	done := make([]time.Duration, tracks)
	var tasks sync.WaitGroup
	for i, track := range to {
		tasks.Go(func() {
			g, err := track.RecvGroup(e.ctx)
			if err != nil {
				t.Error(err)
				return
			}
			at, err := readGroup(e.ctx, g)
			if err != nil {
				t.Error(err)
			}
			done[i] = at.Sub(began)
		})
	}
	tasks.Wait()
	return done
}

// plainGroups sends as much on as many streams that know nothing of each other, and returns how long that took.
func plainGroups(t *testing.T, scheme string, c link.Config) time.Duration {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	from, to := plainConns(t, scheme, c)
	plainGroup(ctx, t, from, to)() // to warm up
	var done []func()
	began := time.Now()
	for range tracks {
		done = append(done, plainGroup(ctx, t, from, to))
	}
	for _, wait := range done {
		wait()
	}
	return time.Since(began)
}

// plainGroup sends the bytes of a group, and returns how to wait until they have come.
func plainGroup(ctx context.Context, t *testing.T, from, to transport.Conn) (wait func()) {
	var tasks sync.WaitGroup
	tasks.Go(func() {
		s, err := from.OpenUni(ctx)
		for sent := 0; err == nil && sent < groupSize; sent += 32 << 10 {
			_, err = s.Write(make([]byte, 32<<10))
		}
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			t.Error(err)
		}
	})
	tasks.Go(func() {
		s, err := to.AcceptUni(ctx)
		var n int64
		if err == nil {
			n, err = io.Copy(io.Discard, s)
		}
		if err != nil || n != groupSize {
			t.Errorf("%d bytes of a stream, %v", n, err)
		}
	})
	return tasks.Wait
}

// plainConns returns the two ends of a connection over a line, until the end of the test.
func plainConns(t *testing.T, scheme string, c link.Config) (from, to transport.Conn) {
	cert, err := endpoint.SelfSignedCertificate()
	moqtest.Must(t, err)
	config := endpoint.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, Protocols: []string{"moq-lite-05"}}
	listener, err := endpoint.Listen("127.0.0.1:0", config)
	moqtest.Must(t, err)
	l, err := link.New(listener.Addr(), c)
	moqtest.Must(t, err)
	config.TLS = &tls.Config{InsecureSkipVerify: true}
	to, err = endpoint.Dial(t.Context(), &url.URL{Scheme: scheme, Host: l.Addr().String()}, config)
	moqtest.Must(t, err)
	in, err := listener.Accept(t.Context())
	moqtest.Must(t, err)
	t.Cleanup(func() {
		_ = to.CloseWithError(0, "")
		<-to.Closed()
		_ = listener.Close()
		_ = l.Close()
	})
	return in.Conn, to
}

func TestNewestGroupOvertakesAnOlderOne(t *testing.T) {
	overtaking(t, model.Subscription{}, "newest")
}

func TestOldestGroupOfAnOrderedTrackStaysFirst(t *testing.T) {
	overtaking(t, model.Subscription{Ordered: true}, "oldest")
}

func overtaking(t *testing.T, wants model.Subscription, first string) {
	everyWay(t, seeds, func(t *testing.T, scheme string, seed uint64) {
		e := connect(t, scheme, line(seed))
		wants := wants
		wants.Priority, wants.Start = 10, model.At(0)
		from, to := e.track("video", wants)
		writeGroup(t, from)
		older, err := to.RecvGroup(e.ctx)
		moqtest.Must(t, err)
		for range groupSize / frameSize / 4 {
			_, err := older.ReadFrame(e.ctx)
			moqtest.Must(t, err)
		}
		writeGroup(t, from)
		newer, err := to.RecvGroup(e.ctx)
		moqtest.Must(t, err)
		var done [2]time.Time
		var tasks sync.WaitGroup
		tasks.Go(func() {
			defer older.Close()
			var err error
			for err == nil {
				_, err = older.ReadFrame(e.ctx)
			}
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			done[0] = time.Now()
		})
		tasks.Go(func() {
			var err error
			if done[1], err = readGroup(e.ctx, newer); err != nil {
				t.Error(err)
			}
		})
		tasks.Wait()
		if newest := done[1].Before(done[0]); newest != (first == "newest") {
			t.Errorf("the newer group was complete %v before the older one", done[0].Sub(done[1]))
		}
	})
}
