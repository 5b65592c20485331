package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/session/transport"
)

// relayed starts a listener whose sessions share an origin, rooted at their paths.
func relayed(t *testing.T, origin *model.OriginProducer, opts ...session.Option) *session.Listener {
	t.Helper()
	l := get[*session.Listener](t)(session.Listen("127.0.0.1:0", opts...))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			r, err := l.Accept(context.Background())
			if err != nil {
				if !errors.Is(err, model.ErrClosed) {
					t.Errorf("accept: %v", err)
				}
				return
			}
			rooted, err := origin.WithRoot(r.Path())
			if err == nil {
				_, err = r.Accept(session.WithOrigin(rooted))
			}
			if err != nil {
				t.Errorf("accept %s: %v", r.Path(), err)
			}
		}
	}()
	t.Cleanup(func() {
		must(t, l.Close())
		must(t, l.Close())
		<-done
	})
	return l
}

func TestOverTheNetwork(t *testing.T) {
	origin := model.NewOrigin()
	l := relayed(t, origin, session.WithVersions(every()))
	for _, v := range every() {
		for _, scheme := range []string{"https", "moqt", "moql"} {
			t.Run(v.String()+" "+scheme, func(t *testing.T) {
				t.Parallel() // ends of connections take their time
				only := session.WithVersions(session.Versions{v})
				pin := session.WithFingerprint(l.CertificateSHA256())
				path := "/" + strings.ReplaceAll(t.Name(), "#", "") + "?jwt=x"
				if scheme != "https" && !atLeast05(v) {
					path = ""
				}
				url := fmt.Sprintf("%s://%s%s", scheme, l.Addr(), path)
				near, far := model.NewOrigin(), model.NewOrigin()
				p := get[*session.Session](t)(session.Dial(t.Context(), url, only, pin, session.WithOrigin(near)))
				defer p.Close()
				s := get[*session.Session](t)(session.Dial(t.Context(), url, only, pin, session.WithOrigin(far)))
				defer s.Close()
				want := transport.KindQUIC
				if scheme == "https" {
					want = transport.KindWebTransport
				}
				if s.Transport() != want || s.Version() != v || s.Path() != model.NewPath(strings.TrimSuffix(path, "?jwt=x")) {
					t.Errorf("session %v %v %q", s.Transport(), s.Version(), s.Path())
				}

				name := model.NewPath("alice " + v.String() + " " + scheme)
				b, track := publish(t, near, name, "video")
				defer b.Close()
				c := subscribe(t, far, name, "video", model.Subscription{})
				must(t, track.Used(t.Context()))
				large := string(noise(300_000))
				group(t, track, large, "small")
				wantGroup(t, c, 0, large, "small")
				for i := range 20 {
					group(t, track, fmt.Sprint("frame ", i))
					wantGroup(t, c, uint64(i+1), fmt.Sprint("frame ", i))
				}
				must(t, track.Finish())
				_, err := c.RecvGroup(t.Context())
				wantErr(t, "after the end", err, io.EOF)
				must(t, b.Finish())
				must(t, p.Close())
			})
		}
	}
}

func TestServerPrefersItsOwnOrderOnQUIC(t *testing.T) {
	order := session.Versions{session.MoqLite03, session.MoqLite05}
	l := relayed(t, model.NewOrigin(), session.WithVersions(order))
	s := get[*session.Session](t)(session.Dial(t.Context(), "moqt://"+l.Addr().String(), session.WithInsecure()))
	defer s.Close()
	if s.Version() != session.MoqLite03 {
		t.Errorf("version %v, want the server's first", s.Version())
	}
	s = get[*session.Session](t)(session.Dial(t.Context(), "https://"+l.Addr().String(), session.WithInsecure()))
	defer s.Close()
	if s.Version() != session.MoqLite05 {
		t.Errorf("version %v, want the client's first", s.Version())
	}
}

func TestCertificateFingerprintOverHTTP(t *testing.T) {
	l := relayed(t, model.NewOrigin())
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + l.Addr().String() + "/certificate.sha256")
	must(t, err)
	defer resp.Body.Close()
	body := get[[]byte](t)(io.ReadAll(resp.Body))
	if got := strings.TrimSpace(string(body)); got != fmt.Sprintf("%x", l.CertificateSHA256()) {
		t.Errorf("fingerprint %q", got)
	}
}

