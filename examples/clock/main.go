// Clock publishes the time, or prints the time that another clock publishes.
//
//	clock publish https://127.0.0.1:4443/demo -insecure
//	clock subscribe moqt://127.0.0.1:4443/demo -insecure
//
// The broadcast is "clock" and has one track, "seconds": a group for every minute, a frame for
// every second. Who joins late gets the open group from its start: the minute so far.
package main

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"time"

	"github.com/moqrx/moqrx/examples/internal/cli"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/rx"
	"github.com/moqrx/moqrx/session"
)

func main() { cli.Main("clock", run) }

func run(ctx context.Context, args []string) error {
	var opts []session.Option
	flags := flag.NewFlagSet("clock publish|subscribe URL", flag.ContinueOnError)
	count := flags.Int("count", 1e9, "end after `n` seconds")
	cli.TrustFlags(flags, &opts)
	cli.VersionsFlag(flags, &opts)
	words, err := cli.Parse(flags, args)
	if err != nil {
		return err
	}
	commands := map[string]command{"publish": publish, "subscribe": subscribe}
	if len(words) != 2 || commands[words[0]] == nil {
		return cli.Usage("want publish URL or subscribe URL, not %q", words)
	}
	return with(ctx, words[1], opts, *count, commands[words[0]])
}

type command func(ctx context.Context, origin *model.OriginProducer, count int) error

// with runs the command on an origin that a session shares with the other end of the URL.
func with(ctx context.Context, url string, opts []session.Option, count int, command command) error {
	origin := model.NewOrigin()
	defer origin.Close()
	s, err := session.Dial(ctx, url, append(opts, session.WithOrigin(origin))...)
	if err != nil {
		return err
	}
	defer s.Close()
	running, cancel := context.WithCancelCause(ctx)
	go func() {
		<-s.Done()
		cancel(fmt.Errorf("the session with %s is over: %w", url, s.Err()))
	}()
	err = command(running, origin, count)
	switch {
	case running.Err() != nil:
		return context.Cause(running)
	case err != nil:
		return err
	}
	return s.Shutdown(ctx) // who has subscribed gets everything first
}

// publish makes the broadcast and writes its track.
func publish(ctx context.Context, origin *model.OriginProducer, count int) error {
	broadcast := model.NewBroadcast(model.Route{})
	defer broadcast.Close()
	track, err := broadcast.CreateTrack("seconds", model.TrackInfo{})
	if err != nil {
		return err
	}
	defer track.Close()
	if err := origin.PublishBroadcast("clock", broadcast.Consume()); err != nil {
		return err
	}
	return rx.Publish(ctx, track, rx.NewStream(seconds).Take(count).Observable())
}

// seconds yields a frame now and after every second, in a group for every minute.
func seconds(ctx context.Context) iter.Seq2[rx.Frame, error] {
	return func(yield func(rx.Frame, error) bool) {
		now, tick := time.Now(), time.Tick(time.Second)
		for yield(rx.Frame{Group: uint64(now.Unix() / 60), Payload: []byte(now.Format(time.DateTime))}, nil) {
			select {
			case now = <-tick:
			case <-ctx.Done():
				yield(rx.Frame{}, ctx.Err())
				return
			}
		}
	}
}

// subscribe waits for the broadcast and prints its track.
func subscribe(ctx context.Context, origin *model.OriginProducer, count int) error {
	broadcast, err := origin.Consume().Announced(ctx, "clock")
	if err != nil {
		return err
	}
	defer broadcast.Close()
	track, err := broadcast.SubscribeTrack("seconds", model.Subscription{})
	if err != nil {
		return err
	}
	defer track.Close()
	for frame, err := range rx.Frames(track).Take(count).All(ctx) {
		if err != nil {
			return err
		}
		fmt.Printf("%s (group %d, frame %d)\n", frame.Payload, frame.Group, frame.Index)
	}
	return nil
}
