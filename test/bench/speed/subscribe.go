package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// inlet is what one subscriber gets.
type inlet interface {
	// receive takes one whole group and calls frame for each of its frames, in order. It may be called again
	// before it has returned, where the groups come in at the same time.
	receive(ctx context.Context, frame func(payload []byte)) error
	close() error
}

// tally counts what all subscribers got.
type tally struct {
	job     job
	groups  []atomic.Uint64 // of each subscriber
	frames  atomic.Uint64
	bytes   atomic.Uint64
	moved   chan struct{}
	mu      sync.Mutex
	delays  []time.Duration
	failure error
	first   time.Time // when the first frame came
	last    time.Time // when the last group was whole
}

func subscribe(ctx context.Context, j job, c *console) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &tally{job: j, groups: make([]atomic.Uint64, j.Subscribers), moved: make(chan struct{}, 1)}
	var inlets []inlet
	defer func() {
		for _, in := range inlets {
			_ = in.close()
		}
	}()
	for range j.Subscribers {
		in, err := openInlet(ctx, j)
		if err != nil {
			return err
		}
		inlets = append(inlets, in)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i, in := range inlets {
		go t.read(ctx, i, in)
	}
	c.say("open")
	total := make(chan uint64, 1)
	go func() {
		text, _ := c.hear("total")
		n, _ := strconv.ParseUint(text, 10, 64)
		total <- n
	}()
	t.follow(c, total)
	runtime.ReadMemStats(&after)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failure != nil {
		return t.failure
	}
	r := report{
		Frames: t.frames.Load(), Bytes: t.bytes.Load(), Delays: t.delays,
		Elapsed: t.last.Sub(t.first), Allocs: after.Mallocs - before.Mallocs,
	}
	for i := range t.groups {
		r.Groups += t.groups[i].Load()
	}
	return c.report(r)
}

// read takes the groups of one subscriber until ctx ends.
func (t *tally) read(ctx context.Context, i int, in inlet) {
	for {
		err := in.receive(ctx, t.frame)
		if ctx.Err() != nil {
			return
		}
		t.mu.Lock()
		if err != nil {
			t.failure = fmt.Errorf("subscriber %d after %d groups: %w", i, t.groups[i].Load(), err)
		}
		t.last = time.Now()
		t.mu.Unlock()
		t.groups[i].Add(1)
		select {
		case t.moved <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (t *tally) frame(payload []byte) {
	if t.frames.Add(1) == 1 {
		t.mu.Lock()
		t.first = time.Now()
		t.mu.Unlock()
	}
	t.bytes.Add(uint64(len(payload)))
	if t.job.Every > 0 {
		sent := time.Unix(0, int64(binary.BigEndian.Uint64(payload)))
		t.mu.Lock()
		t.delays = append(t.delays, time.Since(sent))
		t.mu.Unlock()
	}
}

// follow tells the publisher how far the slowest is, until everybody has everything or nothing comes
// any more.
func (t *tally) follow(c *console, total <-chan uint64) {
	want, told := uint64(ended), uint64(0)
	quiet := 10 * time.Second
	idle := time.NewTimer(time.Hour)
	for {
		slowest := t.groups[0].Load()
		for i := range t.groups {
			slowest = min(slowest, t.groups[i].Load())
		}
		if slowest >= want || t.failed() {
			return
		}
		if slowest >= told+8 {
			told = slowest
			c.say("got", told)
		}
		select {
		case <-t.moved:
			if want != ended {
				idle.Reset(quiet)
			}
		case want = <-total:
			idle.Reset(quiet)
		case <-idle.C:
			return
		}
	}
}

func (t *tally) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failure != nil
}
