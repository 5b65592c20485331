package stats

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/moqrx/moqrx/model"
)

const (
	// DefaultPrefix is where statistics are published when the configuration does not say.
	DefaultPrefix model.Path = ".stats"
	// DefaultInterval is the time between two frames when the configuration does not say.
	DefaultInterval = time.Second
)

// Config says what an aggregator publishes and where. Paths are normalised.
type Config struct {
	Origin   *model.OriginProducer // nil: nothing is counted; the aggregator uses a clone
	Prefix   model.Path            // relative to the origin's root; default DefaultPrefix
	Node     model.Path            // tells hosts apart, any number of components; may be empty
	Interval time.Duration         // between two frames of a track; default DefaultInterval
	Depth    int                   // leading components of a path that choose its broadcast
	Exclude  []model.Path          // not counted, nor what is below; Prefix always is among them
	Logger   *slog.Logger          // what could not be published; nil: nothing is logged
}

// withDefaults fills in what is unset and refuses what cannot be.
func (c Config) withDefaults() (Config, error) {
	if c.Depth < 0 || c.Interval < 0 {
		return c, fmt.Errorf("statistics: depth %d, interval %v: negative: %w", c.Depth, c.Interval, model.ErrBoundsExceeded)
	}
	c.Prefix, c.Node = model.NewPath(c.Prefix.String()), model.NewPath(c.Node.String())
	if c.Prefix.IsEmpty() {
		c.Prefix = DefaultPrefix
	}
	if c.Interval == 0 {
		c.Interval = DefaultInterval
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// excluded is what is not counted: counting the statistics themselves would change them
// with every frame.
func (c Config) excluded() model.PathPrefixes {
	return model.NewPathPrefixes(append([]model.Path{c.Origin.Root().Join(c.Prefix)}, c.Exclude...)...)
}

// Stats is the aggregator of a process. A nil one counts nothing.
type Stats struct {
	registry *registry // nil when disabled
	interval time.Duration
	publish  *publisher
	stop     chan struct{}
	stopped  chan struct{}
	closing  sync.Once
}

// New returns an aggregator that counts and publishes until Close; nil, which is a
// no-op, when there is no origin. With a depth of 0 the broadcast is announced, and has
// its first frames, when New returns. The errors of [model.OriginProducer.CreateBroadcast]
// when the origin does not take it, ErrBoundsExceeded for a negative depth or interval.
func New(c Config) (*Stats, error) {
	if c.Origin == nil {
		return nil, nil
	}
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Stats{
		registry: newRegistry(c.excluded()),
		interval: c.Interval,
		publish:  newPublisher(c),
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	if err := s.publish.start(); err != nil {
		return nil, err
	}
	go s.run()
	return s, nil
}

// run publishes until Close, and then what has not been told yet.
func (s *Stats) run() {
	defer close(s.stopped)
	tick(s.interval, s.stop, func() { s.emit(false) })
	s.emit(true)
	s.publish.close()
}

func (s *Stats) emit(last bool) { s.publish.emit(s.registry.collect(s.publish.depth, last)) }

// tick calls f after every interval until stop. When f takes longer, the ticks that were
// missed are left out and the next ones come an interval apart again.
func tick(interval time.Duration, stop <-chan struct{}, f func()) {
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-timer.C:
			timer.Reset(interval)
			f()
		}
	}
}

// Close publishes what has not been told yet, ends the broadcasts and waits for the
// goroutine. What is counted from then on is lost; guards may be closed in any order.
// Repeating it is harmless.
func (s *Stats) Close() {
	if s == nil || s.registry == nil {
		return
	}
	s.closing.Do(func() { close(s.stop) })
	<-s.stopped
}

// Handle returns what a session of this tier counts with.
func (s *Stats) Handle(t Tier) Handle {
	if s == nil || s.registry == nil {
		return Handle{}
	}
	return Handle{s.registry, t}
}

// Tier tells apart sessions that are counted separately. Any value but Internal is External.
type Tier uint8

// The tiers: sessions with the outside, and those between the hosts of one cluster.
const (
	External Tier = iota
	Internal
)

const tiers = 2

// String returns "external" or "internal".
func (t Tier) String() string { return [tiers]string{"external", "internal"}[t.index()] }

func (t Tier) index() int {
	if t == Internal {
		return 1
	}
	return 0
}

// Role is a side of a broadcast. Any value but Subscriber is Publisher.
type Role uint8

// The roles: Publisher is egress, what is served to peers, Subscriber is ingress.
const (
	Publisher Role = iota
	Subscriber
)

const roles = 2

// String returns "publisher" or "subscriber".
func (r Role) String() string { return [roles]string{"publisher", "subscriber"}[r.index()] }

func (r Role) index() int {
	if r == Subscriber {
		return 1
	}
	return 0
}

// TrafficTrack returns the name of the track with the [Traffic] of one tier and role.
func TrafficTrack(t Tier, r Role) string { return t.track(r.String() + ".json") }

// SessionsTrack returns the name of the track with the [Sessions] of one tier.
func SessionsTrack(t Tier) string { return t.track("sessions.json") }

func (t Tier) track(name string) string {
	if t == Internal {
		return "internal/" + name
	}
	return name
}