func TestDialErrorsSayWhatIsWrong(t *testing.T) {
	l := relayed(t, model.NewOrigin(), session.WithVersions(session.Versions{session.MoqLite04}))
	addr := l.Addr().String()
	for name, c := range map[string]struct {
		url     string
		opts    []session.Option
		mention string
	}{
		"versions":              {"moqt://" + addr, with(session.WithVersions(nil)), "no version"},
		"certificate":           {"moqt://" + addr, nil, "certificate"},
		"fingerprint":           {"moqt://" + addr, with(session.WithFingerprint([32]byte{1})), "fingerprint"},
		"path over moqt":        {"moqt://" + addr + "/room", with(session.WithInsecure()), `cannot carry the path "/room": use an https:// URL or moq-lite-05`},
		"path, old versions":    {"moqt://" + addr + "/room", with(session.WithInsecure(), session.WithVersions(session.Versions{session.MoqLite04})), "cannot carry the path"},
		"no common version":     {"moqt://" + addr, with(session.WithInsecure(), session.WithVersions(session.Versions{session.MoqLite05})), "moq-lite-05"},
		"versions of one token": {"moqt://" + addr, with(session.WithInsecure(), session.WithVersions(session.Versions{session.MoqLite01, session.MoqLite02, session.MoqLite05})), "none of moql, moq-lite-05"},
		"WT: no common":         {"https://" + addr, with(session.WithInsecure(), session.WithVersions(session.Versions{session.MoqLite05, session.MoqLite03})), "the server speaks moq-lite-04, the client offers moq-lite-05,moq-lite-03"},
		"nobody there":          {"moqt://127.0.0.1:1", nil, "no answer"},
		"no such name":          {"https://nowhere.invalid/room", nil, "lookup"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := session.Dial(t.Context(), c.url, c.opts...)
			if err == nil {
				_ = s.Close()
				t.Fatal("no error")
			}
			for _, mention := range []string{c.url, c.mention} {
				if !strings.Contains(err.Error(), mention) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %q does not mention %q in one line", err, mention)
				}
			}
			var bad *session.URLError
			if errors.As(err, &bad) {
				t.Errorf("error %q is about the URL, which is fine", err)
			}
		})
	}
}

func TestURLsThatNoSessionCanHave(t *testing.T) {
	for url, mention := range map[string]string{
		"":                         "unknown scheme",
		"127.0.0.1:4443":           "first path segment",
		"example.org/room":         "unknown scheme",
		"ftp://example.org":        `unknown scheme "ftp"`,
		"ws://example.org":         "WebSocket",
		"wss://example.org":        "WebSocket",
		"moqt:///room":             "no host",
		"https://:443":             "no host",
		"https://example.org:0":    "port",
		"moqt://example.org:9e9":   "port",
		"moqt://example.org:99999": "port",
	} {
		t.Run(url, func(t *testing.T) {
			_, err := session.Dial(t.Context(), url)
			var bad *session.URLError
			if !errors.As(err, &bad) || bad.URL != url {
				t.Fatalf("error %v, want a URLError about %q", err, url)
			}
			for _, part := range []string{url, mention} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not mention %q", err, part)
				}
			}
		})
	}
}

func TestDialErrorsKeepTheQueryToThemselves(t *testing.T) {
	l := relayed(t, model.NewOrigin())
	old := session.Versions{session.MoqLite04}
	for _, c := range []struct {
		before string
		opts   []session.Option
	}{
		{"https://user:secret@", nil},
		{"https://", with(session.WithVersions(nil))},
		{"moqt://", with(session.WithVersions(old))},
		{"wss://", nil},
	} {
		_, err := session.Dial(t.Context(), c.before+l.Addr().String()+"/room?jwt=secret", c.opts...)
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "/room") {
			t.Errorf("error %q, want one that names the URL without the token", err)
		}
	}
}

func TestListenErrorsSayWhatIsWrong(t *testing.T) {
	l := relayed(t, model.NewOrigin())
	for name, c := range map[string]struct {
		addr    string
		opts    []session.Option
		mention string
	}{
		"busy port": {l.Addr().String(), nil, "in use"},
		"no port":   {"localhost", nil, "port"},
		"versions":  {"127.0.0.1:0", with(session.WithVersions(session.Versions{7})), "0x00000007"},
	} {
		t.Run(name, func(t *testing.T) {
			other, err := session.Listen(c.addr, c.opts...)
			if err == nil {
				_ = other.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.mention) {
				t.Errorf("error %q does not mention %q", err, c.mention)
			}
		})
	}
}

