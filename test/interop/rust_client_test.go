package interop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// TestRustClient has the command line client moq publish a video through examples/relay, and another one
// play it. A session of this module reads the catalog beside it.
func TestRustClient(t *testing.T) {
	file := rustProgram(t, "moq")
	binary := buildRelay(t.Context(), t)
	for _, version := range rustVersions {
		r := startRelay(t, binary, "-versions", version)
		for _, scheme := range []string{"https", "moqt"} {
			t.Run(version+" "+scheme, func(t *testing.T) {
				broadcast := "cam-" + scheme + ".hang"
				client := func(words ...string) []string {
					return append([]string{
						"--connect", scheme + "://" + r.address + "/", "--connect-tls-fingerprint", r.certificate,
						"--connect-version", version, "--broadcast", broadcast,
					}, words...)
				}
				video := startVideo(t, file, client("import", "avc3"), client("export", "h264"))
				catalog := make(chan error, 1)
				go func() { catalog <- readCatalog(video.ctx, r.plan(version), broadcast) }()
				video.play(t, 4)
				if err := <-catalog; err != nil {
					t.Errorf("catalog: %v", err)
				}
			})
		}
	}
}

// video is a publisher that reads H.264 from a pipe, and a player that writes it to one.
type video struct {
	ctx  context.Context
	in   io.WriteCloser
	sent []byte

	mu     sync.Mutex
	played []byte
	more   chan struct{} // poked when the player has written
}

// startVideo runs both until the end of the test.
func startVideo(t *testing.T, file string, publisher, player []string) *video {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	v := &video{ctx: ctx, more: make(chan struct{}, 1)}
	logs := &tail{}
	commands := []*exec.Cmd{exec.CommandContext(ctx, file, player...), exec.CommandContext(ctx, file, publisher...)}
	commands[0].Stdout, commands[0].Stderr, commands[1].Stderr = v, logs, logs
	in, err := commands[1].StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	v.in = in
	t.Cleanup(func() {
		cancel()
		for _, cmd := range commands {
			if cmd.Process != nil {
				_ = cmd.Wait() // killed
			}
		}
		if t.Failed() {
			t.Logf("moq said:\n%s", logs)
		}
	})
	for _, cmd := range commands {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// Write takes what the player writes.
func (v *video) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.played = append(v.played, p...)
	select {
	case v.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (v *video) seen() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.played
}

// play sends groups of pictures, each when the one before has been played but for its last two pictures: each
// end keeps one until the next one shows that it is whole. What is played are the bytes that were sent.
func (v *video) play(t *testing.T, groups int) {
	t.Helper()
	for g := range groups {
		pictures := groupOfPictures(g)
		for _, p := range pictures {
			if _, err := v.in.Write(p); err != nil {
				t.Fatalf("group %d: %v", g, err)
			}
			v.sent = append(v.sent, p...)
		}
		last := pictures[len(pictures)-3]
		for !bytes.Contains(v.seen(), last) {
			select {
			case <-v.more:
			case <-v.ctx.Done():
				t.Fatalf("group %d of %d is not played: %d bytes of %d", g, groups, len(v.seen()), len(v.sent))
			}
		}
	}
	if played := v.seen(); !bytes.Contains(v.sent, played) {
		t.Errorf("the %d bytes that were played are not among the %d that were sent", len(played), len(v.sent))
	}
}

// groupOfPictures is a key frame and some others in H.264 Annex B: parameter sets of 16 x 16 pixels, and noise in
// place of the slices' data, which nobody decodes.
func groupOfPictures(n int) [][]byte {
	noise := rand.New(rand.NewPCG(uint64(n), 0))
	unit := func(head []byte, size int) []byte {
		b := append([]byte{0, 0, 0, 1}, head...)
		for range size {
			b = append(b, byte(1+noise.IntN(255))) // a zero could look like the start of a unit
		}
		return b
	}
	key := unit([]byte{0x67, 0x42, 0xc0, 0x0a, 0xf8, 0x41, 0xa2}, 0)
	key = append(key, unit([]byte{0x68, 0xce, 0x38, 0x80}, 0)...)
	pictures := [][]byte{append(key, unit([]byte{0x65, 0x88}, 3000)...)}
	for range 5 {
		pictures = append(pictures, unit([]byte{0x41, 0x9a}, 500))
	}
	return pictures
}

// readCatalog waits for the broadcast and looks for the video in its catalog.
func readCatalog(ctx context.Context, p plan, broadcast string) error {
	origin := model.NewOrigin()
	defer origin.Close()
	p.URL += "/"
	s, err := dial(ctx, "https", p, session.WithConsume(origin))
	if err != nil {
		return err
	}
	defer s.Close()
	found, err := origin.Consume().Announced(ctx, model.NewPath(broadcast))
	if err != nil {
		return err
	}
	defer found.Close()
	track, err := found.SubscribeTrack("catalog.json", model.Subscription{})
	if err != nil {
		return err
	}
	defer track.Close()
	for group, err := range track.All(ctx) {
		if err != nil {
			return err
		}
		frame, err := group.ReadFrame(ctx)
		_ = group.Close()
		if err != nil {
			return err
		}
		if bytes.Contains(frame.Payload, []byte(`"avc`)) {
			return nil
		}
	}
	return fmt.Errorf("there is no video in the catalog of %s", broadcast)
}
