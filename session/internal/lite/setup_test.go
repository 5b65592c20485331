package lite

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
)

// withSetup are the versions in which each side sends a SETUP.
var withSetup = []genlite.Version{genlite.Version05, genlite.Version06Wip}

func TestSetupOnTheWire(t *testing.T) {
	origin := func(id model.OriginID) func(*rigConfig) {
		return func(c *rigConfig) { c.publish = model.NewOrigin(model.WithOriginID(id)).Consume() }
	}
	for name, c := range map[string]struct {
		change func(*rigConfig)
		want   string // of moq-lite-05
		on06   string // if it differs
	}{
		"nothing special": {func(*rigConfig) {}, "01 05 01 05 02 6222", ""},
		"path": {
			func(c *rigConfig) { c.Path = "/live?jwt=abc" },
			"01 14 02 02 0d 2f6c6976653f6a77743d616263 05 02 6222", "",
		},
		"role":             {func(c *rigConfig) { c.Role = RolePublisher }, "01 08 02 03 01 01 05 02 6222", ""},
		"no cost at all":   {func(c *rigConfig) { c.link.Cost = wire.Some[uint64](0) }, "01 08 02 04 01 00 05 02 6222", ""},
		"cost":             {func(c *rigConfig) { c.link.Cost = wire.Some[uint64](7) }, "01 08 02 04 01 07 05 02 6222", ""},
		"probe":            {func(c *rigConfig) { c.Probe = 1 }, "01 08 02 01 01 01 05 02 6222", ""},
		"largest origin":   {origin(1<<53 - 1), "01 0b 01 05 08 c01fffffffffffff", ""},
		"too large for JS": {origin(1 << 53), "01 01 00", "01 0b 01 05 08 c020000000000000"},
	} {
		for _, v := range withSetup {
			t.Run(name+" "+v.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, v, c.change)
					s, err := r.peer.AcceptUni(t.Context())
					must(t, err)
					want := c.want
					if v == genlite.Version06Wip && c.on06 != "" {
						want = c.on06
					}
					wantBytes(t, s, want)
					wantEnd(t, s, -1)
				})
			})
		}
	}
}

func TestNoSetupStreamBefore05(t *testing.T) {
	for _, v := range []genlite.Version{genlite.Version01, genlite.Version02, genlite.Version03, genlite.Version04} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, v)
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := r.peer.AcceptUni(ctx); err == nil {
				t.Error("a stream was opened")
			}
		})
	}
}

// awaitSetup is what a server makes of the SETUP of a client. before runs first.
func awaitSetup(t *testing.T, v genlite.Version, bytes string, before func(r *rig)) (Setup, *Engine) {
	t.Helper()
	peer, own := memory.Pair(v.ALPN())
	r := &rig{t: t, v: v, peer: peer, engine: New(Config{Conn: own, Version: v})}
	if before != nil {
		before(r)
	}
	must(t, r.uni(unhex(t, bytes)).Close())
	setup, err := r.engine.AwaitSetup(t.Context())
	must(t, err)
	return setup, r.engine
}

func TestServerReadsTheSetupOfAClient(t *testing.T) {
	for _, v := range withSetup {
		t.Run(v.String(), func(t *testing.T) {
			t.Run("16.22/353 the path is there; absent and empty are the same", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					for bytes, want := range map[string]string{
						"01 0c 01 02 09 2f6c6976653f613d62": "/live?a=b",
						"01 01 00":                          "",
						"01 03 01 02 00":                    "",
					} {
						if setup, _ := awaitSetup(t, v, bytes, nil); setup.Path != want {
							t.Errorf("%s: path %q, want %q", bytes, setup.Path, want)
						}
					}
				})
			})
			t.Run("16.22/354 what overtakes SETUP is refused, and SETUP still found", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testOvertaking(t, v) })
			})
			t.Run("16.22/355 parameters that nobody knows are ignored", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					setup, e := awaitSetup(t, v, "01 0f 03 3f 02 aabb 05 02 5111 7fff 03 010203", nil)
					if e.PeerOrigin() != clientOrigin || setup != (Setup{Origin: clientOrigin}) {
						t.Errorf("understood %+v", setup)
					}
				})
			})
			t.Run("16.22/356 a role that nobody knows is both", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					for bytes, want := range map[string]Role{
						"01 04 01 03 01 00": RoleBoth, "01 04 01 03 01 01": RolePublisher,
						"01 04 01 03 01 02": RoleSubscriber, "01 04 01 03 01 03": RoleBoth, "01 05 01 03 02 7fff": RoleBoth,
					} {
						if setup, _ := awaitSetup(t, v, bytes, nil); setup.Role != want {
							t.Errorf("%s: role %v, want %v", bytes, setup.Role, want)
						}
					}
				})
			})
			t.Run("cost, probe and an origin that is none", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					setup, e := awaitSetup(t, v, "01 0a 03 01 01 02 04 01 00 05 01 00", nil)
					if setup != (Setup{Probe: 2, Cost: wire.Some[uint64](0)}) || e.PeerOrigin() != 0 {
						t.Errorf("understood %+v", setup)
					}
				})
			})
		})
	}
}

