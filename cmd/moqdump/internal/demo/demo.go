package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/dump"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// Options vary a demo.
type Options struct {
	For  time.Duration // how long the clock runs, over both transports together
	Save io.Writer     // gets the capture, nil for nobody
}

// Result is what came of a demo.
type Result struct {
	Frames  map[string]int // that the subscriber read, by transport
	Capture dump.Summary
}

// Transports are the URL schemes that the clock is shown over, in order, and their names.
var Transports = []struct{ Scheme, Name string }{{"moqt", "raw QUIC"}, {"https", "WebTransport"}}

// grace is how long a part of the demo may take beyond its share of Options.For.
const grace = 5 * time.Second

// Run runs the demo and blocks until it is over. It decodes into out as the packets come. It ends
// early, and cleanly, with ctx.
func Run(ctx context.Context, out dump.Output, flush func() error, o Options) (Result, error) {
	res := Result{Frames: make(map[string]int)}
	pr, pw := io.Pipe()
	record := &recorder{pipe: pw, save: o.Save}
	decoded := make(chan error, 1)
	go func() {
		var err error
		res.Capture, err = dump.Run(pr, out, dump.Options{AfterRecord: flush})
		_ = pr.CloseWithError(err) // the relay goes on without being recorded
		decoded <- err
	}()
	err := playAll(ctx, record, o.For, res.Frames)
	_ = pw.Close()
	return res, errors.Join(err, <-decoded, record.err)
}

// recorder gives the capture to the decoder, and to whoever keeps it until that fails.
type recorder struct {
	pipe io.Writer
	save io.Writer
	err  error
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.save != nil && r.err == nil {
		if _, err := r.save.Write(p); err != nil {
			r.err = fmt.Errorf("the capture is not complete: %w", err)
		}
	}
	return r.pipe.Write(p)
}

// playAll runs the clock over each transport in turn, through a relay that is recorded.
func playAll(ctx context.Context, record io.Writer, d time.Duration, frames map[string]int) error {
	relay, err := startRelay(record)
	if err != nil {
		return err
	}
	for _, t := range Transports {
		n, playErr := play(ctx, t.Scheme, relay, d/time.Duration(len(Transports)))
		frames[t.Name] = n
		if playErr != nil && ctx.Err() == nil {
			err = fmt.Errorf("over %s: %w", t.Name, playErr)
			break
		}
	}
	return errors.Join(err, relay.close())
}

// relay is a server whose sessions share one origin.
type relay struct {
	listener *session.Listener
	origin   *model.OriginProducer
	stop     context.CancelFunc
	tasks    sync.WaitGroup
}

func startRelay(record io.Writer) (*relay, error) {
	l, err := session.Listen("127.0.0.1:0", session.WithCapture(record))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &relay{listener: l, origin: model.NewOrigin(), stop: stop}
	r.tasks.Go(func() {
		for {
			req, err := l.Accept(ctx)
			if err != nil {
				return
			}
			r.tasks.Go(func() { r.serve(ctx, req) })
		}
	})
	return r, nil
}

// serve runs one session, which sees the origin from its path on.
func (r *relay) serve(ctx context.Context, req *session.Request) {
	root, err := r.origin.WithRoot(req.Path())
	if err != nil {
		_ = req.Reject(err)
		return
	}
	defer func() { _ = root.Close() }()
	if s, err := req.Accept(session.WithOrigin(root)); err == nil {
		_ = s.Wait(ctx)
	}
}

func (r *relay) close() error {
	r.stop()
	err := r.listener.Close()
	r.tasks.Wait()
	return errors.Join(err, r.origin.Close())
}
