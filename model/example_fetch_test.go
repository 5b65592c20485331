package model_test

import (
	"context"
	"fmt"
	"log"

	"github.com/moqrx/moqrx/model"
)

// A publisher with an archive makes old groups when somebody fetches them.
func ExampleTrackDynamic() {
	ctx := context.Background()
	broadcast := model.NewBroadcast(model.Route{})
	defer broadcast.Close()
	track, err := broadcast.CreateTrack("video", model.TrackInfo{})
	if err != nil {
		log.Fatal(err)
	}
	defer track.Abort(nil)
	archive := track.Dynamic()
	defer archive.Close()
	go func() {
		for {
			request, err := archive.RequestedGroup(ctx)
			if err != nil {
				return // the track was aborted
			}
			group, err := request.Accept()
			if err != nil {
				continue // it has come another way
			}
			_ = group.WriteFrame(model.Frame{Payload: fmt.Appendf(nil, "archived %d", request.Sequence())})
			_ = group.Finish()
		}
	}()

	reader := track.Consume(model.Subscription{})
	defer reader.Close()
	group, err := reader.FetchGroup(ctx, 42, 0)
	if err != nil {
		log.Fatal(err)
	}
	frame, err := group.ReadFrame(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", frame.Payload)
	// Output: archived 42
}

// Positions of a pointer are sent as datagrams: only the last one matters.
func ExampleTrackProducer_AppendDatagram() {
	broadcast := model.NewBroadcast(model.Route{})
	defer broadcast.Close()
	track, err := broadcast.CreateTrack("pointer", model.TrackInfo{})
	if err != nil {
		log.Fatal(err)
	}
	defer track.Abort(nil)
	reader := track.Consume(model.Subscription{})
	defer reader.Close()

	if _, err := track.AppendDatagram(model.Frame{Payload: []byte("x=3 y=4")}); err != nil {
		log.Fatal(err)
	}
	d, err := reader.RecvDatagram(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d: %s\n", d.Sequence, d.Payload)
	// Output: 0: x=3 y=4
}
