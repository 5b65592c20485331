package session_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
	"go.uber.org/goleak"
)

// With these in the environment, the process is not a test: it dials the server, does as its role
// says, and is gone.
const (
	role   = "MOQRX_TEST_ROLE"
	server = "MOQRX_TEST_SERVER"
	spoken = "MOQRX_TEST_VERSION"
)

var roles = map[string]func(url string, only session.Option) error{
	"closes": func(url string, only session.Option) error {
		s, err := session.Dial(context.Background(), url, session.WithInsecure(), only)
		if err != nil {
			return err
		}
		return s.Close()
	},
	"publishes": publishAndLeave,
}

func TestMain(m *testing.M) {
	act := roles[os.Getenv(role)]
	if act == nil {
		if err := flag.Set("test.parallel", "16"); err != nil { // what is parallel here waits more than it works
			panic(err)
		}
		goleak.VerifyTestMain(m)
		return
	}
	versions, err := session.ParseVersions(os.Getenv(spoken))
	if err == nil {
		err = act(os.Getenv(server), session.WithVersions(versions))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// inProcess runs such a process and returns what it says when it fails.
func inProcess(does, url string, vs session.Versions) error {
	p := exec.Command(os.Args[0])
	p.Env = append(os.Environ(), role+"="+does, server+"="+url, spoken+"="+vs.String())
	p.Env = append(p.Env, "GORACE=atexit_sleep_ms=0") // as fast as without the detector
	if out, err := p.CombinedOutput(); err != nil {
		return fmt.Errorf("a process that %s: %w: %s", does, err, out)
	}
	return nil
}

func TestCloseArrivesThoughTheProcessEnds(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"https", "moqt"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			l := get[*session.Listener](t)(session.Listen("127.0.0.1:0"))
			defer l.Close()
			met := 0
			for range 20 {
				waiting, cancel := context.WithCancel(within(t, 10*time.Second))
				gone := make(chan error, 1)
				go func() {
					gone <- inProcess("closes", scheme+"://"+l.Addr().String(), session.DefaultVersions())
					time.AfterFunc(time.Second, cancel)
				}()
				r, err := l.Accept(waiting)
				if errors.Is(err, context.Canceled) { // the close came before the listener had the client
					must(t, <-gone)
					continue
				}
				must(t, err)
				met++
				s, err := r.Accept()
				must(t, <-gone)
				if err == nil { // else the close came first
					err = s.Wait(within(t, time.Second))
				}
				if err != nil && !errors.Is(err, io.EOF) {
					t.Fatalf("the session ended with %v, want a clean end", err)
				}
			}
			if met == 0 {
				t.Error("no client was met")
			}
		})
	}
}

func TestNothingIsCapturedAfterClose(t *testing.T) {
	for _, scheme := range []string{"https", "moqt"} {
		t.Run(scheme, func(t *testing.T) {
			var sealed sealedWriter
			l := relayed(t, model.NewOrigin(), session.WithVersions(session.Versions{session.MoqLite05}))
			url := scheme + "://" + l.Addr().String()
			s := get[*session.Session](t)(session.Dial(t.Context(), url, session.WithInsecure(), session.WithCapture(&sealed)))
			must(t, s.Close())
			sealed.seal()
			if _, err := session.Dial(t.Context(), url, session.WithCapture(sealed.again())); err == nil {
				t.Error("dialed without the certificate")
			}
			sealed.seal()
			must(t, l.Close())
			if n := sealed.late.Load(); n > 0 {
				t.Errorf("%d writes after the end", n)
			}
		})
	}
}

// sealedWriter counts what is written while it is sealed.
type sealedWriter struct {
	sealed atomic.Bool
	late   atomic.Int32
}

func (w *sealedWriter) seal() { w.sealed.Store(true) }

func (w *sealedWriter) again() *sealedWriter {
	w.sealed.Store(false)
	return w
}

func (w *sealedWriter) Write(p []byte) (int, error) {
	if w.sealed.Load() {
		w.late.Add(1)
	}
	return len(p), nil
}
