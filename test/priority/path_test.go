package priority

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/test/internal/link"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

var realTime = flag.Bool("realtime", false, "run the tests that need real time, and a machine for themselves")

// The parts of a test wait for the line and leave the processor alone, so they all run at the same time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "100"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const (
	delay = 40 * time.Millisecond
	// loss is what New Reno gets along with: about a fifth of the bandwidth at this delay.
	loss = 0.02
)

// line is the path of every test.
func line(seed uint64) link.Config {
	return link.Config{Bandwidth: 6_000_000, Delay: delay, Loss: loss, Seed: seed}
}

// schemes are the carriers; moqt is raw QUIC.
var schemes = []string{"moqt", "https"}

// everyWay runs a test over each carrier, once for each seed of losses, all at once, and returns when all are done.
func everyWay(t *testing.T, seeds uint64, test func(t *testing.T, scheme string, seed uint64)) {
	t.Helper()
	if !*realTime || testing.Short() {
		t.Skip("takes a minute, and a machine for itself: run with -realtime")
	}
	t.Run("ways", func(t *testing.T) {
		for _, scheme := range schemes {
			for seed := range seeds {
				t.Run(fmt.Sprintf("%s/%d", scheme, seed), func(t *testing.T) {
					t.Parallel()
					test(t, scheme, seed)
				})
			}
		}
	})
}

// ends are a publisher and a subscriber with a line between them.
type ends struct {
	t         *testing.T
	ctx       context.Context
	broadcast *model.BroadcastProducer
	seen      *model.BroadcastConsumer
}

// connect sets both ends up until the end of the test.
func connect(t *testing.T, scheme string, c link.Config) *ends {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	e := &ends{t: t, ctx: ctx}
	published, consumed := model.NewOrigin(), model.NewOrigin()
	moqtest.CloseAtEnd(t, published, consumed)
	var err error
	e.broadcast, err = published.CreateBroadcast("room", model.Route{})
	moqtest.Must(t, err)
	moqtest.CloseAtEnd(t, e.broadcast)

	listener, err := session.Listen("127.0.0.1:0", session.WithOrigin(published))
	moqtest.Must(t, err)
	l, err := link.New(listener.Addr(), c)
	moqtest.Must(t, err)
	var tasks sync.WaitGroup
	tasks.Go(func() {
		if request, err := listener.Accept(ctx); err == nil {
			_, _ = request.Accept() // a failure is seen by the client
		}
	})
	t.Cleanup(func() {
		moqtest.Must(t, listener.Close())
		tasks.Wait()
		moqtest.Must(t, l.Close())
	})
	client, err := session.Dial(ctx, scheme+"://"+l.Addr().String()+"/",
		session.WithFingerprint(listener.CertificateSHA256()), session.WithConsume(consumed))
	moqtest.Must(t, err)
	origin := consumed.Consume()
	moqtest.CloseAtEnd(t, client, origin)
	e.seen, err = origin.Announced(ctx, "room")
	moqtest.Must(t, err)
	moqtest.CloseAtEnd(t, e.seen)
	return e
}

// track makes a track and subscribes to it over the line. Nothing of it gets too old during a test.
func (e *ends) track(name string, wants model.Subscription) (*model.TrackProducer, *model.TrackConsumer) {
	e.t.Helper()
	p, err := e.broadcast.CreateTrack(name, model.TrackInfo{MaxLatency: 10 * time.Minute})
	moqtest.Must(e.t, err)
	c, err := e.seen.SubscribeTrack(name, wants)
	moqtest.Must(e.t, err)
	moqtest.CloseAtEnd(e.t, p, c)
	e.t.Cleanup(func() { _ = p.Finish() })
	moqtest.Must(e.t, p.Used(e.ctx))
	return p, c
}

// groupSize is that of the groups whose order is measured, written in frames of frameSize.
const (
	groupSize = 256 << 10
	frameSize = 8 << 10
)

func writeGroup(t *testing.T, track *model.TrackProducer) {
	t.Helper()
	g, err := track.AppendGroup()
	moqtest.Must(t, err)
	for range groupSize / frameSize {
		moqtest.Must(t, g.WriteFrame(model.Frame{Payload: make([]byte, frameSize)}))
	}
	moqtest.Must(t, g.Finish())
}

// readGroup reads a group to its end and says when that was.
func readGroup(ctx context.Context, g *model.GroupConsumer) (time.Time, error) {
	defer g.Close()
	size := 0
	for {
		f, err := g.ReadFrame(ctx)
		if errors.Is(err, io.EOF) {
			if size != groupSize {
				return time.Time{}, fmt.Errorf("the group had %d bytes, want %d", size, groupSize)
			}
			return time.Now(), nil
		}
		if err != nil {
			return time.Time{}, err
		}
		size += len(f.Payload)
	}
}
