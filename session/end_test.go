package session_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
)

func TestSessionEndTakesEverythingOfItAway(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "room/alice", "video")
		_, own := publish(t, far, "own", "video")
		client, server := connect(t, v, with(session.WithOrigin(far)), with(session.WithPublish(near.Consume())))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		room := get[*model.BroadcastConsumer](t)(far.Consume().Announced(t.Context(), "room/alice"))
		defer room.Close()
		mine := subscribe(t, far, "own", "video", model.Subscription{})
		g := get[*model.GroupProducer](t)(track.AppendGroup())
		defer g.Close()
		must(t, g.WriteFrame(model.Frame{Payload: []byte("one")}))
		gc := get[*model.GroupConsumer](t)(c.RecvGroup(t.Context()))
		get[model.Frame](t)(gc.ReadFrame(t.Context()))

		must(t, server.CloseWithError(&model.Error{Code: model.CodeUnauthorized, Reason: "token expired"}))
		<-client.Done()

		var e *session.Error
		if err := client.Err(); !errors.As(err, &e) || !e.Remote || e.Code != model.CodeUnauthorized || !strings.Contains(e.Reason, "token expired") {
			t.Errorf("the client ended with %v", err)
		}
		wantErr(t, "client", client.Wait(t.Context()), model.ErrUnauthorized)
		wantErr(t, "server", server.Wait(t.Context()), model.ErrUnauthorized)
		if _, err := c.RecvGroup(t.Context()); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("the track ended with %v, want a failure", err)
		}
		wantErr(t, "broadcast", room.Err(), model.ErrTransport)
		if _, err := gc.ReadFrame(t.Context()); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("the group ended with %v, want a failure", err)
		}
		if left := seen(far); !slices.Equal(left, []model.Path{"own"}) {
			t.Errorf("%q are still announced", left)
		}
		if _, used := track.Subscription(); used {
			t.Error("the publisher still has a subscriber")
		}
		group(t, own, "mine")
		wantGroup(t, mine, 0, "mine")
	})
}

func TestCleanClose(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		client, server := connect(t, v, nil, nil)
		if client.Err() != nil || server.Err() != nil {
			t.Error("an error before the end")
		}
		must(t, client.Close())
		must(t, client.Close())
		must(t, server.Wait(t.Context()))
		must(t, client.Wait(t.Context()))
		wantErr(t, "client", client.Err(), io.EOF)
		wantErr(t, "server", server.Err(), io.EOF)
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		client, _ := connect(t, v, nil, nil)
		wantErr(t, "wait", client.Wait(within(t, time.Second)), context.DeadlineExceeded)
	})
}

func TestTokensOutsideTheSetAreRefused(t *testing.T) {
	for token, want := range map[string]struct {
		mention string
		err     error
	}{
		"":            {"no common version: the server speaks moq-lite-05,moq-lite-04", model.ErrVersion},
		"moql":        {"moq-lite-01", model.ErrVersion},
		"moq-lite-03": {"moq-lite-03", model.ErrVersion},
		"moq-lite-99": {"moq-lite-99", model.ErrUnknownALPN},
		"h3":          {"h3", model.ErrUnknownALPN},
	} {
		t.Run(token, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				only := session.WithVersions(session.Versions{session.MoqLite05, session.MoqLite04})
				a, b := pair(t, token)
				_, err := session.Server(t.Context(), b, only)
				wantErr(t, "server", err, want.err)
				if !strings.Contains(err.Error(), want.mention) {
					t.Errorf("error %q does not mention %q", err, want.mention)
				}
				_, err = session.Client(t.Context(), a, only)
				wantErr(t, "client", err, want.err)
			})
		})
	}
}

func TestRequestSaysWhatTheClientWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, "moq-lite-05")
		origin := model.NewOrigin()
		client := get[*session.Session](t)(session.Client(t.Context(), a, session.WithPath("/room//a%20b/?jwt=x"), session.WithOrigin(origin)))
		defer client.Close()
		r := get[*session.Request](t)(session.Server(t.Context(), b))
		if r.Path() != "room/a b" || r.RawQuery() != "jwt=x" || r.Version() != session.MoqLite05 || r.PeerOrigin() != origin.ID() {
			t.Errorf("request for %q, query %q, %v, from %v", r.Path(), r.RawQuery(), r.Version(), r.PeerOrigin())
		}
		s := get[*session.Session](t)(r.Accept())
		defer s.Close()
		if s.Path() != "room/a b" || client.Path() != "room/a b" {
			t.Errorf("paths %q and %q", s.Path(), client.Path())
		}
		if _, err := r.Accept(); !errors.Is(err, model.ErrClosed) {
			t.Errorf("second accept: %v", err)
		}
	})
}

func TestPathThatNoMessageCarriesIsAnError(t *testing.T) {
	for _, v := range []session.Version{session.MoqLite01, session.MoqLite02, session.MoqLite03, session.MoqLite04} {
		a, _ := pair(t, token(v))
		_, err := session.Client(t.Context(), a, session.WithPath("/room"))
		wantErr(t, v.String(), err, model.ErrVersion)
		if !strings.Contains(err.Error(), "https://") || !strings.Contains(err.Error(), "moq-lite-05") {
			t.Errorf("error %q does not say what to do", err)
		}
	}
}

