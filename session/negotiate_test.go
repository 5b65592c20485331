package session_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
)

// negotiated dials a listener with these sets and returns the versions that both sides see.
func negotiated(t *testing.T, scheme string, client, server session.Versions) (session.Version, error) {
	t.Helper()
	l := relayed(t, model.NewOrigin(), session.WithVersions(server))
	s, err := session.Dial(t.Context(), scheme+"://"+l.Addr().String(), session.WithInsecure(), session.WithVersions(client))
	if err != nil {
		return 0, err
	}
	defer s.Close()
	return s.Version(), nil
}

func TestWhoseOrderCounts(t *testing.T) {
	const (
		v1, v2, v3, v4, v5, v6 = session.MoqLite01, session.MoqLite02, session.MoqLite03,
			session.MoqLite04, session.MoqLite05, session.MoqLite06WIP
	)
	for name, c := range map[string]struct {
		client, server session.Versions
		quic, overWeb  session.Version
	}{
		"one in common":             {session.Versions{v5, v4}, session.Versions{v4, v3}, v4, v4},
		"both in other orders":      {session.Versions{v5, v3}, session.Versions{v3, v5}, v3, v5},
		"defaults":                  {session.DefaultVersions(), session.DefaultVersions(), v5, v5},
		"06 asked for by one side":  {every(), session.DefaultVersions(), v5, v5},
		"06 asked for by both":      {every(), every(), v6, v6},
		"SETUP: the client's first": {session.Versions{v1, v2}, session.Versions{v2, v1}, v1, v1},
		"SETUP: one in common":      {session.Versions{v5, v2, v1}, session.Versions{v4, v1}, v1, v1},
		"SETUP: last resort":        {session.Versions{v5, v4, v2}, session.Versions{v3, v2}, v2, v2},
		"SETUP preferred":           {session.Versions{v2, v5}, session.Versions{v2, v5}, v2, v2},
		"SETUP and a token":         {session.Versions{v2, v5}, session.Versions{v5, v2}, v5, v2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for scheme, want := range map[string]session.Version{"moqt": c.quic, "https": c.overWeb} {
				if got, err := negotiated(t, scheme, c.client, c.server); got != want {
					t.Errorf("%s: %v, %v; want %v", scheme, got, err, want)
				}
			}
		})
	}
}

func TestNothingInCommonOverTheNetwork(t *testing.T) {
	const v1, v2, v4, v5 = session.MoqLite01, session.MoqLite02, session.MoqLite04, session.MoqLite05
	for name, c := range map[string]struct {
		client, server session.Versions
		mention        string
	}{
		"tokens":                      {session.Versions{v5}, session.Versions{v4}, "the server speaks moq-lite-04, the client offers moq-lite-05"},
		"SETUP":                       {session.Versions{v1}, session.Versions{v2}, "the server speaks moq-lite-02, the client offers moq-lite-01 by SETUP"},
		"the client knows SETUP":      {session.Versions{v2}, session.Versions{v5}, "the server speaks moq-lite-05, the client offers moql"},
		"the server knows SETUP only": {session.Versions{v5}, session.Versions{v2}, "the client offers moq-lite-05"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := negotiated(t, "https", c.client, c.server)
			wantErr(t, "dial", err, model.ErrVersion)
			if !strings.Contains(err.Error(), c.mention) {
				t.Errorf("error %q does not mention %q", err, c.mention)
			}
			// TLS finds out on raw QUIC, unless the token stands for both.
			if _, err := negotiated(t, "moqt", c.client, c.server); err == nil {
				t.Error("no error on raw QUIC")
			}
		})
	}
}

func TestWithoutATokenTheVersionIsAgreedOnBySetup(t *testing.T) {
	for _, token := range []string{"", "moql"} {
		for _, v := range []session.Version{session.MoqLite01, session.MoqLite02} {
			t.Run("16.22/349 token "+token+", "+v.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testExchange(t, token, v) })
			})
		}
	}
}

func testExchange(t *testing.T, token string, v session.Version) {
	near, far := model.NewOrigin(), model.NewOrigin()
	a, b := memory.Pair(token)
	server := make(chan *session.Session)
	go func() {
		r := get[*session.Request](t)(session.Server(t.Context(), b, session.WithPublish(near.Consume())))
		server <- get[*session.Session](t)(r.Accept())
	}()
	offer := session.WithVersions(session.Versions{session.MoqLite05, v})
	c := get[*session.Session](t)(session.Client(t.Context(), a, offer, session.WithConsume(far)))
	defer c.Close()
	s := <-server
	defer s.Close()
	if c.Version() != v || s.Version() != v {
		t.Errorf("versions %v and %v, want %v", c.Version(), s.Version(), v)
	}
	_, track := publish(t, near, "alice", "video")
	tc := subscribe(t, far, "alice", "video", model.Subscription{})
	must(t, track.Used(t.Context()))
	group(t, track, "works")
	wantGroup(t, tc, 0, "works")
}

