package examples

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// bin is the folder with the examples, built once.
var bin string

func TestMain(m *testing.M) {
	var err error
	if bin, err = os.MkdirTemp("", "examples"); err == nil {
		build := exec.Command("go", "build", "-o", bin, "./relay", "./clock")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build the examples:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(bin)
		os.Exit(code)
	}))
}

// A process is a running example.
type process struct {
	*exec.Cmd
	stdout *bufio.Reader
	stderr bytes.Buffer
}

// start runs an example, which is killed if the test leaves it behind.
func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	p := &process{Cmd: exec.CommandContext(ctx, filepath.Join(bin, name), args...)}
	p.Stderr = &p.stderr
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdout = bufio.NewReader(stdout)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// line is the next line of standard output, or "" at its end.
func (p *process) line() string {
	text, _ := p.stdout.ReadString('\n')
	return strings.TrimSuffix(text, "\n")
}

// wait returns what is left of standard output, and the exit code.
func (p *process) wait(t *testing.T) (stdout string, code int) {
	t.Helper()
	rest, err := io.ReadAll(p.stdout)
	if err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := p.Wait(); err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	return string(rest), p.ProcessState.ExitCode()
}

// stop sends SIGTERM and expects a good end within two seconds.
func (p *process) stop(t *testing.T) {
	t.Helper()
	begin := time.Now()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if _, code := p.wait(t); code != 0 {
		t.Errorf("%v: exit code %d after SIGTERM: %s", p.Args, code, &p.stderr)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("%v took %v to end", p.Args, took)
	}
}

// startRelay runs a relay on a free port until the test ends.
func startRelay(t *testing.T, args ...string) (relay *process, address, fingerprint string) {
	t.Helper()
	relay = start(t, "relay", append([]string{"-listen", "127.0.0.1:0"}, args...)...)
	ready := relay.line() + "\n" + relay.line()
	match := regexp.MustCompile(`^listening (127\.0\.0\.1:\d+)\ncertificate sha256 ([0-9a-f]{64})$`).FindStringSubmatch(ready)
	if match == nil {
		_, code := relay.wait(t)
		t.Fatalf("the relay says %q and ends with %d: %s", ready, code, &relay.stderr)
	}
	t.Cleanup(func() {
		if relay.ProcessState == nil {
			relay.stop(t)
		}
	})
	return relay, match[1], match[2]
}

// oneLine expects an exit code and a single line on standard error that has all the parts.
func (p *process) oneLine(t *testing.T, code int, parts ...string) {
	t.Helper()
	_, got := p.wait(t)
	text := p.stderr.String()
	if got != code {
		t.Errorf("%v: exit code %d, want %d", p.Args, got, code)
	}
	if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		t.Errorf("%v: want one line, got %q", p.Args, text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%v: %q is not in %q", p.Args, part, text)
		}
	}
}