func TestRejectedRequest(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		r, dialed := ask(t, v, nil, nil)
		must(t, r.Reject(&model.Error{Code: model.CodeUnauthorized, Reason: "not for you"}))
		client, err := dialed()
		if err == nil { // the version has nothing that the client would wait for
			defer client.Close()
			err = client.Wait(t.Context())
		}
		wantErr(t, "client", err, model.ErrUnauthorized)
		if !strings.Contains(err.Error(), "not for you") {
			t.Errorf("error %q does not carry the reason", err)
		}
	})
}

func TestGrantIsWhatTheSessionSees(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		origin, far := model.NewOrigin(), model.NewOrigin()
		publish(t, origin, "room/alice", "video")
		publish(t, origin, "secret", "video")
		room := get[*model.OriginProducer](t)(origin.WithRoot("room"))
		r, dialed := ask(t, v, with(session.WithOrigin(far)), nil)
		s := get[*session.Session](t)(r.Accept(session.WithOrigin(room)))
		defer s.Close()
		client := get[*session.Session](t)(dialed())
		defer client.Close()

		publish(t, far, "bob", "video")
		settle(t)
		if got := seen(far); !slices.Equal(got, []model.Path{"alice", "bob"}) {
			t.Errorf("the client sees %q, want alice and its own bob", got)
		}
		bob := get[*model.BroadcastConsumer](t)(origin.Consume().Announced(within(t, time.Second), "room/bob"))
		_ = bob.Close()
	})
}

func TestClientWithoutSetupIsRefusedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, b := pair(t, "moq-lite-05")
		began := time.Now()
		_, err := session.Server(t.Context(), b)
		wantErr(t, "silent client", err, model.ErrTimeout)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("refused after %v, want 10 s", took)
		}
	})
}

// Whoever hears from a session may shut the listener down, which has to know of the session by then.
func TestSessionIsKnownBeforeThePeerHears(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v session.Version) {
		only := session.WithVersions(session.Versions{v})
		served, local := model.NewOrigin(), model.NewOrigin()
		publish(t, served, "alice", "video")
		a, b := pair(t, token(v))
		answered := make(chan error, 1)
		go func() {
			r, err := session.Server(t.Context(), b, only)
			if err == nil {
				r.OnBegin(func(*session.Session) {
					time.Sleep(20 * delay)
					if paths := seen(local); len(paths) > 0 {
						t.Errorf("the client has heard of %q", paths)
					}
				})
				_, err = r.Accept(session.WithOrigin(served))
			}
			answered <- err
		}()
		c := get[*session.Session](t)(session.Client(t.Context(), a, only, session.WithConsume(local)))
		must(t, <-answered)
		alice := get[*model.BroadcastConsumer](t)(local.Consume().Announced(within(t, time.Second), "alice"))
		must(t, alice.Close())
		must(t, c.Close())
	})
}

// A peer that says nothing, or lets nothing be said, holds up neither side for longer than its limits and
// its context allow.
func TestSilentPeerWhileASessionBegins(t *testing.T) {
	const firstBytes, response = 3 * time.Second, 2 * time.Second
	limits := session.WithLimits(session.Limits{FirstBytes: firstBytes, Response: response})
	client := func(ctx context.Context, c transport.Conn) error {
		_, err := session.Client(ctx, c, limits)
		return err
	}
	server := func(ctx context.Context, c transport.Conn) error {
		r, err := session.Server(ctx, c, limits)
		if err == nil {
			_, err = r.Accept()
		}
		return err
	}
	for name, c := range map[string]struct {
		protocol string
		begin    func(context.Context, transport.Conn) error
		credit   bool
		limit    time.Duration
	}{
		"client of SETUP":       {"moql", client, true, response},
		"client without credit": {"moq-lite-05", client, false, response},
		"server of SETUP":       {"moql", server, true, firstBytes},
		"server":                {"moq-lite-05", server, true, firstBytes},
	} {
		silent := func(t *testing.T) transport.Conn {
			conn, _ := memory.Config{Protocol: c.protocol, MaxUniStreams: 1}.Pair()
			if !c.credit {
				_ = get[transport.SendStream](t)(conn.OpenUni(t.Context()))
			}
			return conn
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				wantErr(t, "the limit", c.begin(t.Context(), silent(t)), model.ErrTimeout)
				if took := time.Since(began); took != c.limit {
					t.Errorf("it took %v, want %v", took, c.limit)
				}
				began = time.Now()
				wantErr(t, "the context", c.begin(within(t, time.Second), silent(t)), context.DeadlineExceeded)
				if took := time.Since(began); took != time.Second {
					t.Errorf("it took %v, want 1 s", took)
				}
			})
		})
	}
}

func TestVersionNames(t *testing.T) {
	vs := get[session.Versions](t)(session.ParseVersions("moq-lite-03, lite-05"))
	if vs.String() != "moq-lite-03,moq-lite-05" {
		t.Errorf("parsed %v", vs)
	}
	for names, mention := range map[string]string{
		"":                    `unknown version ""`,
		"moq-lite-5":          `unknown version "moq-lite-5"`,
		"moq-lite-07":         `unknown version "moq-lite-07"`,
		"moq-lite-05,lite-05": "twice",
	} {
		_, err := session.ParseVersions(names)
		if err == nil || !strings.Contains(err.Error(), mention) {
			t.Errorf("%q: error %v, want one that mentions %q", names, err, mention)
		}
	}
}
