package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

const (
	hastyGroups = 20
	hastyFrames = 10 // in each of them
)

// writeHastily writes a whole track and finishes it.
func writeHastily(track *model.TrackProducer) error {
	for i := range hastyGroups {
		g, err := track.AppendGroup()
		if err != nil {
			return err
		}
		for j := range hastyFrames {
			payload := strings.Repeat(fmt.Sprint(i, " ", j, " "), 300)
			if err := g.WriteFrame(model.Frame{Payload: []byte(payload)}); err != nil {
				return err
			}
		}
		if err := errors.Join(g.Finish(), g.Close()); err != nil {
			return err
		}
	}
	return track.Finish()
}

// readHastily counts the frames of such a track.
func readHastily(ctx context.Context, track *model.TrackConsumer) (n int, err error) {
	for {
		g, err := track.RecvGroup(ctx)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("after %d frames: %w", n, err)
		}
		for _, err := range g.All(ctx) {
			if err != nil {
				return n, fmt.Errorf("group %d, after %d frames: %w", g.Sequence(), n, err)
			}
			n++
		}
	}
}

// publishAndLeave is a process that publishes to a relay: it is gone once its track is.
func publishAndLeave(url string, only session.Option) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	origin := model.NewOrigin()
	s, err := session.Dial(ctx, url, only, session.WithInsecure(), session.WithPublish(origin.Consume()))
	if err != nil {
		return err
	}
	broadcast, err := origin.CreateBroadcast("hasty", model.Route{})
	if err != nil {
		return err
	}
	track, err := broadcast.CreateTrack("track", model.TrackInfo{MaxLatency: time.Minute}) // however slow the machine is
	if err != nil {
		return err
	}
	if err := track.Used(ctx); err != nil {
		return err
	}
	if err := writeHastily(track); err != nil {
		return err
	}
	return s.Shutdown(ctx)
}

func TestShutdownLosesNothingThoughTheProcessEnds(t *testing.T) {
	t.Parallel()
	for _, v := range session.DefaultVersions() {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			if v <= session.MoqLite02 {
				t.Skip("nobody can ask it to begin with the first group")
			}
			only := session.Versions{v}
			l := relayed(t, model.NewOrigin())
			url := "https://" + l.Addr().String()
			origin := model.NewOrigin()
			s := get[*session.Session](t)(session.Dial(t.Context(), url,
				session.WithVersions(only), session.WithInsecure(), session.WithConsume(origin)))
			defer s.Close()
			gone := make(chan error, 1)
			go func() { gone <- inProcess("publishes", url, only) }()
			track := subscribe(t, origin, "hasty", "track", model.Subscription{MaxLatency: time.Minute, Start: model.At(0)})
			n, err := readHastily(within(t, patience), track)
			if err != nil || n != hastyGroups*hastyFrames {
				t.Errorf("%d frames, %v; want %d", n, err, hastyGroups*hastyFrames)
			}
			must(t, <-gone)
		})
	}
}

func TestShutdownDeliversWhatIsFinished(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "alice", "video")
		client, server := connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		c := subscribe(t, far, "alice", "video", model.Subscription{Start: model.At(0)})
		must(t, track.Used(t.Context()))
		if v <= session.MoqLite02 {
			settle(t) // it cannot ask for the first group: the publisher begins with the newest that it finds
		}
		must(t, writeHastily(track))
		must(t, server.Shutdown(within(t, 5*time.Second)))
		must(t, client.Wait(within(t, time.Second)))
		n, err := readHastily(t.Context(), c)
		if err != nil || n != hastyGroups*hastyFrames {
			t.Errorf("%d frames, %v; want %d", n, err, hastyGroups*hastyFrames)
		}
	})
}

func TestShutdownOfAnIdleSessionIsItsClose(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v session.Version) {
		client, server := connect(t, v, nil, nil)
		began := time.Now()
		must(t, client.Shutdown(t.Context()))
		must(t, server.Wait(t.Context()))
		must(t, server.Shutdown(t.Context()))
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "alice", "video")
		client, server := connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		subscribe(t, far, "alice", "video", model.Subscription{})
		must(t, track.Used(t.Context()))
		wantErr(t, "shutdown", server.Shutdown(within(t, time.Minute)), context.DeadlineExceeded)
		must(t, client.Wait(t.Context()))
	})
}

func TestShutdownOfASessionThatFails(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "alice", "video")
		a, r, dialed := askOn(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		server := get[*session.Session](t)(r.Accept())
		client := get[*session.Session](t)(dialed())
		subscribe(t, far, "alice", "video", model.Subscription{})
		must(t, track.Used(t.Context()))
		failed := make(chan error, 1)
		go func() { failed <- server.Shutdown(t.Context()) }()
		settle(t)
		// Without the farewells that a session says on its streams.
		must(t, a.CloseWithError(uint64(model.CodeUnauthorized), ""))
		wantErr(t, "shutdown", <-failed, model.ErrUnauthorized)
		<-client.Done()
	})
}
