package examples

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var clockLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(group (\d+), frame (\d+)\)$`)

func TestClockThroughRelay(t *testing.T) {
	_, address, fingerprint := startRelay(t)
	for _, c := range []struct{ name, publish, subscribe, version string }{
		{"raw QUIC", "moqt://%s/quic", "moqt://%s/quic", "moq-lite-05"},
		{"moql scheme", "moql://%s/moql", "moql://%s/moql", "moq-lite-05"},
		{"WebTransport 05", "https://%s/wt05", "https://%s/wt05", "moq-lite-05"},
		{"WebTransport 04", "https://%s/wt04", "https://%s/wt04", "moq-lite-04"},
		{"WebTransport 03", "https://%s/wt03", "https://%s/wt03", "moq-lite-03"},
		{"both", "https://%s/both", "moqt://%s/both?token=1", "moq-lite-05"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			subscriber := start(t, "clock", "subscribe", fmt.Sprintf(c.subscribe, address), "-fingerprint", fingerprint, "-count", "2", "-versions", c.version)
			publisher := start(t, "clock", "publish", "-insecure", fmt.Sprintf(c.publish, address), "-versions="+c.version)
			out, code := subscriber.wait(t)
			if code != 0 || subscriber.stderr.Len() > 0 {
				t.Errorf("the subscriber ends with %d: %s", code, &subscriber.stderr)
			}
			if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 2 || !clockLine.MatchString(lines[0]) || !clockLine.MatchString(lines[1]) {
				t.Errorf("the subscriber prints %q", out)
			}
			publisher.stop(t)
		})
	}
}

func TestRawQUICWithoutAPathSpeaksEveryVersion(t *testing.T) {
	_, address, _ := startRelay(t)
	publisher := start(t, "clock", "publish", "-insecure", "moqt://"+address)
	for _, version := range []string{"moq-lite-01", "moq-lite-02", "moq-lite-03", "moq-lite-04", "moq-lite-05"} {
		subscriber := start(t, "clock", "subscribe", "-insecure", "moqt://"+address, "-count", "1", "-versions", version)
		if out, code := subscriber.wait(t); code != 0 || !clockLine.MatchString(strings.TrimSpace(out)) {
			t.Errorf("%s: exit code %d, %q, %s", version, code, out, &subscriber.stderr)
		}
	}
	publisher.stop(t)
}

func TestAPublisherThatIsDoneLeavesNobodyShort(t *testing.T) {
	_, address, _ := startRelay(t)
	publisher := start(t, "clock", "publish", "-insecure", "-count", "2", "https://"+address)
	subscribers := []*process{
		start(t, "clock", "subscribe", "-insecure", "https://"+address),
		start(t, "clock", "subscribe", "-insecure", "moqt://"+address),
	}
	for _, p := range subscribers {
		if out, code := p.wait(t); code != 0 || strings.Count(out, "\n") != 2 {
			t.Errorf("%v: exit code %d, %q, %s", p.Args, code, out, &p.stderr)
		}
	}
	if _, code := publisher.wait(t); code != 0 {
		t.Errorf("the publisher ends with %d: %s", code, &publisher.stderr)
	}
}

func TestClockStopsOnSIGTERM(t *testing.T) {
	_, address, _ := startRelay(t)
	publisher := start(t, "clock", "publish", "-insecure", "https://"+address)
	subscriber := start(t, "clock", "subscribe", "-insecure", "https://"+address)
	if line := subscriber.line(); !clockLine.MatchString(line) {
		t.Errorf("the subscriber prints %q", line)
	}
	subscriber.stop(t)
	publisher.stop(t)
}

func TestClockWithoutItsRelay(t *testing.T) {
	relay, address, _ := startRelay(t)
	publisher := start(t, "clock", "publish", "-insecure", "https://"+address)
	subscriber := start(t, "clock", "subscribe", "-insecure", "https://"+address)
	waiting := start(t, "clock", "subscribe", "-insecure", "https://"+address+"/empty")
	if line := subscriber.line(); !clockLine.MatchString(line) {
		t.Errorf("the subscriber prints %q", line)
	}
	relay.stop(t)
	publisher.oneLine(t, 1, "clock: ", address)
	subscriber.oneLine(t, 1, "clock: ")
	waiting.oneLine(t, 1, "clock: ", address)
}

func TestClockSaysWhatIsWrong(t *testing.T) {
	_, address, fingerprint := startRelay(t, "-versions", "moq-lite-04,moq-lite-03")
	url := "https://" + address
	for _, c := range []struct {
		code  int
		parts []string
		args  []string
	}{
		{2, []string{"-x", "clock -h"}, []string{"-x"}},
		{2, []string{"want publish URL or subscribe URL"}, nil},
		{2, []string{"want publish URL or subscribe URL"}, []string{"publish"}},
		{2, []string{"show"}, []string{"show", url}},
		{2, []string{"ftp://example.org", "moqt://"}, []string{"publish", "ftp://example.org"}},
		{2, []string{"wss://example.org", "moqt://"}, []string{"publish", "wss://example.org"}},
		{2, []string{"https:///room", "host"}, []string{"subscribe", "https:///room"}},
		{2, []string{"-count", "many"}, []string{"subscribe", url, "-count", "many"}},
		{2, []string{"-versions", "moq-lite-99"}, []string{"subscribe", url, "-versions", "moq-lite-99"}},
		{2, []string{"-fingerprint", "64 hex digits"}, []string{"subscribe", url, "-fingerprint", "abc"}},
		{1, []string{url, "certificate"}, []string{"subscribe", url}},
		{1, []string{address, fingerprint, strings.Repeat("0", 64)}, []string{"subscribe", url, "-fingerprint", strings.Repeat("0", 64)}},
		{1, []string{"version", "moq-lite-05"}, []string{"subscribe", url, "-insecure", "-versions", "moq-lite-05"}},
		{1, []string{"moq-lite-04", "/room"}, []string{"subscribe", "moqt://" + address + "/room", "-insecure", "-versions", "moq-lite-04"}},
		{1, []string{"moqt://127.0.0.1:1", "no answer"}, []string{"publish", "moqt://127.0.0.1:1", "-insecure"}},
		{1, []string{"nowhere.invalid"}, []string{"publish", "https://nowhere.invalid", "-insecure"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			start(t, "clock", c.args...).oneLine(t, c.code, append(c.parts, "clock: ")...)
		})
	}
}
