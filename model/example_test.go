package model_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/moqrx/moqrx/model"
)

// A publisher writes a track, a subscriber of the same origin reads it.
func Example() {
	ctx := context.Background()
	origin := model.NewOrigin()

	broadcast, err := origin.CreateBroadcast("room/alice", model.Route{})
	if err != nil {
		log.Fatal(err)
	}
	defer broadcast.Close()
	video, err := broadcast.CreateTrack("video", model.TrackInfo{Priority: 60})
	if err != nil {
		log.Fatal(err)
	}
	defer video.Close()
	for i := range 2 {
		group, err := video.AppendGroup()
		if err != nil {
			log.Fatal(err)
		}
		for _, s := range []string{"key", "delta"} {
			if err := group.WriteFrame(model.Frame{Payload: fmt.Appendf(nil, "%s %d", s, i)}); err != nil {
				log.Fatal(err)
			}
		}
		if err := group.Finish(); err != nil {
			log.Fatal(err)
		}
		_ = group.Close()
	}
	if err := video.Finish(); err != nil {
		log.Fatal(err)
	}

	alice, err := origin.Consume().Announced(ctx, "room/alice")
	if err != nil {
		log.Fatal(err)
	}
	defer alice.Close()
	track, err := alice.SubscribeTrack("video", model.Subscription{Priority: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer track.Close()
	for group, err := range track.All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		for frame, err := range group.All(ctx) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(group.Sequence(), string(frame.Payload))
		}
		_ = group.Close()
	}
	// Output:
	// 0 key 0
	// 0 delta 0
	// 1 key 1
	// 1 delta 1
}

// What is announced under a path, and what becomes of it.
func ExampleOriginConsumer_Announcements() {
	origin := model.NewOrigin()
	room, err := origin.Consume().WithRoot("room")
	if err != nil {
		log.Fatal(err)
	}
	cursor := room.Announcements()
	defer cursor.Close()

	alice, _ := origin.CreateBroadcast("room/alice", model.Route{})
	bob, _ := origin.CreateBroadcast("room/bob", model.Route{})
	defer bob.Close()
	show := func() {
		for {
			event, ok, err := cursor.TryNext()
			if !ok || err != nil {
				return
			}
			fmt.Println(event.Path, event.Broadcast != nil)
		}
	}
	show()
	_ = alice.Finish()
	show()
	// Output:
	// alice true
	// bob true
	// alice false
}

// Tracks that are made when somebody asks, and ended when nobody reads.
func ExampleBroadcastDynamic() {
	ctx := context.Background()
	origin := model.NewOrigin()
	broadcast := model.NewBroadcast(model.Route{})
	dynamic := broadcast.Dynamic() // before anybody can find the broadcast
	if err := origin.PublishBroadcast("camera", broadcast.Consume()); err != nil {
		log.Fatal(err)
	}

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		request, err := dynamic.RequestedTrack(ctx)
		if err != nil {
			return
		}
		if request.Name() != "still" {
			request.Reject(model.ErrNotFound)
			return
		}
		track, err := request.Accept(model.TrackInfo{})
		if err != nil {
			return
		}
		defer track.Close()
		_ = track.WriteFrame(model.Frame{Payload: []byte("click")})
		_ = track.Unused(ctx)
	}()

	camera, err := origin.Consume().Request(ctx, "camera")
	if err != nil {
		log.Fatal(err)
	}
	defer camera.Close()
	track, err := camera.SubscribeTrack("still", model.Subscription{})
	if err != nil {
		log.Fatal(err)
	}
	frame, err := track.ReadFrame(ctx)
	fmt.Println(string(frame.Payload), err)
	_ = track.Close()
	<-ended
	// Output: click <nil>
}

// A frame that is passed on while it arrives.
func ExampleFrameProducer() {
	ctx := context.Background()
	broadcast := model.NewBroadcast(model.Route{})
	track, _ := broadcast.CreateTrack("file", model.TrackInfo{})
	group, _ := track.AppendGroup()

	in, err := group.CreateFrame(model.FrameInfo{Size: 10})
	if err != nil {
		log.Fatal(err)
	}
	out, err := group.Consume().NextFrame(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, piece := range []string{"hello", "world"} {
		_, _ = io.WriteString(in, piece)
		chunk, err := out.ReadChunk(ctx)
		fmt.Println(string(chunk), err)
	}
	_, err = out.ReadChunk(ctx)
	fmt.Println(err)
	// Output:
	// hello <nil>
	// world <nil>
	// EOF
}

// Handing on whatever is ready, and waiting only when nothing is.
func ExampleGroupConsumer_Wait() {
	broadcast := model.NewBroadcast(model.Route{})
	track, _ := broadcast.CreateTrack("t", model.TrackInfo{})
	group, _ := track.AppendGroup()
	go func() {
		for _, s := range []string{"a", "b", "c"} {
			_ = group.WriteFrame(model.Frame{Payload: []byte(s)})
		}
		_ = group.Finish()
	}()

	reader := group.Consume()
	for {
		changed := reader.Wait() // before the look, so that nothing falls in between
		frame, ok, err := reader.TryReadFrame()
		switch {
		case errors.Is(err, io.EOF):
			fmt.Println("end")
			return
		case err != nil:
			log.Fatal(err)
		case ok:
			fmt.Println(string(frame.Payload))
		default:
			<-changed // a good moment to flush what was written
		}
	}
	// Output:
	// a
	// b
	// c
	// end
}

// A handle that may touch only part of an origin.
func ExampleOriginProducer_Scope() {
	origin := model.NewOrigin()
	room, err := origin.WithRoot("room/42")
	if err != nil {
		log.Fatal(err)
	}
	alice, err := room.Scope("alice")
	if err != nil {
		log.Fatal(err)
	}
	_, err = alice.CreateBroadcast("alice/screen", model.Route{})
	fmt.Println(err)
	_, err = alice.CreateBroadcast("bob", model.Route{})
	fmt.Println(err)
	_, err = origin.Consume().Request(context.Background(), "room/42/alice/screen")
	fmt.Println(err)
	// Output:
	// <nil>
	// publish "bob": path "bob" is outside the permitted prefixes: unauthorized
	// <nil>
}
