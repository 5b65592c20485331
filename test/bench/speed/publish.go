package main

import (
	"context"
	"encoding/binary"
	"runtime"
	"strconv"
	"time"
)

// outlet is where a publisher's groups go.
type outlet interface {
	// ready waits until every subscriber is there.
	ready(ctx context.Context) error
	begin(ctx context.Context) (group, error)
	close() error
}

// group takes the frames of one group.
type group interface {
	// frame sends one frame, which is not changed any more. more says that the next follows at once.
	frame(payload []byte, more bool) error
	end() error
}

func publish(ctx context.Context, j job, c *console) error {
	out, err := openOutlet(ctx, j, c)
	if err != nil {
		return err
	}
	defer func() { _ = out.close() }()
	c.say("open")
	if _, err := c.hear("go"); err != nil {
		return err
	}
	if err := out.ready(ctx); err != nil {
		return err
	}
	taken := c.follow()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var r report
	start := time.Now()
	for time.Since(start) < j.For {
		if err := taken.await(r.Groups); err != nil {
			return err
		}
		if err := j.send(ctx, out); err != nil {
			return err
		}
		r.Groups++
	}
	r.Elapsed = time.Since(start)
	runtime.ReadMemStats(&after)
	r.Allocs = after.Mallocs - before.Mallocs
	r.Frames = r.Groups * uint64(j.Shape.Frames)
	r.Bytes = r.Frames * uint64(j.Shape.Size)
	if err := c.report(r); err != nil {
		return err
	}
	// What was written may be on its way still: the subscribers have the last word.
	for taken.done.Load() != ended {
		if _, ok := <-taken.moved; !ok {
			break
		}
	}
	return nil
}

// ended stands for "got everything".
const ended = 1<<64 - 1

func endedText() string { return strconv.FormatUint(ended, 10) }

// send publishes one group. Frames start with the time at which they were sent.
func (j job) send(ctx context.Context, out outlet) error {
	g, err := out.begin(ctx)
	if err != nil {
		return err
	}
	for i := range j.Shape.Frames {
		payload := make([]byte, j.Shape.Size)
		binary.BigEndian.PutUint64(payload, uint64(time.Now().UnixNano()))
		if err := g.frame(payload, j.Every == 0 && i+1 < j.Shape.Frames); err != nil {
			return err
		}
		if j.Every > 0 {
			time.Sleep(j.Every)
		}
	}
	return g.end()
}
