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

// A server lets everybody watch what is below public, and those with the right token publish
// below the path that they ask for.
func ExampleListener_Serve() {
	origin := model.NewOrigin()
	authorize := func(_ context.Context, r *session.Request) (grant session.Grant, err error) {
		all := origin.Consume()
		defer all.Close()
		watch, err := all.Scope("public")
		if err != nil {
			return grant, err
		}
		grant.Publish = watch
		switch r.RawQuery() {
		case "":
			return grant, nil
		case "jwt=secret":
			grant.Consume, err = origin.Scope(r.Path())
			return grant, err
		default:
			return grant, &model.Error{Code: model.CodeUnauthorized, Reason: "no such token"}
		}
	}
	listener, err := session.Listen("127.0.0.1:0")
	check(err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- listener.Serve(ctx, authorize) }()

	intruder, err := session.Dial(ctx, "https://"+listener.Addr().String()+"/public/alice?jwt=guess",
		session.WithFingerprint(listener.CertificateSHA256()))
	check(err)
	fmt.Println(intruder.Wait(ctx))

	stop()
	fmt.Println("stopped:", <-served)
	// Output:
	// session closed by the peer: unauthorized: no such token (code 6)
	// stopped: <nil>
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