func testOvertaking(t *testing.T, v genlite.Version) {
	var overtakes []transport.SendStream
	setup, e := awaitSetup(t, v, "01 0c 02 02 05 2f6c697665 05 02 5111", func(r *rig) {
		overtakes = []transport.SendStream{r.group(0, 0, nil), r.uni(unhex(t, "3f"))}
		r.uni(nil).Reset(1)
	})
	if setup.Path != "/live" || e.PeerOrigin() != clientOrigin {
		t.Errorf("SETUP %+v from %v", setup, e.PeerOrigin())
	}
	for _, s := range overtakes {
		wantStop(t, s, 10)
	}
}

// A client that has said what it does is granted no more, whatever it asks for later.
func TestRoleOfAClientBoundsItsGrant(t *testing.T) {
	for _, v := range withSetup {
		for role, bytes := range map[Role]string{
			RoleBoth: "01 01 00", RolePublisher: "01 04 01 03 01 01", RoleSubscriber: "01 04 01 03 01 02",
		} {
			synctest.Test(t, func(t *testing.T) {
				peer, own := memory.Pair(v.ALPN())
				r := &rig{t: t, v: v, peer: peer, engine: New(Config{Conn: own, Version: v}), origin: model.NewOrigin(model.WithOriginID(serverOrigin))}
				r.publish("alice", "video")
				must(t, r.uni(unhex(t, bytes)).Close())
				_, err := r.engine.AwaitSetup(t.Context())
				must(t, err)
				r.engine.Grant(r.origin.Consume(), r.origin)
				must(t, r.engine.SendSetup(t.Context()))
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() {
					defer close(done)
					_ = r.engine.Run(ctx)
				}()
				defer func() {
					cancel()
					<-done
				}()
				s := r.bidi(genlite.BidiAnnounce, &genlite.AnnounceRequest{})
				var ok genlite.AnnounceOK
				must(t, newReader(s, v).message(&ok))
				if told := ok.Active == 1; told != (role != RolePublisher) || ok.Origin != uint64(serverOrigin) {
					t.Errorf("%v: ANNOUNCE_OK %+v", role, ok)
				}
				ctx, end := context.WithTimeout(t.Context(), time.Second)
				defer end()
				if _, err := peer.AcceptBidi(ctx); (err == nil) != (role != RoleSubscriber) {
					t.Errorf("%v: asked for announcements: %v", role, err)
				}
			})
		}
	}
}

func TestExchangeStreamIsTheLifeOfTheSession(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(s transport.Stream)
		want error // nil: the session goes on
		code uint64
	}{
		"measurements": {func(s transport.Stream) { _, _ = s.Write([]byte("\x01\x00\x04\x80\x4c\x4b\x40")) }, nil, 0},
		"FIN":          {func(s transport.Stream) { _ = s.Close() }, context.Canceled, 0},
		"reset":        {func(s transport.Stream) { s.Reset(7) }, context.Canceled, 0},
		"garbage":      {func(s transport.Stream) { _, _ = s.Write([]byte("\x02\x00\x00")) }, model.ErrDecode, 5},
		"cut short":    {func(s transport.Stream) { _, _ = s.Write([]byte("\x04")); _ = s.Close() }, model.ErrDecode, 5},
	} {
		for _, v := range []genlite.Version{genlite.Version01, genlite.Version02} {
			t.Run(name+" "+v.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, v)
					c.do(r.session)
					if c.want == nil {
						r.works()
						return
					}
					if err := r.ended(); !errors.Is(err, c.want) {
						t.Errorf("the session ended with %v, want %v", err, c.want)
					}
					<-r.peer.Context().Done()
					var gone *transport.ConnError
					if err := context.Cause(r.peer.Context()); !errors.As(err, &gone) || gone.Code != c.code {
						t.Errorf("the peer saw %v, want code %d", err, c.code)
					}
					_, _ = io.ReadAll(r.session)
				})
			})
		}
	}
}
