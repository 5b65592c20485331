package e2e

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

// everyWayWithFetch runs a test over each carrier with the versions that have datagrams and fetches,
// from a publisher through two relays. It gets the track of the publisher and the broadcast as the
// subscriber sees it.
func everyWayWithFetch(t *testing.T, test func(ctx context.Context, t *testing.T, track *model.TrackProducer, broadcast *model.BroadcastConsumer)) {
	everyWay(t, func(t *testing.T, w way) {
		if w.version < session.MoqLite05 {
			t.Skip("it has neither")
		}
		ctx := testContext(t)
		near, far := startRelay(t), startRelay(t)
		near.dial(ctx, t, w, session.WithOrigin(far.origin))
		origin, _ := near.publisher(ctx, t, w)
		_, track := createTrack(t, origin, path, name, kept)
		consumer, _ := far.subscriber(ctx, t, w)
		test(ctx, t, track, moqtest.Announced(ctx, t, consumer, path))
	})
}

func TestDatagramsCrossTwoRelays(t *testing.T) {
	everyWayWithFetch(t, func(ctx context.Context, t *testing.T, track *model.TrackProducer, broadcast *model.BroadcastConsumer) {
		received, err := broadcast.SubscribeTrack(name, fromStart)
		if err != nil {
			t.Fatal(err)
		}
		defer received.Close()
		writeGroup(t, track, "group")
		wantGroup(ctx, t, received, 0, "group") // so that every hop is subscribed

		// Nobody repeats a datagram that the network loses.
		want := model.Datagram{Sequence: 7, Timestamp: model.Timestamp{Value: 4711, Scale: timescale}, Payload: []byte("hello")}
		arrived := make(chan struct{})
		sent := make(chan error, 1)
		go func() { sent <- repeat(track, want, arrived) }()
		got, err := received.RecvDatagram(ctx)
		close(arrived)
		if err := <-sent; err != nil {
			t.Errorf("send: %v", err)
		}
		if err != nil || got.Sequence < want.Sequence || got.Timestamp != want.Timestamp || string(got.Payload) != "hello" {
			t.Errorf("received %+v, %v", got, err)
		}
		writeGroup(t, track, "more")
		g, err := received.RecvGroup(ctx)
		if err != nil || g.Sequence() <= got.Sequence {
			t.Errorf("group after the datagram: %v", err)
		}
	})
}

// repeat sends a datagram under new numbers until it has arrived, and between them some that fit
// into no packet.
func repeat(track *model.TrackProducer, d model.Datagram, arrived <-chan struct{}) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		large := model.Datagram{Sequence: d.Sequence + 1, Timestamp: d.Timestamp, Payload: make([]byte, 20_000)}
		if err := errors.Join(track.WriteDatagram(d), track.WriteDatagram(large)); err != nil {
			return err
		}
		d.Sequence += 2
		select {
		case <-arrived:
			return nil
		case <-tick.C:
		}
	}
}

func TestFetchCrossesTwoRelays(t *testing.T) {
	everyWayWithFetch(t, func(ctx context.Context, t *testing.T, track *model.TrackProducer, broadcast *model.BroadcastConsumer) {
		handler := track.Dynamic()
		defer handler.Close()
		for _, text := range []string{"zero", "one", "two"} {
			writeGroup(t, track, text)
		}
		// Nobody is subscribed yet, and nothing is in the relays.
		named, err := broadcast.Track(name)
		if err != nil {
			t.Fatal(err)
		}
		fetched, err := named.FetchGroup(ctx, 0, 3)
		if err != nil {
			t.Fatal(err)
		}
		wantFrame(ctx, t, fetched, "zero")
		if _, used := track.Subscription(); used {
			t.Error("to fetch was to subscribe")
		}
		if err := track.Unused(ctx); err != nil {
			t.Fatal(err)
		}

		received, err := broadcast.SubscribeTrack(name, model.Subscription{})
		if err != nil {
			t.Fatal(err)
		}
		defer received.Close()
		wantGroup(ctx, t, received, 2, "two") // the live edge
		fetched, err = received.FetchGroup(ctx, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		wantFrame(ctx, t, fetched, "one")

		// What the publisher itself does not have is made, or refused with the publisher's code.
		go func() {
			if r, err := handler.RequestedGroup(ctx); err == nil {
				r.Reject(&model.Error{Code: model.AppCode(402)})
			}
		}()
		_, err = received.FetchGroup(ctx, 100, 0)
		var refusal *model.Error
		if !errors.As(err, &refusal) || refusal.Code != model.AppCode(402) || !refusal.Remote {
			t.Errorf("the refused group ended with %v", err)
		}
		writeGroup(t, track, "three")
		wantGroup(ctx, t, received, 3, "three") // and nothing of what was fetched
	})
}

// wantFrame reads a group that has to have one frame.
func wantFrame(ctx context.Context, t *testing.T, group *model.GroupConsumer, text string) {
	t.Helper()
	frame, err := group.ReadFrame(ctx)
	if err != nil || string(frame.Payload) != text {
		t.Fatalf("frame %q, %v; want %q", frame.Payload, err, text)
	}
	if frame.Timestamp.Scale != timescale {
		t.Errorf("its time is %v", frame.Timestamp)
	}
	if _, err := group.ReadFrame(ctx); !errors.Is(err, io.EOF) {
		t.Fatalf("after the frame: %v, want io.EOF", err)
	}
}
