package rx_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/reactivex/rxgo/v2"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/rx"
)

// A track that is over: two groups of two frames.
func exampleTrack() *model.TrackConsumer {
	broadcast := model.NewBroadcast(model.Route{})
	track, _ := broadcast.CreateTrack("greetings", model.TrackInfo{})
	reader := track.Consume(model.Subscription{})
	for _, who := range []string{"world", "moon"} {
		group, _ := track.AppendGroup()
		_ = group.WriteFrame(model.Frame{Payload: []byte("hello")})
		_ = group.WriteFrame(model.Frame{Payload: []byte(who)})
		_ = group.Finish()
	}
	_ = track.Finish()
	return reader
}

// Operators of rxgo run on the frames of a track, and a loop reads what comes of them.
func Example() {
	track := exampleTrack()
	defer track.Close()

	isName := func(v any) bool { return v.(rx.Frame).Index == 1 }
	for frame, err := range rx.All[rx.Frame](context.Background(), rx.Frames(track).Observable().Filter(isName)) {
		if err != nil {
			fmt.Println("the track broke off:", err)
			return
		}
		fmt.Printf("group %d: %s\n", frame.Group, frame.Payload)
	}
	// Output:
	// group 0: world
	// group 1: moon
}

func ExampleFrames() {
	track := exampleTrack()
	defer track.Close()

	words := rx.Map(rx.Frames(track), func(f rx.Frame) (string, error) { return string(f.Payload), nil })
	for word, err := range words.Skip(1).Take(2).All(context.Background()) {
		fmt.Println(word, err)
	}
	// Output:
	// world <nil>
	// hello <nil>
}

func ExampleOnGap() {
	broadcast := model.NewBroadcast(model.Route{})
	track, _ := broadcast.CreateTrack("video", model.TrackInfo{})
	reader := track.Consume(model.Subscription{})
	broken, _ := track.AppendGroup()
	broken.Abort(model.ErrOld)
	_ = track.WriteFrame(model.Frame{Payload: []byte("picture")})
	_ = track.Finish()

	report := rx.OnGap(func(gap *rx.GapError) { fmt.Println("group", gap.Group, "is missing:", gap.Err) })
	for frame, err := range rx.Frames(reader, report).All(context.Background()) {
		fmt.Println("group", frame.Group, "has a", string(frame.Payload), err)
	}
	// Output:
	// group 0 is missing: old
	// group 1 has a picture <nil>
}

// Every observer sees everything, at its own pace.
func ExampleStream_Observable() {
	track := exampleTrack()
	defer track.Close()

	frames := rx.Frames(track).Observable()
	count, _ := frames.Count().Get()
	first, _ := frames.First().Get()
	fmt.Println(count.V, string(first.V.(rx.Frame).Payload))
	// Output: 4 hello
}

func ExampleAnnouncements() {
	origin := model.NewOrigin()
	_, _ = origin.CreateBroadcast("room/alice", model.Route{})
	_, _ = origin.CreateBroadcast("room/bob", model.Route{})

	for a, err := range rx.Announcements(origin.Consume()).Take(2).All(context.Background()) {
		fmt.Println(a.Path, a.Broadcast != nil, err)
	}
	// Output:
	// room/alice true <nil>
	// room/bob true <nil>
}

func ExamplePublish() {
	broadcast := model.NewBroadcast(model.Route{})
	track, _ := broadcast.CreateTrack("seconds", model.TrackInfo{})
	reader := track.Consume(model.Subscription{})
	defer reader.Close()

	payloads := rxgo.Just("tick", "tock")().Map(func(_ context.Context, v any) (any, error) {
		return []byte(v.(string)), nil
	})
	err := rx.Publish(context.Background(), track, payloads)
	fmt.Println("published:", err)
	for frame, err := range rx.Frames(reader).All(context.Background()) {
		fmt.Println(frame.Group, string(frame.Payload), err)
	}
	// Output:
	// published: <nil>
	// 0 tick <nil>
	// 1 tock <nil>
}

// A typed stream ends where its items go wrong.
func ExampleMap() {
	track := exampleTrack()
	defer track.Close()

	errMoon := errors.New("the moon does not answer")
	greet := rx.Map(rx.Frames(track), func(f rx.Frame) (string, error) {
		if string(f.Payload) == "moon" {
			return "", errMoon
		}
		return string(f.Payload), nil
	})
	for word, err := range greet.All(context.Background()) {
		fmt.Printf("%q %v\n", word, err)
	}
	// Output:
	// "hello" <nil>
	// "world" <nil>
	// "hello" <nil>
	// "" the moon does not answer
}
