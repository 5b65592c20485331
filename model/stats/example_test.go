package stats_test

import (
	"context"
	"fmt"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
)

// What an engine does when a peer subscribes to a track and is sent one group.
func Example() {
	counts, err := stats.New(stats.Config{Origin: model.NewOrigin(), Node: "ams/1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer counts.Close()

	handle := counts.Handle(stats.External)
	session := handle.Session("room") // the peer may see what is below room
	subscription := handle.Broadcast("room/alice").PublisherTrack("video")
	viewer := session.Broadcasts().Publisher("room/alice")
	subscription.Group()
	subscription.Frame()
	subscription.Bytes(1200)

	egress := counts.Host().Traffic[0]
	fmt.Println(egress.Tier, egress.Role, "viewers:", egress.Broadcasts-egress.BroadcastsClosed, "bytes:", egress.Bytes)

	viewer.Close()
	subscription.Close()
	session.Close()
	// Output: external publisher viewers: 1 bytes: 1200
}

// Whoever may read the origin can watch the host.
func ExampleParseTraffic() {
	ctx := context.Background()
	origin := model.NewOrigin()
	counts, err := stats.New(stats.Config{Origin: origin, Interval: 10 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer counts.Close()
	announced := counts.Handle(stats.External).Broadcast("room/alice").Subscriber()
	defer announced.Close()

	broadcast, err := origin.Consume().Announced(ctx, ".stats/node")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broadcast.Close()
	track, err := broadcast.SubscribeTrack(stats.TrafficTrack(stats.External, stats.Subscriber), model.Subscription{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer track.Close()
	for {
		frame, err := track.ReadFrame(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		traffic, err := stats.ParseTraffic(frame.Payload)
		if err != nil {
			fmt.Println(err)
			return
		}
		if alice, ok := traffic["room/alice"]; ok {
			fmt.Println("announced:", alice.Announced-alice.AnnouncedClosed)
			return
		}
	}
	// Output: announced: 1
}

// A reader counts what is read through it, whichever way that is.
func ExampleNewTrackReader() {
	counts, err := stats.New(stats.Config{Origin: model.NewOrigin()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer counts.Close()
	track, err := model.NewBroadcast(model.Route{}).CreateTrack("chat", model.TrackInfo{})
	if err == nil {
		err = track.WriteFrame(model.Frame{Payload: []byte("hello")})
	}
	if err == nil {
		err = track.Finish()
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	consumer := track.Consume(model.Subscription{})
	defer consumer.Close()
	guard := counts.Handle(stats.External).Broadcast("room/alice").PublisherTrack("chat")
	defer guard.Close()

	ctx := context.Background()
	for group, err := range stats.NewTrackReader(consumer, guard).All(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for frame, err := range group.All(ctx) {
			fmt.Printf("%s %v\n", frame.Payload, err)
		}
	}
	c := counts.Host().Traffic[0]
	fmt.Println(c.Groups, c.Frames, c.Bytes)
	// Output:
	// hello <nil>
	// 1 1 5
}