func TestListenerCloseEndsItsSessions(t *testing.T) {
	for _, scheme := range []string{"https", "moqt"} {
		t.Run(scheme, func(t *testing.T) {
			near, far := model.NewOrigin(), model.NewOrigin()
			publish(t, near, "ready", "")
			l := relayed(t, near)
			s := get[*session.Session](t)(session.Dial(t.Context(), scheme+"://"+l.Addr().String(), session.WithInsecure(), session.WithOrigin(far)))
			defer s.Close()
			_ = get[*model.BroadcastConsumer](t)(far.Consume().Announced(t.Context(), "ready")).Close()
			must(t, l.Close())
			must(t, s.Wait(t.Context()))
			wantErr(t, "session", s.Err(), io.EOF)
		})
	}
}

func TestListenerCloseWaitsForItsSessions(t *testing.T) {
	l := get[*session.Listener](t)(session.Listen("127.0.0.1:0"))
	client := get[*session.Session](t)(session.Dial(t.Context(), "moqt://"+l.Addr().String(), session.WithInsecure()))
	defer client.Close()
	r := get[*session.Request](t)(l.Accept(t.Context()))
	s := get[*session.Session](t)(r.Accept())
	must(t, l.Close())
	select {
	case <-s.Done():
	default:
		t.Error("a session outlives its listener")
	}
	_, err := l.Accept(t.Context())
	wantErr(t, "accept", err, model.ErrClosed)
}

func TestRejectedOverTheNetwork(t *testing.T) {
	for _, v := range session.DefaultVersions() {
		for _, scheme := range []string{"https", "moqt"} {
			t.Run(v.String()+" "+scheme, func(t *testing.T) {
				t.Parallel()
				l := get[*session.Listener](t)(session.Listen("127.0.0.1:0"))
				defer l.Close()
				go func() {
					if r, err := l.Accept(context.Background()); err == nil {
						_ = r.Reject(&model.Error{Code: model.CodeUnauthorized, Reason: "bad token"})
					}
				}()
				only := session.WithVersions(session.Versions{v})
				s, err := session.Dial(t.Context(), scheme+"://"+l.Addr().String(), only, session.WithInsecure())
				if err == nil { // or the refusal came while it dialed
					defer s.Close()
					err = s.Wait(t.Context())
				}
				wantErr(t, "session", err, model.ErrUnauthorized)
				if !strings.Contains(err.Error(), "bad token") {
					t.Errorf("error %q without the reason", err)
				}
			})
		}
	}
}

func TestTheReasonOfACloseArrives(t *testing.T) {
	for _, v := range every() {
		for _, scheme := range []string{"https", "moqt"} {
			t.Run(v.String()+" "+scheme, func(t *testing.T) {
				t.Parallel()
				only := session.WithVersions(session.Versions{v})
				l := get[*session.Listener](t)(session.Listen("127.0.0.1:0", only))
				defer l.Close()
				accepted := make(chan *session.Session, 1)
				go func() {
					defer close(accepted)
					if r, err := l.Accept(context.Background()); err == nil {
						if s, err := r.Accept(session.WithOrigin(model.NewOrigin())); err == nil {
							accepted <- s
						}
					}
				}()
				origin := model.NewOrigin()
				s := get[*session.Session](t)(session.Dial(t.Context(), scheme+"://"+l.Addr().String(), only, session.WithInsecure(), session.WithOrigin(origin)))
				defer s.Close()
				_ = (<-accepted).CloseWithError(&model.Error{Code: model.CodeUnauthorized, Reason: "the token has expired"})
				err := s.Wait(t.Context())
				wantErr(t, "session", err, model.ErrUnauthorized)
				if !strings.Contains(err.Error(), "the token has expired") {
					t.Errorf("error %q without the reason", err)
				}
			})
		}
	}
}

func TestCaptureAndKeyLog(t *testing.T) {
	var capture, keys bytes.Buffer // nothing is written once the session is over
	l := relayed(t, model.NewOrigin())
	s := get[*session.Session](t)(session.Dial(t.Context(), "moqt://"+l.Addr().String(),
		session.WithInsecure(), session.WithCapture(&capture), session.WithKeyLog(&keys)))
	must(t, s.Close())
	if got := capture.String(); !strings.HasPrefix(got, "\x0a\x0d\x0d\x0a") {
		t.Errorf("the capture does not begin as a pcapng: %x", got[:min(8, len(got))])
	}
	if !strings.Contains(keys.String(), "CLIENT_TRAFFIC_SECRET_0") {
		t.Errorf("key log %q", keys.String())
	}
}
