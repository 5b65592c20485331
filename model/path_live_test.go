package model_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

// The path of a live track through the whole model, the way a session on each
// side uses it.
func TestLivePath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		origin := model.NewOrigin()
		ctx, cancel := context.WithCancel(t.Context())

		// Ingress: a peer announced the path; its tracks are asked for when somebody reads.
		broadcast := model.NewBroadcast(model.Route{Hops: model.OriginList{7}})
		dynamic := broadcast.Dynamic()
		wantNil(t, origin.PublishBroadcast("live", broadcast.Consume()))
		upstream := later(func() {
			req := must(dynamic.RequestedTrack(ctx))
			want(t, "asked priority", req.Subscription().Priority, 9)
			track := must(req.Accept(model.TrackInfo{Priority: 3}))
			defer track.Close()
			for seq := range uint64(3) {
				group := must(track.CreateGroup(seq))
				for range 4 {
					f := must(group.CreateFrame(model.FrameInfo{Size: 6}))
					_ = must(f.Write([]byte("abc")))
					_ = must(f.Write([]byte("def")))
				}
				wantNil(t, group.Finish())
				wantNil(t, group.Close())
			}
			wantNil(t, track.Unused(ctx))
			track.Abort(model.ErrCancel)
		})

		// Egress: somebody asks for the track.
		consumer := must(origin.Consume().Request(ctx, "live"))
		track := must(consumer.SubscribeTrack("video", model.Subscription{Priority: 9}))
		want(t, "info", must(track.Info(ctx)).Priority, 3)
		for seq := range uint64(3) {
			group := must(track.RecvGroup(ctx))
			want(t, "sequence", group.Sequence(), seq)
			n := 0
			for f, err := range group.All(ctx) {
				wantNil(t, err)
				want(t, "payload", string(f.Payload), "abcdef")
				n++
			}
			want(t, "frames", n, 4)
		}
		want(t, "upstream gone while there is a reader", upstream(), false)
		wantNil(t, track.Close())
		want(t, "upstream gone when unread", upstream(), true)
		cancel()
	})
}
