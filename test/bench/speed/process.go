package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one role at work, as the parent sees it.
type process struct {
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	err   strings.Builder
	peer  *process // who is told the lines with "got"
	mu    sync.Mutex
}

func startRole(j job) (*process, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(j.Role, self, "-role", string(text))
}

func start(name, path string, args ...string) (*process, error) {
	p := &process{name: name, cmd: exec.Command(path, args...)}
	p.cmd.Stderr = &p.err
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.lines = in, bufio.NewScanner(out)
	p.lines.Buffer(nil, 64<<20) // a report has a number for each frame
	return p, p.cmd.Start()
}

func (p *process) tell(words ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintln(p.in, words...) // a process that is gone is reported where it is waited for
}

// expect waits for a line that starts with a word and returns the rest. Lines with "got" are passed on.
func (p *process) expect(word string) (string, error) {
	for p.lines.Scan() {
		head, rest, _ := strings.Cut(p.lines.Text(), " ")
		switch {
		case head == word:
			return rest, nil
		case head == "got" && p.peer != nil:
			p.peer.tell("got", rest)
		}
	}
	_ = p.cmd.Wait() // what it wrote to stderr says more
	return "", fmt.Errorf("%s ended before it said %q: %s", p.name, word, p.err.String())
}

func (p *process) report() (r report, err error) {
	text, err := p.expect("report")
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(text), &r)
}

// usage is what a process took from the machine.
type usage struct {
	cpu time.Duration
	rss int64 // at its largest, in bytes
}

// end stops the process and says what it took.
func (p *process) end() (usage, error) {
	_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended by itself
	_ = p.in.Close()
	kill := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	for p.lines.Scan() { // the pipe must not hold it up
	}
	err := p.cmd.Wait()
	state := p.cmd.ProcessState
	if state == nil {
		return usage{}, fmt.Errorf("%s: %w", p.name, err)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return usage{}, fmt.Errorf("%s: %w: %s", p.name, err, p.err.String())
	}
	u := usage{cpu: state.UserTime() + state.SystemTime()}
	if r, ok := state.SysUsage().(*syscall.Rusage); ok {
		u.rss = r.Maxrss << 10
	}
	return u, nil
}
