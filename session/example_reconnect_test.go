package session_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// serveAt is a server that lets everybody watch what an origin has.
func serveAt(addr string, published *model.OriginProducer) *session.Listener {
	l, err := session.Listen(addr)
	check(err)
	go func() {
		for {
			request, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			_, _ = request.Accept(session.WithPublish(published.Consume()))
		}
	}()
	return l
}

// A subscriber stays with its server across a restart of it, and its track goes on.
func ExampleReconnect() {
	published := model.NewOrigin()
	broadcast, err := published.CreateBroadcast("room/alice", model.Route{})
	check(err)
	track, err := broadcast.CreateTrack("chat", model.TrackInfo{})
	check(err)
	server := serveAt("127.0.0.1:0", published)
	addr := server.Addr().String()

	ctx, cancel := context.WithCancel(context.Background())
	received := model.NewOrigin(model.WithLinger(time.Minute)) // so that readers wait for the next session
	ended := make(chan error)
	go func() {
		ended <- session.Reconnect(ctx, "https://"+addr, session.WithInsecure(), session.WithConsume(received),
			session.WithBackoff(10*time.Millisecond, time.Second),
			session.WithStatus(func(s session.Status) {
				if s.State == session.Connected {
					fmt.Println("connected in", s.Session.Version())
				}
			}))
	}()
	alice, err := received.Consume().Announced(ctx, "room/alice")
	check(err)
	chat, err := alice.SubscribeTrack("chat", model.Subscription{})
	check(err)
	defer chat.Close()
	say := func(text string) {
		check(track.Used(ctx))
		check(track.WriteFrame(model.Frame{Payload: []byte(text)}))
		frame, err := chat.ReadFrame(ctx)
		check(err)
		fmt.Printf("%s\n", frame.Payload)
	}
	say("hello")
	check(server.Close())
	check(track.Unused(ctx))
	server = serveAt(addr, published)
	defer server.Close()
	say("hello again")

	cancel()
	fmt.Println(errors.Is(<-ended, context.Canceled))
	// Output:
	// connected in moq-lite-05
	// hello
	// connected in moq-lite-05
	// hello again
	// true
}
