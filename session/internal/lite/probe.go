package lite

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/bandwidth"
)

// probing is what a session knows of its bandwidth, and what it tells and hears of it.
type probing struct {
	measure func() bandwidth.Measured // nil: nothing is ever known
	send    *model.BandwidthProducer  // what we measure
	recv    *model.BandwidthProducer  // what the peer reports
	streams atomic.Int32              // PROBE streams of the peer that are open
}

func newProbing(measure func() bandwidth.Measured) *probing {
	return &probing{measure: measure, send: model.NewBandwidth(), recv: model.NewBandwidth()}
}

// SendBandwidth reads what the connection is estimated to carry to the peer: what
// Config.Measure says, every 100 ms while there is a reader. It is the caller's to close,
// unknown until Run, and at its end with the session.
func (e *Engine) SendBandwidth() *model.BandwidthConsumer { return e.probing.send.Consume() }

// RecvBandwidth reads what the peer reports that the connection carries to us. The peer is asked
// while there is a reader. It is at its end with the session, and before that, unknown again, where
// the version or the peer has no reports.
func (e *Engine) RecvBandwidth() *model.BandwidthConsumer { return e.probing.recv.Consume() }

func (e *Engine) startProbing(ctx context.Context) {
	p := e.probing
	if p.measure == nil {
		_ = p.send.Close() // never fails
	} else {
		e.tasks.Go(func() {
			bandwidth.Sample(ctx, p.send, func() model.Bitrate { return p.measure().Bitrate })
		})
	}
	if !e.dialect.probe {
		_ = p.recv.Close()
		return
	}
	e.tasks.Go(func() {
		defer p.recv.Close()
		e.askReports(ctx)
	})
}

// askReports keeps a PROBE stream open while somebody reads what comes on it. Once the peer has
// ended one, there will be no more.
func (e *Engine) askReports(ctx context.Context) {
	for e.probing.recv.Used(ctx) == nil {
		if !e.offersReports(ctx) {
			return
		}
		err := e.readReports(ctx)
		if ctx.Err() != nil || lost(err) {
			return // the last value stays
		}
		// Nobody tells what becomes of it from here on.
		_ = e.probing.recv.Set(model.Bitrate{}) // fails only after Close
		if err != nil {
			e.log.Debug("no more reports of the bandwidth", "error", err)
			return
		}
	}
}

// offersReports waits for the peer's SETUP and tells whether it is worth asking. Versions without
// SETUP leave that open.
func (e *Engine) offersReports(ctx context.Context) bool {
	if !e.dialect.setup {
		return true
	}
	select {
	case <-e.declared:
		return bandwidth.ParseLevel(e.Peer().Probe) >= bandwidth.Report
	case <-ctx.Done():
		return false
	}
}

// readReports opens a PROBE stream and takes what comes, until nobody reads it any more: that is
// nil.
func (e *Engine) readReports(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The peer takes the end of our half, and any byte on it, for our leave.
	s, err := e.ask(ctx, genlite.BidiProbe)
	if err != nil {
		return err
	}
	e.tasks.Go(func() {
		if e.probing.recv.Unused(ctx) == nil {
			cancel(errUnsubscribed)
		}
	})
	stop := context.AfterFunc(ctx, func() { s.Stop(uint64(model.CodeCancel)) })
	defer stop()
	for r := newReader(s, e.dialect.version); ; {
		var m genlite.Probe
		if err = r.message(&m); err != nil {
			break
		}
		v := model.Bitrate{}
		if m.Bitrate > 0 {
			v = model.BitsPerSecond(m.Bitrate)
		}
		_ = e.probing.recv.Set(v) // fails only after Close
	}
	if errors.Is(context.Cause(ctx), errUnsubscribed) {
		_ = s.Close() // fails only when the stream is over already
		return nil
	}
	refuse(s, codeOf(ctx, err))
	if errors.Is(err, io.EOF) {
		return errors.New("the peer has ended the stream")
	}
	return modelError(ctx, err)
}

// maxProbes is how many PROBE streams of a peer are served: all would say the same.
const maxProbes = 4

// probe answers a PROBE stream with reports of what we measure, until the peer leaves.
func (p *publisher) probe(ctx context.Context, s stream, r *reader) error {
	if p.probing.measure == nil {
		return nil // ending the stream at once is how deployed peers say so
	}
	defer p.probing.streams.Add(-1)
	if p.probing.streams.Add(1) > maxProbes {
		return failure(model.CodeBoundsExceeded, "more than %d PROBE streams", maxProbes)
	}
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	p.tasks.Go(func() {
		// The peer keeps its half open and silent.
		err := r.fill(1)
		if err == nil {
			err = failure(model.CodeDecode, "something follows the type of a PROBE stream")
		}
		leave(modelError(ctx, err)) // before the reset, which ends the stream for a reason of its own
		s.Reset(codeOf(ctx, err))   // a write that flow control holds back does not look at ctx
	})
	stop := context.AfterFunc(s.Context(), func() { leave(model.ErrCancel) })
	defer stop()
	return p.report(ctx, s)
}

// report sends a report whenever one is due.
func (p *publisher) report(ctx context.Context, s stream) error {
	reporter := bandwidth.Reporter{BitrateOnly: !p.dialect.probeRTT}
	ticker := time.NewTicker(bandwidth.Interval)
	defer ticker.Stop()
	for {
		if m, due := reporter.Next(time.Now(), p.probing.measure()); due {
			if err := p.send(s, &genlite.Probe{Bitrate: m.Bitrate, RTT: m.RTT}); err != nil {
				return modelError(ctx, err)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
