package lite

import (
	"context"
	"errors"
	"io"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/internal/bandwidth"
	"github.com/moqrx/moqrx/session/transport"
)

// sinceVersion is forEachVersion from one on.
func sinceVersion(t *testing.T, first genlite.Version, f func(t *testing.T, v genlite.Version)) {
	t.Helper()
	forEachVersion(t, func(t *testing.T, v genlite.Version) {
		if v >= first {
			f(t, v)
		}
	})
}

// noSetup keeps the peer from sending SETUP by itself.
func noSetup(c *rigConfig) { c.setup = "" }

// gauge is a transport that measures what a test sets.
type gauge struct {
	atomic.Pointer[bandwidth.Measured]
}

func (g *gauge) set(bits uint64, rtt time.Duration) {
	m := bandwidth.Measured{RTT: rtt}
	if bits != 0 {
		m.Bitrate = model.BitsPerSecond(bits)
	}
	g.Store(&m)
}

func (g *gauge) measure() bandwidth.Measured {
	if m := g.Load(); m != nil {
		return *m
	}
	return bandwidth.Measured{}
}

func measuring(g *gauge) func(*rigConfig) { return func(c *rigConfig) { c.Measure = g.measure } }

// reports reads a PROBE stream in the background.
func reports(v genlite.Version, s transport.Stream) <-chan genlite.Probe {
	all := make(chan genlite.Probe, 100)
	go func() {
		defer close(all)
		r := newReader(s, v)
		for {
			var m genlite.Probe
			if r.message(&m) != nil {
				return
			}
			all <- m
		}
	}()
	return all
}

// wantReports lets some time pass, and compares what has come.
func wantReports(t *testing.T, all <-chan genlite.Probe, pass time.Duration, want ...genlite.Probe) {
	t.Helper()
	time.Sleep(pass)
	synctest.Wait()
	var got []genlite.Probe
	for len(all) > 0 {
		got = append(got, <-all)
	}
	if len(got) != len(want) {
		t.Fatalf("reports %+v, want %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("report %+v, want %+v", got[i], want[i])
		}
	}
}

func TestReportsOfTheBandwidth(t *testing.T) {
	const ms = time.Millisecond
	sinceVersion(t, genlite.Version03, func(t *testing.T, v genlite.Version) {
		rtt := func(n uint64) uint64 { // which moq-lite-03 does not carry
			if v == genlite.Version03 {
				return 0
			}
			return n
		}
		g := &gauge{}
		r := newRig(t, v, measuring(g))
		s := r.bidi(genlite.BidiProbe)
		all := reports(v, s)
		wantReports(t, all, time.Second) // nothing is known
		g.set(1000, 30*ms)
		wantReports(t, all, bandwidth.Interval, genlite.Probe{Bitrate: 1000, RTT: rtt(30)})
		g.set(1100, 30*ms)
		wantReports(t, all, bandwidth.Interval)
		g.set(1300, 30*ms)
		wantReports(t, all, bandwidth.Interval, genlite.Probe{Bitrate: 1300, RTT: rtt(30)})
		// A round-trip time that nobody knows any more is no news by itself.
		g.set(1300, 0)
		wantReports(t, all, 9*time.Second)
		wantReports(t, all, time.Second, genlite.Probe{Bitrate: 1300})
		g.set(math.MaxUint64, 0)
		wantReports(t, all, bandwidth.Interval, genlite.Probe{Bitrate: 1<<62 - 1})
		g.set(0, 0)
		wantReports(t, all, time.Minute, genlite.Probe{}) // taken back once
		must(t, s.Close())
		if _, more := <-all; more {
			t.Error("a report after the peer has left")
		}
		r.works()
	})
}

func TestProbeStreamsOfAPeer(t *testing.T) {
	sinceVersion(t, genlite.Version03, func(t *testing.T, v genlite.Version) {
		g := &gauge{}
		g.set(1000, 0)
		r := newRig(t, v, measuring(g))
		s := r.bidi(genlite.BidiProbe)
		synctest.Wait()
		_, err := s.Write([]byte{0})
		must(t, err)
		wantStop(t, s, uint64(model.CodeDecode))
		for range maxProbes {
			r.bidi(genlite.BidiProbe)
		}
		synctest.Wait()
		wantEnd(t, r.bidi(genlite.BidiProbe), int(model.CodeBoundsExceeded))
		r.works()
	})
}

