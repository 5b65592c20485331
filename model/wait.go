package model

import (
	"context"
	"math/rand/v2"
	"slices"
)

// signal wakes everybody who waits for the next change of one object. The
// channel is made when somebody waits, so a writer without readers never
// allocates. The object's lock guards it.
type signal struct{ ch chan struct{} }

func (s *signal) wait() <-chan struct{} {
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) wake() {
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// crowd is a signal for an object that very many wait for at once. They are spread over several
// channels: on several processors, those who wake up and those who go to sleep do not all queue for
// the lock of one.
type crowd struct {
	asleep bool // somebody is
	doors  [8]signal
}

// door is where the next one is to wait.
func (c *crowd) door() *signal { return &c.doors[rand.Uint32()%uint32(len(c.doors))] }

func (c *crowd) wait(at *signal) <-chan struct{} {
	c.asleep = true
	return at.wait()
}

// take moves those who wait to a crowd of their own, to be woken when the lock is let go. They find it
// free then.
func (c *crowd) take() (woken crowd) {
	if c.asleep {
		woken, *c = *c, crowd{}
	}
	return woken
}

func (c *crowd) wake() {
	if !c.asleep {
		return
	}
	c.asleep = false
	for i := range c.doors {
		c.doors[i].wake()
	}
}

// fired is what a waiter gets for something that has already happened.
var fired = func() chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}()

// await calls try on c until it has a value or an error. try returns the channel
// to sleep on, taken under the same lock as its look at the state, so no change
// can fall between the look and the sleep. A value that is there wins over a
// context that has ended. (c and try are apart because a method value allocates.)
func await[C, T any](ctx context.Context, c C, try func(c C, block bool) (T, bool, <-chan struct{}, error)) (T, error) {
	for {
		v, ok, wait, err := try(c, true)
		if ok || err != nil {
			return v, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			var zero T
			return zero, ctx.Err()
		}
	}
}

// dropFront removes the n oldest elements. Short slices move down, to be used
// again; long ones are cut, so that a long queue costs nothing per element.
func dropFront[T any](s []T, n int) []T {
	if cap(s) <= 64 {
		return slices.Delete(s, 0, n)
	}
	clear(s[:n])
	return s[n:]
}
