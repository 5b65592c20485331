package session_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
	"github.com/moqrx/moqrx/session"
)

// listen opens a server for everybody. A session holds what the limits say, here fewer subscriptions than by
// default, is counted, and has a trace for qvis in dir. When the server stops, clients have 10 s to move.
func listen(addr, dir string, certificate tls.Certificate, counts *stats.Stats) (*session.Listener, error) {
	return session.Listen(addr, session.WithCertificate(certificate),
		session.WithLimits(session.Limits{Subscriptions: 100, FirstBytes: 5 * time.Second}),
		session.WithStats(counts.Handle(stats.External)),
		session.WithQlog(session.QlogDir(dir)), session.WithGrace(10*time.Second))
}

// admission lets everybody watch the path of the URL, and those who have the token publish there.
func admission(origin *model.OriginProducer, token string) session.Authorize {
	return func(_ context.Context, r *session.Request) (session.Grant, error) {
		grant, err := session.GrantRoot(origin, r.Path())
		switch {
		case err != nil:
			return session.Grant{}, err
		case r.RawQuery() == "":
			_ = grant.Consume.Close()
			grant.Consume = nil // watch only
		case r.RawQuery() != "jwt="+token:
			return grant, &model.Error{Code: model.CodeUnauthorized, Reason: "no such token"}
		}
		return grant, nil
	}
}

// keepPublishing serves an origin to the server, again after every loss, and tells the encoder what each
// connection is estimated to carry.
func keepPublishing(ctx context.Context, url string, origin *model.OriginProducer, encode func(model.Bitrate), opts ...session.Option) error {
	adapt := func(s session.Status) {
		if s.State != session.Connected {
			return
		}
		bandwidth := s.Session.SendBandwidth()
		go func() {
			defer bandwidth.Close()
			for rate, err := range bandwidth.All(ctx) { // ends with the session
				if err == nil {
					encode(rate)
				}
			}
		}()
	}
	return session.Reconnect(ctx, url, append(opts, session.WithPublish(origin.Consume()), session.WithStatus(adapt))...)
}

// A public server, and a publisher that comes back to it.
func Example_public() {
	ctx, stop := context.WithCancel(context.Background())
	dir, err := os.MkdirTemp("", "qlog")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	certificate, err := session.SelfSignedCertificate()
	check(err)
	shared := model.NewOrigin()
	counts, err := stats.New(stats.Config{Origin: shared}) // who may see .stats sees the numbers
	check(err)
	defer counts.Close()
	listener, err := listen("127.0.0.1:0", dir, certificate, counts)
	check(err)
	served := make(chan error)
	go func() { served <- listener.Serve(ctx, admission(shared, "secret")) }()

	near := model.NewOrigin()
	_, err = near.CreateBroadcast("alice", model.Route{})
	check(err)
	rates := make(chan model.Bitrate, 100)
	published := make(chan error)
	go func() {
		published <- keepPublishing(ctx, "https://"+listener.Addr().String()+"/room?jwt=secret", near,
			func(rate model.Bitrate) { rates <- rate }, session.WithFingerprint(listener.CertificateSHA256()))
	}()
	alice, err := shared.Consume().Announced(ctx, "room/alice")
	check(err)
	defer alice.Close()
	fmt.Println("there is a broadcast, and its encoder has a rate:", (<-rates).Known)

	stop()
	fmt.Println(<-published)
	fmt.Println(<-served)
	traces, err := os.ReadDir(dir)
	check(err)
	fmt.Println(len(traces), "trace")
	// Output:
	// there is a broadcast, and its encoder has a rate: true
	// context canceled
	// <nil>
	// 1 trace
}
