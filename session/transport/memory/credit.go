package memory

import (
	"slices"
	"sync"
)

// credit is how much one end may still send on all its streams together. Writers that wait for it
// are served in the order in which they came.
type credit struct {
	window int

	mu      sync.Mutex
	left    int
	owed    int // given back, but less than a quarter of the window
	waiting []*pipe
}

// take returns how much of n bytes p may send. When it is nothing, p is woken as soon as that changes.
func (c *credit) take(p *pipe, n int) int {
	if n == 0 {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 {
		if !slices.Contains(c.waiting, p) {
			c.waiting = append(c.waiting, p)
		}
		return 0
	}
	n = min(n, c.left)
	c.left -= n
	c.leave(p)
	return n
}

// give returns n bytes that the other end has read or discarded.
func (c *credit) give(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owed += n; c.owed >= c.window/4 {
		c.left += c.owed
		c.owed = 0
		c.wakeFirst()
	}
}

// done takes p out of the queue.
func (c *credit) done(p *pipe) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave(p)
}

func (c *credit) leave(p *pipe) {
	if i := slices.Index(c.waiting, p); i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
	}
	c.wakeFirst()
}

func (c *credit) wakeFirst() {
	if c.left > 0 && len(c.waiting) > 0 {
		wake(c.waiting[0].writable)
	}
}
