package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

var (
	contenders = []string{"plain", "buffered", "quic", "webtransport"}
	shapes     = []shape{{30, 1200}, {1, 64 << 10}}
	courses    = []course{{false, 1}, {false, 50}, {true, 1}, {true, 50}}
)

// config is what the flags say.
type config struct {
	duration time.Duration
	rounds   int
	only     string
}

func main() {
	var c config
	flag.DurationVar(&c.duration, "for", 2*time.Second, "how long each contender publishes")
	flag.IntVar(&c.rounds, "rounds", 3, "how often each one does")
	flag.StringVar(&c.only, "only", "", "run the rows whose `title` contains this")
	role := flag.String("role", "", "what a process of the benchmark is told to do (for its own use)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *role != "" {
		err = play(ctx, *role)
	} else {
		err = c.compare()
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}

// compare runs everything and prints the tables.
func (c config) compare() error {
	folder, err := os.MkdirTemp("", "speed")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	r := runner{relay: filepath.Join(folder, "relay")}
	if out, err := exec.Command("go", "build", "-o", r.relay, "github.com/moqrx/moqrx/examples/relay").CombinedOutput(); err != nil {
		return fmt.Errorf("build examples/relay: %w: %s", err, out)
	}
	lost := int64(0)
	for _, every := range []time.Duration{0, time.Second / 30} {
		for _, s := range shapes {
			for _, course := range courses {
				j := job{Shape: s, For: c.duration, Every: every}
				title := fmt.Sprintf("%s, %s, %s", course, s, pace(every))
				if every > 0 && s.Frames == 1 || !strings.Contains(title, c.only) {
					continue
				}
				rows, err := c.rows(r, j, course)
				if err != nil {
					return fmt.Errorf("%s: %w", title, err)
				}
				lost += printTable(title, j, rows)
			}
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d groups were lost", lost)
	}
	return nil
}

func pace(every time.Duration) string {
	if every == 0 {
		return "as fast as it goes"
	}
	return fmt.Sprintf("%d frames/s", time.Second/every)
}

// rows runs the contenders in turn, so that each round meets the same machine.
func (c config) rows(r runner, j job, course course) (map[string][]outcome, error) {
	rows := map[string][]outcome{}
	for range c.rounds {
		for _, name := range contenders {
			j.Contender = name
			o, err := r.run(j, course)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			o.lost = int64(o.published.Groups)*int64(course.subscribers) - int64(o.received.Groups)
			rows[name] = append(rows[name], o)
		}
	}
	return rows, nil
}