// setupPeer accepts a session's connection and plays the other side of the exchange by hand.
func setupPeer(t *testing.T, answer func(s transport.Stream)) (client func(opts ...session.Option) (*session.Session, error)) {
	t.Helper()
	a, b := memory.Pair("moql")
	go func() {
		s, err := b.AcceptBidi(t.Context())
		if err == nil {
			answer(s)
		}
	}()
	return func(opts ...session.Option) (*session.Session, error) { return session.Client(t.Context(), a, opts...) }
}

func TestClientChecksTheChoiceOfTheServer(t *testing.T) {
	for name, c := range map[string]struct {
		answer  string
		want    error
		mention string
	}{
		"not offered":       {"\x21\x00\x09\xc0\x00\x00\x00\xff\x0d\xad\x01\x00", model.ErrVersion, "the server chose moq-lite-01, the client offered moq-lite-02"},
		"another protocol":  {"\x21\x00\x09\xc0\x00\x00\x00\xff\x00\x00\x0e\x00", model.ErrVersion, "moq-transport-14"},
		"never heard of":    {"\x21\x00\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00", model.ErrVersion, "0xffffffff"},
		"garbage":           {"\x20\x00\x00", model.ErrDecode, "SERVER_SETUP"},
		"too long":          {"\x21\x00\x0a\xc0\x00\x00\x00\xff\x0d\xad\x02\x00\x00", model.ErrDecode, "SERVER_SETUP"},
		"nothing, for 10 s": {"", model.ErrTimeout, "no SERVER_SETUP within 10s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := setupPeer(t, func(s transport.Stream) { _, _ = io.WriteString(s, c.answer) })
				began := time.Now()
				_, err := client(session.WithVersions(session.Versions{session.MoqLite02}))
				wantErr(t, "client", err, c.want)
				if !strings.Contains(err.Error(), c.mention) {
					t.Errorf("error %q does not mention %q", err, c.mention)
				}
				if took := time.Since(began); took > 0 && c.answer != "" {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestServerThatRefusesTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := setupPeer(t, func(s transport.Stream) { s.Reset(0) })
		_, err := client()
		wantErr(t, "client", err, model.ErrVersion)
	})
}

func TestDialOfTheExchangeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := memory.Pair("")
		began := time.Now()
		_, err := session.Client(within(t, time.Second), a)
		if err == nil || time.Since(began) != time.Second {
			t.Errorf("%v after %v, want an error after 1 s", err, time.Since(began))
		}
	})
}

func TestServerReadsWhatIsOfferedBySetup(t *testing.T) {
	// CLIENT_SETUP: moq-lite-02, moq-transport-14 and, after that, moq-lite-01.
	const offer = "\x20\x00%c\x03\xc0\x00\x00\x00\xff\x0d\xad\x02\xc0\x00\x00\x00\xff\x00\x00\x0e\xc0\x00\x00\x00\xff\x0d\xad\x01"
	params := func(s string) string {
		return strings.Replace(offer, "%c", string(rune(len(offer)-4+len(s))), 1) + s
	}
	for name, c := range map[string]struct {
		offer   string
		want    error // of the server
		mention string
		path    string
	}{
		"first is taken":     {params("\x00"), nil, "", ""},
		"a path":             {params("\x01\x01\x0b/room?jwt=x"), nil, "", "room"},
		"unknown parameter":  {params("\x01\x02\x05"), nil, "", ""},
		"not a CLIENT_SETUP": {"\x01\x01\x00", model.ErrDecode, "CLIENT_SETUP", ""},
		"nothing in common":  {"\x20\x00\x0a\x01\xc0\x00\x00\x00\xff\x00\x00\x0e\x00", model.ErrVersion, "the client offers moq-transport-14 by SETUP", ""},
		"no version at all":  {"\x20\x00\x02\x00\x00", model.ErrVersion, "", ""},
		"silence":            {"", model.ErrTimeout, "no CLIENT_SETUP within 10s", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := memory.Pair("moql")
				s := get[transport.Stream](t)(a.OpenBidi(t.Context()))
				_, err := io.WriteString(s, c.offer)
				must(t, err)
				r, err := session.Server(t.Context(), b)
				if c.want != nil {
					wantErr(t, "server", err, c.want)
					if !strings.Contains(err.Error(), c.mention) {
						t.Errorf("error %q does not mention %q", err, c.mention)
					}
					var gone *transport.ConnError
					if <-a.Context().Done(); !errors.As(context.Cause(a.Context()), &gone) || gone.Code != uint64(model.CodeOf(c.want)) {
						t.Errorf("the client saw %v", context.Cause(a.Context()))
					}
					return
				}
				must(t, err)
				if r.Version() != session.MoqLite02 || r.Path().String() != c.path {
					t.Errorf("%v, path %q", r.Version(), r.Path())
				}
				must(t, r.Reject(nil))
			})
		})
	}
}
