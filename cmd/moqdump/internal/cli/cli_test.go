package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files")

// demoFile is what "moqdump demo -for 200ms -o FILE" recorded, gzipped.
const demoFile = "testdata/demo.pcapng.gz"

// run runs the command without a terminal and without the environment of the test.
func run(t *testing.T, in io.Reader, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	c := &env{in: in, out: &o, err: &e, getenv: func(string) string { return "" }}
	code = c.main(t.Context(), args)
	return code, o.String(), e.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestDecodesARecordedDemo(t *testing.T) {
	code, out, errOut := run(t, nil, demoFile)
	if code != 0 || strings.Contains(out, "!") {
		t.Errorf("exit %d", code)
	}
	golden(t, "demo.txt", out)
	if want := "moqdump: testdata/demo.pcapng.gz: 144 packets, 160 QUIC packets decrypted, 4 sessions, 126 events\n"; errOut != want {
		t.Errorf("summary %q", errOut)
	}
}

func TestWritesJSON(t *testing.T) {
	code, out, _ := run(t, nil, "-o", "json", demoFile)
	if code != 0 {
		t.Fatalf("exit %d", code)
	}
	types := map[string]int{}
	for line := range strings.Lines(out) {
		var v struct {
			Type    string
			Session int
			Seconds float64
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.Session == 0 || v.Seconds < 0 {
			t.Fatalf("%v in %s", err, line)
		}
		types[v.Type]++
	}
	if diff := cmp.Diff(map[string]int{"session": 4, "event": 126}, types); diff != "" {
		t.Error(diff)
	}
}

// unzip gives the recorded demo as bytes.
func unzip(t *testing.T) []byte {
	t.Helper()
	f, err := os.Open(demoFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSessionsOfSeveralFilesAreNumberedOn(t *testing.T) {
	code, out, _ := run(t, nil, demoFile, demoFile)
	if code != 0 || strings.Count(out, demoFile+"\n") != 2 || !strings.Contains(out, "\n#8  127.0.0.1") || strings.Contains(out, "\n#9 ") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// blocks cuts a pcapng into its blocks.
func blocks(b []byte) (out [][]byte) {
	for len(b) > 0 {
		n := int(b[4]) | int(b[5])<<8 | int(b[6])<<16
		out = append(out, b[:n])
		b = b[n:]
	}
	return out
}

// split parts a capture from its secrets.
func split(t *testing.T) (capture, keys []byte) {
	t.Helper()
	for _, b := range blocks(unzip(t)) {
		if b[0] != 10 || b[1] != 0 {
			capture = append(capture, b...)
			continue
		}
		n := int(b[12]) | int(b[13])<<8
		keys = append(keys, b[16:16+n]...)
	}
	return capture, keys
}

func TestTakesKeysFromAFile(t *testing.T) {
	capture, keys := split(t)
	name, log := write(t, "bare.pcapng", capture), write(t, "keys.log", bytes.TrimRight(keys, "\n"))
	_, want, _ := run(t, nil, demoFile)
	for _, args := range [][]string{{"-k", log, name}, {"--keys=" + log, name}, {"-keys", log, name}} {
		if code, out, _ := run(t, nil, args...); code != 0 || out != want {
			t.Errorf("%q: exit %d, %d bytes of %d", args, code, len(out), len(want))
		}
	}
	var o, e bytes.Buffer
	c := &env{out: &o, err: &e, getenv: func(name string) string { return map[string]string{"SSLKEYLOGFILE": log}[name] }}
	if code := c.main(t.Context(), []string{name}); code != 0 || o.String() != want {
		t.Errorf("$SSLKEYLOGFILE: exit %d\n%s", code, e.String())
	}
}

func TestSaysWhatIsMissing(t *testing.T) {
	capture, keys := split(t)
	name := write(t, "bare.pcapng", capture)
	code, out, errOut := run(t, nil, name)
	if code != 0 || out != "" || strings.Count(errOut, "there are no secrets, neither in the capture nor in a key log (client random ") != 4 {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
	var some []byte // the secrets of three of the four connections
	first := bytes.Fields(keys)[1]
	for line := range bytes.Lines(keys) {
		if !bytes.Contains(line, first) {
			some = append(some, line...)
		}
	}
	_, out, errOut = run(t, nil, "-k", write(t, "some.log", some), name)
	if want := "not decoded: client random " + string(first) + " is not in the key log; 3 others are"; !strings.Contains(errOut, want) {
		t.Errorf("no %q in\n%s", want, errOut)
	}
	if strings.Count(out, " → 127.0.0.1:") != 3 {
		t.Errorf("the other sessions are not there:\n%s", out)
	}
}

func TestATruncatedCaptureIsDecodedAsFarAsItGoes(t *testing.T) {
	whole := unzip(t)
	_, want, _ := run(t, nil, demoFile)
	code, out, errOut := run(t, nil, write(t, "cut.pcapng", whole[:len(whole)/2+1]))
	if code != 0 || !strings.HasPrefix(want, out) || len(out) < 2000 {
		t.Errorf("exit %d, %d bytes", code, len(out))
	}
	if !strings.Contains(errOut, "the capture ends inside a record") {
		t.Errorf("not said:\n%s", errOut)
	}
}

func TestReadsAPipe(t *testing.T) {
	_, want, _ := run(t, nil, demoFile)
	code, out, errOut := run(t, bytes.NewReader(unzip(t)), "-")
	if code != 0 || out != want {
		t.Errorf("exit %d, %d bytes of %d\n%s", code, len(out), len(want), errOut)
	}
}

func TestPrintsWhileThePipeIsOpenAndEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	outR, outW := io.Pipe()
	var e bytes.Buffer
	c := &env{in: pr, out: outW, err: &e, getenv: func(string) string { return "" }}
	done := make(chan int)
	go func() {
		code := c.main(ctx, []string{"-"})
		_ = outW.Close()
		done <- code
	}()
	// A part of the capture is written, and the pipe stays open.
	go func() { _, _ = pw.Write(unzip(t)[:12_000]) }()
	buf := make([]byte, 10)
	if _, err := io.ReadFull(outR, buf); err != nil || !strings.HasPrefix(string(buf), "#1  127.") {
		t.Fatalf("%q %v", buf, err)
	}
	rest := make(chan string)
	go func() {
		b, _ := io.ReadAll(outR)
		rest <- string(b)
	}()
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("exit %d: %s", code, e.String())
	}
	<-rest
	_ = pr.Close() // lets the goroutine go that waits for more of the pipe
}

func TestEveryMistakeIsOneLine(t *testing.T) {
	dir := t.TempDir()
	text := write(t, "notes.txt", []byte("# not a capture\n"))
	empty := write(t, "empty.pcap", nil)
	none := filepath.Join(dir, "none.pcapng")
	cases := []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, `moqdump: which capture? name a file, or "-" for standard input; "moqdump --help" says more`},
		{[]string{"--frob", "x"}, 2, "moqdump: unknown flag: --frob"},
		{[]string{"-z", "x"}, 2, "moqdump: unknown shorthand flag: 'z' in -z"},
		{[]string{"-o", "xml", demoFile}, 2, `moqdump: unknown output format "xml": text or json`},
		{[]string{"-k"}, 2, "moqdump: flag needs an argument: 'k' in -k"},
		{[]string{"demo", "x"}, 2, `moqdump: demo takes no arguments, got "x"`},
		{[]string{"demo", "-for", "soon"}, 2, `moqdump: invalid argument "soon" for "--for" flag: time: invalid duration "soon"`},
		{[]string{"demo", "-for", "-1s"}, 2, "moqdump: -for -1s: want a duration above 0"},
		{[]string{"demo", "-o", dir + "/none/x"}, 1, "moqdump: open " + dir + "/none/x: no such file or directory"},
		{[]string{none}, 1, "moqdump: " + none + ": no such file or directory"},
		{[]string{dir}, 1, "moqdump: " + dir + ": is a directory"},
		{[]string{text}, 1, "moqdump: " + text + ": byte 0: not a pcap or pcapng capture: it starts with 23 20 6e 6f"},
		{[]string{empty}, 1, "moqdump: " + empty + ": byte 0: not a pcap or pcapng capture: it is empty"},
		{[]string{"-k", none, demoFile}, 1, "moqdump: open " + none + ": no such file or directory"},
		{[]string{"-k", dir, demoFile}, 1, "moqdump: open " + dir + ": is a directory"},
	}
	for _, tc := range cases {
		code, out, errOut := run(t, nil, tc.args...)
		if code != tc.code || out != "" || errOut != tc.want+"\n" {
			t.Errorf("%q: exit %d, out %q\n got %q\nwant %q", tc.args, code, out, errOut, tc.want)
		}
	}
	// One bad file does not stop the others.
	if code, out, errOut := run(t, nil, text, demoFile); code != 1 || !strings.Contains(out, "#4 ") || strings.Count(errOut, "\n") != 2 {
		t.Errorf("exit %d\n%s", code, errOut)
	}
}

// brokenPipe is the output of "moqdump FILE | head -1".
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestEndsWhenNobodyReads(t *testing.T) {
	var e bytes.Buffer
	c := &env{out: brokenPipe{}, err: &e, getenv: func(string) string { return "" }}
	if code := c.main(t.Context(), []string{demoFile}); code != 1 || e.String() != "moqdump: cannot write the output: io: read/write on closed pipe\n" {
		t.Errorf("exit %d: %q", code, e.String())
	}
}

func TestHelpGoesToStandardOutput(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"-help"}, {"demo", "--help"}} {
		if code, out, errOut := run(t, nil, args...); code != 0 || !strings.Contains(out, "Usage:") || errOut != "" {
			t.Errorf("%q: exit %d, %q", args, code, errOut)
		}
	}
}

