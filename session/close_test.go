package session_test

import (
	"context"
	"errors"
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

// hurried names a server. With it in the environment, the process is not a test: it dials the
// server, closes the session and is gone.
const hurried = "MOQRX_TEST_HURRIED"

func TestMain(m *testing.M) {
	if url := os.Getenv(hurried); url != "" {
		s, err := session.Dial(context.Background(), url, session.WithInsecure())
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// hurry runs such a process and returns what it says when it fails.
func hurry(url string) error {
	client := exec.Command(os.Args[0])
	client.Env = append(os.Environ(), hurried+"="+url, "GORACE=atexit_sleep_ms=0") // as fast as without it
	if out, err := client.CombinedOutput(); err != nil {
		return fmt.Errorf("client: %w: %s", err, out)
	}
	return nil
}

func TestCloseArrivesThoughTheProcessEnds(t *testing.T) {
	for _, scheme := range []string{"https", "moqt"} {
		t.Run(scheme, func(t *testing.T) {
			l := get[*session.Listener](t)(session.Listen("127.0.0.1:0"))
			defer l.Close()
			for range 20 {
				gone := make(chan error, 1)
				go func() { gone <- hurry(scheme + "://" + l.Addr().String()) }()
				r := get[*session.Request](t)(l.Accept(within(t, 5*time.Second)))
				s, err := r.Accept()
				must(t, <-gone)
				if err == nil { // else the close came first
					err = s.Wait(within(t, time.Second))
				}
				if err != nil && !errors.Is(err, io.EOF) {
					t.Fatalf("the session ended with %v, want a clean end", err)
				}
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
