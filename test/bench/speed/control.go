package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// job is what a process is told to do.
type job struct {
	Role        string // publish, relay or subscribe
	Contender   string
	Shape       shape
	Subscribers int
	For         time.Duration // of publishing
	Every       time.Duration // between frames; 0 is as fast as they are taken
	Server      string        // whom to dial; empty is to listen
	Fingerprint string        // of the server's certificate, in hex
}

// shape is the form of every group.
type shape struct {
	Frames int
	Size   int // of each frame, in bytes
}

func (s shape) String() string {
	if s.Size%1024 == 0 {
		return fmt.Sprintf("%d x %d KiB", s.Frames, s.Size/1024)
	}
	return fmt.Sprintf("%d x %d B", s.Frames, s.Size)
}

// report is what a process says at its end.
type report struct {
	Groups  uint64 // published, or received by all subscribers together
	Frames  uint64
	Bytes   uint64
	Elapsed time.Duration
	Allocs  uint64
	Delays  []time.Duration // of frames, when they are sent at a pace
}

// window is how many groups the publisher may be ahead of the slowest subscriber.
const window = 64

// console is the pipe to the parent: lines of a word and its arguments.
type console struct {
	in *bufio.Scanner
	mu sync.Mutex
}

func newConsole() *console {
	in := bufio.NewScanner(os.Stdin)
	return &console{in: in}
}

func (c *console) say(words ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = fmt.Fprintln(os.Stdout, words...) // a parent that is gone ends the process through stdin
}

func (c *console) report(r report) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	c.say("report", string(text))
	return nil
}

// hear waits for a line that starts with a word and returns its argument.
func (c *console) hear(word string) (string, error) {
	for c.in.Scan() {
		if head, rest, _ := strings.Cut(c.in.Text(), " "); head == word {
			return rest, nil
		}
	}
	return "", fmt.Errorf("waiting for %q: %w", word, errGone)
}

var errGone = errors.New("the parent is gone")

// progress counts groups that are through, as one side tells the other by way of the parent.
type progress struct {
	done  atomic.Uint64
	moved chan struct{} // poked, and closed when the parent is gone
}

// follow reads "got N" lines until the input ends.
func (c *console) follow() *progress {
	p := &progress{moved: make(chan struct{}, 1)}
	go func() {
		defer close(p.moved)
		for {
			text, err := c.hear("got")
			n, bad := strconv.ParseUint(text, 10, 64)
			if err != nil || bad != nil {
				return
			}
			p.done.Store(n)
			select {
			case p.moved <- struct{}{}:
			default:
			}
		}
	}()
	return p
}

// await blocks until group n may be sent.
func (p *progress) await(n uint64) error {
	stalled := time.NewTimer(30 * time.Second)
	defer stalled.Stop()
	for p.done.Load()+window <= n {
		select {
		case _, ok := <-p.moved:
			if !ok {
				return errGone
			}
		case <-stalled.C:
			return fmt.Errorf("no subscriber has taken a group for 30 s after %d of %d", p.done.Load(), n)
		}
	}
	return nil
}
