package link

import (
	"math/rand/v2"
	"sync"
	"time"
)

// headers is what IPv4 and UDP add to a datagram.
const headers = 28

// defaultQueue is how long the default queue takes to drain.
const defaultQueue = 100 * time.Millisecond

// shaper says for one direction what becomes of each datagram.
type shaper struct {
	config Config

	mu    sync.Mutex
	rand  *rand.Rand
	free  time.Time // when the line has sent what was admitted
	down  bool
	count int // datagrams since the last one that is the first of so many
	lost  int // which of so many is lost
	stats Stats
}

func newShaper(c Config, direction uint64) *shaper {
	if c.Queue == 0 {
		c.Queue = int(float64(c.Bandwidth) / 8 * defaultQueue.Seconds())
	}
	return &shaper{config: c, rand: rand.New(rand.NewPCG(c.Seed, direction))} //nolint:gosec // repeatable on purpose
}

// admit returns when a datagram of n bytes that comes now arrives at the other end, or false.
func (s *shaper) admit(now time.Time, n int) (arrives time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		s.stats.Lost++
		return time.Time{}, false
	}
	n += headers
	start := now
	if s.free.After(now) {
		start = s.free
	}
	if c := s.config; c.Bandwidth > 0 {
		if waiting := start.Sub(now).Seconds() * float64(c.Bandwidth) / 8; waiting > 0 && waiting+float64(n) > float64(c.Queue) {
			s.stats.Dropped++
			return time.Time{}, false
		}
		start = start.Add(time.Duration(float64(n) * 8 / float64(c.Bandwidth) * float64(time.Second)))
		s.free = start
	}
	if s.loses() {
		s.stats.Lost++
		return time.Time{}, false
	}
	s.stats.Passed++
	s.stats.Bytes += uint64(n) //nolint:gosec // not negative
	return start.Add(s.config.Delay), true
}

// loses says whether the next datagram is lost.
func (s *shaper) loses() bool {
	if !s.config.Even || s.config.Loss <= 0 {
		return s.rand.Float64() < s.config.Loss
	}
	of := max(1, int(1/s.config.Loss))
	if s.count%of == 0 {
		s.count, s.lost = 0, s.rand.IntN(of)
	}
	s.count++
	return s.count-1 == s.lost
}

func (s *shaper) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *shaper) read() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}
