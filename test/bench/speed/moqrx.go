package main

import (
	"context"
	"encoding/hex"
	"errors"
	"io"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

const (
	broadcastName = "speed"
	trackName     = "video"
)

// closers are closed in the reverse order.
type closers []io.Closer

func (c closers) close() error {
	for i := len(c) - 1; i >= 0; i-- {
		_ = c[i].Close() // handles and sessions: what is over is over
	}
	return nil
}

// scheme is the URL scheme of a contender.
func (j job) scheme() string {
	if j.Contender == "webtransport" {
		return "https"
	}
	return "moqt"
}

func (j job) dial(ctx context.Context, option session.Option) (*session.Session, error) {
	sum, err := hex.DecodeString(j.Fingerprint)
	if err != nil {
		return nil, err
	}
	return session.Dial(ctx, j.scheme()+"://"+j.Server+"/",
		session.WithVersions(session.Versions{session.MoqLite05}), session.WithFingerprint([32]byte(sum)), option)
}

// trackOutlet publishes to one track, which a listener serves or a session brings to a relay.
type trackOutlet struct {
	closers
	track *model.TrackProducer
}

func newTrackOutlet(ctx context.Context, j job, c *console) (*trackOutlet, error) {
	out := &trackOutlet{}
	origin := model.NewOrigin()
	out.closers = append(out.closers, origin)
	broadcast, err := origin.CreateBroadcast(broadcastName, model.Route{})
	if err != nil {
		return nil, err
	}
	out.closers = append(out.closers, broadcast)
	if out.track, err = broadcast.CreateTrack(trackName, model.TrackInfo{}); err != nil {
		return nil, err
	}
	out.closers = append(out.closers, out.track)
	if j.Server != "" {
		s, err := j.dial(ctx, session.WithPublish(origin.Consume()))
		if err != nil {
			return nil, err
		}
		out.closers = append(out.closers, s)
		return out, nil
	}
	listener, err := session.Listen("127.0.0.1:0", session.WithPublish(origin.Consume()))
	if err != nil {
		return nil, err
	}
	out.closers = append(out.closers, listener)
	go func() {
		for {
			request, err := listener.Accept(ctx)
			if err != nil {
				return
			}
			go func() { _, _ = request.Accept() }() // a failure is seen by the subscriber
		}
	}()
	sum := listener.CertificateSHA256()
	c.say("listening", listener.Addr(), hex.EncodeToString(sum[:]))
	return out, nil
}

// ready has nothing to wait for: groups are kept until the first subscriber has asked for them.
func (o *trackOutlet) ready(context.Context) error { return nil }

func (o *trackOutlet) begin(context.Context) (group, error) {
	g, err := o.track.AppendGroup()
	return trackGroup{g}, err
}

type trackGroup struct{ g *model.GroupProducer }

func (g trackGroup) frame(payload []byte, _ bool) error {
	return g.g.WriteOwnedFrame(model.Frame{Payload: payload})
}

func (g trackGroup) end() error {
	defer g.g.Close()
	return g.g.Finish()
}

// trackInlet is a session that subscribes to the track.
type trackInlet struct {
	closers
	track *model.TrackConsumer
}

func newTrackInlet(ctx context.Context, j job) (*trackInlet, error) {
	in := &trackInlet{}
	origin := model.NewOrigin()
	in.closers = append(in.closers, origin)
	s, err := j.dial(ctx, session.WithConsume(origin))
	if err != nil {
		return nil, err
	}
	in.closers = append(in.closers, s)
	broadcast, err := origin.Consume().Announced(ctx, broadcastName)
	if err != nil {
		return nil, err
	}
	in.closers = append(in.closers, broadcast)
	if in.track, err = broadcast.SubscribeTrack(trackName, model.Subscription{Start: model.At(0)}); err != nil {
		return nil, err
	}
	in.closers = append(in.closers, in.track)
	_, err = in.track.Info(ctx)
	return in, err
}

func (in *trackInlet) receive(ctx context.Context, frame func([]byte)) error {
	g, err := in.track.RecvGroup(ctx)
	if err != nil {
		return err
	}
	defer g.Close()
	for {
		f, err := g.ReadFrame(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		frame(f.Payload)
	}
}
