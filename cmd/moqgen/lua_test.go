package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// demoCapture is a recording of sessions; those over raw QUIC are what the dissector sees.
const demoCapture = "../moqdump/internal/cli/testdata/demo.pcapng.gz"

// shown is a message as tshark or moqdump shows it.
type shown struct {
	session int
	stream  string
	name    string
	fields  map[string][]string // by name; a value may have a second form: "1 (Active)"
	track   string
}

// TestDissectorAgreesWithMoqdump decodes captures with tshark and the generated dissector, and
// with moqdump and the generated codecs: the same messages in the same order on each stream,
// with the same values.
func TestDissectorAgreesWithMoqdump(t *testing.T) {
	script := writeDissector(t, "")
	captures := []string{unzip(t, demoCapture)}
	if dir := os.Getenv("MOQRX_CAPTURES"); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.pcap*"))
		if err != nil {
			t.Fatal(err)
		}
		captures = append(captures, more...)
	}
	moqdump := buildMoqdump(t)
	for i, capture := range captures {
		t.Run(filepath.Base(capture), func(t *testing.T) {
			var keys []string
			if file := strings.TrimSuffix(capture, filepath.Ext(capture)) + ".keys"; exists(file) {
				keys = []string{file}
			}
			got := byStream(tshark(t, script, capture, keys))
			want := byStream(dumped(t, moqdump, capture, keys))
			if i == 0 && len(got) == 0 {
				t.Fatal("the dissector shows nothing")
			}
			messages := 0
			for stream, list := range want {
				compareStream(t, stream, got[stream], list)
				messages += len(list)
			}
			t.Logf("%d messages on %d streams compared; the dissector shows %d streams", messages, len(want), len(got))
		})
	}
}

// A second pass over a capture, as the windows of Wireshark do, shows what the first showed.
func TestDissectorReadsTheSameTwice(t *testing.T) {
	script, capture := writeDissector(t, ""), unzip(t, demoCapture)
	once := runTshark(t, "-X", "lua_script:"+script, "-r", capture, "-Y", "moq", "-V", "-O", "moq")
	twice := runTshark(t, "-2", "-X", "lua_script:"+script, "-r", capture, "-Y", "moq", "-V", "-O", "moq")
	if !bytes.Contains(once, []byte("Message: SUBSCRIBE")) {
		t.Error("the dissector shows nothing")
	}
	if !bytes.Equal(once, twice) {
		t.Error("two passes show something else than one")
	}
}

func TestDissectorIsDeterministic(t *testing.T) {
	t.Chdir("../..")
	var first, second, errs bytes.Buffer
	if run([]string{"lua"}, &first, &errs) != 0 || run([]string{"lua"}, &second, &errs) != 0 {
		t.Fatal(&errs)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("a second run gives another dissector")
	}
}

func compareStream(t *testing.T, stream string, got, want []shown) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d messages, moqdump has %d", stream, len(got), len(want))
		return
	}
	for i := range want {
		if got[i].name != want[i].name {
			t.Errorf("%s: message %d is %s, moqdump has %s", stream, i, got[i].name, want[i].name)
			return
		}
		for _, d := range differences(got[i], want[i]) {
			t.Errorf("%s: %s: %s", stream, got[i].name, d)
		}
	}
}

// differences compares the fields. moqdump leaves out zeros, shows the track of a stream in a
// column of its own, and sums up the frames of a group.
func differences(got, want shown) []string {
	var out []string
	known := func(key string) bool { return want.fields[key] != nil }
	if want.name == "FRAME" {
		want.fields = map[string][]string{"payload_length": want.fields["bytes"]}
		known = func(key string) bool { return true }
	}
	for key, values := range want.fields {
		if len(values) == 0 && len(got.fields[key]) == 0 {
			continue
		}
		if !slices.EqualFunc(got.fields[key], values, sameValue) {
			out = append(out, fmt.Sprintf("%s is %q, moqdump has %q", key, got.fields[key], values))
		}
	}
	for key, values := range got.fields {
		column := (key == "broadcast" || key == "track") && want.track != ""
		if !known(key) && !column && strings.Trim(strings.Join(values, ""), "0") != "" {
			out = append(out, fmt.Sprintf("%s is %q, moqdump has no such field", key, values))
		}
	}
	if b := got.fields["broadcast"]; b != nil && want.track != "" && want.track != b[0]+":"+got.fields["track"][0] {
		out = append(out, fmt.Sprintf("the track is %s, moqdump has %s", b[0]+":"+got.fields["track"][0], want.track))
	}
	return out
}

func sameValue(got, want string) bool {
	plain, name, _ := strings.Cut(got, " (")
	return plain == want || got == want || strings.TrimSuffix(name, ")") == want
}

func byStream(list []shown) map[string][]shown {
	out := map[string][]shown{}
	for _, m := range list {
		key := fmt.Sprintf("session %d %s", m.session, m.stream)
		out[key] = append(out[key], m)
	}
	return out
}

func buildMoqdump(t *testing.T) string {
	t.Helper()
	moqdump := filepath.Join(t.TempDir(), "moqdump")
	if out, err := exec.Command("go", "build", "-o", moqdump, "../moqdump").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return moqdump
}

// notMessages are what moqdump shows of QUIC itself.
var notMessages = []string{"FIN", "RESET", "STOP_SENDING", "CONNECTION_CLOSE", "STREAM", "DATAGRAM"}

// dumped reads the messages of the raw QUIC sessions of a capture with moqdump.
func dumped(t *testing.T, moqdump, capture string, keys []string) []shown {
	t.Helper()
	args := []string{"-o", "json", capture}
	for _, k := range keys {
		args = append(args, "-k", k)
	}
	out, err := exec.Command(moqdump, args...).Output()
	if err != nil {
		t.Fatalf("moqdump %s: %v", capture, err)
	}
	var all []shown
	web := map[int]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var e struct {
			Type, Stream, From, Name, Track string
			Session                         int
			WebTransport                    bool
			Fields                          map[string]any
		}
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.UseNumber()
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.Type == "session" {
			web[e.Session] = e.WebTransport
		}
		if e.Type != "event" || web[e.Session] || slices.Contains(notMessages, e.Name) {
			continue
		}
		m := shown{session: e.Session, name: e.Name, track: e.Track, fields: map[string][]string{}}
		var kind string
		var id uint64
		if _, err := fmt.Sscan(e.Stream, &kind, &id); err != nil {
			t.Fatal(err)
		}
		opener := 0
		if (id%2 == 0) == (e.From == "client") {
			opener = 1
		}
		m.stream = fmt.Sprintf("stream %d opener %d", id, opener)
		for key, value := range e.Fields {
			m.fields[key] = values(value)
		}
		all = append(all, m)
	}
	return all
}

// values is a value of JSON as the dissector shows it.
func values(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case bool:
		if v {
			return []string{"1"}
		}
		return []string{"0"}
	case []any:
		var out []string
		for _, one := range v {
			out = append(out, values(one)...)
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}
