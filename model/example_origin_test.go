package model_test

import (
	"context"
	"fmt"
	"log"

	"github.com/moqrx/moqrx/model"
)

// Two ways to one publisher. A reader does not notice that the first one fails.
func ExampleOriginProducer_PublishBroadcast() {
	origin := model.NewOrigin()
	publisher := model.RandomOriginID()
	direct, _ := origin.CreateBroadcast("live", model.Route{Hops: model.OriginList{publisher}})
	detour, _ := origin.CreateBroadcast("live", model.Route{Hops: model.OriginList{publisher, model.RandomOriginID()}})
	near, _ := direct.CreateTrack("video", model.TrackInfo{})
	far, _ := detour.CreateTrack("video", model.TrackInfo{})

	ctx := context.Background()
	broadcast, err := origin.Consume().Announced(ctx, "live")
	if err != nil {
		log.Fatal(err)
	}
	reader, _ := broadcast.SubscribeTrack("video", model.Subscription{})
	for i := range 4 {
		frame := model.Frame{Payload: fmt.Appendf(nil, "group %d", i)}
		if i < 2 {
			_ = near.WriteFrame(frame)
		} else {
			direct.Abort(model.ErrTransport)
			near.Abort(model.ErrTransport)
		}
		_ = far.WriteFrame(frame)
		got, _ := reader.ReadFrame(ctx)
		fmt.Println(string(got.Payload))
	}
	// Output:
	// group 0
	// group 1
	// group 2
	// group 3
}

// What a relay tells a neighbor leaves out what came through the neighbor.
func ExampleOriginConsumer_ForPeer() {
	const neighbor = 7
	relay := model.NewOrigin()
	_, _ = relay.CreateBroadcast("from/neighbor", model.Route{Hops: model.OriginList{neighbor}})
	_, _ = relay.CreateBroadcast("from/elsewhere", model.Route{Hops: model.OriginList{3, 5}})

	news := relay.Consume().ForPeer(neighbor).Routes()
	defer news.Close()
	for {
		event, ok, err := news.TryNext()
		if !ok || err != nil {
			break
		}
		fmt.Println(event.Path, event.Broadcast.AdvertisedRoute().Hops)
	}
	// Output:
	// from/elsewhere [3 5]
}

// Encoding only while somebody watches.
func ExampleBroadcastProducer_Used() {
	broadcast := model.NewBroadcast(model.Route{})
	_, _ = broadcast.CreateTrack("video", model.TrackInfo{})
	ctx := context.Background()

	viewer, _ := broadcast.Consume().SubscribeTrack("video", model.Subscription{})
	_ = broadcast.Used(ctx)
	fmt.Println("start the encoder")
	_ = viewer.Close()
	_ = broadcast.Unused(ctx)
	fmt.Println("stop it")
	// Output:
	// start the encoder
	// stop it
}
