package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// nodePeer is a Node process that runs a program of peers/.
type nodePeer struct{ stdin io.WriteCloser }

func (p *nodePeer) command(word string) error {
	_, err := io.WriteString(p.stdin, word+"\n")
	return err
}

// node returns a starter for a role, publish or subscribe, in Node.
func node(role string) starter { return program("node.mjs", role) }

// program returns a starter for a role in a program of peers/. The process ends with the context at the
// latest, and the test waits for it.
func program(file, role string) starter {
	return func(ctx context.Context, t *testing.T, p plan, emit func(event)) peer {
		t.Helper()
		cache, err := filepath.Abs(cacheFolder())
		if err != nil {
			t.Fatal(err)
		}
		args, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(ctx, filepath.Join(cache, "node"), filepath.Join("peers", file), role, string(args))
		cmd.Env = append(os.Environ(), "MOQRX_PEERS="+cache)
		cmd.WaitDelay = 5 * time.Second
		stderr := &tail{}
		cmd.Stderr = stderr
		stdin, err1 := cmd.StdinPipe()
		stdout, err2 := cmd.StdoutPipe()
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if err := cmd.Start(); err != nil {
			t.Fatalf("start of %s: %v", file, err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if err := forward(stdout, emit); err != nil {
				emit(event{Event: eventError, Message: err.Error()})
			}
			last := event{Event: eventExit}
			if err := cmd.Wait(); err != nil {
				last.Message = fmt.Sprintf("%s: %v\n%s", file, err, stderr)
			}
			emit(last)
		}()
		t.Cleanup(func() {
			_ = stdin.Close() // a peer that waits for a command ends now
			<-ended
		})
		return &nodePeer{stdin}
	}
}

// forward hands on the events that a process writes, until its end.
func forward(stdout io.Reader, emit func(event)) error {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("line %q: %w", lines.Text(), err)
		}
		emit(e)
	}
	return lines.Err()
}

// tail keeps the end of what a process writes, for the message of a failure.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const tailSize = 4096

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	w.text.Next(max(0, w.text.Len()-tailSize))
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// cacheFolder is where install.sh puts the peers.
func cacheFolder() string {
	if cache := os.Getenv("MOQRX_CACHE"); cache != "" {
		return filepath.Join(cache, "interop")
	}
	return filepath.Join("..", "..", ".cache", "interop")
}

// needPeers skips a test where the peers are not installed, unless they are demanded.
func needPeers(t *testing.T) {
	t.Helper()
	_, err := os.Stat(filepath.Join(cacheFolder(), "stamp"))
	switch {
	case err == nil:
	case os.Getenv("MOQRX_INTEROP") != "":
		t.Fatalf("MOQRX_INTEROP is set, but the foreign peers are not installed (run test/interop/install.sh): %v", err)
	default:
		t.Skipf("NOT RUN: the foreign peers are not installed; test/interop/run.sh installs them and runs this")
	}
}
