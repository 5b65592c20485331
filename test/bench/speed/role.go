package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/quic-go/quic-go"
)

// play is what a process of the benchmark does.
func play(ctx context.Context, text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	c := newConsole()
	switch j.Role {
	case "publish":
		return publish(ctx, j, c)
	case "relay":
		return plainRelay(ctx, j, c)
	case "subscribe":
		return subscribe(ctx, j, c)
	default:
		return fmt.Errorf("unknown role %q", j.Role)
	}
}

func (j job) plain() bool { return slices.Contains([]string{"plain", "buffered"}, j.Contender) }

func openOutlet(ctx context.Context, j job, c *console) (outlet, error) {
	if !j.plain() {
		return newTrackOutlet(ctx, j, c)
	}
	out := &streams{buffered: j.Contender == "buffered", come: make(chan struct{}, 1), want: j.Subscribers}
	if j.Server != "" {
		conn, err := dialPlain(ctx, j, asPublisher)
		out.conns, out.want = []*quic.Conn{conn}, 1
		return out, err
	}
	listener, fingerprint, err := listenPlain()
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	c.say("listening", listener.Addr(), fingerprint)
	go func() {
		for {
			conn, err := listener.Accept(ctx)
			if err != nil || out.add(conn) != nil {
				return // a subscriber that does not come up is reported by its own process
			}
		}
	}()
	return out, nil
}

func openInlet(ctx context.Context, j job) (inlet, error) {
	if j.plain() {
		return newPlainInlet(ctx, j)
	}
	return newTrackInlet(ctx, j)
}