// probed accepts the PROBE stream of the engine.
func (r *rig) probed() (transport.Stream, *reader) {
	r.t.Helper()
	s, err := r.peer.AcceptBidi(r.t.Context())
	must(r.t, err)
	in := newReader(s, r.v)
	if kind, err := in.bidiType(); err != nil || kind != genlite.BidiProbe {
		r.t.Fatalf("a %v stream, %v", kind, err)
	}
	return s, in
}

// declare sends a SETUP with a level of probing, where the version has one.
func (r *rig) declare(level string) {
	r.t.Helper()
	if r.v >= genlite.Version05 {
		must(r.t, r.uni(unhex(r.t, "01 04 01 01 01 "+level)).Close())
	}
}

func changed(t *testing.T, c *model.BandwidthConsumer, want model.Bitrate) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if v, err := c.Changed(ctx); err != nil || v != want {
		t.Fatalf("bandwidth %v, %v; want %v", v, err, want)
	}
}

func TestBandwidthThatThePeerReports(t *testing.T) {
	sinceVersion(t, genlite.Version03, func(t *testing.T, v genlite.Version) {
		r := newRig(t, v, noSetup)
		synctest.Wait() // nobody reads: nobody asks
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := r.peer.AcceptBidi(ctx); err == nil {
			t.Fatal("the peer is asked for nobody")
		}
		c := r.engine.RecvBandwidth()
		r.declare("07") // an unknown level is the highest that is known
		s, in := r.probed()
		r.write(s, &genlite.Probe{Bitrate: 5000, RTT: 0})
		changed(t, c, model.BitsPerSecond(5000))
		r.write(s, &genlite.Probe{})
		changed(t, c, model.Bitrate{})
		r.write(s, &genlite.Probe{Bitrate: 1})
		changed(t, c, model.BitsPerSecond(1))
		synctest.Wait()
		if in.end != in.start {
			t.Error("the engine wrote on the stream")
		}

		// The last reader leaves, and another one comes.
		must(t, c.Close())
		if err := in.fill(1); !errors.Is(err, io.EOF) {
			t.Errorf("the engine left with %v", err)
		}
		_ = s.Close()
		synctest.Wait()
		c = r.engine.RecvBandwidth()
		if v := c.Peek(); v.Known {
			t.Errorf("%v is what nobody says any more", v)
		}
		s, _ = r.probed()
		r.write(s, &genlite.Probe{Bitrate: 7})
		changed(t, c, model.BitsPerSecond(7))

		// The peer has enough.
		_ = s.Close()
		changed(t, c, model.Bitrate{})
		if _, err := c.Changed(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
		r.works()
	})
}

func TestNobodyAsksAPeerThatMeasuresNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05)
		c := r.engine.RecvBandwidth()
		r.declare("00")
		if _, err := c.Changed(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("the bandwidth of a peer that measures nothing: %v", err)
		}
	})
}

func TestBandwidthEndsWithTheSession(t *testing.T) {
	sinceVersion(t, genlite.Version03, func(t *testing.T, v genlite.Version) {
		g := &gauge{}
		g.set(9000, 0)
		r := newRig(t, v, measuring(g), noSetup)
		send, recv := r.engine.SendBandwidth(), r.engine.RecvBandwidth()
		changed(t, send, model.BitsPerSecond(9000))
		g.set(8000, 0)
		changed(t, send, model.BitsPerSecond(8000))
		r.declare("01")
		s, _ := r.probed()
		r.write(s, &genlite.Probe{Bitrate: 5000})
		changed(t, recv, model.BitsPerSecond(5000))
		r.cancel(context.Canceled)
		_ = r.ended()
		for name, c := range map[string]*model.BandwidthConsumer{"send": send, "recv": recv} {
			if v, err := c.Changed(t.Context()); !errors.Is(err, io.EOF) || !c.Peek().Known {
				t.Errorf("%s: %v, %v, last %v", name, v, err, c.Peek())
			}
		}
	})
}

func TestProbeLevelInSetup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, genlite.Version05, func(c *rigConfig) { c.Probe = uint64(bandwidth.Report) })
		s, err := r.peer.AcceptUni(t.Context())
		must(t, err)
		wantBytes(t, s, "01 08 02 01 01 01 05 02 6222")
	})
}
