package interop

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// sessionPeer is a publisher or subscriber made with this module, in the test's process.
type sessionPeer struct{ commands chan string }

func (p *sessionPeer) command(word string) error {
	p.commands <- word
	return nil
}

// expect waits for a command.
func (p *sessionPeer) expect(ctx context.Context, want string) error {
	select {
	case word := <-p.commands:
		if word != want {
			return fmt.Errorf("command %s, want %s", word, want)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// background returns a starter that runs main on a goroutine.
func background(main func(ctx context.Context, p *sessionPeer, plan plan, emit func(event)) error) starter {
	return func(ctx context.Context, t *testing.T, plan plan, emit func(event)) peer {
		p := &sessionPeer{commands: make(chan string, 1)}
		done := make(chan struct{})
		go func() {
			defer close(done)
			last := event{Event: eventExit}
			if err := main(ctx, p, plan, emit); err != nil {
				last.Message = err.Error()
			}
			emit(last)
		}()
		t.Cleanup(func() { <-done })
		return p
	}
}

// publisher publishes a plan over WebTransport or, with the scheme moqt, over raw QUIC.
func publisher(scheme string) starter {
	return background(func(ctx context.Context, p *sessionPeer, plan plan, emit func(event)) error {
		return publish(ctx, scheme, p, plan, emit)
	})
}

// subscriber does the same for the other end.
func subscriber(scheme string) starter {
	return background(func(ctx context.Context, p *sessionPeer, plan plan, emit func(event)) error {
		return subscribe(ctx, scheme, p, plan, emit)
	})
}

func dial(ctx context.Context, scheme string, plan plan, option session.Option) (*session.Session, error) {
	versions, err := session.ParseVersions(strings.Join(plan.Versions, ","))
	if err != nil {
		return nil, err
	}
	var certificate [32]byte
	if _, err := hex.Decode(certificate[:], []byte(plan.Certificate)); err != nil {
		return nil, err
	}
	url := strings.Replace(plan.URL, "https:", scheme+":", 1)
	return session.Dial(ctx, url, session.WithVersions(versions), session.WithFingerprint(certificate), option)
}

func publish(ctx context.Context, scheme string, p *sessionPeer, plan plan, emit func(event)) error {
	origin := model.NewOrigin()
	defer origin.Close()
	published := origin.Consume()
	defer published.Close()
	s, err := dial(ctx, scheme, plan, session.WithPublish(published))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	emit(event{Event: eventReady, Version: s.Version().String()})

	broadcast, err := origin.CreateBroadcast(model.NewPath(plan.Broadcast), model.Route{})
	if err != nil {
		return err
	}
	defer broadcast.Close()
	producers := make([]*model.TrackProducer, len(plan.Tracks))
	for i, track := range plan.Tracks {
		producers[i], err = broadcast.CreateTrack(track.Name, model.TrackInfo{
			Timescale: model.Timescale(track.Timescale), MaxLatency: time.Minute,
		})
		if err != nil {
			return err
		}
		defer producers[i].Close()
		if err := writeGroup(producers[i], track, []int{1}); err != nil {
			return err
		}
	}

	if err := p.expect(ctx, commandGo); err != nil {
		return err
	}
	for i, track := range plan.Tracks {
		if err := writeGroups(producers[i], track); err != nil {
			return err
		}
	}
	for i := range plan.Datagrams {
		at := model.Timestamp{Value: uint64(i), Scale: model.Timescale(plan.Tracks[0].Timescale)}
		if _, err := producers[0].AppendDatagram(model.Frame{Timestamp: at, Payload: datagram(plan.Tracks[0].Name, i)}); err != nil {
			return err
		}
	}
	emit(event{Event: eventSent})

	if err := p.expect(ctx, commandFinish); err != nil {
		return err
	}
	for _, producer := range producers {
		if err := producer.Finish(); err != nil {
			return err
		}
	}
	emit(event{Event: eventFinished})

	if err := p.expect(ctx, commandLeave); err != nil {
		return err
	}
	if err := broadcast.Finish(); err != nil {
		return err
	}
	emit(event{Event: eventLeft})
	return p.expect(ctx, commandClose)
}

func writeGroups(producer *model.TrackProducer, track trackPlan) error {
	for _, sizes := range track.Groups {
		if err := writeGroup(producer, track, sizes); err != nil {
			return err
		}
	}
	return nil
}

func writeGroup(producer *model.TrackProducer, track trackPlan, sizes []int) error {
	group, err := producer.AppendGroup()
	if err != nil {
		return err
	}
	defer group.Close()
	for index, size := range sizes {
		err := group.WriteFrame(model.Frame{
			Timestamp: model.Timestamp{
				Value: timestamp(group.Sequence(), index), Scale: model.Timescale(track.Timescale),
			},
			Payload: payload(track.Name, group.Sequence(), index, size),
		})
		if err != nil {
			return err
		}
	}
	return group.Finish()
}

func subscribe(ctx context.Context, scheme string, p *sessionPeer, plan plan, emit func(event)) error {
	origin := model.NewOrigin()
	defer origin.Close()
	s, err := dial(ctx, scheme, plan, session.WithConsume(origin))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	emit(event{Event: eventReady, Version: s.Version().String()})

	consumer := origin.Consume()
	defer consumer.Close()
	announcements := consumer.Announcements()
	defer announcements.Close()
	broadcast, err := announcement(ctx, announcements, plan, emit)
	if err != nil {
		return err
	}
	if broadcast == nil {
		return errors.New("the first announcement says that the broadcast is gone")
	}
	defer broadcast.Close()
	tracks, tracksCtx := errgroup.WithContext(ctx)
	for _, track := range plan.Tracks {
		tracks.Go(func() error { return receiveTrack(tracksCtx, broadcast, track.Name, emit) })
	}
	for _, task := range more(p, plan, broadcast, emit) {
		tracks.Go(func() error { return task(tracksCtx) })
	}
	if err := tracks.Wait(); err != nil {
		return err
	}
	again, err := announcement(ctx, announcements, plan, emit)
	if err != nil {
		return err
	}
	if again != nil {
		defer again.Close()
		return errors.New("the broadcast was announced twice")
	}
	return p.expect(ctx, commandClose)
}

// announcement waits for the next news of the plan's broadcast; nil means that it is gone.
func announcement(ctx context.Context, a *model.AnnounceConsumer, plan plan, emit func(event)) (*model.BroadcastConsumer, error) {
	for {
		news, err := a.Next(ctx)
		if err != nil {
			return nil, err
		}
		if news.Path != model.NewPath(plan.Broadcast) {
			if news.Broadcast != nil {
				_ = news.Broadcast.Close()
			}
			continue
		}
		emit(event{Event: eventAnnounce, Active: news.Broadcast != nil})
		return news.Broadcast, nil
	}
}

func receiveTrack(ctx context.Context, broadcast *model.BroadcastConsumer, name string, emit func(event)) error {
	track, err := broadcast.SubscribeTrack(name, model.Subscription{MaxLatency: time.Minute})
	if err != nil {
		return err
	}
	defer track.Close()
	groups, ctx := errgroup.WithContext(ctx)
	for group, err := range track.All(ctx) {
		if err != nil {
			_ = groups.Wait()
			return fmt.Errorf("track %s: %w", name, err)
		}
		groups.Go(func() error {
			defer group.Close()
			return receiveGroup(ctx, name, group, emit)
		})
	}
	if err := groups.Wait(); err != nil {
		return err
	}
	emit(event{Event: eventEnd, Track: name})
	return nil
}

func receiveGroup(ctx context.Context, track string, group *model.GroupConsumer, emit func(event)) error {
	for index := 0; ; index++ {
		frame, err := group.ReadFrame(ctx)
		if errors.Is(err, io.EOF) {
			emit(event{Event: eventGroup, Track: track, Group: group.Sequence(), Frames: index})
			return nil
		}
		if err != nil {
			return fmt.Errorf("track %s, group %d, frame %d: %w", track, group.Sequence(), index, err)
		}
		emit(event{
			Event: eventFrame, Track: track, Group: group.Sequence(), Index: index,
			Size: len(frame.Payload), SHA256: digest(frame.Payload),
			Timestamp: float64(frame.Timestamp.Value), Timescale: uint64(frame.Timestamp.Scale),
		})
	}
}