// The whole demo, for a moment: relay, publisher, subscriber, capture, decoder.
func TestDemo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "demo.pcapng")
	code, out, errOut := run(t, nil, "demo", "-for", "200ms", "-o", file)
	if code != 0 || strings.Contains(out, "!") {
		t.Fatalf("exit %d\n%s\n%s", code, out, errOut)
	}
	for _, want := range []string{"QUIC v1  AES-128-GCM  moq-lite-05\n", "h3 WebTransport moq-lite-05  path /demo\n", "clock:time  group=0 frame=1 "} {
		if strings.Count(out, want) < 2 {
			t.Errorf("%q is not in the output twice:\n%s", want, out)
		}
	}
	for _, want := range []string{"moqdump: demo: 2 frames read over raw QUIC\n", "moqdump: demo: 2 frames read over WebTransport\n"} {
		if !strings.Contains(errOut, want) {
			t.Errorf("no %q in\n%s", want, errOut)
		}
	}
	code, again, errOut := run(t, nil, file)
	_, live, _ := strings.Cut(out, "\n") // below the line that introduces the demo
	if diff := cmp.Diff(strings.Split(live, "\n"), strings.Split(again, "\n")); diff != "" || code != 0 {
		t.Errorf("the kept capture reads differently: exit %d %s\n%s", code, errOut, diff)
	}
}

func TestDemoEndsEarly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var e bytes.Buffer
	out := &cancelOn{text: "GROUP", cancel: cancel}
	c := &env{out: out, err: &e, getenv: func(string) string { return "" }}
	if code := c.main(ctx, []string{"demo", "-for", "1h"}); code != 0 {
		t.Errorf("exit %d: %s", code, e.String())
	}
}

// cancelOn ends a context when a text is written.
type cancelOn struct {
	text   string
	cancel func()
}

func (c *cancelOn) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(c.text)) {
		c.cancel()
	}
	return len(p), nil
}

func TestAnEmptyCaptureIsNotLeftBehind(t *testing.T) {
	failed := errors.New("no relay")
	for content, left := range map[string]bool{"": false, "begun": true} {
		f, err := os.Create(filepath.Join(t.TempDir(), "demo.pcapng"))
		if err != nil {
			t.Fatal(err)
		}
		c := &env{err: io.Discard}
		err = c.keep(f, func() error {
			_, _ = f.WriteString(content)
			return failed
		})
		_, statErr := os.Stat(f.Name())
		if !errors.Is(err, failed) || left != (statErr == nil) {
			t.Errorf("%q: %v, %v", content, err, statErr)
		}
	}
}
