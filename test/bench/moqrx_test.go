package bench

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// moqrx is a server that publishes one track and a client that subscribes to it, on moq-lite-05.
type moqrx struct {
	shape shape
	from  *model.TrackProducer
	to    *model.TrackConsumer
}

// connectMoqrx returns the set-up for a URL scheme: https or moqt.
func connectMoqrx(scheme string) func(ctx context.Context, b *testing.B, s shape) path {
	return func(ctx context.Context, b *testing.B, s shape) path {
		m, err := newMoqrx(ctx, b, scheme, s)
		if err != nil {
			b.Fatal(err)
		}
		return m
	}
}

func newMoqrx(ctx context.Context, b *testing.B, scheme string, s shape) (*moqrx, error) {
	const broadcast, track = "bench", "video"
	published, consumed := model.NewOrigin(), model.NewOrigin()
	closeAtEnd(b, published)
	closeAtEnd(b, consumed)
	producer, err := published.CreateBroadcast(model.NewPath(broadcast), model.Route{})
	if err != nil {
		return nil, err
	}
	closeAtEnd(b, producer)
	// The defaults keep groups for 5 s on both ends, which is much longer than a window takes.
	from, err := producer.CreateTrack(track, model.TrackInfo{})
	if err != nil {
		return nil, err
	}
	closeAtEnd(b, from)

	listener, err := session.Listen("127.0.0.1:0", session.WithOrigin(published))
	if err != nil {
		return nil, err
	}
	closeAtEnd(b, listener)
	go func() {
		if request, err := listener.Accept(ctx); err == nil {
			_, _ = request.Accept() // a failure is seen by the client
		}
	}()
	client, err := session.Dial(ctx, scheme+"://"+listener.Addr().String()+"/",
		session.WithVersions(session.Versions{session.MoqLite05}),
		session.WithFingerprint(listener.CertificateSHA256()),
		session.WithConsume(consumed),
	)
	if err != nil {
		return nil, err
	}
	closeAtEnd(b, client)
	origin := consumed.Consume()
	closeAtEnd(b, origin)
	consumer, err := origin.Announced(ctx, model.NewPath(broadcast))
	if err != nil {
		return nil, err
	}
	closeAtEnd(b, consumer)
	to, err := consumer.SubscribeTrack(track, model.Subscription{Start: model.At(0)})
	if err != nil {
		return nil, err
	}
	closeAtEnd(b, to)
	return &moqrx{s, from, to}, nil
}

func (m *moqrx) publish(_ context.Context, payload []byte) error {
	group, err := m.from.AppendGroup()
	if err != nil {
		return err
	}
	defer group.Close()
	for range m.shape.frames {
		if err := group.WriteFrame(model.Frame{Payload: payload}); err != nil {
			return err
		}
	}
	return group.Finish()
}

func (m *moqrx) receive(ctx context.Context) (frames, bytes int, err error) {
	group, err := m.to.RecvGroup(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer group.Close()
	for {
		frame, err := group.ReadFrame(ctx)
		if errors.Is(err, io.EOF) {
			return frames, bytes, nil
		}
		if err != nil {
			return frames, bytes, err
		}
		frames++
		bytes += len(frame.Payload)
	}
}

func closeAtEnd(b *testing.B, c io.Closer) {
	b.Cleanup(func() { _ = c.Close() })
}
