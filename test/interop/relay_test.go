package interop

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// relay is examples/relay as a process.
type relay struct{ address, certificate string }

// plan is how peers reach the relay in one version.
func (r relay) plan(version string) plan {
	token := version
	if version == "moq-lite-01" || version == "moq-lite-02" {
		token = "moql" // and then SETUP
	}
	return plan{
		URL: "https://" + r.address, Certificate: r.certificate,
		Protocols: []string{token}, Versions: []string{version},
	}
}

// buildRelay compiles examples/relay and returns the file.
func buildRelay(ctx context.Context, t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "relay")
	build := exec.CommandContext(ctx, "go", "build", "-o", file, "github.com/moqrx/moqrx/examples/relay")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build of examples/relay: %v\n%s", err, out)
	}
	return file
}

// startRelay runs the relay until the end of the test, where it has to end on SIGTERM within
// the two seconds that it promises, and with exit code 0.
func startRelay(t *testing.T, file string, flags ...string) relay {
	t.Helper()
	cmd := exec.Command(file, append([]string{"-listen", "127.0.0.1:0"}, flags...)...)
	stderr := &tail{}
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start of the relay: %v", err)
	}
	var r relay
	lines := bufio.NewScanner(stdout)
	for (r.address == "" || r.certificate == "") && lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			r.address = rest
		}
		if rest, ok := strings.CutPrefix(lines.Text(), "certificate sha256 "); ok {
			r.certificate = rest
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() { // so that the relay never waits for its reader
		}
	}()
	t.Cleanup(func() {
		term := time.Now()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(2*time.Second, func() { _ = cmd.Process.Signal(os.Kill) })
		defer kill.Stop()
		<-drained
		if err := cmd.Wait(); err != nil {
			t.Errorf("the relay ended %v after SIGTERM: %v\n%s", time.Since(term).Round(time.Millisecond), err, stderr)
		}
	})
	if r.address == "" || r.certificate == "" {
		t.Fatalf("the relay did not say its address and certificate\n%s", stderr)
	}
	return r
}
