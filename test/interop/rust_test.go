package interop

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// rustVersions are those in which moq-relay is tried.
var rustVersions = []string{"moq-lite-03", "moq-lite-04", "moq-lite-05"}

// rustHop is the id that moq-relay gets in hop chains.
const rustHop = 77

// rustProgram finds moq-relay or moq, or skips the test and says so.
func rustProgram(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv("MOQRX_RUST")
	if folder == "" {
		t.Skip("NOT RUN: MOQRX_RUST does not name the folder of the Rust peers; test/interop/rust.sh installs them and runs this")
	}
	file := filepath.Join(folder, "bin", name)
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("MOQRX_RUST is set, but a peer is missing (run test/interop/rust.sh): %v", err)
	}
	return file
}

// startRust runs moq-relay on a free port until the end of the test.
func startRust(t *testing.T, version string, flags ...string) relay {
	t.Helper()
	file := rustProgram(t, "moq-relay")
	c := selfSigned(t)
	folder := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	r := relay{address: freePort(t), certificate: c.sha256}
	args := append([]string{
		"--listen", r.address, "--listen-version", version, "--auth-public", "**", "--log-level", "info", "--cluster-id", "77",
		"--listen-tls-cert", write("cert.pem", c.cert),
		"--listen-tls-key", write("key.pem", c.key),
	}, flags...)
	cmd := exec.Command(file, args...)
	log := &watched{word: "listening", seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("start of moq-relay: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		if t.Failed() {
			t.Logf("moq-relay said:\n%s", log)
		}
	})
	select {
	case <-log.seen:
	case <-time.After(30 * time.Second):
		t.Fatal("moq-relay does not listen")
	}
	return r
}

// watched notes when a process writes a word.
type watched struct {
	tail
	word string
	once sync.Once
	seen chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.tail.Write(p)
	if strings.Contains(w.String(), w.word) {
		w.once.Do(func() { close(w.seen) })
	}
	return n, err
}

// TestRustRelay sends every byte through moq-relay, over both carriers.
func TestRustRelay(t *testing.T) {
	for _, version := range rustVersions {
		for _, scheme := range []string{"https", "moqt"} {
			t.Run(version+" "+scheme, func(t *testing.T) {
				p := startRust(t, version).plan(version)
				p.Flat = scheme == "moqt" && version != "moq-lite-05" // nothing there carries a path
				transfer(t, version, p, publisher(scheme), subscriber(scheme))
			})
		}
	}
}

// TestHopsThroughRust joins moq-relay to examples/relay, and looks at a broadcast from either side
// of the two.
func TestHopsThroughRust(t *testing.T) {
	for _, version := range []string{"moq-lite-04", "moq-lite-05"} {
		t.Run(version, func(t *testing.T) {
			rustProgram(t, "moq-relay")
			ours := startRelay(t, buildRelay(t.Context(), t), "-versions", version)
			theirs := startRust(t, version, "--connect-tls-insecure=true", "--connect-version", version,
				"--cluster-connect", "moqt://"+ours.address)
			t.Run("from ours to theirs", func(t *testing.T) {
				hops := hopsBetween(t, version, ours, theirs)
				if len(hops) != 3 || hops[2] != rustHop {
					t.Errorf("hops %v, want the publisher, a relay and %d", hops, rustHop)
				}
			})
			t.Run("from theirs to ours", func(t *testing.T) {
				hops := hopsBetween(t, version, theirs, ours)
				if len(hops) != 3 || hops[1] != rustHop {
					t.Errorf("hops %v, want the publisher, %d and a relay", hops, rustHop)
				}
			})
		})
	}
}

// hopsBetween publishes at one relay, reads a frame at the other and returns the chain of hops from
// the publisher to there.
func hopsBetween(t *testing.T, version string, from, to relay) model.OriginList {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	path := model.NewPath("hops/" + strings.ReplaceAll(t.Name(), "/", "-"))
	published, consumed := model.NewOrigin(), model.NewOrigin()
	defer published.Close()
	defer consumed.Close()
	broadcast, err := published.CreateBroadcast(path, model.Route{})
	if err != nil {
		t.Fatal(err)
	}
	defer broadcast.Close()
	track, err := broadcast.CreateTrack("t", model.TrackInfo{})
	if err != nil {
		t.Fatal(err)
	}
	defer track.Close()
	if err := writeGroup(track, trackPlan{Name: "t", Timescale: 1000}, []int{1}); err != nil {
		t.Fatal(err)
	}
	for _, end := range []struct {
		at     relay
		option session.Option
	}{{from, session.WithPublish(published.Consume())}, {to, session.WithConsume(consumed)}} {
		p := end.at.plan(version)
		p.URL += "/"
		s, err := dial(ctx, "moqt", p, end.option)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	}
	found, err := consumed.Consume().Announced(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	reader, err := found.SubscribeTrack("t", model.Subscription{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	group, err := reader.RecvGroup(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	if frame, err := group.ReadFrame(ctx); err != nil || len(frame.Payload) != 1 {
		t.Fatalf("%d bytes, %v", len(frame.Payload), err)
	}
	hops := slices.Clone(found.Route().Hops)
	if len(hops) == 0 || hops[0] != published.ID() {
		t.Errorf("hops %v do not begin with the publisher %v", hops, published.ID())
	}
	return hops
}
