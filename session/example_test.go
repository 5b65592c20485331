package session_test

import (
	"context"
	"fmt"
	"log"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// One end publishes a track, the other subscribes to it, over WebTransport on loopback.
func Example() {
	ctx := context.Background()
	published := model.NewOrigin()
	broadcast, err := published.CreateBroadcast("room/alice", model.Route{})
	check(err)
	track, err := broadcast.CreateTrack("chat", model.TrackInfo{})
	check(err)
	check(track.WriteFrame(model.Frame{Payload: []byte("hello")}))

	listener, err := session.Listen("127.0.0.1:0")
	check(err)
	defer listener.Close()
	go func() {
		request, err := listener.Accept(ctx)
		check(err)
		_, err = request.Accept(session.WithPublish(published.Consume()))
		check(err)
	}()

	received := model.NewOrigin()
	s, err := session.Dial(ctx, "https://"+listener.Addr().String()+"/anything",
		session.WithFingerprint(listener.CertificateSHA256()),
		session.WithConsume(received))
	check(err)
	defer s.Close()
	alice, err := received.Consume().Announced(ctx, "room/alice")
	check(err)
	chat, err := alice.SubscribeTrack("chat", model.Subscription{})
	check(err)
	defer chat.Close()
	frame, err := chat.ReadFrame(ctx)
	check(err)
	fmt.Printf("%s: %s\n", s.Version(), frame.Payload)
	// Output: moq-lite-05: hello
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
